"""A file classified by several engines at once: each keeps its parts, which are joined in order when all are done."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .. import paths
from ..cores import cores
from ..engine.client import Engine
from ..engine.protocol import AskClassifyFile, AskClassifyParts, FileAnswer, PartsAnswer, ProgressLine
from ..errors import UserError
from ..runs import neighbours
from ..runs.folder import RunFolder
from ..runs.ranks import threads_each
from .output import Output
from .progress import Progress
from .units import count


def classify(ask: AskClassifyFile, run: RunFolder, processes: int, output: Output) -> FileAnswer:
    """Classify a file with several processes; parts that an interrupted call has left beside the target are kept. Raises UserError."""
    most, units = _most()
    if processes > most:
        raise UserError(f"{processes:,} processes are more than the {most} {units} here, and slower. Give --processes {most} or fewer")
    target = Path(ask.target)
    folder = target.with_name(f".{target.name}.{_identity(run)}.parts")
    paths.make_private(folder)
    ask = msgspec.structs.replace(ask, parts=str(folder))
    with Progress(output.stderr) as progress:
        progress.update("classify", 0, None, "rows")
        try:
            kept, answer = asyncio.run(_classify(ask, processes, progress))
        except (UserError, KeyboardInterrupt):
            with contextlib.suppress(OSError):
                folder.rmdir()  # where nothing is done yet
            if folder.is_dir():
                output.say("what is done is kept: the same command goes on from there")
            raise
    if kept:
        output.say(f"{count(kept, 'row')} of them were done before")
    for each in _left_behind(target):
        shutil.rmtree(each, ignore_errors=True)
    return answer


def _most() -> tuple[int, str]:
    """Return how many processes have a unit of their own here, and the word for the unit: a card each where there are any, else a core."""
    cards = len(neighbours.read().cards)
    return (cards, "GPUs" if cards > 1 else "GPU") if cards else (cores(), "cores" if cores() > 1 else "core")


async def _classify(ask: AskClassifyFile, processes: int, progress: Progress) -> tuple[int, FileAnswer]:
    """Return how many rows were done before, and the answer."""
    done = [0] * processes

    def report(index: int, line: ProgressLine) -> None:
        done[index] = line.done
        progress.update(line.phase, sum(done), line.total, line.unit)

    async with contextlib.AsyncExitStack() as stack:
        variables = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(threads_each(processes))}
        engines = [await stack.enter_async_context(Engine(variables=variables)) for _ in range(processes)]
        answers: list[PartsAnswer] = await asyncio.gather(
            *(
                engine.ask(AskClassifyParts(file=ask, index=index, of=processes), lambda line, index=index: report(index, line))
                for index, engine in enumerate(engines)
            )
        )
        return sum(each.kept for each in answers), await engines[0].ask(ask, progress.engine)


def _identity(run: RunFolder) -> str:
    """Return what names a run and the state of its model: parts of another model are not to be kept."""
    state = hashlib.sha256(str(run.path).encode("utf-8", "surrogateescape"))
    for path in sorted(run.model.glob("*")):
        status = path.stat()
        state.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return f"{run.id}-{state.hexdigest()[:12]}"


def _left_behind(target: Path) -> Iterator[Path]:
    """Yield the folders of parts beside a target, those of other models too."""
    pattern = f".{glob.escape(target.name)}.*.parts"
    return (each for each in target.parent.glob(pattern) if each.is_dir() and not each.is_symlink())

"""A file classified by one engine or several at once: what is done is kept beside the target until all of it is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .. import paths, writing
from ..engine.client import Engine
from ..errors import UserError
from ..questions import AskClassifyFile, AskClassifyParts, FileAnswer, PartsAnswer, ProgressLine
from ..runs import neighbours, rungs
from ..runs.folder import RunFolder
from ..runs.ranks import threads_each
from ..units import count
from .output import Output
from .progress import Progress


def classify(ask: AskClassifyFile, run: RunFolder, processes: int, output: Output) -> FileAnswer:
    """Classify a file; what an interrupted call of the same command has left beside the target is kept. Raises UserError."""
    neighbours.check_processes(processes)
    target = Path(ask.target)
    folder = target.with_name(f"{_prefix(target)}{_identity(run, ask.rung)}.parts")
    if folder.is_symlink():
        raise UserError(f"{folder} is a link, and what is done is not kept there", "Remove it, or give --out another name")
    paths.make_private(folder)
    ask = msgspec.structs.replace(ask, parts=str(folder))
    with Progress(output.stderr) as progress:
        progress.update("classify", 0, None, "rows")
        try:
            kept, answer = asyncio.run(_classify(ask, processes, progress))
        except (UserError, KeyboardInterrupt, SystemExit):
            with contextlib.suppress(OSError):
                folder.rmdir()  # where nothing is done yet
            if folder.is_dir():
                output.message("what is done is kept: the same command goes on from there")
            raise
        finally:
            writing.sweep(target.parent)
    if kept:
        output.message(f"{count(kept, 'row')} of them were done before")
    for each in _left_behind(target):
        shutil.rmtree(each, ignore_errors=True)
    return answer


async def _classify(ask: AskClassifyFile, processes: int, progress: Progress) -> tuple[int, FileAnswer]:
    """Return how many rows were done before, and the answer."""
    done = [0] * processes

    def report(index: int, line: ProgressLine) -> None:
        done[index] = line.done
        progress.update(line.phase, sum(done), line.total, line.unit)

    async with contextlib.AsyncExitStack() as stack:
        variables = {"OMP_NUM_THREADS": str(threads_each(processes))} if processes > 1 and "OMP_NUM_THREADS" not in os.environ else {}
        engines = [await stack.enter_async_context(Engine(variables=variables)) for _ in range(processes)]
        if processes == 1:
            answer: FileAnswer = await engines[0].ask(ask, progress.engine)
            return answer.kept, answer
        answers: list[PartsAnswer] = await asyncio.gather(
            *(
                engine.ask(AskClassifyParts(file=ask, index=index, of=processes), lambda line, index=index: report(index, line))
                for index, engine in enumerate(engines)
            )
        )
        return sum(each.kept for each in answers), await engines[0].ask(ask, progress.engine)


def _prefix(target: Path) -> str:
    """Return how the names of the folders of a target begin: short, however long the target's own name is."""
    return f".emotui-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}-"


def _identity(run: RunFolder, rung: str) -> str:
    """Return what names a run and the state of its model: parts of another model are not to be kept."""
    state = hashlib.sha256(os.fsencode(f"{run.path} {rung}"))
    for path in sorted(rungs.folder_of(run, rung).glob("*")):
        status = path.stat()
        state.update(os.fsencode(f"{path.name} {status.st_size} {status.st_mtime_ns}\n"))
    return state.hexdigest()[:16]


def _left_behind(target: Path) -> Iterator[Path]:
    """Yield the folders of parts beside a target, those of other models too."""
    return (each for each in target.parent.glob(f"{_prefix(target)}*.parts") if each.is_dir() and not each.is_symlink())

"""Classifies a file with one or several engines at once; finished parts are stored beside the target until all are done."""

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
    """Classify a file, reusing parts that an interrupted call of the same command left beside the target. Raises UserError."""
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
                folder.rmdir()  # still empty if nothing is done yet
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
    """Return the number of rows that were already done, and the answer."""
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
    """Return the prefix of the names of a target's part folders; it is short even if the target's own name is long."""
    return f".emotui-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}-"


def _identity(run: RunFolder, rung: str) -> str:
    """Return a string that identifies a run and the state of its model, so that parts of another model are not reused."""
    state = hashlib.sha256(os.fsencode(f"{run.path} {rung}"))
    for path in sorted(rungs.folder_of(run, rung).glob("*")):
        status = path.stat()
        state.update(os.fsencode(f"{path.name} {status.st_size} {status.st_mtime_ns}\n"))
    return state.hexdigest()[:16]


def _left_behind(target: Path) -> Iterator[Path]:
    """Yield the part folders beside a target, including those of other models."""
    return (each for each in target.parent.glob(f"{_prefix(target)}*.parts") if each.is_dir() and not each.is_symlink())

"""Says who is on the card that a run will take, and lets the user choose another one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from ..safe_text import safe_line
from ..specs import Job
from ..units import size
from .output import Output

if TYPE_CHECKING:
    from ..runs.neighbours import Neighbour, Reading


def settle(job: Job, output: Output) -> Job:
    """Return the job, on another card where the user chose one.

    Who sits at a terminal and left the choice to emotui is asked where there is another card; everybody else is told.
    """
    from ..runs import neighbours

    reading = neighbours.read() if job.device != "cpu" else neighbours.Reading()
    said = crowd(reading, job.device)
    if not said:
        return job
    others = [card.device for card in reading.cards if card.device != reading.card(job.device)]
    is_asked = job.device in ("auto", "cuda") and others and sys.stdin.isatty() and output.stderr.isatty()
    if not is_asked:
        output.say(f"{said}. Choose another with --device" + (f", such as {others[0]}" if others else " cpu") + "; this run goes on")
        return job
    output.say(said)
    while True:
        output.stderr.write(f"enter goes on, or type another card ({', '.join(others)}), ctrl+C leaves: ")
        output.stderr.flush()
        answer = sys.stdin.readline()
        chosen = next((each for each in others if answer.strip() in (each, each.removeprefix("cuda:"))), None)
        if chosen is not None:
            return msgspec.structs.replace(job, device=chosen)
        if not answer.strip():
            return job


def crowd(reading: Reading, device: str) -> str:
    """Return a sentence that names who is on the card of a run on `device`, without a full stop; '' where nobody is."""
    here = reading.on(device)
    if not here:
        return ""
    place = reading.card(device)
    card = next((each for each in reading.cards if each.device == place), None)
    detail = f" ({safe_line(card.name)}, {size(card.free)} of {size(card.total)} free)" if card is not None else ""
    return f"{place}{detail} is in use: {', '.join(_words(each) for each in here)}"


def _words(neighbour: Neighbour) -> str:
    if neighbour.run:
        words = f"run {neighbour.run}"
    else:
        words = f"process {neighbour.pid}" + (f" ({safe_line(neighbour.program)})" if neighbour.program else "")
    words += f" of {safe_line(neighbour.owner)}" if neighbour.owner else ""
    return words + (f" with {size(neighbour.memory)}" if neighbour.memory is not None else "")

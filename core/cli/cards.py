"""Says who else uses the GPU that a run will use, and lets the user choose another one."""

from __future__ import annotations

import sys

import msgspec

from ..specs import Job
from .output import Output


def choose_gpu(job: Job, output: Output) -> Job:
    """Return the job, with another GPU as its device if the user chose one.

    The user is asked only in a terminal, if no device was named and there is another GPU; otherwise the message is printed.
    """
    from ..runs import neighbours

    reading = neighbours.read() if job.device != "cpu" else neighbours.Reading()
    users = neighbours.describe_gpu_users(reading, job.device)
    if not users:
        return job
    others = [card.device for card in reading.cards if card.device != reading.card(job.device)]
    is_asked = job.device in ("auto", "cuda") and others and sys.stdin.isatty() and output.stderr.isatty()
    if not is_asked:
        output.message(f"{users}. Choose another with --device" + (f", such as {others[0]}" if others else " cpu") + "; this run goes on")
        return job
    output.message(users)
    while True:
        output.stderr.write(f"Enter continues, or type another card ({', '.join(others)}), Ctrl+C quits: ")
        output.stderr.flush()
        answer = sys.stdin.readline()
        chosen = next((each for each in others if answer.strip() in (each, each.removeprefix("cuda:"))), None)
        if chosen is not None:
            return msgspec.structs.replace(job, device=chosen)
        if not answer.strip():
            return job

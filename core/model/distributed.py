"""Connects the processes of a distributed training, shares data among them and checks that they agree."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
import torch
import torch.distributed as dist
from accelerate import Accelerator

from ..errors import UserError
from ..events import Event, Note
from ..runs import ranks
from ..sentences import Setting, Words, phrase

RENDEZVOUS_TIMEOUT = 1_800.0
"""Seconds to wait for the other machines to connect."""
CONNECTING = timedelta(seconds=20)
WAITING = timedelta(hours=1)
"""Time-out of collective operations: the others wait while the first process evaluates."""
POLL_SECONDS = 0.1
"""Seconds between checks of which processes have connected."""


def join(device: torch.device, emit: Callable[[Event], None], should_stop: Callable[[], bool]) -> bool:
    """Connect to the other processes of the run, if the environment set by `ranks` names any; return False if asked to stop meanwhile.

    Raises UserError if they do not connect in time, or were started for another number of processes.
    """
    if ranks.NODES not in os.environ:
        return True
    rank, world, nodes = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", ranks.NODES))
    deadline = time.monotonic() + RENDEZVOUS_TIMEOUT
    store = _connect(rank, deadline, should_stop)
    if store is None:
        return False
    shape = f"{nodes} {world // nodes}"
    if rank == 0:
        store.set("shape", shape)
    elif (first := store.get("shape").decode()) != shape:
        problem = phrase("the first machine was started with ", _shape(first), ", and this one with ", _shape(shape))
        raise UserError(problem, "Start all with the same")
    store.set(f"here/{rank}", "")
    is_reported = False
    while missing := [each for each in range(world) if not store.check([f"here/{each}"])]:
        if should_stop():
            return False
        machines = sorted({each * nodes // world for each in missing})
        if time.monotonic() > deadline:
            raise UserError(f"machine {_listed(machines)} of {nodes} did not connect within {RENDEZVOUS_TIMEOUT / 60:g} min", exit_code=1)
        if nodes > 1 and not is_reported:
            is_reported = True
            emit(Note("info", f"waiting for machine {_listed(machines)} of {nodes} at {os.environ['MASTER_ADDR']}, port {_port()}"))
        time.sleep(POLL_SECONDS)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=WAITING)
    return True


def _shape(text: str) -> Words:
    """Return the settings that a machine was started with, from 'NODES PROCESSES'."""
    nodes, _, processes = text.partition(" ")
    return phrase(Setting("nodes", nodes), " ", Setting("processes", processes))


def _connect(rank: int, deadline: float, should_stop: Callable[[], bool]) -> Any:
    """Return the key-value store by which the processes find each other; None if asked to stop before it was reachable."""
    from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

    address = os.environ["MASTER_ADDR"]
    if rank == 0:
        listening = int(os.environ.pop(ranks.LISTENING))
        return TCPStore(address, _port(), None, True, WAITING, wait_for_workers=False, master_listen_fd=listening)
    while not should_stop():
        try:
            store = TCPStore(address, _port(), None, False, CONNECTING, wait_for_workers=False)
        except RuntimeError as error:
            if time.monotonic() > deadline:
                raise UserError(
                    f"there is no answer at {address}, port {_port()}", "Is the run on the first machine started?", exit_code=1
                ) from error
            time.sleep(POLL_SECONDS)
            continue
        store.set_timeout(WAITING)
        return store
    return None


def _port() -> int:
    return int(os.environ["MASTER_PORT"])


def _listed(machines: list[int]) -> str:
    return ", ".join(map(str, machines))


def is_lost_peer(error: BaseException) -> bool:
    """Whether an exception shows that another process, not this one, has ended."""
    text = str(error)
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and any(sign in text for sign in ("gloo", "NCCL", "Connection closed by peer"))
    )


def share(accelerator: Accelerator, content: bytes) -> bytes:
    """Return the first process's `content` in every process; all processes must call it."""
    if accelerator.num_processes == 1:
        return content
    where = accelerator.device
    size = torch.tensor([len(content)], device=where)
    dist.broadcast(size, 0)
    data = torch.zeros(int(size), dtype=torch.uint8, device=where)
    if not len(data):
        return b""
    if accelerator.is_main_process:
        data = torch.frombuffer(bytearray(content), dtype=torch.uint8).to(where)
    dist.broadcast(data, 0)
    return data.cpu().numpy().tobytes()


def check_same(accelerator: Accelerator, facts: Mapping[str, str]) -> None:
    """Raise the same UserError in all processes unless each of `facts`, by its name for people, is equal on all machines."""
    if accelerator.num_processes == 1:
        return
    first = msgspec.json.decode(share(accelerator, msgspec.json.encode(facts)), type=dict[str, str])
    differs = torch.tensor([[int(first.get(name) != value) for name, value in facts.items()]], device=accelerator.device)
    everywhere: Any = accelerator.gather(differs)
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    for rank, row in enumerate(everywhere.tolist()):
        names = [name for name, other in zip(facts, row, strict=True) if other]
        if names:
            raise UserError(
                f"{', '.join(names)} on machine {rank // local} and on machine 0 differ", "Make them equal and start all machines again"
            )

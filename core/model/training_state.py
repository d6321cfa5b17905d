"""What a training needs besides its weights to resume: the state of the optimizer, and that of every process's random generators.

Only the first process reads and writes files, so that other machines need no shared folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator

from .distributed import share


def save(folder: Path, optimizer: torch.optim.Optimizer, accelerator: Accelerator, where: torch.device) -> None:
    """Write optimizer.pt and random-RANK.pt of every process into `folder`; all processes must call it."""
    mine = _random_state(where)
    states = {name: _gathered(state, accelerator) for name, state in mine.items()}
    if accelerator.is_main_process:
        torch.save(optimizer.state_dict(), folder / "optimizer.pt")
        for rank in range(accelerator.num_processes):
            torch.save({name: rows[rank].clone() for name, rows in states.items()}, folder / f"random-{rank}.pt")


def restore(folder: Path | None, optimizer: torch.optim.Optimizer, accelerator: Accelerator, where: torch.device) -> None:
    """Restore what `save` wrote; all processes must call it, and only the first needs the folder.

    A process that did not exist at that time keeps its own random state.
    """
    first = accelerator.is_main_process
    if first and folder is not None:
        optimizer.load_state_dict(torch.load(folder / "optimizer.pt", map_location=where, weights_only=True))
    if accelerator.num_processes > 1:
        if not first:
            optimizer.load_state_dict(_empty(optimizer))
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                for name in ("step", "exp_avg", "exp_avg_sq"):
                    state = optimizer.state[parameter][name].to(where)
                    dist.broadcast(state, 0)
                    optimizer.state[parameter][name].copy_(state)
    _restore_random(folder, accelerator, where)


def _empty(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the state of AdamW before its first step, to be filled in."""
    content = optimizer.state_dict()
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    content["state"] = {
        index: {"step": torch.zeros(()), "exp_avg": torch.zeros_like(each), "exp_avg_sq": torch.zeros_like(each)}
        for index, each in enumerate(parameters)
    }
    return content


def _restore_random(folder: Path | None, accelerator: Accelerator, where: torch.device) -> None:
    rank, world = accelerator.process_index, accelerator.num_processes
    states: list[dict[str, torch.Tensor]] = []
    if accelerator.is_main_process and folder is not None:
        files = [folder / f"random-{each}.pt" for each in range(world)]
        if all(file.is_file() for file in files):
            states = [torch.load(file, weights_only=True) for file in files]
    if share(accelerator, b"1" if states else b"0") != b"1":
        return
    for name, mine in _random_state(where).items():
        rows = torch.stack([state.get(name, mine) for state in states]) if states else torch.zeros((world, *mine.shape), dtype=mine.dtype)
        if world > 1:
            rows = rows.to(accelerator.device)
            dist.broadcast(rows, 0)
        row = rows[rank].cpu().clone()  # torch 2.13 crashes if it is given a view
        if name == "cpu":
            torch.set_rng_state(row)
        else:
            torch.cuda.set_rng_state(row, where)


def _gathered(state: torch.Tensor, accelerator: Accelerator) -> torch.Tensor:
    """Return the states of all processes, shape [processes, bytes]."""
    if accelerator.num_processes == 1:
        return state[None]
    rows: Any = accelerator.gather(state[None].to(accelerator.device))
    return rows.cpu()


def _random_state(where: torch.device) -> dict[str, torch.Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if where.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(where)
    return state

"""emotui cache: lists the cache of hidden states, or empties it."""

from __future__ import annotations

import argparse
import time
from typing import Any

from .. import config
from ..safe_text import safe_line
from ..units import age, count, size
from . import options, render
from .output import Output


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "cache",
        run_cache,
        description="Show the hidden states that are kept so that no text goes through the same encoder twice: of which model and data "
        "set, how large they are and when they were used. All runs share them. Where they grow beyond cache_mib in config.toml, "
        f"{config.CACHE:,} MiB if that is not set, those unused for longest are removed.",
        examples=["emotui cache", "emotui cache --clear"],
    )
    parser.add_argument("--clear", action="store_true", help="remove all of them; they are computed again when they are needed")


def run_cache(arguments: argparse.Namespace, output: Output) -> int:
    """List the cache of hidden states, or empty it."""
    from ..model import state_cache

    if arguments.clear:
        removed, freed = state_cache.clear()
        if arguments.json:
            output.json({"removed": removed, "freed": freed})
        else:
            output.line(f"removed {count(removed, 'array')} of hidden states, {size(freed)}")
        return 0
    found, limit = state_cache.entries(), state_cache.limit()
    taken = sum(each.size for each in found)
    if arguments.json:
        output.json({"entries": found, "size": taken, "limit": limit, "folder": str(state_cache.folder())})
        return 0
    if found:
        output.lines(cache_table(found, time.time()))
    output.message(f"{count(len(found), 'array')} of hidden states, {size(taken)} of at most {size(limit)}, in {state_cache.folder()}")
    return 0


def cache_table(entries: Any, now: float) -> list[str]:
    """Return one line per array of the cache, the most recently used first; `now` in seconds since the epoch."""
    rows = [["model", "data", "features", "rows", "width", "size", "used"]]
    for each in entries:
        shape = ["damaged", ""] if each.rows is None else [f"{each.rows:,}", f"{each.width:,}"]
        rows.append([each.model or "-", each.data or "-", each.features or "-", *shape, size(each.size), age(max(0.0, now - each.used))])
    return render.table([[safe_line(cell, 60) for cell in row] for row in rows], "lllrrrr")

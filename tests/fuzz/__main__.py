"""make fuzz: tries hostile files on every reader for a while, each in a process of its own, and tells what broke a promise.

python -m tests.fuzz [--seconds 600] [--reader NAME] [--seed N] [--keep]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]

from campaign import campaign  # noqa: E402 - the folders of the tests are no packages
from readers import READERS  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="for all readers together (default: 600)")
    parser.add_argument("--reader", action="append", choices=list(READERS), help="this one only; may be given several times")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()) % 1_000_000 * 1_000_000, help="of the first try (default: by the clock)"
    )
    parser.add_argument("--keep", action="store_true", help="put what broke a promise into the corpus, where it is tried for ever")
    arguments = parser.parse_args()
    names = arguments.reader or list(READERS)
    tries, broken = 0, 0
    for outcome in campaign(names, seconds=arguments.seconds, seed=arguments.seed):
        tries += outcome.tries
        broken += len(outcome.broken)
        print(f"{outcome.name:<28} {outcome.tries:>7,} tries  {len(outcome.broken):>3} broken", flush=True)
        for seed, words, content in outcome.broken:
            print(f"    seed {seed}: {words[:600]}\n      {content[:160]!r}", flush=True)
            if arguments.keep:
                folder = HERE / "corpus" / outcome.name.replace(" ", "-")
                folder.mkdir(parents=True, exist_ok=True)
                (folder / str(seed)).write_bytes(content)
    print(f"{tries:,} tries on {len(names)} readers, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

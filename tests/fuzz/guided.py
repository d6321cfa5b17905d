"""make fuzz-guided: hostile files for one reader, led by what of the program they reach. Needs atheris.

python -m tests.fuzz.guided NAME [--seconds 600]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["emotui.core"]):  # pyright: ignore[reportAttributeAccessIssue] - not installed by default
        from mutation import mutate
        from readers import READERS
        from trial import attempt

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("reader", choices=list(READERS))
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()
    reader = READERS[arguments.reader]

    def change(content: bytes, most: int, seed: int) -> bytes:
        return mutate(random.Random(seed), content, reader.kind)[:most]

    with tempfile.TemporaryDirectory() as seeds:
        for number, example in enumerate(reader.examples()):
            (Path(seeds) / str(number)).write_bytes(example)
        flags = [
            f"-max_total_time={arguments.seconds}",
            "-max_len=1000000",
            "-timeout=60",
            "-rss_limit_mb=4096",
            f"-artifact_prefix={tempfile.gettempdir()}/emotui-",
        ]
        atheris.Setup([sys.argv[0], seeds, *flags], lambda content: attempt(arguments.reader, content), custom_mutator=change)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

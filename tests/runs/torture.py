"""`make torture`: accidents of every kind at random moments of real runs, and what was left of the runs.

Each run has the tests' own small job (fake_worker.py) under the real supervisor, worker process and launcher. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from emotui.core.errors import UserError
from emotui.core.runs import checkpoints, folder, launch, log, state
from emotui.core.runs.folder import RunFolder

from .conftest import ENDED, Runs, processes_of
from .fake_worker import loss_of, states

STEPS = 40
NAMESPACE = ("unshare", "-Urmpf", "--mount-proc", "--kill-child")
"""A world with file systems and process numbers of its own; what is left in it ends with it."""


@dataclass
class Trial:
    """One run and one accident."""

    runs: Runs
    home: Path
    chance: random.Random
    plan: dict[str, Any] = field(default_factory=lambda: {"steps": STEPS, "every": 5, "children": 1})
    run: RunFolder | None = None
    complaints: list[str] = field(default_factory=list)

    def begin(self, **more: Any) -> RunFolder:
        self.run = self.runs.start(**{**self.plan, **more})
        return self.run

    def wait_a_while(self) -> None:
        time.sleep(self.chance.uniform(0.0, 1.6))

    def kill(self, *who: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to the run's 'supervisor', 'worker' or 'child', as far as there is one at this moment."""
        assert self.run is not None
        processes = self.run.read_processes()
        for each in who:
            value = processes.get("worker" if each == "child" else each)
            if not value:
                continue
            try:
                process = psutil.Process(value["pid"])
                victims = process.children() if each == "child" else [process]
                for victim in victims:
                    victim.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    def end(self) -> state.RunView:
        """Wait until the run is not going on any more."""
        assert self.run is not None
        deadline = time.monotonic() + 60
        while (view := self.runs.view(self.run)).state not in ENDED:
            if time.monotonic() > deadline:
                self.complaints.append(f"still {view.state} after 60 s")
                return view
            time.sleep(0.02)
        return view

    def resume(self) -> None:
        assert self.run is not None
        self.runs.resume(self.run)


Accident = Callable[[Trial], None]


def signals(*who: str, number: int = signal.SIGKILL) -> Accident:
    def accident(trial: Trial) -> None:
        trial.begin()
        trial.wait_a_while()
        trial.kill(*who, number=number)

    return accident


STARTER = """
import fcntl, json, os, signal, sys, termios, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from emotui.core.runs import launch, state
from emotui.core.specs import DataSpec, TrainSpec
run = launch.start(TrainSpec(DataSpec("starter"), sys.argv[1]), data_hash="", labels=("a", "b"), supervisor=json.loads(sys.argv[2]))
with open(sys.argv[3] + ".aside", "w") as told:
    told.write(str(run.path))
os.rename(sys.argv[3] + ".aside", sys.argv[3])
reader = state.RunReader(run)
while True:
    reader.poll()
    time.sleep(0.05)
"""


def screen(end: Callable[[subprocess.Popen[bytes], int], None]) -> Accident:
    """A process in a terminal of its own starts the run and watches it; then it ends by `end`."""

    def accident(trial: Trial) -> None:
        import json

        from .conftest import SUPERVISOR

        told = trial.runs.plans / "told"
        master, slave = os.openpty()
        command = [sys.executable, "-c", STARTER, trial.runs.job(**trial.plan).model, json.dumps(SUPERVISOR), str(told)]
        starter = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        while not told.exists():
            time.sleep(0.02)
        trial.run = RunFolder(Path(told.read_text()))
        trial.runs.made.append(trial.run)
        trial.wait_a_while()
        end(starter, master)
        starter.wait(20)
        try:
            os.close(master)
        except OSError:
            return

    return accident


def cut_the_log(trial: Trial) -> None:
    run = trial.begin()
    trial.wait_a_while()
    trial.kill("child", "supervisor", "worker")
    trial.end()
    _wait_for_processes(run)
    with run.events_file.open("ab") as file:
        file.write(b'{"attempt":1,"seq":1,"time":1.0,"event":{"kind":"ste'[: trial.chance.randint(1, 50)])


def write_garbage(trial: Trial) -> None:
    run = trial.begin()
    trial.wait_a_while()
    trial.kill("child", "supervisor", "worker")
    trial.end()
    _wait_for_processes(run)
    with run.events_file.open("ab") as file:
        file.write(trial.chance.randbytes(200) + b'\n{"kind":1}\nnull\n\n')


def set_the_clock_back(trial: Trial) -> None:
    trial.begin()
    trial.wait_a_while()
    trial.kill("worker")
    trial.end()
    os.environ["FAKE_CLOCK_OFFSET"] = str(-trial.chance.uniform(1, 1e6))
    try:
        _resume(trial)
        trial.end()
    finally:
        del os.environ["FAKE_CLOCK_OFFSET"]


def lose_a_file(name: str) -> Accident:
    def accident(trial: Trial) -> None:
        run = trial.begin()
        trial.wait_a_while()
        trial.kill("worker")
        trial.end()
        newest = checkpoints.latest(run)
        if newest is not None:
            (newest / name).unlink()

    return accident


def run_out_of_memory(trial: Trial) -> None:
    trial.begin(accident="limit", at=trial.chance.randint(1, STEPS))


def fill_the_disk(trial: Trial) -> None:
    trial.begin()
    trial.wait_a_while()
    filler = trial.home / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    time.sleep(trial.chance.uniform(0.1, 1.0))
    filler.unlink()


def make_it_read_only(trial: Trial) -> None:
    run = trial.begin()
    trial.wait_a_while()
    subprocess.run(["mount", "--bind", str(run.path), str(run.path)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(run.path)], check=True)
    time.sleep(trial.chance.uniform(0.1, 1.0))
    subprocess.run(["umount", "-l", str(run.path)], check=True)


def watch_twice(trial: Trial) -> None:
    run = trial.begin()
    readers = [state.RunReader(run) for _ in range(2)]

    def watch(reader: state.RunReader) -> None:
        while reader.view.state not in ENDED:
            reader.poll()

    threads = [threading.Thread(target=watch, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    trial.wait_a_while()
    launch.stop(run)
    launch.stop(run)
    for thread in threads:
        thread.join(60)
    if readers[0].view != readers[1].view:
        trial.complaints.append("two viewers saw different runs")


def start_twice(trial: Trial) -> None:
    run = trial.begin()
    trial.wait_a_while()
    trial.kill("worker")
    if trial.end().state == "finished":
        return
    threads = [threading.Thread(target=_resume, args=(trial,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if len(log_attempts(run)) != 2:
        trial.complaints.append(f"two starters made the attempts {log_attempts(run)}")


def log_attempts(run: RunFolder) -> list[int]:
    return sorted({line.attempt for line in log.Reader(run.events_file).read()})


def _close(starter: subprocess.Popen[bytes], master: int) -> None:
    os.close(master)


def _type_control_c(starter: subprocess.Popen[bytes], master: int) -> None:
    os.write(master, b"\x03")


def _kill(starter: subprocess.Popen[bytes], master: int) -> None:
    starter.kill()


def _terminate(starter: subprocess.Popen[bytes], master: int) -> None:
    starter.terminate()


ACCIDENTS: dict[str, Accident] = {
    "SIGKILL to the screen": screen(_kill),
    "SIGTERM to the screen": screen(_terminate),
    "terminal closed": screen(_close),
    "ctrl+C in the screen": screen(_type_control_c),
    "SIGKILL to the worker": signals("worker"),
    "SIGKILL to the supervisor": signals("supervisor"),
    "SIGKILL to both": signals("supervisor", "worker"),
    "SIGKILL to a child": signals("child"),
    "SIGHUP to all": signals("supervisor", "worker", number=signal.SIGHUP),
    "SIGTERM to the worker": signals("worker", number=signal.SIGTERM),
    "SIGTERM to the supervisor": signals("supervisor", number=signal.SIGTERM),
    "memory limit": run_out_of_memory,
    "torn last line": cut_the_log,
    "garbage in the log": write_garbage,
    "clock set back": set_the_clock_back,
    "checkpoint without its list": lose_a_file("COMPLETE"),
    "checkpoint without its state": lose_a_file("state.json"),
    "checkpoint without its weights": lose_a_file("more.bin"),
    "two viewers": watch_twice,
    "two starters": start_twice,
}
WITH_A_DISK: dict[str, Accident] = {"full disk": fill_the_disk, "read-only folder": make_it_read_only}
"""These need a file system that can be filled and closed."""


ALONE = {"clock set back", *WITH_A_DISK}
"""These change the world of all runs, so nothing else goes on meanwhile."""
AT_ONCE = 4
"""Trials that go on together; most of their time is waiting."""


@dataclass
class Tally:
    """What came of the trials of one accident."""

    tried: int = 0
    found: int = 0
    same: int = 0
    lost_events: int = 0
    orphans: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.tried == self.found == self.same and not (self.lost_events or self.orphans or self.complaints)


def try_once(accident: Accident, home: Path, seed: str) -> Tally:
    """Make a run, let the accident happen, resume the run until it is finished, and look at what is left."""
    plans = Path(tempfile.mkdtemp(prefix="trial-", dir=home.parent))
    trial = Trial(Runs(plans), home, random.Random(seed))
    accident(trial)
    assert trial.run is not None
    run = trial.run
    view = trial.end()
    for _ in range(4):
        if view.state == "finished":
            break
        _resume(trial)
        view = trial.end()
    expected = states(STEPS)
    losses = {each.step: each.loss for each in view.curve}
    weights = run.model / "model.safetensors"
    seqs = [line.seq for line in log.Reader(run.events_file).read()]
    if seqs != sorted(set(seqs)):
        trial.complaints.append("the log is out of order")
    _wait_for_processes(run)
    orphans = processes_of(run)
    tally = Tally(
        tried=1,
        found=run in folder.list_runs() and folder.find(run.id) == run,
        same=view.state == "finished" and weights.is_file() and weights.read_text() == str(expected[-1]),
        lost_events=sum(losses.get(number) != loss_of(value) for number, value in enumerate(expected, 1)),
        orphans=len(orphans),
        complaints=[f"{seed}: {each}" for each in trial.complaints],
    )
    for process in orphans:
        process.kill()
    if tally.is_good:
        shutil.rmtree(run.path)
    else:
        tally.complaints.append(f"{seed}: {run.path}: {view.state} {view.reason}")
    return tally


def _resume(trial: Trial) -> None:
    """Resume; that another was quicker is no accident."""
    try:
        trial.resume()
    except UserError as error:
        if "going on already" not in str(error) and "is finished" not in str(error):
            trial.complaints.append(str(error))


def _wait_for_processes(run: RunFolder) -> None:
    deadline = time.monotonic() + 10
    while processes_of(run) and time.monotonic() < deadline:
        time.sleep(0.05)


def torture(home: Path, moments: int, names: list[str], report: Callable[[str], None]) -> bool:
    """Try each accident at `moments` moments, report a table, and return whether nothing was lost."""
    everything = True
    report(f"{'accident':<32}{'tried':>6}{'found again':>13}{'same weights':>14}{'lost events':>13}{'orphans':>9}")
    accidents = {**ACCIDENTS, **WITH_A_DISK}
    together = [(name, moment) for name in names if name not in ALONE for moment in range(moments)]
    done: dict[tuple[str, int], Tally] = {}

    def attempt(trial: tuple[str, int]) -> Tally:
        name, moment = trial
        return try_once(accidents[name], home, f"{name}, moment {moment}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done.update(zip(together, pool.map(attempt, together), strict=True))
    for name in names:
        tally = Tally()
        for moment in range(moments):
            one = done[name, moment] if (name, moment) in done else attempt((name, moment))
            for each in ("tried", "found", "same", "lost_events", "orphans"):
                setattr(tally, each, getattr(tally, each) + getattr(one, each))
            tally.complaints += one.complaints
        report(f"{name:<32}{tally.tried:>6}{tally.found:>13}{tally.same:>14}{tally.lost_events:>13}{tally.orphans:>9}")
        for each in tally.complaints:
            report(f"  {each}")
        everything = everything and tally.is_good
    return everything


def has_namespaces() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=20, help="trials of each accident (default: 20)")
    parser.add_argument("--only", help="accidents whose name holds this")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside and has_namespaces():
        return subprocess.run([*NAMESPACE, sys.executable, "-m", "tests.runs.torture", "--inside", *sys.argv[1:]], check=False).returncode
    with tempfile.TemporaryDirectory(prefix="emotui-torture-", ignore_cleanup_errors=True) as given:
        home = Path(given) / "home"
        home.mkdir(mode=0o700)
        os.environ["EMOTUI_HOME"] = str(home)
        names = list(ACCIDENTS)
        if arguments.inside:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=700", "tmpfs", str(home)], check=True)
            names += WITH_A_DISK
        else:
            print(f"not tried, for lack of user namespaces: {', '.join(WITH_A_DISK)}")
        names = [name for name in names if not arguments.only or arguments.only in name]
        good = torture(home, arguments.moments, names, lambda line: print(line, flush=True))
        if arguments.inside:
            subprocess.run(["umount", "-l", str(home)], check=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

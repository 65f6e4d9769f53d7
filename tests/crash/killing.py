"""Kills a save at every system call that changes the disk, and looks at what is left each time."""

from __future__ import annotations

import errno
import fcntl
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.disk import Disk, State, snapshot
from crash.judge import Judge
from crash.peer import DiedError, Peer
from crash.saves import BYSTANDERS, Save
from crash.watcher import Call, watching

Start = Callable[[Path], Peer]
"""Starts a backend that saves below a folder."""


@dataclass(frozen=True)
class Ran:
    """A save that was watched and not killed."""

    disk: Disk
    calls: list[Call]
    before: State
    after: State
    answer: dict[str, Any]

    @property
    def last(self) -> int:
        """The number of the last call that changes the disk."""
        return max(call.n for call in self.calls)


@dataclass(frozen=True)
class Kill:
    """A kill point: the order given to the watcher, and what a load then finds."""

    order: tuple[str, int]
    found: str


class Ground:
    """A folder in which one save is repeated; `run` is its name below the scratch folder."""

    def __init__(self, scratch: Path, save: Save) -> None:
        self.scratch, self.save = scratch, save
        self.run = scratch / "run"
        self._before = scratch / "before"
        shutil.rmtree(self._before, ignore_errors=True)
        self._before.mkdir()
        save.before(self._before)

    def reset(self) -> None:
        """Put what is there before the save."""
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.copytree(self._before, self.run)

    def ask(self, peer: Peer) -> dict[str, Any]:
        """Have it saved."""
        return peer.ask("checkpoint.save", **self.save.request("run"))


def run_whole(ground: Ground, start: Start) -> Ran:
    """Watch the save to its end."""
    ground.reset()
    disk, before = Disk(ground.run), snapshot(ground.run)
    peer = start(ground.scratch)
    with watching(ground.run, peer.pid) as watch:
        answer = ground.ask(peer)
        assert peer.close() == 0
        assert not watch.killed()
        calls = watch.calls()
    return Ran(disk, calls, before, snapshot(ground.run), answer)


def orders(calls: list[Call]) -> Iterator[tuple[str, int]]:
    """Give the kill points of a save: before each call that changed the disk, and in the middle of each write."""
    for call in calls:
        if call.n and call.result >= 0:
            yield "kill", call.n
            if call.name == "write" and len(call.data) > 1:
                yield "tear", call.n


def kill_at(ground: Ground, start: Start, order: tuple[str, int]) -> State:
    """Have the save killed; return what it left."""
    ground.reset()
    peer = start(ground.scratch)
    with watching(ground.run, peer.pid, *order) as watch:
        try:
            answer = ground.ask(peer)
        except DiedError:
            peer.kill()
        else:
            peer.kill()
            raise AssertionError(f"{order}: was not killed and answered {answer}")
        assert watch.killed()
    return snapshot(ground.run)


def kill_everywhere(
    ground: Ground, start: Start, next_saver: Peer, judge: Judge, compare_answer: bool = True
) -> list[Kill]:
    """Kill a save at each of its kill points; each time `next_saver` saves the same again.

    Raises:
        AssertionError: A pair was neither old nor new, or the next save left a file of the killed one.
    """
    save, whole = ground.save, run_whole(ground, start)
    assert whole.answer["verdict"] == "accept", whole.answer
    old, new = judge.load(whole.before, save.base), judge.load(whole.after, save.base)
    assert not compare_answer or new.answer == {"verdict": "accept", "output": whole.answer["output"]}
    assert_tidy(whole.after, save)
    kills = []
    for order in orders(whole.calls):
        left = kill_at(ground, start, order)
        kills.append(Kill(order, judge.old_or_new(left, save.base, old, new)))
        assert ground.ask(next_saver)["verdict"] == "accept"
        after_next = snapshot(ground.run)
        assert after_next == whole.after, f"{save.name}, {order}: the next save left something else"
    return kills


def files(state: State) -> set[str]:
    """Return the names of the files."""
    return {name for name, content in state if content is not None}


def assert_tidy(state: State, save: Save) -> None:
    """Only the pair is there, and what is nobody's business."""
    parent = Path(save.base).parent
    here = files(state)
    due = {str(parent / f"{Path(save.base).name}.{ending}") for ending in ("json", "npz")}
    left = here - due
    assert due <= here and left <= set(BYSTANDERS), f"{save.name}: {sorted(here)}"
    assert not left or left == set(BYSTANDERS), f"{save.name}: a bystander is gone: {sorted(here)}"


CHANGES = ("open", "write", "truncate", "rename", "unlink", "link")


def assert_locked(calls: list[Call], folder: Path) -> None:
    """All changes of files in the pair's folder lie between an exclusive `flock` of the folder and its end."""
    holder: int | None = None
    for call in calls:
        if call.result >= 0 and call.name in CHANGES and Path(call.path).parent == folder:
            assert holder is not None, f"{call.name} of {call.path} outside the lock"
        elif call.name == "flock" and Path(call.path) == folder and call.result == 0:
            taken = call.more["how"] & ~fcntl.LOCK_NB == fcntl.LOCK_EX
            holder = call.more["descriptor"] if taken else None
        elif call.name == "close" and call.more["descriptor"] == holder:
            holder = None


@dataclass(frozen=True)
class Failure:
    """A call that failed: the order given to the watcher, the verdict, what a load then finds, and what is there."""

    order: tuple[str, int, int]
    call: str
    verdict: str
    found: str
    left: State


def fail_everywhere(ground: Ground, start: Start, next_saver: Peer, judge: Judge) -> list[Failure]:
    """Let each call that changes the disk fail in turn; the next save must tidy up.

    Raises:
        AssertionError: A pair was neither old nor new, not new after an accept, or the next save left something.
    """
    save, whole = ground.save, run_whole(ground, start)
    old, new = judge.load(whole.before, save.base), judge.load(whole.after, save.base)
    failures = []
    for call in whole.calls:
        if not call.n or call.result < 0:
            continue
        order = ("fail", call.n, errno.EIO if call.name == "fsync" else errno.ENOSPC)
        verdict, left = fail_at(ground, start, order)
        found = judge.old_or_new(left, save.base, old, new)
        assert (verdict, found) != ("accept", "old"), f"{order}: accepted and not saved"
        assert found == "new" or files(left) <= files(whole.before), f"{order}: left {files(left)}"
        failures.append(Failure(order, call.name, verdict, found, left))
        assert ground.ask(next_saver)["verdict"] == "accept"
        assert snapshot(ground.run) == whole.after, f"{save.name}, {order}: the next save left something else"
    return failures


def fail_at(ground: Ground, start: Start, order: tuple[str, int, int]) -> tuple[str, State]:
    """Let a call fail; return the verdict and what is left."""
    ground.reset()
    peer = start(ground.scratch)
    with watching(ground.run, peer.pid, *order) as watch:
        verdict = str(ground.ask(peer)["verdict"])
        assert peer.close() == 0
        watch.killed()
    return verdict, snapshot(ground.run)

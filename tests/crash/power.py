"""Cuts the power during a save, on the model of a disk, and interleaves the saves of two writers."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence

from crash.disk import State, crash_states
from crash.judge import Judge, Loaded
from crash.killing import Ran
from crash.saves import Save
from crash.watcher import Call

OTHER_WRITER = 1 << 60


@dataclasses.dataclass
class Outcome:
    """What was found: moments looked at, distinct states at all of them, and what was wrong, each once."""

    moments: int
    states: int
    faults: list[str]


def cut_everywhere(save: Save, ran: Ran, judge: Judge, keep: Callable[[Call], bool] = lambda call: True) -> Outcome:
    """Cut the power before the first call, after each, and after the save has answered.

    Args:
        save: What was saved.
        ran: How it went.
        judge: Loads what is left.
        keep: Which calls to carry out: to see what becomes of a save that leaves out a sync.

    A pair must be old or new; once the save has answered, new.
    """
    old, new = judge.load(ran.before, save.base), judge.load(ran.after, save.base)
    moments = crash_states(ran.disk, [call for call in ran.calls if keep(call)])
    faults: dict[str, None] = {}
    for states in moments:
        for state in sorted(states, key=str):
            _note(faults, lambda state=state: judge.old_or_new(state, save.base, old, new))  # type: ignore[misc]
    for state in sorted(moments[-1], key=str):
        _note(faults, lambda state=state: _must_be_new(judge.load(state, save.base), new))  # type: ignore[misc]
    return Outcome(len(moments), len(set().union(*moments)), list(faults))


def _note(faults: dict[str, None], check: Callable[[], object]) -> None:
    try:
        check()
    except AssertionError as fault:
        faults[str(fault)] = None


def _must_be_new(loaded: Loaded, new: Loaded) -> None:
    assert loaded == new, f"saved, answered, and then lost: {loaded.answer}"


def without_each_sync(save: Save, ran: Ran, judge: Judge) -> dict[str, Outcome]:
    """Leave out one sync at a time; return what comes of it, by what was synced."""
    syncs = [call for call in ran.calls if call.name == "fsync" and call.result == 0]
    return {
        f"{number}: {sync.path}": cut_everywhere(save, ran, judge, lambda call, sync=sync: call is not sync)  # type: ignore[misc]
        for number, sync in enumerate(syncs, start=1)
    }


def interleave(first: Ran, second: Ran, rounds: int, seed: int) -> Iterator[State]:
    """Mix the calls of two saves that know nothing of each other; give the state after each mixture.

    A writer whose call is impossible in the mixture (its file is gone) ends there.
    """
    rng = random.Random(seed)
    for _ in range(rounds):
        disk = copy.deepcopy(first.disk)
        waiting = [list(first.calls), [_of_other_writer(call) for call in second.calls]]
        while waiting[0] or waiting[1]:
            # In runs, as a scheduler would: a change at every call mixes too evenly to leave one writer behind.
            queue = waiting[rng.random() < len(waiting[1]) / (len(waiting[0]) + len(waiting[1]))]
            for call in _take(queue, rng.randint(1, 8)):
                try:
                    disk.carry_out(call)
                except KeyError:
                    queue.clear()
                    break
        yield disk.now()


def _take(queue: list[Call], count: int) -> Sequence[Call]:
    taken = queue[:count]
    del queue[:count]
    return taken


def _of_other_writer(call: Call) -> Call:
    if "inode" not in call.more:
        return call
    return dataclasses.replace(call, more=call.more | {"inode": call.more["inode"] + OTHER_WRITER})

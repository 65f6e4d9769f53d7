"""The tools of the crash tests notice what they are for: each step of a save that is left out, each sync, the lock."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from crash import careless, disk, killing, power
from crash.judge import Judge
from crash.oracle_reader import OracleReader
from crash.saves import LARGE, SMALL, Save, leftovers, pair
from crash.watcher import Call

OVERWRITE = Save("overwrite", LARGE, pair(SMALL))
OVER_UNBOUND = Save("over an unbound pair", LARGE, pair(SMALL, bound=False))


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge([OracleReader(tmp_path)], tmp_path)


def watched(scratch: Path, save: Save, omit: str = "") -> tuple[killing.Ground, killing.Ran]:
    ground = killing.Ground(scratch, save)
    return ground, killing.run_whole(ground, lambda scratch: careless.start(scratch, omit))


def test_a_careful_save_survives_every_cut(tmp_path, judge):
    ground, ran = watched(tmp_path, OVERWRITE)
    killing.assert_locked(ran.calls, ground.run)
    outcome = power.cut_everywhere(OVERWRITE, ran, judge)
    assert outcome.faults == []
    assert outcome.states > 10


@pytest.mark.parametrize("omit", ["sync archive", "sync sidecar", "folder sync 1", "folder sync 2", "digest name"])
def test_a_step_left_out_is_noticed(omit, tmp_path, judge):
    _, ran = watched(tmp_path, OVERWRITE, omit)
    assert power.cut_everywhere(OVERWRITE, ran, judge).faults


def test_a_sync_between_the_renames_left_out_mixes_an_unbound_pair(tmp_path, judge):
    _, ran = watched(tmp_path, OVER_UNBOUND, "folder sync 2")
    faults = power.cut_everywhere(OVER_UNBOUND, ran, judge).faults
    assert any("checkpoint.weight-shape" in fault or "archive.entry-count" in fault for fault in faults), faults


def test_each_sync_dropped_from_the_log_is_noticed_but_the_last(tmp_path, judge):
    _, ran = watched(tmp_path, OVERWRITE)
    outcomes = list(power.without_each_sync(OVERWRITE, ran, judge).values())
    # After the commit the archive may have either name.
    assert [bool(outcome.faults) for outcome in outcomes] == [True, True, True, True, False]


def test_a_kill_is_noticed_where_the_archive_is_replaced_before_the_sidecar(tmp_path, judge):
    ground = killing.Ground(tmp_path, OVERWRITE)
    start = lambda scratch: careless.start(scratch, "digest name")  # noqa: E731
    with careless.start(tmp_path) as next_saver, pytest.raises(AssertionError, match="neither old nor new"):
        killing.kill_everywhere(ground, start, next_saver, judge, compare_answer=False)


def test_a_change_outside_the_lock_is_noticed(tmp_path):
    ground, ran = watched(tmp_path, OVERWRITE, "lock")
    with pytest.raises(AssertionError, match="outside the lock"):
        killing.assert_locked(ran.calls, ground.run)


def test_two_writers_without_the_lock_leave_broken_pairs(tmp_path, judge):
    save = Save("overwrite", SMALL, leftovers)
    _, first = watched(tmp_path, save, "lock")
    _, second = watched(tmp_path, Save("overwrite", LARGE, leftovers), "lock")
    mixtures = power.interleave(first, second, rounds=200, seed=1)
    codes = Counter(judge.load(state, save.base).answer.get("code", "accept") for state in mixtures)
    assert codes["accept"] > 0
    assert codes.total() - codes["accept"] > 20, codes


@pytest.mark.parametrize("order", [("kill", 2), ("tear", 2)])
def test_a_kill_happens_where_it_should(order, tmp_path):
    ground = killing.Ground(tmp_path, Save("new", SMALL, lambda folder: None))
    _, ran = watched(tmp_path, ground.save)
    written = next(call for call in ran.calls if call.n == 2)
    assert written.name == "write"
    left = dict(killing.kill_at(ground, careless.start, order))
    due = b"" if order[0] == "kill" else written.data[: len(written.data) // 2]
    assert left == {"model.v1.npz.tmp": due}


def call(name: str, path: Path, **more: object) -> Call:
    return Call(1, name, str(path), 0, dict(more))


def test_the_model_loses_what_was_not_synced_and_nothing_else(tmp_path):
    (tmp_path / "a").write_bytes(b"old!")
    number = (tmp_path / "a").stat().st_ino
    model = disk.Disk(tmp_path)
    write = call("write", tmp_path / "a", inode=number, offset=0, data=b"NEWS".hex())
    sync = call("fsync", tmp_path / "a", inode=number, folder=0)
    rename = call("rename", tmp_path / "a", target=str(tmp_path / "b"))
    before, written, synced, renamed = disk.crash_states(model, [write, sync, rename])
    assert before == {frozenset({("a", b"old!")})}
    assert written == {frozenset({("a", content)}) for content in (b"old!", b"NEWS", b"NE", bytes(4))}
    assert synced == {frozenset({("a", b"NEWS")})}
    assert renamed == {frozenset({("a", b"NEWS")}), frozenset({("b", b"NEWS")})}


def test_the_model_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(disk.UnmodelledError, match="sendfile"):
        disk.Disk(tmp_path).carry_out(call("sendfile", tmp_path / "a"))

"""Crash safety of checkpoint.save: killed at each system call that changes the disk, and with the power cut."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import spikeparity  # noqa: F401  (loaded here, so that backends are forked)
from crash import MEMORY, killing, power
from crash.judge import Judge
from crash.oracle_reader import OracleReader
from crash.peer import LANGUAGES, Peer, started
from crash.saves import SAVES

BY_NAME = {save.name: save for save in SAVES}
OVERWRITE = BY_NAME["overwrite"]
QUICK = ("python", "rust")
"""Those that are forked: each of their saves is killed everywhere; scripts/crash_points.py does so with all."""


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def peers(scratch: Path) -> Iterator[dict[str, Peer]]:
    running = {language: started(language, scratch) for language in LANGUAGES}
    yield running
    for peer in running.values():
        peer.kill()


@pytest.fixture(scope="module")
def judge(scratch: Path, peers: dict[str, Peer]) -> Judge:
    """Loads in all four languages, which must agree."""
    return Judge([OracleReader(scratch), *peers.values()], scratch)


def starter(language: str) -> killing.Start:
    return lambda scratch: started(language, scratch)


@pytest.mark.parametrize("language", QUICK)
@pytest.mark.parametrize("name", BY_NAME)
def test_killed_anywhere_the_pair_is_old_or_new_and_the_next_save_tidies(language, name, scratch, peers, judge):
    ground = killing.Ground(scratch, BY_NAME[name])
    kills = killing.kill_everywhere(ground, starter(language), peers[language], judge)
    found = [kill.found for kill in kills]
    assert len(kills) >= 12
    assert found == sorted(found, reverse=True), "a later kill left an earlier state"


def test_there_are_200_kill_points_in_each(scratch):
    for language in QUICK:
        runs = [killing.run_whole(killing.Ground(scratch, save), starter(language)) for save in SAVES]
        assert sum(len(list(killing.orders(ran.calls))) for ran in runs) >= 200


def test_mojo_killed_anywhere(scratch, peers, judge):
    kills = killing.kill_everywhere(killing.Ground(scratch, OVERWRITE), starter("mojo"), peers["mojo"], judge)
    assert {kill.found for kill in kills} == {"old", "new"}


def test_julia_killed_at_its_commit(scratch, judge):
    # A fresh Julia takes seconds to compile its save; the power cuts look at the state after each call.
    ground = killing.Ground(scratch, OVERWRITE)
    ran = killing.run_whole(ground, starter("julia"))
    old, new = judge.load(ran.before, OVERWRITE.base), judge.load(ran.after, OVERWRITE.base)
    assert power.cut_everywhere(OVERWRITE, ran, judge).faults == []
    commit = next(call.n for call in ran.calls if call.more.get("target") == str(ground.run / "model.v1.json"))
    left = killing.kill_at(ground, starter("julia"), ("kill", commit + 1))
    assert judge.old_or_new(left, OVERWRITE.base, old, new) == "new"


@pytest.mark.parametrize("language", LANGUAGES)
def test_after_a_power_cut_the_pair_is_old_or_new_and_after_the_answer_new(language, scratch, judge):
    for save in SAVES if language != "julia" else (BY_NAME["nested new folders"],):
        ground = killing.Ground(scratch, save)
        ran = killing.run_whole(ground, starter(language))
        killing.assert_locked(ran.calls, (ground.run / save.base).parent)
        assert power.cut_everywhere(save, ran, judge).faults == [], save.name


@pytest.mark.parametrize("language", QUICK)
def test_each_sync_before_the_last_rename_is_needed(language, scratch, judge):
    ran = killing.run_whole(killing.Ground(scratch, OVERWRITE), starter(language))
    outcomes = list(power.without_each_sync(OVERWRITE, ran, judge).values())
    assert [bool(outcome.faults) for outcome in outcomes[:4]] == [True] * 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ending", ["npz.tmp", "json.tmp", "npz", "json"])
def test_a_link_in_place_of_a_file_that_is_written_leads_nobody_astray(language, ending, scratch, peers):
    folder = scratch / "linked"
    folder.mkdir(exist_ok=True)
    victim = scratch / "victim"
    victim.write_bytes(b"somebody else's")
    link = folder / f"pair.{ending}"
    link.unlink(missing_ok=True)
    link.symlink_to(victim)
    answer = peers[language].ask("checkpoint.save", base="linked/pair", checkpoint=OVERWRITE.content)
    assert victim.read_bytes() == b"somebody else's"
    assert answer["verdict"] == "accept", answer
    assert sorted(file.name for file in folder.iterdir() if not file.is_symlink()) == ["pair.json", "pair.npz"]

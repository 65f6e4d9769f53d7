"""Expected failures: what they excuse, when they are wrong, and how they are rewritten."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from world import Outcome, World, mini, tie_case

from conformance.errors import UsageError
from conformance.expectation_update import update
from conformance.expectations import Expectations, load, read_entries
from conformance.outcome import Result
from conformance.toml import loads

TODAY = datetime.now(timezone.utc).date()
ENTRY = """
[[expected]]
id = "{id}"
outcome = "fail"
code = "config.object"
reason = "the port reads no config"
"""


def expect(world: World, text: str) -> Path:
    """Write the expectation file of the miniature; returns it."""
    file = world.folder / "known" / "mini.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def run(world: World, *words: str, behaviour: str = "wrong", at: str = "") -> Outcome:
    return world.run("--backend", mini(behaviour, at), "--expectations", str(world.folder / "known"), *words)


def test_an_expected_failure_is_shown_and_does_not_count(world: World) -> None:
    world.configs(5)
    expect(world, ENTRY.format(id="config-003") + 'link = "https://example.org/7"\nexpires = 2999-01-01\n')
    summary = world.folder / "summary.md"
    done = run(world, "--summary", str(summary), at="config-003")
    assert done.code == 0, done.out
    assert "4 (1 expected)" in done.out
    assert "CONFORM (1 backends, 5 answers, 0 failures, 1 expected failures" in done.out
    told = "mini · 1 case expected to fail, until 2999-01-01: the port reads no config (https://example.org/7)"
    assert told in done.out
    assert "## Expected failures" in summary.read_text()
    (row,) = [row for row in done.report if row.get("outcome") == "fail"]
    assert row["expected_failure"]["reason"] == "the port reads no config"
    assert row["expected_failure"]["entry"].endswith("mini.toml:2")
    assert done.report[-1]["counts"]["mini"]["config.validate"] == {"pass": 4, "expected-failure": 1}


def test_other_failures_still_count(world: World) -> None:
    world.configs(5)
    expect(world, ENTRY.format(id="config-003"))
    done = run(world, at="config-00[34]")
    assert done.code == 1
    assert "3/5 (1 expected)" in done.out
    assert "mini · config-004 · config.validate · fail" in done.out
    assert "mini · config-003 · config.validate · fail" not in done.out


REJECT = {"verdict": "reject", "code": "config.object", "path": "/nowhere"}
ACCEPT = {"verdict": "accept"}


@pytest.mark.parametrize(
    ("entry", "outcome", "got", "covered"),
    [
        ('outcome = "fail"\ncode = "config.object"', "fail", REJECT, True),
        ('outcome = "fail"\ncode = "config.*"', "fail", REJECT, True),
        ('outcome = "fail"\ncode = "*"', "fail", REJECT, True),
        ('outcome = "fail"\ncode = "config.unknown-key"', "fail", REJECT, False),
        ('outcome = "fail"\ncode = "accept"', "fail", REJECT, False),
        ('outcome = "fail"\ncode = "accept"', "fail", ACCEPT, True),
        ('outcome = "fail"\ncode = "unsupported"', "fail", {"verdict": "unsupported"}, True),
        ('outcome = "fail"\ncode = "*"', "error", None, False),
        ('outcome = "error"', "error", None, True),
        ('outcome = "crash"', "crash", None, True),
        ('outcome = "crash"', "timeout", None, False),
        ('outcome = "timeout"', "timeout", None, True),
        ('outcome = "protocol-error"', "protocol-error", None, True),
        ('outcome = "unsupported"', "unsupported", None, True),
        ('outcome = "crash"', "not-run", None, False),
    ],
)
def test_an_entry_covers_what_it_foresees_and_nothing_else(entry: str, outcome: str, got: Any, covered: bool) -> None:
    text = f'[[expected]]\nid = ["b", "a*"]\n{entry}\nreason = "known"\n'
    expectations = Expectations(Path("x.toml"), read_entries(text, Path("x.toml")), ["a1", "b", "c"])
    for case_id, named in (("a1", True), ("b", True), ("c", False)):
        result = expectations.apply(Result("x", case_id, "simulate", outcome, got=got), True)
        assert (result.expected_failure is not None) == (covered and named)
    assert expectations.apply(Result("x", "a1", "simulate", outcome, got=got), False).expected_failure is None


def test_a_complete_backend_may_be_expected_to_lack_an_operation(world: World) -> None:
    world.configs(1)
    world.write(tie_case())
    command = mini("one-op").removeprefix("mini=").split()
    manifest = world.folder / "mini.toml"
    manifest.write_text(f'name = "mini"\nargv = {json.dumps(command)}\ncomplete = true\n')
    words = ["--backend", str(manifest), "--expectations", str(world.folder / "known")]
    expect(world, "")
    assert world.run(*words).code == 1
    expect(world, '[[expected]]\nid = "tie"\noutcome = "unsupported"\nreason = "not yet written"\n')
    assert world.run(*words).code == 0


@pytest.mark.parametrize(
    ("entry", "at", "says"),
    [
        (ENTRY.format(id="config-00[12]"), "config-001", "stale: config-002 passes now; take it out"),
        (ENTRY.format(id="*"), "config-001", "stale: config-000, config-002, config-003, config-004 pass now"),
        (ENTRY.format(id="conf-001"), "nothing", "unmatched: no case has an id like 'conf-001'"),
        (ENTRY.format(id="conf-*"), "nothing", "unmatched: no case has an id like 'conf-*'"),
        (ENTRY.format(id="config-001").replace("the port", "TODO"), "config-001", "the reason is still to be written"),
        (ENTRY.format(id="config-001").replace("the port reads no config", " "), "config-001", "the reason is still"),
    ],
)
def test_a_wrong_entry_fails_the_run_in_a_clear_line(world: World, entry: str, at: str, says: str) -> None:
    world.configs(5)
    expect(world, entry)
    done = run(world, at=at)
    assert done.code == 1
    assert f"mini · expectations: {world.folder / 'known' / 'mini.toml'}:2: {says}" in done.out
    assert "in flight" not in done.out
    (incident,) = done.incidents()
    assert incident["kind"] == "expectations"


def test_an_expired_entry_excuses_no_longer(world: World) -> None:
    world.configs(2)
    yesterday = TODAY - timedelta(days=1)
    entry = ENTRY.format(id="config-001")
    expect(world, f"{entry}expires = {yesterday}\n")
    done = run(world, at="config-001")
    assert done.code == 1
    assert f"mini.toml:2: expired on {yesterday}: mend the backend, or set a later date" in done.out
    assert "mini · config-001 · config.validate · fail" in done.out
    expect(world, f"{entry}expires = {TODAY + timedelta(days=1)}\n")
    assert run(world, at="config-001").code == 0


def test_only_what_was_selected_can_be_stale(world: World) -> None:
    world.configs(5)
    expect(world, ENTRY.format(id="config-00[12]"))
    assert run(world, "--id", "config-001", at="config-001").code == 0
    assert run(world, "--id", "config-00[034]", at="config-001").code == 0
    assert run(world, "--id", "config-002", at="config-001").code == 1


def test_an_expected_failure_does_not_stop_a_fail_fast_run(world: World) -> None:
    ids = world.configs(300)
    expect(world, ENTRY.format(id="config-000"))
    done = run(world, "--fail-fast", at="config-000")
    assert done.code == 0
    assert len(done.outcomes()) == len(ids)


def test_each_backend_has_its_own_file(world: World) -> None:
    world.configs(1)
    expect(world, ENTRY.format(id="config-000"))
    other = mini("wrong").replace("mini=", "other=")
    done = run(world, "--backend", other)
    assert done.code == 1
    assert [row["id"] for row in done.report if row.get("expected_failure")] == ["config-000"]
    assert "other · config-000" in done.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[expected]", "not TOML"),
        ('[[unexpected]]\nid = "x"\n', "only [[expected]] tables are known, not unexpected"),
        ("expected = 7\n", "only [[expected]] tables"),
        (ENTRY.format(id="x") + "since = 2026\n", "mini.toml:2: unknown member 'since'; known: id, outcome"),
        ('[[expected]]\noutcome = "crash"\nreason = "x"\n', "mini.toml:1: 'id' is missing"),
        ('[[expected]]\nid = "x"\noutcome = "crash"\n', "'reason' is missing"),
        ('[[expected]]\nid = []\noutcome = "crash"\nreason = "x"\n', "'id' must be a shell pattern or a list of them"),
        ('[[expected]]\nid = "x"\noutcome = "pass"\nreason = "x"\n', "'outcome' must be one of fail, error"),
        ('[[expected]]\nid = "x"\noutcome = "fail"\nreason = "x"\n', "'code' says what is answered"),
        ('[[expected]]\nid = "x"\noutcome = "crash"\ncode = "*"\nreason = "x"\n', "'code' says what is answered"),
        (ENTRY.format(id="x") + 'expires = "2027-06-30"\n', "'expires' must be a date without quotes"),
        (ENTRY.format(id="x") + "expires = 2027-06-30T12:00:00\n", "'expires' must be a date without quotes"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "mini.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load(tmp_path, "mini", [])
    assert str(caught.value).startswith(f"expectations {file}")
    assert says in str(caught.value)


def test_a_file_that_cannot_be_used_ends_the_command(world: World) -> None:
    world.configs(1)
    file = expect(world, "[[expected]")
    done = run(world)
    assert done.code == 2
    assert f"conformance: expectations {file}: not TOML" in done.err


def test_the_folder_must_be_there(world: World) -> None:
    world.configs(1)
    done = run(world)
    assert done.code == 2
    assert "known: no such folder" in done.err
    done = world.run("--backend", mini(), "--update-expectations")
    assert done.code == 2
    assert "--update-expectations needs --expectations DIR" in done.err


OLD = """# Known faults of the port.
# Ask Ada before you add one.

# The reader of configs.
[[expected]]
id = [
    "config-001",  # the first to be found
    "config-002",
    "config-003",
]
outcome = "fail"
code = "config.object"
reason = "the port reads no config"  # bug 7

# Mended in version 2.
[[expected]]
id = "config-004"
outcome = "fail"
code = "config.object"
reason = "soon"

[[expected]]
id = "renamed-*"
outcome = "crash"
reason = "kept: only a person knows its new name"
"""

NEW = """# Known faults of the port.
# Ask Ada before you add one.

# The reader of configs.
[[expected]]
id = [
    "config-001",  # the first to be found
    "config-003",
]
outcome = "fail"
code = "config.object"
reason = "the port reads no config"  # bug 7

[[expected]]
id = "renamed-*"
outcome = "crash"
reason = "kept: only a person knows its new name"

[[expected]]
id = "config-000"
outcome = "fail"
code = "config.object"
reason = "TODO: say why"
"""


def test_an_update_makes_the_smallest_change(world: World) -> None:
    world.configs(5)
    file = expect(world, OLD)
    done = run(world, "--update-expectations", at="config-00[013]")
    assert done.code == 1  # this run is judged by the file as it was
    assert f"expectations: {file}: 1 removed, 1 shortened, 1 added; write the reasons" in done.out
    assert file.read_text() == NEW
    again = run(world, "--update-expectations", at="config-00[013]")
    assert "expectations: nothing to change" in again.out
    assert file.read_text() == NEW
    assert "mini.toml:19: the reason is still to be written" in again.out
    file.write_text(
        NEW.replace("TODO: say why", "because").replace("renamed-*", "config-002").replace("crash", "error")
    )
    assert run(world, at="config-00[013]").code == 1  # config-002 passes


def test_an_updated_file_with_its_reasons_conforms(world: World) -> None:
    world.configs(30)
    done = run(world, "--update-expectations", at="config-0[12]*")
    file = world.folder / "known" / "mini.toml"
    assert f"{file}: 1 added; write the reasons" in done.out
    (entry,) = loads(file.read_text())["expected"]
    assert entry["id"] == [f"config-{n:03}" for n in range(10, 30)]
    assert file.read_text().startswith("# What the backend mini is known to fail; see docs/expectations.md.\n\n[[exp")
    file.write_text(file.read_text().replace("TODO: say why", "the port is young"))
    assert run(world, at="config-0[12]*").code == 0


def test_an_update_narrows_a_pattern_and_keeps_what_was_not_asked(world: World) -> None:
    world.configs(6)
    file = expect(world, ENTRY.format(id="config-00[1-4]") + "# the end\n")
    run(world, "--update-expectations", "--id", "config-00[0-3]", at="config-00[12]")
    (entry,) = loads(file.read_text())["expected"]
    assert entry["id"] == ["config-001", "config-002", "config-004"]  # 003 passes, 004 was not asked
    assert file.read_text().endswith('reason = "the port reads no config"\n# the end\n')


def test_an_update_tells_apart_how_cases_fail(world: World) -> None:
    world.configs(3)
    file = expect(world, ENTRY.format(id="config-00[01]"))
    run(world, "--update-expectations", "--id", "config-001", behaviour="error")
    first, second = loads(file.read_text())["expected"]
    assert (first["id"], first["outcome"], first["reason"]) == ("config-000", "fail", "the port reads no config")
    assert (second["id"], second["outcome"]) == ("config-001", "error")
    assert "code" not in second


def test_new_entries_are_one_per_operation(tmp_path: Path) -> None:
    expectations = Expectations(tmp_path / "x.toml", (), ["a", "b", "c"])
    for case_id, op in (("a", "simulate"), ("b", "config.validate"), ("c", "simulate")):
        expectations.apply(Result("x", case_id, op, "fail", got={"verdict": "accept"}), True)
    change = update(expectations)
    assert change is not None
    assert change.added == 2
    assert [entry["id"] for entry in loads((tmp_path / "x.toml").read_text())["expected"]] == [["a", "c"], "b"]


def test_an_update_leaves_an_expired_entry_to_a_person(world: World) -> None:
    world.configs(1)
    text = ENTRY.format(id="config-000") + "expires = 2020-01-01\n"
    file = expect(world, text)
    done = run(world, "--update-expectations")
    assert "nothing to change" in done.out
    assert file.read_text() == text


def test_an_update_keeps_line_ends_and_other_spellings(world: World) -> None:
    world.configs(4)
    text = (
        "[[expected]] # two\r\nreason = 'x [[expected]] y'\r\noutcome = 'fail'\r\n"
        "\"id\" = ['config-000', 'config-001']\r\ncode='*'\r\n"
    )
    file = expect(world, "")
    file.write_bytes(text.encode())
    run(world, "--update-expectations", at="config-001")
    assert file.read_bytes().decode() == text.replace(
        "\"id\" = ['config-000', 'config-001']\r\n", 'id = "config-001"\n'
    )


def test_an_update_refuses_what_it_cannot_edit(world: World) -> None:
    world.configs(1)
    text = 'expected = [{id = "config-000", outcome = "fail", code = "*", reason = "inline"}]\n'
    file = expect(world, text)
    assert run(world).code == 0
    done = run(world, "--update-expectations", at="nothing")
    assert done.code == 2
    assert "cannot be edited: write each entry as an [[expected]] table" in done.err
    assert file.read_text() == text


def test_ids_that_look_like_patterns_are_taken_literally(world: World) -> None:
    ids = ["a[1]", "a1", "b*", "bc", 'q"\x7f\u202e', "s\udc80"]
    expectations = Expectations(world.folder / "mini.toml", (), ids)
    odd = [ids[0], ids[2], ids[4], ids[5]]
    for case_id in odd:
        expectations.apply(Result("mini", case_id, "simulate", "fail", got={"verdict": "accept"}), True)
    update(expectations)
    text = (world.folder / "mini.toml").read_text()
    assert text.isascii()
    (entry,) = read_entries(text, Path("x"))
    again = load(world.folder, "mini", ids)
    assert again.names(again.entries[0]) == odd
    assert entry.code == "accept"

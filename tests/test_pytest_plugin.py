"""The pytest plugin in somebody's project, against miniature backends; it is found by its entry point."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from world import MINI, World, config_case, mini, tie_case

OWN_TEST = "def test_of_my_own(): pass"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a test of its own, and the world's corpus beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")  # its import would cost each test a second
    pytester.makepyfile(test_own=OWN_TEST)
    return pytester


@pytest.fixture
def world(project: pytest.Pytester) -> World:
    return World(project.path)


def words(*behaviour: str) -> list[str]:
    return ["--conformance-backend", mini(*behaviour), "--conformance-corpus", "corpus"]


def test_without_its_options_nothing_happens(project: pytest.Pytester) -> None:
    done = project.runpytest("-v")
    done.assert_outcomes(passed=1)
    assert "conformance:" not in done.stdout.str()


def test_every_case_is_an_item_beside_the_projects_own_tests(project: pytest.Pytester, world: World) -> None:
    world.configs(20)
    done = project.runpytest("-v", *words())
    done.assert_outcomes(passed=21)
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        [
            "conformance: mini; 20 cases",
            "test_own.py::test_of_my_own PASSED*",
            "conformance:mini::config.validate::config-000 PASSED*",
            "conformance:mini::config.validate::config-019 PASSED*100%*",
        ]
    )


def test_a_failure_is_told_as_the_runner_tells_it(project: pytest.Pytester, world: World) -> None:
    world.write(tie_case())
    done = project.runpytest(*words("one-ulp"))
    done.assert_outcomes(passed=1, failed=1)
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        [
            "*mini · tie*",
            "mini · tie · simulate · fail: answered something else",
            "  about     a potential exactly at threshold is a spike",
            "  at /counts/0/1: expected 1, got 0",
            "  first divergence: step 1, layer 0, neuron 1 (threshold 1.0)",
            "  repeat    *",
            "FAILED conformance:mini::simulate::tie*",
        ]
    )
    assert "Traceback" not in done.stdout.str()
    assert "pytest_cases.py" not in done.stdout.str()


def test_the_repeat_line_repeats_the_failure(project: pytest.Pytester, world: World) -> None:
    world.configs(3)
    done = project.runpytest(*words("wrong", "config-001"))
    # A set, since under CI=true pytest repeats the whole failure in its summary.
    (line,) = {line for line in done.outlines if line.startswith("  repeat")}
    command = shlex.split(line.removeprefix("  repeat"))
    again = world.cli(*command[command.index("run") :])
    assert again.returncode == 1
    assert "mini · config-001 · config.validate · fail" in again.stdout


def test_only_what_is_selected_is_asked(project: pytest.Pytester, world: World, tmp_path: Path) -> None:
    world.configs(50)
    world.write(tie_case())
    heard = tmp_path / "heard"
    listen = f"heard=sh -c 'tee {heard} | {sys.executable} {MINI}'"
    arguments = ["--conformance-backend", listen, "--conformance-corpus", "corpus", "-k", "config-007 or config-031"]
    project.runpytest(*arguments).assert_outcomes(passed=2, deselected=50)
    requests = [json.loads(line) for line in heard.read_text().splitlines()]
    assert [request["id"] for request in requests if request["cmd"] == "run"] == ["config-007", "config-031"]


def test_operations_by_pattern(project: pytest.Pytester, world: World) -> None:
    world.configs(2)
    world.write(tie_case())
    project.runpytest(*words(), "--conformance-op", "sim*", "-m", "conformance").assert_outcomes(passed=1, deselected=1)
    done = project.runpytest(*words(), "--conformance-op", "nothing")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "no case matches the selection" in done.stderr.str()


def test_stop_at_the_first_failure_and_last_failed(project: pytest.Pytester, world: World) -> None:
    world.configs(10)
    project.runpytest(*words("wrong", "config-004"), "-x").assert_outcomes(passed=5, failed=1)
    done = project.runpytest(*words("wrong", "config-004"), "--lf")
    done.assert_outcomes(failed=1, deselected=10)
    project.runpytest(*words(), "--lf").assert_outcomes(passed=1, deselected=10)


def test_a_crash_costs_its_case(project: pytest.Pytester, world: World) -> None:
    world.configs(10)
    done = project.runpytest(*words("crash", "config-004"))
    done.assert_outcomes(passed=10, failed=1)
    done.stdout.fnmatch_lines(
        ["*config-004*crash: the backend died*", "*killed by SIGABRT; its last words*", "  log *"]
    )


def test_operations_that_a_backend_lacks_are_skipped(project: pytest.Pytester, world: World) -> None:
    world.configs(2)
    world.write(tie_case())
    done = project.runpytest(*words("one-op"), "-rs")
    done.assert_outcomes(passed=3, skipped=1)
    assert "the backend does not offer simulate" in done.stdout.str()


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        (
            "mini=no-such-program",
            "mini · unavailable: program 'no-such-program' not found; to get it: see the manifest",
        ),
        (mini("dies-at-start"), "mini · broken: before it answered hello, the backend exited with code 1;*"),
    ],
)
def test_a_backend_that_is_not_there_is_one_clear_error(
    project: pytest.Pytester, world: World, backend: str, says: str
) -> None:
    world.configs(10)
    done = project.runpytest("--conformance-backend", backend, "--conformance-corpus", "corpus")
    done.assert_outcomes(passed=1, failed=1, skipped=10)
    assert done.ret == 1
    done.stdout.fnmatch_lines([says, "FAILED conformance:mini::backend*"])


def test_what_no_case_can_be_blamed_for_is_an_item_of_its_own(project: pytest.Pytester, world: World) -> None:
    world.configs(3)
    done = project.runpytest(*words("exit-code-7"))
    done.assert_outcomes(passed=4, failed=1)
    done.stdout.fnmatch_lines(
        ["mini · exit: at bye the backend exited with code 7", "FAILED conformance:mini::backend*"]
    )


def test_known_deviations_are_xfailed_and_stale_ones_told(project: pytest.Pytester, world: World) -> None:
    world.configs(3)
    entry = '[[expected]]\nid = ["config-001", "config-002"]\noutcome = "fail"\ncode = "*"\nreason = "to be mended"\n'
    (project.mkdir("known") / "mini.toml").write_text(entry)
    known = ["--conformance-expectations", "known"]
    done = project.runpytest(*words("wrong"), *known, "-rxf")
    done.assert_outcomes(passed=1, failed=1, xfailed=2)
    done.stdout.fnmatch_lines(["XFAIL *config-001* - to be mended", "FAILED *config-000*"])
    stale = project.runpytest(*words("wrong", "config-001"), *known)
    stale.assert_outcomes(passed=3, failed=1, xfailed=1)
    stale.stdout.fnmatch_lines(["mini · expectations: *config-002*"])


def test_several_backends_are_told_apart(project: pytest.Pytester, world: World) -> None:
    world.configs(3)
    other = mini("wrong", "config-002").replace("mini=", "other=")
    done = project.runpytest(*words(), "--conformance-backend", other)
    done.assert_outcomes(passed=6, failed=1)
    done.stdout.fnmatch_lines(["FAILED conformance:other::config.validate::config-002*"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--conformance-backend", "nobody"], "no backend 'nobody'; built in: python, rust, julia, mojo"),
        (["--conformance-backend", "python", "--conformance-corpus", "gone"], "gone: no such folder"),
        (["--conformance-backend", "python", "--conformance-expectations", "gone"], "gone: no such folder"),
        (["--conformance-corpus", "corpus"], "need --conformance-backend"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(project: pytest.Pytester, arguments: list[str], says: str) -> None:
    done = project.runpytest(*arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert says in done.stderr.str()
    assert "Traceback" not in done.stderr.str()


def test_collecting_asks_nobody(project: pytest.Pytester, world: World) -> None:
    world.configs(2)
    done = project.runpytest(
        "--conformance-backend", "x=no-such-program", "--conformance-corpus", "corpus", "--co", "-q"
    )
    assert done.ret == 0
    assert "conformance:x::config.validate::config-001" in done.stdout.str()


def test_foreign_text_cannot_steer_the_terminal(project: pytest.Pytester, world: World) -> None:
    case = config_case("config-\x1b[2J")
    (world.corpus / "x.json").parent.mkdir()
    (world.corpus / "x.json").write_text(json.dumps(case))
    done = project.runpytest("-v", *words("wrong"))
    done.assert_outcomes(passed=1, failed=1)
    assert "\x1b" not in done.stdout.str()


def test_the_built_in_corpus_is_the_default(project: pytest.Pytester) -> None:
    done = project.runpytest("--conformance-backend", "python")
    assert done.ret == 0
    assert done.parseoutcomes()["passed"] > 1300

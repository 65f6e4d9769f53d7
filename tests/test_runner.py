"""The runner against miniature backends that misbehave, through the real command line."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from world import World, config_case, heed_interrupts, mini, tie_case

from conformance.rules import all_rules


def processes_of(world: World) -> list[str]:
    """Return the command lines of all miniatures that still run for this world."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(world.folder).encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().decode())
        except OSError:
            continue  # gone meanwhile, or somebody else's
    return [line for line in found if "mini.py" in line]


def test_an_honest_backend_conforms(world: World) -> None:
    ids = world.configs(200)
    done = world.run("--backend", mini())
    assert done.code == 0, done.out + done.err
    assert done.outcomes() == dict.fromkeys(ids, "pass")
    assert "CONFORM (1 backends, 200 answers, 0 failures" in done.out
    assert [row["type"] for row in done.report[:2]] == ["header", "backend"]
    assert done.report[-1]["type"] == "footer"


@pytest.mark.parametrize(
    ("behaviour", "outcome", "says"),
    [
        ("crash", "crash", "killed by SIGABRT; its last words: mini: about to die"),
        ("exit", "crash", "exited with code 3"),
        ("half-a-line", "crash", 'in the middle of the line \'{"id": "half'),
        ("hang", "timeout", "no answer within 1 s"),
        ("garbage", "protocol-error", "not a JSON object: 'Segmentation fault (just kidding)'"),
        ("wrong-id", "protocol-error", "whose id was not asked"),
        ("wrong-shape", "protocol-error", "unknown verdict 'perhaps'"),
        ("wrong", "fail", "reject config.object at /nowhere"),
        ("error", "error", "a list index was out of range"),
        ("fork", "crash", "exited with code 1"),
        ("deaf", "timeout", "no answer within 1 s"),
        ("unsupported", "fail", "hello offers config.validate, yet this is unsupported: not today"),
    ],
)
def test_one_bad_case_costs_one_case(world: World, behaviour: str, outcome: str, says: str) -> None:
    ids = world.configs(100)
    bad = ids[41]
    done = world.run("--backend", mini(behaviour, bad), "--timeout", "1")
    assert done.code == 1
    assert done.outcomes() == {case_id: outcome if case_id == bad else "pass" for case_id in ids}
    assert says in done.out
    assert f"--backend mini --id {bad}" in done.out or f"--id {bad}" in done.out
    assert processes_of(world) == []


def test_other_backends_keep_their_results(world: World) -> None:
    ids = world.configs(50)
    other = mini().replace("mini=", "other=")
    done = world.run("--backend", mini("crash"), "--backend", other)
    assert done.code == 1
    assert done.outcomes("other") == dict.fromkeys(ids, "pass")
    assert set(done.outcomes().values()) == {"crash", "not-run"}
    assert list(done.outcomes().values()).count("crash") == 10
    assert "given up after 10 restarts" in done.out


def test_a_crash_that_no_case_repeats_alone_is_an_incident(world: World, tmp_path: Path) -> None:
    ids = world.configs(100)
    world.env["MINI_MARKER"] = str(tmp_path / "marker")
    done = world.run("--backend", mini("crash-once", ids[10]))
    assert done.code == 1
    assert done.outcomes() == dict.fromkeys(ids, "pass")
    (incident,) = done.incidents()
    assert incident["kind"] == "crash"
    assert ids[10] in incident["ids"]
    assert "none of the requests in flight does so when asked alone" in done.out


def test_answering_twice_is_an_incident(world: World) -> None:
    ids = world.configs(100)
    done = world.run("--backend", mini("twice", ids[7]))
    assert done.code == 1
    assert len(done.outcomes()) == 100
    assert "whose id was not asked" in done.out


def test_answers_may_come_in_any_order(world: World) -> None:
    ids = world.configs(30)
    done = world.run("--backend", mini("reversed"))
    assert done.code == 0, done.out
    assert done.outcomes() == dict.fromkeys(ids, "pass")


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("dies-at-start", "exited with code 1; its last words: mini: cannot find my library"),
        ("protocol-2", "speaks protocol 2, the runner speaks 1"),
    ],
)
def test_a_backend_that_does_not_start_is_broken(world: World, behaviour: str, says: str) -> None:
    world.configs(3)
    done = world.run("--backend", mini(behaviour))
    assert done.code == 3
    assert says in done.out
    assert done.report[1]["status"] == "broken"


def test_silence_at_start_is_ended_by_the_manifests_deadline(world: World, tmp_path: Path) -> None:
    world.configs(3)
    manifest = tmp_path / "silent.toml"
    command = mini("silent").removeprefix("mini=").split()
    manifest.write_text(f'name = "silent"\nargv = {json.dumps(command)}\nstartup_timeout = 0.5\n')
    done = world.run("--backend", str(manifest))
    assert done.code == 3
    assert "did not answer hello within 0.5 s" in done.out
    assert processes_of(world) == []


def test_declared_codes_are_held_against_the_rules(world: World) -> None:
    world.configs(3)
    done = world.run("--backend", mini("lies-about-codes"))
    assert done.code == 1
    assert "codes that no rule has: made.up" in done.out
    assert f"lacks codes of its operations: {min(all_rules())}" in done.out


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("exit-code-7", "at bye the backend exited with code 7"),
        ("crashes-at-bye", "at bye the backend was killed by SIGABRT"),
        ("hangs-at-bye", "did not end within 5 s after bye; killed"),
    ],
)
def test_a_bad_end_is_an_incident(world: World, behaviour: str, says: str) -> None:
    ids = world.configs(3)
    done = world.run("--backend", mini(behaviour))
    assert done.code == 1
    assert done.outcomes() == dict.fromkeys(ids, "pass")
    assert says in done.out
    assert processes_of(world) == []


def test_a_slow_backend_is_waited_for(world: World) -> None:
    ids = world.configs(15)
    done = world.run("--backend", mini("slow"), "--timeout", "1")
    assert done.code == 0
    assert done.outcomes() == dict.fromkeys(ids, "pass")


def test_a_gigabyte_without_newline_does_not_cost_a_gigabyte(world: World) -> None:
    world.configs(1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = world.run("--backend", mini("huge"), "--timeout", "60")
    assert "sent a line longer than the protocol's limit" in done.out
    assert done.outcomes() == {"config-000": "protocol-error"}
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 400_000)


def test_a_noisy_standard_error_is_cut_and_harms_nothing(world: World) -> None:
    world.configs(3)
    done = world.run("--backend", mini("noisy"))
    assert done.code == 0
    (log,) = (world.folder / "cache" / "spikeparity" / "runs").rglob("mini.log")
    assert log.stat().st_size < 9_000_000


def test_operations_that_a_backend_does_not_offer_are_not_asked(world: World) -> None:
    world.configs(2)
    world.write(tie_case())
    done = world.run("--backend", mini("one-op"))
    assert done.code == 0
    assert done.outcomes() == {"config-000": "pass", "config-001": "pass", "tie": "unsupported"}


def test_a_diverging_simulation_shows_where(world: World) -> None:
    world.write(tie_case())
    done = world.run("--backend", mini("one-ulp"))
    assert done.code == 1
    assert "at /counts/0/1: expected 1, got 0" in done.out
    assert "first divergence: step 1, layer 0, neuron 1 (threshold 1.0)" in done.out
    assert "expected  membrane 1.0 (3ff0000000000000), margin 0.0, spike, after 0.0 (0000000000000000)" in done.out
    assert "got       membrane 1.0 (3ff0000000000000), margin 0.0, no spike, after 1.0" in done.out
    (row,) = [row for row in done.report if row["type"] == "divergence"]
    assert (row["step"], row["layer"], row["neuron"]) == (1, 0, 1)


def test_the_repeat_command_repeats_the_failure(world: World) -> None:
    world.configs(5)
    done = world.run("--backend", mini("wrong", "config-003"))
    (command,) = [line.removeprefix("  repeat") for line in done.out.splitlines() if line.startswith("  repeat")]
    (row,) = [row for row in done.report if row.get("outcome") == "fail"]
    assert row["repeat"] == command.strip()
    again = subprocess.run(command, shell=True, cwd=world.folder, env=world.env, capture_output=True, text=True)
    assert again.returncode == 1, again.stderr
    assert "NOT CONFORM (1 backends, 1 answers, 1 failures" in again.stdout
    assert command.strip() in again.stdout


def test_fail_fast_stops_early(world: World) -> None:
    world.configs(500)
    done = world.run("--backend", mini("wrong"), "--fail-fast")
    assert done.code == 1
    assert len(done.outcomes()) < 500


def test_filters_and_nothing_selected(world: World) -> None:
    world.configs(5)
    assert list(world.run("--backend", mini(), "--id", "*-003").outcomes()) == ["config-003"]
    assert world.run("--backend", mini(), "--op", "simulate").code == 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--backend", "nobody"], "no backend 'nobody'; built in: python, rust, julia, mojo"),
        (["--backend", "x=missing-program"], "program 'missing-program' not found"),
        (["--backend", "x="], "the command is empty"),
        (["--backend", "/nowhere/m.toml"], "manifest /nowhere/m.toml: No such file or directory"),
        (["--require", "fortran"], "--require fortran: no such backend in this run"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(world: World, words: list[str], says: str) -> None:
    world.configs(1)
    done = world.run(*words)
    assert done.code in (2, 3)
    assert says in done.err + done.out
    assert "Traceback" not in done.err


def test_an_absent_backend_matters_only_when_required(world: World, tmp_path: Path) -> None:
    world.configs(1)
    manifest = tmp_path / "absent.toml"
    manifest.write_text('name = "absent"\nargv = ["no-such-program"]\nhint = "apt install it"\n')
    done = world.run("--backend", str(manifest), "--backend", mini())
    assert done.code == 3  # named on the command line, so required
    assert "unavailable: program 'no-such-program' not found; to get it: apt install it" in done.out
    assert done.outcomes() == {"config-000": "pass"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"\nargv = ["a"]\ncolour = 1\n', "unknown member 'colour'"),
        ('name = "x"\nargv = "a"\n', "'argv' has the wrong type"),
        ('name = "x"\n', "'argv' is missing"),
        ('name = "a b"\nargv = ["a"]\n', "not 'a b'"),
        ("name = ", "not TOML"),
    ],
)
def test_a_bad_manifest_is_named_with_its_fault(world: World, tmp_path: Path, text: str, says: str) -> None:
    world.configs(1)
    manifest = tmp_path / "m.toml"
    manifest.write_text(text)
    done = world.run("--backend", str(manifest))
    assert done.code == 2
    assert says in done.err
    assert str(manifest) in done.err


def test_a_build_step_runs_before_the_backend(world: World, tmp_path: Path) -> None:
    world.configs(1)
    manifest = tmp_path / "built.toml"
    command = ["{python}", "{here}/built.py"]
    source = mini().removeprefix("mini=").split()[1]
    manifest.write_text(
        f'name = "built"\nargv = {json.dumps(command)}\nbuild = ["ln", "-sf", "{source}", "built.py"]\n'
    )
    assert world.run("--backend", str(manifest)).outcomes("built") == {"config-000": "pass"}
    manifest.write_text(f'name = "built"\nargv = {json.dumps(command)}\nbuild = ["ls", "/nowhere"]\n')
    done = world.run("--backend", str(manifest))
    assert done.code == 3
    assert "build failed: ls /nowhere: ls: cannot access" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_readable_report_and_no_orphan(world: World, number: int) -> None:
    world.configs(5)
    report = world.folder / "report.jsonl"
    words = ["run", "--corpus", str(world.corpus), "--report", str(report), "--backend", mini("hang", "config-004")]
    argv = [sys.executable, "-m", "conformance", *words]
    pipes = {"stdout": subprocess.PIPE, "text": True, "preexec_fn": heed_interrupts}
    child = subprocess.Popen(argv, cwd=world.folder, env=world.env, **pipes)
    wait_for(lambda: report.exists() and report.read_text().count('"pass"') == 4)
    child.send_signal(number)
    out, _ = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "INTERRUPTED" in out
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert sum(row["type"] == "result" for row in rows) == 4
    assert rows[-1]["type"] == "footer"
    assert processes_of(world) == []


def wait_for(condition: object, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("behaviour", ["wait", "hang"])
def test_no_backend_outlives_a_runner_that_is_killed(world: World, behaviour: str) -> None:
    world.configs(2)
    words = ["run", "--corpus", str(world.corpus), "--backend", mini(behaviour)]
    child = subprocess.Popen([sys.executable, "-m", "conformance", *words], env=world.env, cwd=world.folder)
    wait_for(lambda: processes_of(world) or child.poll() is not None)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    wait_for(lambda: not processes_of(world))


def test_two_corpora_must_not_share_an_id(world: World, tmp_path: Path) -> None:
    world.configs(1)
    other = World(tmp_path / "other")
    other.write(config_case("config-000"))
    done = world.cli("run", "--corpus", str(world.corpus), "--corpus", str(other.corpus), "--backend", mini())
    assert done.returncode == 2
    assert "the id 'config-000' is also that of" in done.stderr


def test_foreign_text_cannot_steer_the_terminal(world: World) -> None:
    case = config_case("config-000")
    case["why"] = "a \x1b[2J clear and a \u202e reversal"
    world.write(case)
    done = world.run("--backend", mini("wrong"))
    assert "\x1b" not in done.out
    assert "\\u001b[2J" in done.out
    assert "\\u202e" in done.out


def test_a_summary_in_markdown(world: World) -> None:
    world.configs(3)
    file = world.folder / "summary.md"
    world.run("--backend", mini("wrong", "config-001"), "--summary", str(file))
    text = file.read_text()
    assert text.startswith("# NOT CONFORM (1 backends, 3 answers, 1 failures")
    assert "| operation | cases | mini |" in text
    assert "| config.validate | 3 | 2/3 |" in text
    assert "    mini · config-001 · config.validate · fail" in text

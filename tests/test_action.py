"""The reusable GitHub Action: what its second step runs, and that action.yml hands every input to it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from world import MINI, ROOT, World, mini, tie_case


class Job:
    """A step of a workflow, as far as scripts/action.py can see it."""

    def __init__(self, world: World) -> None:
        self.folder = world.folder / "runner"
        self.folder.mkdir()
        self.summary, self.output = self.folder / "summary", self.folder / "output"
        self.env = world.env | {"RUNNER_TEMP": str(self.folder), "GITHUB_STEP_SUMMARY": str(self.summary)}
        self.env |= {"GITHUB_OUTPUT": str(self.output), "CORPUS": str(world.corpus)}
        self.workspace = world.folder

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, str(ROOT / "scripts" / "action.py")]
        return subprocess.run(argv, cwd=self.workspace, env=self.env | inputs, capture_output=True, text=True)


def test_summary_report_logs_and_exit_code(world: World) -> None:
    world.configs(3)
    job = Job(world)
    done = job.run(BACKEND=mini("crash", "config-001"))
    assert done.returncode == 1, done.stderr
    assert job.summary.read_text().startswith("# NOT CONFORM (1 backends, 3 answers, 1 failures")
    report = Path(job.output.read_text().strip().removeprefix("report="))
    assert report.read_text().count('"type":"result"') == 3
    assert "mini: about to die" in (report.parent / "mini.log").read_text()
    assert job.run(BACKEND=mini()).returncode == 0


def test_inputs_of_several_lines(world: World) -> None:
    world.configs(2)
    world.write(tie_case())
    other = World(world.folder / "second")
    other.write(tie_case() | {"id": "tie-2"})
    job = Job(world)
    done = job.run(
        BACKEND=f"{mini()}\n\n  {mini().replace('mini=', 'other=')}\n",
        CORPUS=f"{world.corpus}\n{other.corpus}",
        OP="sim*\nencode.poisson\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CONFORM (2 backends, 4 answers, 0 failures" in done.stdout


def test_expectations_and_required_backends(world: World) -> None:
    world.configs(2)
    folder = world.folder / "known"
    folder.mkdir()
    text = '[[expected]]\nid = "config-001"\noutcome = "fail"\ncode = "*"\nreason = "to be mended"\n'
    (folder / "mini.toml").write_text(text)
    job = Job(world)
    assert job.run(BACKEND=mini("wrong", "config-001")).returncode == 1
    assert job.run(BACKEND=mini("wrong", "config-001"), EXPECTATIONS="known").returncode == 0
    assert job.run(BACKEND=mini(), REQUIRE="mini").returncode == 0
    done = job.run(BACKEND=mini(), REQUIRE="fortran")
    assert done.returncode == 2
    assert "--require fortran: no such backend" in done.stderr


def test_a_manifest_in_the_workspace(world: World) -> None:
    world.configs(1)
    (world.folder / "mine.toml").write_text(f'name = "mine"\nargv = ["{{python}}", "{MINI}"]\n')
    assert Job(world).run(BACKEND="mine.toml").returncode == 0


def test_every_input_of_the_action_is_used() -> None:
    action = (ROOT / "action.yml").read_text()
    script = (ROOT / "scripts" / "action.py").read_text()
    inputs, steps = action.split("\nruns:\n")
    declared = re.findall(r"^  (\w+):$", inputs.split("\noutputs:\n")[0], re.MULTILINE)
    assert declared == ["backend", "corpus", "op", "expectations", "require", "extras", "artifact"]
    assert sorted(re.findall(r"\$\{\{ inputs\.(\w+) \}\}", steps)) == sorted(declared)
    for name in ("backend", "corpus", "op", "expectations", "require"):
        assert f"{name.upper()}: ${{{{ inputs.{name} }}}}" in steps
        assert f'"{name.upper()}": "--{name}"' in script
    # What a workflow's author writes reaches the shell as a variable, never as part of a command.
    assert not re.search(r"run:.*\$\{\{", steps)

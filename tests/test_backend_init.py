"""`backend init`: what it writes, in every language, is built, started and asked the corpus through the real CLI."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from world import ROOT, World

from conformance.manifest import read_manifest
from conformance.template import FOLDER, LANGUAGES

SCALE = {"rates": [1, 0, 1.0], "seed": 3, "steps": 1}


@pytest.fixture
def world(world: World) -> World:
    # The world has caches of its own, and without its usual one Go would compile its whole standard library anew.
    world.env["GOCACHE"] = os.environ.get("GOCACHE", str(Path.home() / ".cache" / "go-build"))
    return world


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fresh_backend_conforms_on_the_built_in_corpus(world: World, language: str) -> None:
    done = world.cli("backend", "init", language, "--dir", "some/where", "--name", f"my-{language}")
    assert done.returncode == 0, done.stderr
    (command,) = [line.split() for line in done.stdout.splitlines() if " run --backend " in line]
    assert command[1:3] == ["-m", "conformance"]
    run = world.cli(*command[3:])
    assert run.returncode == 0, run.stdout + run.stderr
    cases = len(list((ROOT / "conformance" / "corpus" / "encode.poisson").iterdir()))
    assert cases > 80
    assert f"CONFORM (1 backends, {cases} answers, 0 failures" in run.stdout
    assert f"my-{language} " in run.stdout
    assert_talks(world.folder / "some" / "where" / "manifest.toml", language)


def assert_talks(manifest: Path, language: str) -> None:
    """Hold a conversation that the runner does not: odd ids, spaces, an operation that is not offered, no bye."""
    built = read_manifest(manifest)
    launch = built.launch()
    child = subprocess.Popen(
        launch.argv, cwd=built.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"LC_ALL": "C"}
    )
    odd = 'a "quoted" \\ id, {"id": [1]} \u2028 ü 🙂'
    requests: list[dict[str, Any]] = [
        {"cmd": "hello", "protocol": 1, "root": "/", "scratch": "/tmp"},
        {"cmd": "root", "root": "/tmp"},
        {"cmd": "run", "id": odd, "op": "encode.poisson", "input": SCALE},
        {"input": SCALE | {"seed": 2**64 + 3}, "op": "encode.poisson", "id": "b", "cmd": "run"},
        {"cmd": "run", "id": "c", "op": "simulate", "input": {"network": []}},
    ]
    lines = [json.dumps(request, ensure_ascii=False, separators=(" ,  ", " : ")) for request in requests]
    out, _ = child.communicate("".join(f"{line} \n" for line in lines).encode(), timeout=30)
    hello, first, second, third = [json.loads(line) for line in out.split(b"\n")[:-1]]
    assert child.returncode == 0
    assert (hello["name"], hello["ops"]) == (f"my-{language}", ["encode.poisson"])
    assert first == {"id": odd, "verdict": "accept", "output": {"spikes": [[0, 2]]}}
    assert (second["id"], second["verdict"], second["code"]) == ("b", "reject", "input.seed")
    assert (third["id"], third["verdict"]) == ("c", "unsupported")


@pytest.mark.parametrize("there", ["manifest.toml", "backend.py"])
def test_nothing_is_overwritten_and_nothing_is_half_written(world: World, there: str) -> None:
    folder = world.folder / "mine"
    folder.mkdir()
    (folder / there).write_text("precious")
    done = world.cli("backend", "init", "python", "--dir", "mine")
    assert done.returncode == 2
    assert f"mine/{there} is there already; nothing was written" in done.stderr
    assert [file.name for file in folder.iterdir()] == [there]
    assert (folder / there).read_text() == "precious"


def test_the_name_is_the_default_folder_and_is_checked(world: World) -> None:
    assert world.cli("backend", "init", "python", "--name", "mine.v2").returncode == 0
    assert (world.folder / "mine.v2" / "manifest.toml").is_file()
    for words in (["python", "--name", 'a"b'], ["python", "--name", "../up"], ["cobol"], []):
        done = world.cli("backend", "init", *words)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    assert [file.name for file in world.folder.iterdir()] == ["mine.v2"]


def test_a_folder_that_cannot_be_written_is_named(world: World) -> None:
    (world.folder / "file").write_text("")
    done = world.cli("backend", "init", "python", "--dir", "file/deeper")
    assert done.returncode == 2
    assert "file/deeper/backend.py: Not a directory" in done.stderr


def test_templates_are_short_and_travel_in_the_wheel() -> None:
    config = (ROOT / "pyproject.toml").read_text()
    for language in LANGUAGES:
        files = [file for file in (FOLDER / language).iterdir() if file.is_file()]
        assert len(files) == 2
        for file in files:
            assert f'"python/conformance/**/*{file.suffix}", format = ["sdist", "wheel"]' in config
            lines = [line for line in file.read_text().splitlines() if line.strip()]
            assert len(lines) < (100 if language in ("python", "c", "javascript") else 120)
            assert max(map(len, lines)) <= 120

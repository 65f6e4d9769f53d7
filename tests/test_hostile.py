"""Corpora, manifests and disks that mean harm: a clear line each, and nothing lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from world import World, config_case, mini, tie_case


def test_a_link_that_leaves_the_corpus_is_refused(world: World, tmp_path: Path) -> None:
    world.configs(1)
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(config_case("secret")))
    (world.corpus / "config.validate" / "secret.json").symlink_to(secret)
    done = world.run("--backend", mini())
    assert done.code == 2
    assert f"secret.json: a link that leaves the corpus ({secret})" in done.err


def test_a_folder_that_is_a_link_is_not_followed(world: World, tmp_path: Path) -> None:
    world.configs(1)
    (world.corpus / "loop").symlink_to(world.corpus)
    assert list(world.run("--backend", mini()).outcomes()) == ["config-000"]


def test_a_pipe_in_the_corpus_does_not_hang_the_run(world: World) -> None:
    world.configs(1)
    os.mkfifo(world.corpus / "pipe.json")
    done = world.run("--backend", mini())
    assert done.code == 2
    assert "pipe.json: not a regular file" in done.err


def test_an_enormous_case_is_refused_unread(world: World) -> None:
    world.configs(1)
    with (world.corpus / "enormous.json").open("wb") as file:
        file.truncate(100 << 20)
    done = world.run("--backend", mini())
    assert done.code == 2
    assert "enormous.json: 104857600 bytes; a case file has at most 67108864" in done.err


def test_a_case_nested_without_end_is_refused(world: World) -> None:
    world.configs(1)
    (world.corpus / "deep.json").write_text("[" * 200_000 + "]" * 200_000)
    done = world.run("--backend", mini())
    assert done.code == 2
    assert "deep.json: nested too deeply" in done.err


@pytest.mark.parametrize("verb", ["lint", "run", "list"])
def test_control_and_bidi_characters_never_reach_the_terminal(world: World, verb: str) -> None:
    case = config_case("config-\x1b[31m\u202e000")
    case["why"] = "\x1b]0;title\x07 \u2066hidden\u2069"
    (world.corpus / "config.validate").mkdir(parents=True)
    (world.corpus / "config.validate" / "bad.json").write_text(json.dumps(case))
    if verb == "run":
        summary = world.folder / "summary.md"
        out = world.run("--backend", mini("wrong"), "--summary", str(summary)).out + summary.read_text()
        assert "\\u001b[31m" in out
    else:
        out = world.cli(verb, "--corpus", str(world.corpus)).stdout
    assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(out)


def test_a_full_disk_costs_the_report_and_not_the_run(world: World) -> None:
    ids = world.configs(5)
    words = ("run", "--corpus", str(world.corpus), "--backend", mini("wrong", ids[2]), "--report", "/dev/full")
    done = world.cli(*words)
    assert done.returncode == 1
    assert "config-002 · config.validate · fail" in done.stdout
    assert "report: /dev/full (incomplete: No space left on device)" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_report_that_cannot_be_made_is_said_before_anything_runs(world: World) -> None:
    world.configs(1)
    done = world.cli("run", "--corpus", str(world.corpus), "--backend", mini(), "--report", "/proc/nowhere/r.jsonl")
    assert done.returncode == 2
    assert "report /proc/nowhere/r.jsonl: No such file or directory" in done.stderr


def test_a_backend_that_breaks_its_terminal_title_is_shown_escaped(world: World) -> None:
    world.write(tie_case())
    done = world.run("--backend", "mini=" + f"{__import__('sys').executable} -c \"print('\\x1b[2J')\"")
    assert done.code == 3
    assert "\x1b" not in done.out

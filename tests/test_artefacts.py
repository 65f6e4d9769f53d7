"""Artefacts of a corpus: they are no cases, are part of its digest, and those of the built-in corpus are as listed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from world import World, mini

from conformance.corpora import ARTEFACTS, BUILT_IN, artefact_files, load
from conformance.errors import UsageError


def test_artefacts_are_no_cases(world: World) -> None:
    ids = world.configs(2)
    folder = world.corpus / ARTEFACTS / "deep"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("not a case")
    assert list(world.run("--backend", mini()).outcomes()) == ids
    assert "\n2 files, " in "\n" + world.cli("lint", "--corpus", str(world.corpus)).stdout


def test_a_folder_of_that_name_further_down_holds_cases(world: World) -> None:
    world.configs(1)
    (world.corpus / "config.validate").rename(world.corpus / "mine")
    (world.corpus / "mine").rename(world.corpus / "x")
    (world.corpus / "y").mkdir()
    (world.corpus / "x").rename(world.corpus / "y" / ARTEFACTS)
    assert len(load(world.corpus).cases) == 1


def test_names_and_contents_are_part_of_the_digest(world: World) -> None:
    world.configs(1)
    folder = world.corpus / ARTEFACTS
    folder.mkdir()
    seen = {load(world.corpus).sha256}
    (folder / "a.npz").write_bytes(b"1")
    seen.add(load(world.corpus).sha256)
    (folder / "a.npz").write_bytes(b"2")
    seen.add(load(world.corpus).sha256)
    (folder / "a.npz").rename(folder / "b.npz")
    seen.add(load(world.corpus).sha256)
    assert len(seen) == 4


@pytest.mark.parametrize("kind", ["file", "folder", "root"])
def test_links_among_artefacts_are_refused(world: World, tmp_path: Path, kind: str) -> None:
    world.configs(1)
    folder = world.corpus / ARTEFACTS
    target = tmp_path / "target"
    target.mkdir()
    (target / "x").write_bytes(b"x")
    if kind == "root":
        folder.symlink_to(target)
    else:
        folder.mkdir()
        (folder / "link").symlink_to(target / "x" if kind == "file" else target)
    done = world.run("--backend", mini())
    assert done.code == 2
    assert ": a link; artefacts are copied" in done.err


def test_a_pipe_among_artefacts_does_not_hang_the_run(world: World) -> None:
    world.configs(1)
    (world.corpus / ARTEFACTS).mkdir()
    os.mkfifo(world.corpus / ARTEFACTS / "pipe")
    done = world.run("--backend", mini())
    assert done.code == 2
    assert "pipe: not a regular file" in done.err


def test_artefacts_without_end_are_refused_unread(world: World) -> None:
    (world.corpus / ARTEFACTS).mkdir(parents=True)
    for name in "abc":
        with (world.corpus / ARTEFACTS / name).open("wb") as file:
            file.truncate(100 << 20)
    with pytest.raises(UsageError, match="make large artefacts where they are tested"):
        artefact_files(world.corpus)


def test_scratch_folders_are_fresh_and_removed(world: World) -> None:
    world.configs(1)
    spy = world.folder / "spy.py"
    spy.write_text(
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    if request['cmd'] == 'hello':\n"
        "        scratch = request['scratch']\n"
        "        assert os.listdir(scratch) == []\n"
        "        open(scratch + '/left', 'w').close()\n"
        f"        open({str(world.folder / 'seen')!r}, 'a').write(scratch + '\\n')\n"
        "        print(json.dumps({'protocol': 1, 'name': 'spy', 'version': '0', 'language': 'Python', 'ops': [],\n"
        "            'codes': [], 'profiles': []}), flush=True)\n"
        "    if request['cmd'] == 'bye':\n"
        "        break\n"
    )
    word = f"{__import__('sys').executable} {spy}"
    world.run("--backend", f"one={word}", "--backend", f"two={word}")
    world.run("--backend", f"one={word}")
    seen = (world.folder / "seen").read_text().splitlines()
    assert len(set(seen)) == 3
    assert not any(Path(folder).exists() for folder in seen)


def test_the_manifest_lists_the_artefacts_as_they_are() -> None:
    listed = json.loads((BUILT_IN / ARTEFACTS / "MANIFEST.json").read_bytes())
    files = {file.relative_to(BUILT_IN).as_posix(): file.read_bytes() for file in artefact_files(BUILT_IN)}
    del files[f"{ARTEFACTS}/MANIFEST.json"]
    assert {path: (row["sha256"], row["size"]) for path, row in listed.items()} == {
        path: (hashlib.sha256(content).hexdigest(), len(content)) for path, content in files.items()
    }
    assert all(row["done"] and row["size"] <= 64 << 10 for row in listed.values())
    assert sum(row["size"] for row in listed.values()) < 1_500_000

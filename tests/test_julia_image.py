"""The system image of the Julia backend: made only when asked for, used where it is fresh, and not missed elsewhere.

A script plays Julia and another the C compiler: a real image takes minutes, and is checked where it is made, against
the answers to the whole corpus.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conformance import corpora
from conformance.toolchains import UnavailableError, julia_image
from conformance.toolchains import julia as toolchain

JULIA = """#!/bin/sh
echo "$@" >> "$0.calls"
case "$*" in
  *BoundsError*) printf VERSION ;;
  *image_file*) printf /base/sys.so ;;
  *--output-o*) FAULT; while [ "$1" != --output-o ]; do shift; done; echo "object from $4" > "$2" ;;
  *-J*) cat > /dev/null; echo WITH ;;
  *server_main.jl*) cat > "$0.asked"; echo without ;;
esac
"""
# -shared -o IMAGE … ARCHIVE …
CC = """#!/bin/sh
image=$3; for word; do case "$word" in *image.o) cp "$word" "$image" ;; esac; done
"""


def program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


class World:
    """A Julia, a C compiler, a package and a part of the corpus of their own."""

    def __init__(self, folder: Path) -> None:
        self.julia, self.cc = folder / "bin" / "julia", folder / "bin" / "cc"
        self.package, self.cache = folder / "package", folder / "cache" / "spikeparity" / "julia"
        self.put_julia()
        program(self.cc, CC)
        (self.package / "src").mkdir(parents=True)
        self.corpus = folder / "corpus"
        shutil.copytree(corpora.BUILT_IN / "config.validate", self.corpus / "config.validate")
        (self.package / "Project.toml").write_text("name = 'x'\n")

    def put_julia(self, version: str = "1.5.3", answer: str = "without", fault: str = ":") -> None:
        program(self.julia, JULIA.replace("VERSION", version).replace("WITH", answer).replace("FAULT", fault))

    def calls(self, word: str) -> int:
        return sum(word in line for line in Path(f"{self.julia}.calls").read_text().splitlines())

    def images(self) -> list[Path]:
        return list(self.cache.glob("image-*.so"))

    def put_image(self) -> Path:
        """Put a file where the image of the sources as they are now would lie."""
        file = toolchain.image_plan(toolchain.find_julia(), self.package).file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("an image\n")
        return file

    def change_sources(self, text: str = "module x end\n") -> None:
        (self.package / "src" / "x.jl").write_text(text)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JULIA_EXE", str(made.julia))
    monkeypatch.setenv("PATH", f"{made.cc.parent}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "package_folder", lambda: made.package)
    monkeypatch.setattr(corpora, "BUILT_IN", made.corpus)
    return made


def image_of_launch() -> str | None:
    """Return the image with which the backend would be started."""
    argv = toolchain.launch().argv
    return argv[argv.index("-J") + 1] if "-J" in argv else None


@pytest.mark.parametrize(
    ("version", "needed"), [("1.5.3", True), ("1.8.5", True), ("1.9.0", False), ("1.10.4", False), ("2.0.0", False)]
)
def test_julia_keeps_native_code_itself_from_1_9_on(version: str, needed: bool) -> None:
    assert julia_image.is_needed(version) is needed


def test_a_start_makes_none(world: World) -> None:
    assert image_of_launch() is None
    assert world.calls("using SpikeParity") == 1
    assert not world.images()
    assert world.calls("--output-o") == 0


def test_a_fresh_one_is_used_and_the_package_not_compiled_beside_it(world: World) -> None:
    image = world.put_image()
    argv = toolchain.launch().argv
    assert argv[:3] == [str(world.julia), "-J", str(image)]
    assert argv[3:] == [*toolchain.OPTIONS, str(world.package / "server_main.jl")]
    assert world.calls("using SpikeParity") == 0


def test_a_stale_one_is_ignored_until_the_sources_are_as_they_were(world: World) -> None:
    world.change_sources()
    image = world.put_image()
    world.change_sources("module y end\n")
    assert image_of_launch() is None
    assert image.is_file()
    world.change_sources()
    assert image_of_launch() == str(image)


def test_one_of_another_processor_is_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put_image()
    monkeypatch.setattr(toolchain, "cpu_features", lambda: "another")
    assert image_of_launch() is None


def test_one_of_another_julia_is_ignored(world: World) -> None:
    world.put_image()
    world.put_julia(version="1.6.7")
    assert image_of_launch() is None


def test_a_julia_that_needs_none_gets_none(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put_julia(version="1.10.4")
    world.put_image()
    assert image_of_launch() is None
    assert toolchain.main(["image"]) == 0
    assert capsys.readouterr().out == "Julia 1.10.4 keeps native code of packages itself\n"
    assert world.calls("--output-o") == 0


def test_the_command_makes_one_of_what_the_whole_corpus_calls(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert toolchain.main(["image"]) == 0
    [image] = world.images()
    told = capsys.readouterr()
    assert told.out == f"Julia 1.5.3 starts with {image}\n"
    assert "making a system image" in told.err
    assert image.read_text() == "object from /base/sys.so\n"
    assert image_of_launch() == str(image)
    assert not list(world.cache.glob("unfinished-*"))
    hello, *asked, bye = Path(f"{world.julia}.asked").read_bytes().splitlines()
    assert asked == [case.request(str(n)).strip() for n, case in enumerate(corpora.load(world.corpus).cases)]
    assert len(asked) > 50
    assert b'"cmd": "hello"' in hello
    assert b'"cmd": "bye"' in bye
    assert toolchain.main(["image"]) == 0
    assert world.calls("--output-o") == 1
    assert toolchain.main(["image", "again"]) == 2


def test_one_with_which_an_answer_differs_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put_julia(answer="different")
    assert toolchain.main(["image"]) == 3
    assert (
        "no system image could be made: the backend answers otherwise with it than without" in capsys.readouterr().err
    )
    assert not world.images()
    assert image_of_launch() is None


@pytest.mark.parametrize("missing", ["Julia's step", "cc"])
def test_where_none_can_be_made_it_is_said_why(world: World, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing == "cc":
        monkeypatch.setattr(shutil, "which", lambda name, path=None: None if name == "cc" else name)
    else:
        world.put_julia(fault="echo 'ERROR: LLVM is gone' >&2; exit 1")
    with pytest.raises(UnavailableError) as caught:
        toolchain.make_image()
    reason = "no C compiler driver: `cc` is not on PATH" if missing == "cc" else "ERROR: LLVM is gone"
    assert caught.value.reason == f"no system image could be made: {reason}"
    monkeypatch.undo()
    assert not world.images()


def test_old_ones_make_room(world: World) -> None:
    for number in range(julia_image.KEPT + 1):
        world.change_sources(f"# {number}\n")
        toolchain.make_image()
    assert len(world.images()) == julia_image.KEPT
    assert image_of_launch() is not None

"""The Mojo toolchain: cache key, atomic builds, and what it says when something is missing.

A tiny script plays the compiler, so that these tests take no compile time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from conformance.toolchains import UnavailableError
from conformance.toolchains import mojo as toolchain

# Notes each call, works for a while (so that two starts overlap), then leaves a program.
COMPILER = """#!/bin/sh
echo "$@" >> '{calls}'
while [ $# -gt 0 ]; do [ "$1" = -o ] && out="$2"; shift; done
printf '#!/bin/sh\\n' > "$out"; sleep 0.5; echo 'echo built' >> "$out"; chmod +x "$out"
"""
FAILING = """#!/bin/sh
echo 'Included from main.mojo:1:'
echo 'spikeparity/x.mojo:3:5: error: use of unknown declaration' >&2
echo 'spikeparity/x.mojo:9:5: error: a later one'
exit 1
"""


def script(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "spikeparity").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "main.mojo").write_text("def main(): pass\n")
    (folder / "spikeparity" / "__init__.mojo").write_text("")
    return folder


@pytest.fixture
def compiler(tmp_path: Path) -> toolchain.Compiler:
    text = COMPILER.format(calls=tmp_path / "calls")
    return toolchain.Compiler(script(tmp_path / "mojo", text), "1.2.0")


@pytest.fixture
def cc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    script(folder / "cc", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_the_key_follows_sources_compiler_flags_and_cpu(
    source: Path, compiler: toolchain.Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [toolchain.cache_key(compiler, source)]
    assert toolchain.cache_key(compiler, source) == keys[0]
    (source / "spikeparity" / "kernel.mojo").write_text("comptime A = 1\n")
    keys.append(toolchain.cache_key(compiler, source))
    (source / "spikeparity" / "kernel.mojo").write_text("comptime A = 2\n")
    keys.append(toolchain.cache_key(compiler, source))
    (source / "spikeparity" / "kernel.mojo").rename(source / "spikeparity" / "other.mojo")
    keys.append(toolchain.cache_key(compiler, source))
    keys.append(toolchain.cache_key(toolchain.Compiler(compiler.executable, "1.3.0"), source))
    keys.append(toolchain.cache_key(toolchain.Compiler(compiler.executable.with_name("mojo2"), "1.2.0"), source))
    monkeypatch.setattr(toolchain, "FLAGS", ("--Werror",))
    keys.append(toolchain.cache_key(compiler, source))
    monkeypatch.setattr(toolchain, "cpu_features", lambda: "flags: none")
    keys.append(toolchain.cache_key(compiler, source))
    assert len(set(keys)) == len(keys)


def test_mojo_tests_are_no_part_of_the_key(source: Path, compiler: toolchain.Compiler) -> None:
    before = toolchain.cache_key(compiler, source)
    (source / "tests" / "test_x.mojo").write_text("def main(): pass\n")
    assert toolchain.cache_key(compiler, source) == before


def test_contraction_is_switched_off() -> None:
    assert toolchain.FLAGS[-2:] == ("--fp-mode", "contract=off")


@pytest.mark.usefixtures("cc")
def test_a_build_is_made_once_and_found_again(source: Path, compiler: toolchain.Compiler, tmp_path: Path) -> None:
    program = toolchain.cached_build(compiler, source, tmp_path / "cache")
    assert subprocess.run([program], capture_output=True, check=True).stdout == b"built\n"
    assert toolchain.cached_build(compiler, source, tmp_path / "cache") == program
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].startswith("build --Werror --fp-mode contract=off -I")


@pytest.mark.usefixtures("cc")
def test_two_starts_at_once_build_once(source: Path, compiler: toolchain.Compiler, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from conformance.toolchains import mojo as m\n"
        "c = m.Compiler(Path(sys.argv[1]), '1.2.0')\n"
        "print(m.cached_build(c, Path(sys.argv[2]), Path(sys.argv[3])))"
    )
    words = [sys.executable, "-c", code, str(compiler.executable), str(source), str(tmp_path / "cache")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    starts = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    programs = {start.communicate()[0].strip() for start in starts}
    assert [start.returncode for start in starts] == [0, 0]
    assert len(programs) == 1
    assert subprocess.run([programs.pop()], capture_output=True, check=True).stdout == b"built\n"
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


@pytest.mark.usefixtures("cc")
def test_a_read_only_source_folder_is_enough(source: Path, compiler: toolchain.Compiler, tmp_path: Path) -> None:
    before = sorted(source.rglob("*"))
    toolchain.cached_build(compiler, source, tmp_path / "cache")
    assert sorted(source.rglob("*")) == before


def test_a_missing_c_compiler_is_named(
    source: Path, compiler: toolchain.Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(UnavailableError) as caught:
        toolchain.cached_build(compiler, source, tmp_path / "cache")
    assert caught.value.reason.startswith("no C compiler driver")
    assert "gcc" in caught.value.hint


@pytest.mark.usefixtures("cc")
def test_a_failed_build_tells_the_first_error_and_the_log(source: Path, tmp_path: Path) -> None:
    compiler = toolchain.Compiler(script(tmp_path / "mojo", FAILING), "1.2.0")
    with pytest.raises(UnavailableError) as caught:
        toolchain.cached_build(compiler, source, tmp_path / "cache")
    assert "x.mojo:3:5: error: use of unknown declaration" in caught.value.reason
    log = Path(caught.value.reason.rpartition("log: ")[2])
    assert "a later one" in log.read_text()
    leftovers = [entry for entry in (tmp_path / "cache").iterdir() if entry.is_dir()]
    assert leftovers == []


@pytest.mark.usefixtures("cc")
def test_a_cache_that_cannot_be_made_is_named(source: Path, compiler: toolchain.Compiler, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be used"):
        toolchain.cached_build(compiler, source, tmp_path / "file" / "cache")


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_package(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", no_package)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="no Mojo compiler") as caught:
        toolchain.find_compiler()
    assert caught.value.hint == "pip install 'spikeparity[mojo]'"


def test_the_cache_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert toolchain.cache_folder() == tmp_path / "spikeparity" / "mojo"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert toolchain.cache_folder() == tmp_path / "home" / ".cache" / "spikeparity" / "mojo"


def test_the_compiler_is_silent_to_the_outside(tmp_path: Path) -> None:
    environment = toolchain.compiler_environment(tmp_path)
    assert environment["MODULAR_TELEMETRY_ENABLED"] == "0"
    assert environment["MODULAR_CRASH_REPORTING_ENABLED"] == "0"
    assert environment["MODULAR_CACHE_DIR"].startswith(str(tmp_path))

"""The Mojo kernels: compiled at first use into a cache folder, by the compiler of the same Python environment."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from conformance.toolchains import Launch, UnavailableError

PROGRAM = "spikeparity-mojo"
# A fused multiply-add rounds once where the contract rounds twice, and the compiler fuses by default.
FLAGS = ("--Werror", "--fp-mode", "contract=off")
GET_MOJO = "pip install 'spikeparity[mojo]'"
SUMMARY = re.compile(r"Summary .*?: (\d+) passed , (\d+) failed")


@dataclass(frozen=True)
class Compiler:
    """A Mojo compiler.

    Attributes:
        executable: The ``mojo`` program.
        version: Its version, ``"1.2.0"``.
    """

    executable: Path
    version: str


def launch() -> Launch:
    """Return the backend process, compiling it first where the cache does not hold it.

    Raises:
        UnavailableError: Sources, compiler or C compiler driver are missing, or the build fails.
    """
    compiler = find_compiler()
    program = cached_build(compiler, source_folder(), cache_folder())
    return Launch([str(program)], versions={"mojo": compiler.version})


def find_compiler() -> Compiler:
    """Find the compiler of this Python environment, else the one on PATH.

    Raises:
        UnavailableError: There is none.
    """
    beside = Path(sys.executable).parent / "mojo"
    with contextlib.suppress(metadata.PackageNotFoundError):
        version = metadata.version("mojo-compiler")
        if os.access(beside, os.X_OK):
            return Compiler(beside, version)
        for file in metadata.files("mojo-compiler") or []:
            if file.name == "mojo" and os.access(file.locate(), os.X_OK):
                return Compiler(Path(str(file.locate())), version)
    on_path = shutil.which("mojo")
    if on_path is None:
        raise UnavailableError("no Mojo compiler in this Python environment or on PATH", GET_MOJO)
    return Compiler(Path(on_path), _asked_version(on_path))


def _asked_version(executable: str) -> str:
    """Start a compiler whose package is not known here; the words are ``Mojo 1.2.0 (2016d0cd)``."""
    try:
        done = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.split()[1]
    except (OSError, subprocess.CalledProcessError, IndexError):
        raise UnavailableError(f"{executable} does not tell its version", GET_MOJO) from None


def source_folder() -> Path:
    """Find the Mojo sources that travel inside the package ``spikeparity``.

    Raises:
        UnavailableError: The package is not there, or without its sources.
    """
    spec = importlib.util.find_spec("spikeparity")
    for folder in (spec and spec.submodule_search_locations) or []:
        if (Path(folder) / "_mojo" / "main.mojo").is_file():
            return Path(folder) / "_mojo"
    raise UnavailableError("the package spikeparity has no Mojo sources", "pip install spikeparity")


def cache_folder() -> Path:
    """Name the user's cache folder for Mojo builds."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "spikeparity" / "mojo"


def cache_key(compiler: Compiler, source: Path) -> str:
    """Digest all that a build depends on: sources, compiler, flags, and the CPU, for which the compiler tunes."""
    digest = hashlib.sha256()
    # The program finds the run-time library by the absolute path of the compiler's environment.
    for word in (str(compiler.executable), compiler.version, *FLAGS, platform.platform(), cpu_features()):
        digest.update(word.encode() + b"\0")
    for file in sources(source):
        digest.update(str(file.relative_to(source)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def sources(source: Path) -> list[Path]:
    """List the files that go into the program."""
    return [source / "main.mojo", *sorted((source / "spikeparity").rglob("*.mojo"))]


def cpu_features() -> str:
    """Describe the host CPU: model and features as Linux lists them, else its name."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            wanted = [line for line in _first_block(file) if line.startswith(("model name", "flags", "Features"))]
    except OSError:
        wanted = []
    return "".join(wanted) or platform.processor() or platform.machine()


def _first_block(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip():
            return
        yield line


def cached_build(compiler: Compiler, source: Path, cache: Path) -> Path:
    """Return the compiled program, building it where the cache does not hold it.

    Any number of processes may ask at once: one builds, the others wait for it.

    Args:
        compiler: What compiles.
        source: The folder with ``main.mojo`` and the package ``spikeparity``; never written to.
        cache: The folder for builds; created where it is missing.

    Raises:
        UnavailableError: The cache cannot be written, there is no C compiler driver, or the build fails.
    """
    folder = cache / cache_key(compiler, source)
    program = folder / PROGRAM
    if program.is_file():
        return program
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock")):
            if not program.is_file():
                _build(compiler, source, folder)
    except OSError as error:
        raise UnavailableError(f"the cache {cache} cannot be used: {error}", "set XDG_CACHE_HOME") from None
    return program


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock; the system frees it even where the process is killed."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(compiler: Compiler, source: Path, folder: Path) -> None:
    """Compile beside the final folder and rename, so that nobody ever sees half a program."""
    if shutil.which("cc") is None:
        raise UnavailableError("no C compiler driver: the Mojo linker needs `cc` on PATH", "apt install gcc")
    with tempfile.TemporaryDirectory(prefix=folder.name + ".", dir=folder.parent) as unfinished:
        words = [str(compiler.executable), "build", *FLAGS, "-I", str(source), "-o", f"{unfinished}/{PROGRAM}"]
        done = subprocess.run(
            [*words, str(source / "main.mojo")],
            env=compiler_environment(folder.parent),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode or not (Path(unfinished) / PROGRAM).is_file():
            raise _failure(done.stdout, folder.with_suffix(".log"))
        finished = Path(unfinished) / "finished"
        finished.mkdir()
        (Path(unfinished) / PROGRAM).rename(finished / PROGRAM)
        finished.rename(folder)


def _failure(output: bytes, log: Path) -> UnavailableError:
    log.write_bytes(output)
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    first = next((line for line in lines if "error:" in line), lines[0] if lines else "no output")
    return UnavailableError(f"the Mojo build failed: {first.strip()}; log: {log}", GET_MOJO)


def compiler_environment(cache: Path) -> dict[str, str]:
    """Return this process's environment with the compiler's telemetry off and its own cache inside ours."""
    return os.environ | {
        "MODULAR_TELEMETRY_ENABLED": "0",
        "MODULAR_CRASH_REPORTING_ENABLED": "0",
        "MODULAR_CACHE_DIR": str(cache / "compiler"),
    }


def run_tests() -> tuple[int, int]:
    """Compile and run the Mojo test programs, showing their output.

    Returns:
        How many tests have passed and failed; a program that does not get to its summary counts as one failure.

    Raises:
        UnavailableError: Sources or compiler are missing.
    """
    compiler, source = find_compiler(), source_folder()
    passed = failed = 0
    for file in sorted((source / "tests").glob("test_*.mojo")):
        words = [str(compiler.executable), "run", *FLAGS, "-I", str(source), str(file)]
        done = subprocess.run(
            words,
            env=compiler_environment(cache_folder()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        print(done.stdout, flush=True)
        counts = SUMMARY.search(done.stdout)
        passed += int(counts[1]) if counts else 0
        failed += max(int(counts[2]) if counts else 0, int(done.returncode != 0))
    return passed, failed


def main(arguments: list[str]) -> int:
    """Run ``build`` (prints the program's path) or ``test`` (closes with ``N passed, N failed``)."""
    if arguments not in (["build"], ["test"]):
        print("usage: python -m conformance.toolchains.mojo build | test", file=sys.stderr)
        return 2
    try:
        if arguments == ["build"]:
            print(launch().argv[0])
            return 0
        passed, failed = run_tests()
    except UnavailableError as error:
        print(f"mojo: {error}", file=sys.stderr)
        return 3
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

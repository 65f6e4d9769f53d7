"""The Julia module: which Julia runs it, checked once, and how its two transports are started."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from conformance.toolchains import Launch, UnavailableError, folders, julia_image
from conformance.toolchains.mojo import cpu_features

PRIVATE = "julia-1.5.3"
INSTALL = "python -m conformance.toolchains.julia install"
# An exception thrown below compiled code: Debian's Julia dies here where it meets a libunwind that is too new for it.
SMOKE = "try; Int[][3]; catch e; e isa BoundsError || exit(3); end; print(VERSION)"
# Without line numbers, which no answer shows, there is a tenth less to compile at every start.
OPTIONS = ("--startup-file=no", "-g0")
OLDEST = (1, 5)
TIMEOUT = 300.0
TRANSPORTS = ("process", "juliacall")
IMAGE_TAKES = "about three minutes, once for each state of its sources; Ctrl-C does no harm"


@dataclass(frozen=True)
class Julia:
    """A Julia that works.

    Attributes:
        executable: The ``julia`` program.
        version: Its version, ``"1.5.3"``.
    """

    executable: Path
    version: str


def launch(transport: str = "process") -> Launch:
    """Return the backend process.

    Args:
        transport: ``"process"``, a julia that reads the requests itself, or ``"juliacall"``, a Python process that has
            Julia inside. Neither ever stands in for the other.

    Raises:
        UnavailableError: There is no Julia that works, or the package SpikeParity does not load in it.
        ValueError: There is no such transport.
    """
    if transport not in TRANSPORTS:
        raise ValueError(f"transport is one of {', '.join(TRANSPORTS)}, not {transport!r}")
    return process() if transport == "process" else juliacall()


def process() -> Launch:
    """Return the persistent ``julia`` process, with the system image where one has been made."""
    julia, package = find_julia(), package_folder()
    plan = image_plan(julia, package)
    image = ["-J", str(plan.file)] if julia_image.is_needed(julia.version) and plan.file.is_file() else []
    if not image:
        compile_package(julia, package)
    return Launch(
        plan.server(*image),
        julia_environment(package),
        {"julia": julia.version, "transport": "process"},
    )


def juliacall() -> Launch:
    """Return the Python process with Julia inside; juliacall itself finds that Julia, so it is named by ``hello``."""
    try:
        version = metadata.version("juliacall")
    except metadata.PackageNotFoundError:
        hint = "pip install 'spikeparity[julia]'"
        raise UnavailableError("the package juliacall is not installed in this Python environment", hint) from None
    package_folder()
    # Signals are the harness's business, and nothing of the user's own start-up belongs into the comparison.
    quiet = {"PYTHON_JULIACALL_HANDLE_SIGNALS": "no", "PYTHON_JULIACALL_STARTUP_FILE": "no"}
    argv = [sys.executable, "-m", "spikeparity.julia_backend"]
    return Launch(argv, dict(quiet), {"transport": "juliacall", "juliacall": version})


# ---- finding a Julia -------------------------------------------------------------------------------------------------


def find_julia(environ: Mapping[str, str] = os.environ) -> Julia:
    """Find a Julia that works: only the one that ``JULIA_EXE`` names, or that on PATH, else the private one.

    Raises:
        UnavailableError: There is none; the reason is that of the first one found.
    """
    named = environ.get("JULIA_EXE")
    if named:
        program = shutil.which(named, path=environ.get("PATH"))
        if program is None:
            raise UnavailableError(f"JULIA_EXE names {named}, which is no program", "unset JULIA_EXE or correct it")
        return checked(Path(program), f"JULIA_EXE names {named}, which")
    fault = UnavailableError(f"no julia on PATH and no private one in {private_prefix()}", how_to_get())
    on_path = shutil.which("julia", path=environ.get("PATH"))
    for found in (on_path, shutil.which(str(private_prefix() / "bin" / "julia"))):
        try:
            if found:
                return checked(Path(found), found)
        except UnavailableError as error:
            fault = error if found == on_path else fault
    raise fault


def checked(program: Path, subject: str) -> Julia:
    """Return a Julia once it has caught an exception; what a good one answered is remembered until it changes.

    Raises:
        UnavailableError: It crashes, is too old or does not start.
    """
    stamp = cache_folder() / f"checked-{digest(*identity(program))}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return Julia(program, str(json.loads(stamp.read_bytes())["julia"]))
    version = smoke_test(program, subject)
    folders.write_whole(stamp, json.dumps({"julia": version, "program": str(program)}))
    return Julia(program, version)


def smoke_test(program: Path, subject: str) -> str:
    """Start a Julia, let it catch an exception, and return its version.

    Raises:
        UnavailableError: It crashes, is too old or does not start.
    """
    done = start([str(program), "--startup-file=no", "-e", SMOKE], without_julia_variables(), subject)
    if done.returncode < 0 or done.returncode >= 128:
        raise UnavailableError(f"{subject} crashes on exceptions", how_to_get())
    version = re.fullmatch(r"(\d+)\.(\d+)\.\d+\S*", done.stdout.strip())
    if done.returncode != 0 or version is None:
        raise UnavailableError(f"{subject} does not work as a julia: {last_line(done)}", how_to_get())
    if (int(version[1]), int(version[2])) < OLDEST:
        raise UnavailableError(f"{subject} is Julia {version[0]}; 1.5 or newer is needed", how_to_get())
    return version[0]


def identity(program: Path) -> tuple[str, ...]:
    """Return what changes when another Julia is put in a program's place."""
    stat = program.stat()
    known = (str(program.absolute()), str(stat.st_mtime_ns), str(stat.st_size))
    # juliaup's program stays the same whatever Julia it starts.
    return (*known, _asked_version(program)) if program.resolve().name.startswith("julialauncher") else known


def _asked_version(program: Path) -> str:
    return start([str(program), "--version"], without_julia_variables(), str(program)).stdout


def how_to_get() -> str:
    """Say how to get a Julia on this machine."""
    return INSTALL if is_debian_12() else "install juliaup, or Julia 1.5 or newer, and put julia on PATH"


def is_debian_12(os_release: Path = Path("/etc/os-release")) -> bool:
    """Tell whether the script that installs a private Julia knows this system."""
    with contextlib.suppress(OSError):
        lines = os_release.read_text(encoding="utf-8").splitlines()
        return "ID=debian" in lines and 'VERSION_ID="12"' in lines
    return False


# ---- folders and environment -----------------------------------------------------------------------------------------


def package_folder() -> Path:
    """Find the Julia package that travels inside the Python package ``spikeparity``.

    Raises:
        UnavailableError: The Python package is not there, or without its Julia sources.
    """
    return folders.source_folder("_julia", "Project.toml")


def cache_folder() -> Path:
    """Name the user's cache folder for what belongs to Julia."""
    return folders.cache_folder() / "julia"


def private_prefix() -> Path:
    """Name the folder of the private Julia, whether it is there or not."""
    return folders.cache_folder() / PRIVATE


def julia_environment(package: Path) -> dict[str, str | None]:
    """Return the variables to set, and as None those of the user's own Julia work, which would lead it elsewhere."""
    environment: dict[str, str | None] = {name: None for name in os.environ if _is_julia_variable(name)}
    environment["JULIA_LOAD_PATH"] = os.pathsep.join([str(package), "@stdlib"])
    # Compiled packages go to a folder of our own: the sources may lie where nothing can be written.
    environment["JULIA_DEPOT_PATH"] = str(cache_folder() / "depot")
    return environment


def full_environment(package: Path) -> dict[str, str]:
    """Return this process's environment with that of the backend on top."""
    overrides = julia_environment(package)
    return without_julia_variables() | {name: value for name, value in overrides.items() if value is not None}


def without_julia_variables() -> dict[str, str]:
    """Return this process's environment without what would lead Julia elsewhere."""
    return {name: value for name, value in os.environ.items() if not _is_julia_variable(name)}


def _is_julia_variable(name: str) -> bool:
    return name.startswith("JULIA_") and name != "JULIA_EXE"


# ---- the module cache ------------------------------------------------------------------------------------------------


def compile_package(julia: Julia, package: Path) -> None:
    """Let Julia write its module cache, once for each Julia and state of the sources.

    A backend would do so itself; but where several start at once one would read what another has half written.

    Raises:
        UnavailableError: The cache folder cannot be written, or the package does not load.
    """
    stamp = cache_folder() / f"compiled-{digest(*identity(julia.executable), julia.version, *sources(package))}.json"
    if stamp.is_file():
        return
    with folders.locked(cache_folder() / "compile.lock"):
        if stamp.is_file():
            return
        command = [str(julia.executable), *OPTIONS, "-e", "using SpikeParity"]
        done = start(command, full_environment(package), str(julia.executable))
        if done.returncode != 0:
            reason = f"the package SpikeParity does not load in Julia {julia.version}: {last_line(done)}"
            raise UnavailableError(reason, how_to_get())
        folders.write_whole(stamp, json.dumps({"julia": julia.version, "package": str(package)}))


def sources(package: Path) -> list[str]:
    """Return names and contents of what the module cache depends on."""
    files = [package / "Project.toml", *sorted((package / "src").rglob("*.jl"))]
    return [str(package), *(word for file in files for word in (file.name, file.read_text(encoding="utf-8")))]


def image_plan(julia: Julia, package: Path) -> julia_image.Plan:
    """Say what the system image is made of; native code depends on the processor too."""
    script = julia_image.SCRIPT.read_text(encoding="utf-8")
    words = (*identity(julia.executable), julia.version, *OPTIONS, julia_image.LEVEL, cpu_features(), script)
    return julia_image.Plan(
        (str(julia.executable), *OPTIONS),
        package,
        full_environment(package),
        cache_folder(),
        digest(*words, *sources(package)),
    )


def digest(*words: str) -> str:
    """Return a short name for a sequence of words."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def start(command: list[str], environment: Mapping[str, str], subject: str) -> subprocess.CompletedProcess[str]:
    """Run a Julia to its end.

    Raises:
        UnavailableError: It cannot be started or does not end.
    """
    try:
        return subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{subject} does not end within {TIMEOUT:.0f} s", how_to_get()) from None
    except OSError as error:
        raise UnavailableError(f"{subject} cannot be started: {error.strerror}", how_to_get()) from None


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line of a failed run that tells most: Julia's first ``ERROR`` line, else the last one."""
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines[-1:] or [f"exit code {done.returncode}, no output"])[0]


# ---- commands --------------------------------------------------------------------------------------------------------


def install(prefix: str | None) -> str:
    """See to it that there is a Julia and that the package is compiled for it; returns a line that names it.

    Args:
        prefix: A folder to install a private Julia into; where None, one in the cache folder if no other works.

    Raises:
        UnavailableError: There is none, and none can be installed here.
    """
    if prefix is not None:
        return get_julia(Path(prefix))
    try:
        julia = find_julia()
    except UnavailableError as error:
        if os.environ.get("JULIA_EXE") or not is_debian_12():
            raise
        print(f"julia: {error.reason}; installing a private one (about 10 s)", file=sys.stderr)
        get_julia(private_prefix())
        julia = find_julia()
    compile_package(julia, package_folder())
    return f"Julia {julia.version} is {julia.executable}"


def get_julia(prefix: Path) -> str:
    """Install a private Julia by the script beside this file; returns its closing line.

    Raises:
        UnavailableError: The script failed; the reason is its own.
    """
    script = Path(__file__).with_name("get_julia.sh")
    # By bash, not by itself: a wheel does not keep the bit that makes a file a program.
    done = start(["bash", str(script), str(prefix)], os.environ, str(script))
    if done.returncode != 0:
        reason = last_line(done).removeprefix("get_julia: ")
        raise UnavailableError(reason, "or set JULIA_EXE to a Julia of 1.5 or newer")
    return last_line(done)


def make_image() -> str:
    """See to it that the backend starts fast; returns a line that says how. Nothing else ever makes an image.

    Raises:
        UnavailableError: There is no Julia, or no image can be made; the backend then starts without.
    """
    julia, package = find_julia(), package_folder()
    if not julia_image.is_needed(julia.version):
        return f"Julia {julia.version} keeps native code of packages itself"
    plan = image_plan(julia, package)
    if not plan.file.is_file():
        compile_package(julia, package)
        print(f"julia: making a system image, for faster starts ({IMAGE_TAKES})", file=sys.stderr, flush=True)
    try:
        return f"Julia {julia.version} starts with {julia_image.build(plan)}"
    except julia_image.ImageError as error:
        hint = "the backend starts without, a few seconds slower"
        raise UnavailableError(f"no system image could be made: {error}", hint) from None


def run_tests() -> int:
    """Run the package's own tests twice, the second time with every index checked; returns the worse exit code."""
    julia, package = find_julia(), package_folder()
    tests = str(package / "test" / "runtests.jl")
    codes = []
    for options in ([], ["--check-bounds=yes"]):
        words = [str(julia.executable), "--startup-file=no", *options, tests]
        codes.append(subprocess.run(words, env=full_environment(package)).returncode)
    return max(abs(code) for code in codes)


USAGE = """usage: python -m conformance.toolchains.julia install [PREFIX] | image | test
  install         name the Julia that will be used; on Debian 12 without one, install a private one without root
  install PREFIX  install a private Julia into the folder PREFIX (for instance ~/julia-1.5.3)
  image           compile the package into a system image, with which Julia before 1.9 starts faster from then on
  test            run the Julia package's own tests; the last line is 'N passed, N failed'"""


def main(arguments: list[str]) -> int:
    """Run a command; exit code 2 for a wrong one, 3 where Julia cannot be had."""
    try:
        if arguments == ["test"]:
            return run_tests()
        if arguments == ["image"]:
            print(make_image())
            return 0
        if arguments[:1] == ["install"] and len(arguments) <= 2:
            print(install(arguments[1] if len(arguments) == 2 else None))
            return 0
    except UnavailableError as error:
        print(f"julia: {error}", file=sys.stderr)
        return 3
    print(USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A system image that holds the Julia package in native code: Julia before 1.9 else compiles it anew at every start.

What PackageCompiler does, without that package: a Julia writes an object file, and the C compiler links it.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance import corpora
from conformance.toolchains import folders

SCRIPT = Path(__file__).with_suffix(".jl")
# From here on Julia keeps native code of packages itself.
NATIVE_CACHES = (1, 9)
# The image's own code, apart from the kernels; a second level takes twice as long to make and wins nothing here.
LEVEL = "-O1"
SECONDS = 1800.0
WHOLE, REST = ["-Wl,--whole-archive"], ["-Wl,--no-whole-archive"]
if sys.platform == "darwin":
    WHOLE, REST = ["-undefined", "dynamic_lookup", "-Wl,-all_load"], []
# Images are large: that of another checkout or Julia may stay, older ones go.
KEPT = 2


class ImageError(Exception):
    """There can be no image here; says why in one line."""


@dataclass(frozen=True)
class Plan:
    """What an image is made of.

    Attributes:
        julia: The command that starts Julia, with the options of a backend.
        package: The Julia package, with ``server_main.jl``.
        environment: The variables of a backend, complete.
        folder: Where images are kept.
        digest: A short name for all that the image depends on.
    """

    julia: tuple[str, ...]
    package: Path
    environment: Mapping[str, str]
    folder: Path
    digest: str

    @property
    def file(self) -> Path:
        """The finished image."""
        return self.folder / f"image-{self.digest}.so"

    def server(self, *options: str) -> list[str]:
        """Return the command of the backend."""
        return [self.julia[0], *options, *self.julia[1:], str(self.package / "server_main.jl")]


def is_needed(version: str) -> bool:
    """Tell whether a Julia starts faster with an image."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < NATIVE_CACHES


def build(plan: Plan) -> Path:
    """Return the image, which is made where there is none yet.

    Raises:
        ImageError: A tool is missing, a step fails, or the backend answers otherwise with the image than without.
        UnavailableError: The cache folder cannot be written.
    """
    with folders.locked(plan.folder / "image.lock"):
        if not plan.file.is_file():
            try:
                _build(plan)
            except OSError as error:
                raise ImageError(str(error)) from None
            _remove_old_ones(plan)
    return plan.file


def _build(plan: Plan) -> None:
    compiler = shutil.which("cc", path=plan.environment.get("PATH"))
    if compiler is None:
        raise ImageError("no C compiler driver: `cc` is not on PATH")
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=plan.folder) as name:
        work = Path(name)
        statements, unlinked, image = work / "statements.jl", work / "image.o", work / "image.so"
        # Once: a corpus that grows meanwhile must not look like an answer that differs.
        asked = _requests(work / "scratch")
        answers = _converse(plan, work / "scratch", asked, f"--trace-compile={statements}")
        command = [*plan.julia, LEVEL, "--cpu-target=native", "--output-o", str(unlinked), "-J", base_image(plan)]
        _run(plan, [*command, str(SCRIPT), str(statements)])
        # What Julia writes is an archive. Its own symbols are found at run time, in the program that loads the image.
        _run(plan, [compiler, "-shared", "-o", str(image), *WHOLE, str(unlinked), *REST])
        if _converse(plan, work / "scratch", asked, "-J", str(image)) != answers:
            raise ImageError("the backend answers otherwise with it than without")
        image.replace(plan.file)


def _requests(scratch: Path) -> bytes:
    """Return a conversation about the whole corpus, which is what a backend does in a typical run."""
    corpus = corpora.load(corpora.BUILT_IN)
    hello = {"cmd": "hello", "protocol": 1, "root": str(corpus.root), "scratch": str(scratch)}
    asked = [case.request(str(number)) for number, case in enumerate(corpus.cases)]
    return b"".join([_line(hello), *asked, _line({"cmd": "bye"})])


def _converse(plan: Plan, scratch: Path, asked: bytes, *options: str) -> bytes:
    """Return the answers of the backend, which saves below `scratch`, empty at first."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    return _run(plan, plan.server(*options), asked)


def _line(message: dict[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def base_image(plan: Plan) -> str:
    """Ask Julia for the image that it has by itself."""
    return _run(plan, [*plan.julia, "-e", "print(unsafe_string(Base.JLOptions().image_file))"]).decode()


def _run(plan: Plan, command: list[str], given: bytes = b"") -> bytes:
    """Run a step to its end and return what it printed."""
    try:
        done = subprocess.run(command, env=plan.environment, input=given, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise ImageError(f"{command[0]} does not end within {SECONDS:.0f} s") from None
    if done.returncode:
        words = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        errors = [line for line in words if "ERROR" in line]
        raise ImageError((errors or words[-1:] or [f"{command[0]} ends with exit code {done.returncode}"])[0])
    return done.stdout


def _remove_old_ones(plan: Plan) -> None:
    images = sorted(plan.folder.glob("image-*.so"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in images[KEPT:]:
        with contextlib.suppress(OSError):
            file.unlink()

"""Put faults into the Rust, Julia and Mojo backends, build each in a scratch copy, and see that the corpus notices it.

    python scripts/native_mutants.py [--language rust] [--id GLOB] [--sample N --seed S] [--out FILE]

The faults are those of conformance/mutants/<language>. A build takes seconds (Rust) to half a minute (Mojo), so CI
takes a sample; the table of a full run is benchmarks/results/native_mutants.json. The exit code is 1 where a fault is
not noticed by two cases, 2 where a patch does not fit or what it makes does not build.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conformance.corpora import BUILT_IN, Corpus, Selection, load  # noqa: E402
from conformance.errors import UsageError  # noqa: E402
from conformance.manifest import Manifest  # noqa: E402
from conformance.mutants.mutant import SOUND, Mutant, mutants_of  # noqa: E402
from conformance.mutants.results import ENOUGH  # noqa: E402
from conformance.outcome import FAIL, NOT_RUN, PASS, Result  # noqa: E402
from conformance.runner import Options, Runner  # noqa: E402
from conformance.session import Incident, Session  # noqa: E402
from conformance.toolchains import Launch, UnavailableError, julia, mojo  # noqa: E402

SECONDS_PER_CASE = 10.0
Build = Callable[[Path], Launch]


class BuildError(Exception):
    """A backend does not build."""


# --- how each language is built, from a scratch copy of its folder


def build_rust(copy: Path) -> Launch:
    """Build the program that needs no Python; optimised a little, which changes no bit, and incrementally."""
    cheap = {"OPT_LEVEL": "1", "LTO": "off", "CODEGEN_UNITS": "16", "INCREMENTAL": "true", "DEBUG": "0"}
    profile = {f"CARGO_PROFILE_RELEASE_{name}": value for name, value in cheap.items()}
    words = ["cargo", "build", "-q", "--release", "--locked", "--bin", "spikeparity-backend"]
    target = copy.parent / "rust-target"
    _run(words, copy, os.environ | profile | {"CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-Awarnings"})
    return Launch([str(target / "release" / "spikeparity-backend")])


def build_julia(copy: Path) -> Launch:
    """Let Julia compile the sources as it starts: a module cache would take longer to make than it saves."""
    environment = julia.julia_environment(copy) | {"JULIA_DEPOT_PATH": str(copy.parent / "julia-depot")}
    program = [str(julia.find_julia().executable), *julia.OPTIONS, "--compiled-modules=no"]
    return Launch([*program, str(copy / "server_main.jl")], environment)


def build_mojo(copy: Path) -> Launch:
    """Compile with the flags of the harness, but little optimisation, which changes no bit."""
    compiler, program = mojo.find_compiler(), copy.parent / "mojo-backend"
    words = [str(compiler.executable), "build", "-O1", *[flag for flag in mojo.FLAGS if flag != "--Werror"]]
    environment = mojo.compiler_environment(mojo.cache_folder())
    _run([*words, "-I", str(copy), "-o", str(program), str(copy / "main.mojo")], copy, environment)
    return Launch([str(program)])


BUILDS: dict[str, Build] = {"rust": build_rust, "julia": build_julia, "mojo": build_mojo}
LEFT_OUT = shutil.ignore_patterns("target", "tests", "test", "examples", "__pycache__")


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        told = [line for line in lines if "error" in line.lower()] or lines[-1:]
        raise BuildError("; ".join(told[:3]) or f"exit code {done.returncode}")


# --- asking a build


@dataclasses.dataclass(frozen=True)
class Built(Manifest):
    """A backend that has just been built."""

    program: Launch = dataclasses.field(default_factory=lambda: Launch([]))

    def launch(self) -> Launch:
        """Return the program."""
        return self.program


class Kills:
    """Collects the cases that a backend gets wrong."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.trouble: str | None = None

    def backend(self, session: Session) -> None:
        """Remember that a backend never came to answer."""
        if session.broken or session.unavailable:
            self.trouble = str(session.broken or session.unavailable)

    def result(self, result: Result) -> None:
        """Remember a wrong answer."""
        if result.outcome not in (PASS, NOT_RUN):
            self.outcomes[result.id] = result.outcome

    def incident(self, backend: str, incident: Incident) -> None:
        """Leave it: every accident has a case that is blamed."""

    def turn(self) -> None:
        """Nothing is written."""


def ask(launch: Launch, mutant: Mutant, corpus: Corpus, scratch: Path) -> dict[str, Any]:
    """Return how many cases a build was asked and got wrong, of those how many by failing, and the first."""
    cases = tuple(case for case in corpus.cases if mutant.concerns(case))
    kills = Kills()
    logs = scratch / "logs"
    logs.mkdir(exist_ok=True)
    options = Options(SECONDS_PER_CASE, jobs=1, fail_fast=False, folder=logs)
    manifest = Built("mutant", program=launch, folder=scratch, startup_timeout=120.0)
    Runner([dataclasses.replace(corpus, cases=cases)], Selection(), options, kills).run([manifest])
    if kills.trouble:
        raise BuildError(f"the backend does not start: {kills.trouble}")
    first = next((case.id for case in cases if case.id in kills.outcomes), None)
    errors = sum(outcome != FAIL for outcome in kills.outcomes.values())
    return {"cases": len(cases), "kills": len(kills.outcomes), "errors": errors, "first": first}


# --- the trials of a language


def try_language(language: str, mutants: Sequence[Mutant], corpus: Corpus) -> Iterator[dict[str, Any]]:
    """Build and ask each mutant, the sound backend first; yields a row for each.

    Raises:
        UsageError: A patch does not fit, a mutant does not build, or the sound backend itself errs.
    """
    with tempfile.TemporaryDirectory(prefix=f"{language}-mutants-") as folder:
        copy = Path(folder) / language
        shutil.copytree(ROOT / language, copy, ignore=LEFT_OUT)
        texts = {file: (copy / file).read_text(encoding="utf-8") for file in _files(copy)}
        for mutant in (SOUND, *mutants):
            began = time.monotonic()
            patched = mutant.patched(texts)
            with _written(copy, texts, patched):
                try:
                    launch = BUILDS[language](copy)
                    built = time.monotonic()
                    told = ask(launch, mutant, corpus, Path(folder))
                except (BuildError, UnavailableError) as error:
                    raise UsageError(f"{language}: {mutant.name}: {error}") from None
            if mutant is SOUND and told["kills"]:
                raise UsageError(
                    f"{language}: without any fault {told['kills']} cases are wrong, first {told['first']}"
                )
            seconds = {"build": round(built - began, 1), "ask": round(time.monotonic() - built, 1)}
            yield {"language": language, "name": mutant.name, "rule": mutant.rule} | told | {"seconds": seconds}


def _files(copy: Path) -> list[str]:
    found = (file for file in sorted(copy.rglob("*")) if file.suffix in (".rs", ".jl", ".mojo"))
    return [file.relative_to(copy).as_posix() for file in found]


@contextlib.contextmanager
def _written(copy: Path, texts: dict[str, str], patched: dict[str, str]) -> Iterator[None]:
    """Write what a patch changes, and put it back in the end."""
    changed = [file for file in texts if patched[file] != texts[file]]
    for file in changed:
        (copy / file).write_text(patched[file], encoding="utf-8")
    try:
        yield
    finally:
        for file in changed:
            (copy / file).write_text(texts[file], encoding="utf-8")


def chosen(language: str, arguments: argparse.Namespace) -> list[Mutant]:
    """Return the mutants of a language that the options select, a random sample where one is asked for."""
    globs = arguments.id or ["*"]
    mutants = [mutant for mutant in mutants_of(language) if any(fnmatchcase(mutant.name, glob) for glob in globs)]
    if arguments.sample is None or arguments.sample >= len(mutants):
        return mutants
    return random.Random(f"{arguments.seed} {language}").sample(mutants, arguments.sample)


def survives(row: dict[str, Any]) -> bool:
    """Tell whether too few cases notice a fault."""
    return row["name"] != SOUND.name and row["kills"] < ENOUGH


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", action="append", choices=list(BUILDS), help="repeatable (default: all)")
    parser.add_argument("--id", action="append", metavar="GLOB", help="only faults whose name matches (repeatable)")
    parser.add_argument("--sample", type=int, metavar="N", help="only so many faults of each language, at random")
    parser.add_argument("--seed", default="0", help="of the sample (default 0)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table as JSON")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    try:
        corpus = load(BUILT_IN)
        for language in arguments.language or BUILDS:
            for row in try_language(language, chosen(language, arguments), corpus):
                rows.append(row)
                print(line_of(row), flush=True)
    except UsageError as error:
        print(f"native_mutants: {error}", file=sys.stderr)
        return 2
    faults = [row for row in rows if row["name"] != SOUND.name]
    few = sum(map(survives, faults))
    print(f"{len(faults)} faults, {few} noticed by fewer than {ENOUGH} cases; {time.monotonic() - began:.0f} s")
    if arguments.out:
        arguments.out.write_text(table(faults, corpus), encoding="utf-8")
    return 1 if few else 0


def line_of(row: dict[str, Any]) -> str:
    seconds = f"{row['seconds']['build']:>5} s to build, {row['seconds']['ask']:>4} s to ask"
    flag = "  TOO FEW" if survives(row) else ""
    return (
        f"{row['language']:<6} {row['name']:<40} {row['kills']:>4} of {row['cases']:<5} {seconds}  {row['first']}{flag}"
    )


def table(rows: Sequence[dict[str, Any]], corpus: Corpus) -> str:
    """Return the table as JSON, one fault per line, with what it was made at."""
    facts = {"commit": _commit(), "corpus": corpus.sha256, "cases": len(corpus.cases), "machine": _machine()}
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return json.dumps(facts, indent=2)[:-2] + f',\n  "faults": [\n{lines}\n  ]\n}}\n'


def _commit() -> str:
    """Return the commit that is checked out, marked where the backends or the corpus differ from it."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [*BUILDS, "conformance/corpus", "conformance/mutants"]
    status = subprocess.run(
        ["git", "status", "--porcelain", "--", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return head.stdout.strip() + (" and uncommitted changes" if status.stdout.strip() else "")


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


if __name__ == "__main__":
    sys.exit(main())

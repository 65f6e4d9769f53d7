"""Measures the differential search: how many requests agree, and how long a fault of each language stays hidden.

    python scripts/bench_fuzz.py [--out benchmarks/results/fuzz.json] [--minutes 10] [--seed 1] [--only search|faults]

A fault is put into a copy of the sources, built there, and searched for among four backends, the other three being
sound, under several seeds. What is not measured anew (--only) is taken over from the file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.toolchains import julia, mojo

ROOT = Path(__file__).resolve().parent.parent
CLI = [sys.executable, "-m", "conformance"]
LANGUAGES = ("python", "rust", "julia", "mojo")
COPIED = ("python", "rust", "julia", "mojo", "conformance")
NOT_COPIED = shutil.ignore_patterns("target", "__pycache__", "corpus", "Manifest.toml")
SEEDS = (1, 2, 3)
LONGEST = 5.0
SHOWN_INPUT = 400


@dataclass(frozen=True)
class Fault:
    """A fault: what it is, and in which file what stands in place of what; no file: a compiler flag is left out."""

    language: str
    what: str
    file: str = ""
    right: str = ""
    wrong: str = ""


FAULTS = (
    Fault(
        "python",
        "a bool is taken as an Integer",
        "python/spikeparity/values.py",
        "and (isinstance(value, bool) or not isinstance(value, numbers.Integral))",
        "and not isinstance(value, numbers.Integral)",
    ),
    Fault(
        "python",
        "a potential at the threshold is no spike",
        "python/spikeparity/neurons/simulate.py",
        "v >= neuron.threshold",
        "v > neuron.threshold",
    ),
    Fault(
        "rust",
        "a potential at the threshold is no spike",
        "rust/src/kernel.rs",
        "let fires = charged >= threshold;",
        "let fires = charged > threshold;",
    ),
    Fault(
        "rust",
        "a byte-order mark is skipped",
        "rust/src/json.rs",
        "Ok(text) if text.starts_with('\\u{feff}') =>",
        "Ok(text) if text.starts_with('\\u{fffe}') =>",
    ),
    Fault(
        "julia",
        "products and sums are fused",
        "julia/src/kernels.jl",
        "current[i] += weights[i, j] * x",
        "current[i] = fma(weights[i, j], x, current[i])",
    ),
    Fault(
        "julia",
        "names are sorted as UTF-16",
        "julia/src/checkpoint.jl",
        "sort!(unique(names)))",
        "sort!(unique(names), by = name -> transcode(UInt16, name)))",
    ),
    Fault("mojo", "the compiler may fuse products and sums"),
    Fault(
        "mojo",
        "a word equal to its bound is a spike",
        "mojo/spikeparity/philox.mojo",
        "if Float64(words[i % 4]) < self.bounds[i]:",
        "if Float64(words[i % 4]) <= self.bounds[i]:",
    ),
)


# ---- copies of the sources -------------------------------------------------------------------------------------------


def copy_with(fault: Fault, folder: Path) -> Path:
    """Copy the sources and put the fault in."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=NOT_COPIED)
    if fault.file:
        file = folder / fault.file
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    return folder


def all_fit() -> None:
    """End the program, before anything is measured, where a fault does not fit the sources any more."""
    for fault in FAULTS:
        times = (ROOT / fault.file).read_text(encoding="utf-8").count(fault.right) if fault.file else 1
        if times != 1:
            sys.exit(f"bench_fuzz: {fault.file} has {times} times: {fault.right}")


def build_python(copy: Path, fault: Fault) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "spikeparity.backend"], {"PYTHONPATH": str(copy / "python")}


def build_rust(copy: Path, fault: Fault) -> tuple[list[str], dict[str, str]]:
    cargo = ["cargo", "build", "-q", "--release", "--bin", "spikeparity-backend"]
    target = copy.parent / "target"
    words = ["--manifest-path", str(copy / "rust" / "Cargo.toml"), "--target-dir", str(target)]
    subprocess.run([*cargo, *words], check=True)
    return [str(shutil.copy2(target / "release" / "spikeparity-backend", str(copy)))], {}


def build_julia(copy: Path, fault: Fault) -> tuple[list[str], dict[str, str]]:
    package = copy / "julia"
    found = julia.julia_environment(package)
    env = {name: value for name, value in found.items() if value is not None} | {
        "JULIA_DEPOT_PATH": str(copy / "depot")
    }
    program = [str(julia.find_julia().executable), *julia.OPTIONS]
    subprocess.run([*program, "-e", "using SpikeParity"], check=True, env=os.environ | env)
    return [*program, str(package / "server_main.jl")], env


def build_mojo(copy: Path, fault: Fault) -> tuple[list[str], dict[str, str]]:
    sound = mojo.FLAGS
    if not fault.file:
        mojo.FLAGS = ("--Werror",)  # type: ignore[assignment]
    try:
        return [str(mojo.cached_build(mojo.find_compiler(), copy / "mojo", copy / "cache"))], {}
    finally:
        mojo.FLAGS = sound


BUILD: dict[str, Callable[[Path, Fault], tuple[list[str], dict[str, str]]]] = {
    "python": build_python,
    "rust": build_rust,
    "julia": build_julia,
    "mojo": build_mojo,
}


def manifest_of(fault: Fault, folder: Path) -> Path:
    """Build a backend with the fault and return its manifest."""
    argv, env = BUILD[fault.language](copy_with(fault, folder / "copy"), fault)
    members = "".join(f"{name} = {json.dumps(value)}\n" for name, value in env.items())
    manifest = folder / f"{fault.language}-faulty.toml"
    manifest.write_text(
        f'name = "{fault.language}-faulty"\nargv = {json.dumps(argv)}\nstartup_timeout = 180\n[env]\n{members}'
    )
    return manifest


# ---- searches --------------------------------------------------------------------------------------------------------


def searched(*words: str) -> dict[str, Any]:
    """Search and return the summary."""
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "summary.json"
        argv = [*CLI, "fuzz", "--json", str(summary), "--out", f"{folder}/drafts", *words]
        done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if not summary.exists():
            sys.exit(f"bench_fuzz: {' '.join(argv)}: exit code {done.returncode}\n{done.stdout}")
        print(done.stdout.strip().splitlines()[-1], flush=True)
        result: dict[str, Any] = json.loads(summary.read_bytes())
        return result


def hidden(fault: Fault) -> dict[str, Any]:
    """Return how long a search took to find a fault, seed by seed."""
    print(f"{fault.language}: {fault.what}", flush=True)
    times = []
    with tempfile.TemporaryDirectory(prefix="fuzz-fault-") as folder:
        others = [name for name in LANGUAGES if name != fault.language]
        words = ["--backend", str(manifest_of(fault, Path(folder)))]
        words += [word for name in others for word in ("--backend", name)]
        for seed in SEEDS:
            summary = searched("--seed", str(seed), "--kinds", "1", "--minutes", str(LONGEST), *words)
            times.append({"seed": seed} | _first(summary, f"{fault.language}-faulty"))
    return {"language": fault.language, "fault": fault.what, "file": fault.file, "searches": times}


def _first(summary: dict[str, Any], backend: str) -> dict[str, Any]:
    findings = summary["findings"]
    if not findings:
        return {"found": False, "seconds": summary["seconds"], "requests": summary["requests"]}
    (first,) = findings
    if first["backend"] != backend:
        sys.exit(f"bench_fuzz: a finding that nobody planted: {first}")
    kept = {name: first[name] for name in ("seconds", "op", "what", "bytes_found")}
    # Requests go out in batches; the number of the first that shows it says more than how many were sent.
    text = json.dumps(first["input"], ensure_ascii=False)
    return {"found": True, "requests": first["number"] + 1, **kept, "input": text[:SHOWN_INPUT]}


def main() -> int:
    """Measure, write, and tell whether the search found nothing and every fault was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "fuzz.json")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["search", "faults"])
    arguments = parser.parse_args()
    if arguments.only != "search":
        all_fit()
    results: dict[str, Any] = (
        json.loads(arguments.out.read_bytes()) if arguments.only and arguments.out.exists() else {}
    )
    if arguments.only != "faults":
        every = [word for name in LANGUAGES for word in ("--backend", name)]
        results["search"] = searched("--seed", str(arguments.seed), "--minutes", str(arguments.minutes), *every)
    if arguments.only != "search":
        results["faults"] = [hidden(fault) for fault in FAULTS]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{arguments.out}: written")
    found = all(search["found"] for fault in results.get("faults", []) for search in fault["searches"])
    return 0 if found and not results.get("search", {}).get("findings") else 1


if __name__ == "__main__":
    sys.exit(main())

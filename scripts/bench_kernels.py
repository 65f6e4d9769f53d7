#!/usr/bin/env python3
"""Measure `simulate` in every language against hand-tiled C, in one run, and write the figures as JSON.

    PYTHONPATH=python .venv/bin/python scripts/bench_kernels.py [--rounds 9] [--out benchmarks/results/kernels.json]

The workload is a 784-256-10 network, 64 steps, a batch of 256, float64, at 10 % and at 28.6 % input density. Every
language runs in a process of its own that holds the data; a round asks each in turn for one run, and a ratio is taken
within a round. With one thread the figure is the time that the thread had on a processor (other work on the machine
then counts less); with two it is the time that passed. All results must be equal bit for bit.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from spikeparity.neurons import Network, simulate
from spikeparity.neurons.inputs import Spikes
from spikeparity.neurons.layers import Layer, Neuron

from conformance.toolchains import julia, mojo

ROOT = Path(__file__).resolve().parent.parent
INPUTS, HIDDEN, OUTPUTS, SAMPLES, STEPS = 784, 256, 10, 256, 64
DENSITIES = (0.1, 0.286)
# Samples of the comparison between the Python reference and a dense loop, which are slow.
FEW_SAMPLES = 32
C_FLAGS = ["-O3", "-march=native", "-ffp-contract=off", "-pthread"]
C_WIDTHS = (2, 4, 8, 16)
C_EXTRA: tuple[list[str], ...] = ([], ["-fno-loop-unroll-and-jam"])
GOALS = {"rust": 1.2, "mojo": 1.2, "julia": 2.0}


# ---- the workload ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Workload:
    """A network of two layers (weights (output, input)) and a raster (samples, steps, inputs)."""

    weights: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    raster: npt.NDArray[np.bool_]


def make_workload(density: float) -> Workload:
    """Draw weights that keep about a fifth of the hidden neurons busy, and spikes of a density."""
    random = np.random.default_rng(0)
    weights = (random.normal(size=(HIDDEN, INPUTS)) * 0.1, random.normal(size=(OUTPUTS, HIDDEN)) * 0.2)
    return Workload(weights, random.random((SAMPLES, STEPS, INPUTS)) < density)


def write_workload(workload: Workload, path: Path) -> None:
    """Write the file that `scripts/bench/workload.h` describes."""
    rows = workload.raster.reshape(SAMPLES * STEPS, INPUTS)
    offsets = np.concatenate([[0], np.cumsum(rows.sum(axis=1))])
    with path.open("wb") as file:
        file.write(np.array([INPUTS, HIDDEN, OUTPUTS, SAMPLES, STEPS], np.int64).tobytes())
        for weights in workload.weights:
            file.write(weights.tobytes())
        file.write(offsets.astype(np.int64).tobytes())
        file.write(np.nonzero(rows)[1].astype(np.int32).tobytes())


# ---- programs --------------------------------------------------------------------------------------------------------


class Program:
    """A process that runs the workload whenever it is asked to."""

    def __init__(
        self, argv: list[str], workload: Path, result: Path, environment: dict[str, str] | None = None
    ) -> None:
        """Start it; it is ready when it has answered for the first time."""
        self.result = result
        self.process = subprocess.Popen(
            [*argv, str(workload), str(result)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | (environment or {}),
        )

    def ask(self, line: str) -> str:
        """Send a line and return the answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.process.args!r} ended with exit code {self.process.wait()}")
        return answer.strip()

    def run(self, threads: int) -> tuple[float, float]:
        """Run once; return the seconds that passed and those that the main thread was on a processor."""
        before = self.processor_seconds()
        seconds = float(self.ask(str(threads)))
        return seconds, self.processor_seconds() - before

    def processor_seconds(self) -> float:
        """Return the time that the main thread has been on a processor, as Linux counts it."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9

    def digest(self) -> str:
        """Return the digest of the result of the last run."""
        self.ask("save")
        return hashlib.sha256(self.result.read_bytes()).hexdigest()

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)


def build(argv: list[str], **options: Any) -> None:
    """Run a build; its output is shown where it fails."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{argv}:\n{done.stdout}")


def build_c(folder: Path) -> dict[str, Path]:
    """Build the comparison for every width of a tile."""
    programs: dict[str, Path] = {}
    for width in C_WIDTHS:
        for extra in C_EXTRA:
            name = " ".join([f"-DNV={width}", *extra])
            programs[name] = folder / f"tiled{len(programs)}"
            source = str(ROOT / "scripts/bench/tiled.c")
            build(["gcc", *C_FLAGS, f"-DNV={width}", *extra, source, "-o", str(programs[name])])
    return programs


def build_others(folder: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Build the programs of the other languages; return their command lines and environments."""
    cargo = [
        "cargo",
        "build",
        "-q",
        "--release",
        "--example",
        "measure",
        "--manifest-path",
        str(ROOT / "rust/Cargo.toml"),
    ]
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "rust/target"))
    build(cargo, env=os.environ | {"CARGO_TARGET_DIR": target})
    compiler, sources = mojo.find_compiler(), mojo.source_folder()
    argv = [str(compiler.executable), "build", *mojo.FLAGS, "-I", str(sources), "-o", str(folder / "mojo")]
    build([*argv, str(sources / "measure.mojo")], env=mojo.compiler_environment(mojo.cache_folder()))
    package = julia.package_folder()
    program = [str(julia.find_julia().executable), "--startup-file=no", str(package / "measure.jl")]
    settings = {key: value for key, value in julia.julia_environment(package).items() if value is not None}
    environment = {**settings, "JULIA_NUM_THREADS": "2"}
    return {
        "rust": ([f"{target}/release/examples/measure"], {}),
        "mojo": ([str(folder / "mojo")], {}),
        "julia": (program, environment),
    }


# ---- measurements ----------------------------------------------------------------------------------------------------


def fastest_c(programs: dict[str, Path], workload: Path, folder: Path, rounds: int) -> str:
    """Return the build of the C program that takes least, by the median of interleaved runs."""
    running = {name: Program([str(path)], workload, folder / "c.result") for name, path in programs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, program in running.items():
            seconds[name].append(program.run(1)[1])
    for program in running.values():
        program.close()
    return min(seconds, key=lambda name: statistics.median(seconds[name]))


def measure(programs: dict[str, Program], rounds: int) -> dict[str, Any]:
    """Ask all programs in turn, each round beginning with another one; return the figures per language."""
    for program in programs.values():
        program.run(1), program.run(2)
    names = list(programs)
    one: dict[str, list[float]] = {name: [] for name in names}
    passed: dict[str, list[float]] = {name: [] for name in names}
    speedups: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, processor = programs[name].run(1)
            one[name].append(processor)
            passed[name].append(wall)
            speedups[name].append(wall / programs[name].run(2)[0])
    return {
        name: {
            "seconds": statistics.median(one[name]),
            "least_seconds": min(one[name]),
            "seconds_passed": statistics.median(passed[name]),
            "ratio_to_c": statistics.median(own / c for own, c in zip(one[name], one["c"], strict=True)),
            "two_threads": statistics.median(speedups[name]),
            "two_threads_best": max(speedups[name]),
        }
        for name in names
    }


def measure_density(density: float, folder: Path, rounds: int, builds: dict[str, Path], others: Any) -> dict[str, Any]:
    """Measure all languages at one density of input."""
    workload, path = make_workload(density), folder / "workload"
    write_workload(workload, path)
    best = fastest_c(builds, path, folder, rounds)
    programs: dict[str, Program] = {"c": Program([str(builds[best])], path, folder / "c.result")}
    for name, (argv, environment) in others.items():
        programs[name] = Program(argv, path, folder / f"{name}.result", environment)
    figures = measure(programs, rounds)
    digests = {}
    for name, program in programs.items():
        program.run(1)
        digests[name] = {program.digest()}
        program.run(2)
        digests[name].add(program.digest())
    if len(set.union(*digests.values())) != 1:
        raise SystemExit(f"results differ: {digests}")
    fed = statistics.median(float(programs["c"].ask("file")) for _ in range(rounds))
    for program in programs.values():
        program.close()
    events = int(workload.raster.sum()) * HIDDEN
    for name, entry in figures.items():
        entry["synaptic_events_per_second"] = round(events / entry["seconds"])
        if name in GOALS:
            entry["goal"] = GOALS[name]
    return {
        "density": density,
        "c_build": best,
        "c_file_fed_seconds_passed": fed,
        "bit_equal": True,
        "languages": figures,
        "python": compare_python(workload, max(3, rounds // 3), folder / "c.result"),
    }


# ---- the Python reference --------------------------------------------------------------------------------------------


def dense_loop(workload: Workload, samples: int) -> npt.NDArray[np.int64]:
    """Run the first samples by a dense NumPy loop in the profile's order; return the counts of the last layer."""
    potentials = [np.zeros((samples, len(weights))) for weights in workload.weights]
    counts = np.zeros((samples, OUTPUTS), np.int64)
    for step in range(STEPS):
        presented = workload.raster[:samples, step].astype(np.float64)
        for weights, potential in zip(workload.weights, potentials, strict=True):
            current = np.zeros_like(potential)
            for j in range(weights.shape[1]):
                current += presented[:, j, None] * weights[:, j]
            potential += current
            fired = potential >= 1.0
            potential -= fired
            presented = fired.astype(np.float64)
        counts += presented.astype(np.int64)
    return counts


def compare_python(workload: Workload, rounds: int, result: Path) -> dict[str, Any]:
    """Time the Python reference and a dense loop, in turn; both must give the counts that C has given."""
    network = Network([Layer(weights, neuron=Neuron("if", 1.0)) for weights in workload.weights])
    given = Spikes.from_raster(workload.raster[:FEW_SAMPLES])
    runs: dict[str, Callable[[], Any]] = {
        "reference": lambda: simulate(network, STEPS, given).readout,
        "dense": lambda: dense_loop(workload, FEW_SAMPLES),
    }
    due = np.fromfile(result, np.int64, FEW_SAMPLES * OUTPUTS).reshape(FEW_SAMPLES, OUTPUTS)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _round in range(rounds):
        for name, run in runs.items():
            start = time.thread_time()
            counts = run()
            seconds[name].append(time.thread_time() - start)
            if not np.array_equal(counts, due):
                raise SystemExit(f"python, {name}: not the counts of C")
    return {
        "samples": FEW_SAMPLES,
        "reference_seconds": statistics.median(seconds["reference"]),
        "dense_loop_seconds": statistics.median(seconds["dense"]),
        "ratio_to_dense_loop": statistics.median(
            reference / dense for reference, dense in zip(seconds["reference"], seconds["dense"], strict=True)
        ),
        "goal": 1.0,
    }


# ---- the report ------------------------------------------------------------------------------------------------------


def output_of(*argv: str) -> str:
    """Return the first line that a command prints."""
    return subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")[0]


def machine() -> dict[str, Any]:
    """Describe the machine and what built the programs."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    fields = dict(line.split(":", 1) for line in info.replace("\t", "").splitlines() if ":" in line)
    return {
        "cpu": fields["model name"].strip(),
        "cpu_family_model": f"{fields['cpu family'].strip()}/{fields['model'].strip()}",
        "flags": [flag for flag in fields["flags"].split() if flag.startswith(("avx", "fma", "bmi"))],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "versions": {
            "gcc": output_of("gcc", "--version"),
            "rustc": output_of("rustc", "--version"),
            "mojo": mojo.find_compiler().version,
            "julia": julia.find_julia().version,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "c_flags": C_FLAGS,
        "mojo_flags": mojo.FLAGS,
        "commit": output_of("git", "rev-parse", "HEAD"),
        "changed_since": bool(
            output_of("git", "status", "--porcelain", "--", "rust", "julia", "mojo", "scripts/bench")
        ),
    }


def print_table(result: dict[str, Any]) -> None:
    """Print what was measured at a density."""
    print(f"density {result['density']:.1%}, C built with {result['c_build']}")
    for name, entry in result["languages"].items():
        print(
            f"  {name:6} {entry['seconds'] * 1e3:7.1f} ms {entry['synaptic_events_per_second'] / 1e9:5.1f} G/s"
            f"  {entry['ratio_to_c']:5.2f} × C  two threads {entry['two_threads']:.2f} ×"
            f" (best {entry['two_threads_best']:.2f} ×)"
        )
    python = result["python"]
    fed = result["c_file_fed_seconds_passed"] * 1e3
    print(f"  python {python['ratio_to_dense_loop']:.2f} × dense loop; C fed by file {fed:.1f} ms", flush=True)


def main() -> None:
    """Build, measure, check, write, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="runs per language and density (default 9)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/kernels.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        builds, others = build_c(Path(folder)), build_others(Path(folder))
        results = []
        for density in DENSITIES:
            results.append(measure_density(density, Path(folder), options.rounds, builds, others))
            print_table(results[-1])
    report = {
        "what": f"simulate {INPUTS}-{HIDDEN}-{OUTPUTS}, {STEPS} steps, batch {SAMPLES}, float64; medians over rounds",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "rounds": options.rounds,
        "machine": machine(),
        "results": results,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

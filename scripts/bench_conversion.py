"""Measures converted networks side by side with other libraries, in one run, and writes the figures as JSON.

    python scripts/bench_conversion.py [--rounds 7] [--out benchmarks/results/conversion_speed.json]

1,000 test images of Fashion-MNIST, 784-256-10, 64 steps; everybody has the same balanced weights, and draws its own
Poisson spikes within the time that is measured. Each contestant runs in a process of its own; a round asks each in
turn, and a ratio is taken within a round. With one thread the figure is time on a processor (other work on the machine
then counts less), with two the time that passed, which says little where `load` is high. Needs the extra torch; the
others are set up in environments of their own (scripts/peers.py, scripts/sc_neurocore.py). sc_neurocore (AGPL) is only
run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import peers
import sc_neurocore
import torch
from accuracy import fit
from fashion_mnist import load
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from spikeparity.conversion import convert

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "scripts" / "bench" / "conversion_worker.py"
SEED, HIDDEN, STEPS, IMAGES, EPOCHS = 20261, 256, 64, 1000, 3
OURS = ("ours, float64", "ours, float32")
LOOPS = ("torch loop", "torch loop, first layer once")
LIBRARIES = ("sinabs", "snntorch", "spikingjelly", "sc_neurocore")
# Images that go together: of both numbers each contestant gets the one with which it is faster.
BATCHES = (IMAGES, IMAGES // 4)
SPARSE = 0.1
DENSITIES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)

Case = dict[str, Any]
GOALS = (  # who, against whom, in which cases, the least ratio of times
    ("ours, float32", ("torch loop",), ("poisson, sparse", "constant"), 1.5),
    ("ours, float32", ("torch loop, first layer once",), ("constant",), 1.5),
    ("ours, float32", ("torch loop",), ("poisson",), 1.0),
    ("ours, float32", LIBRARIES, ("poisson, sparse", "poisson", "constant"), 1.0),
    ("ours, float64", LIBRARIES, ("poisson, sparse", "poisson", "constant"), 1.0),
)


class Worker:
    """A contestant's process; the time of its first answer holds its start."""

    def __init__(self, name: str, threads: int, data: Path, pythons: dict[str, Path]) -> None:
        settings = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        python = pythons["sc_neurocore" if name == "sc_neurocore" else "peers"]
        self.name, self.threads = name, threads
        self.batches: dict[str, int] = {}
        self.child = subprocess.Popen(
            [str(python), "-I", str(WORKER), name, str(threads), str(data)],
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, case: Case, batch: int) -> dict[str, float]:
        """Have a case run."""
        assert self.child.stdin and self.child.stdout
        self.child.stdin.write(json.dumps({**case["asked"], "batch": batch}) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with exit code {self.child.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer | {"seconds": answer["cpu" if self.threads == 1 else "wall"]}

    def choose(self, case: Case) -> int:
        """Return the batch with which a case is faster."""
        if self.name in OURS:
            return IMAGES
        self(case, IMAGES)
        return min(BATCHES, key=lambda batch: self(case, batch)["seconds"])

    def close(self) -> None:
        """End the process."""
        self.child.communicate()


def trained(folder: Path) -> tuple[Path, float]:
    """Write what the contestants need; return where, and the density of the images."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    train, test = load()
    model = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    fit(model, train, EPOCHS, 1e-3)
    network = convert(model, train.images[:10_000])
    arrays = {
        name: array
        for index in range(2)
        for name, array in ((f"weights_{index}", network.weights[index]), (f"bias_{index}", network.biases[index]))
    }
    images = test.images[:IMAGES]
    np.savez(folder / "data.npz", images=images, labels=test.labels[:IMAGES], steps=STEPS, **arrays)
    return folder / "data.npz", float(images.mean())


def measure(case: Case, workers: list[Worker], rounds: int) -> dict[str, Any]:
    """Ask all workers in turn, each round beginning with another one; return the figures of each."""
    batches = {worker: worker.choose(case) for worker in workers}
    runs: dict[str, list[dict[str, float]]] = {worker.name: [] for worker in workers}
    for turn in range(rounds):
        first = turn % len(workers)
        for worker in workers[first:] + workers[:first]:
            runs[worker.name].append(worker(case, batches[worker]))
    return {
        worker.name: {
            "seconds": rounded(statistics.median(run["seconds"] for run in runs[worker.name])),
            "least_seconds": rounded(min(run["seconds"] for run in runs[worker.name])),
            "images_per_second": round(IMAGES / statistics.median(run["seconds"] for run in runs[worker.name])),
            "accuracy": runs[worker.name][-1]["accuracy"],
            "batch": batches[worker],
            **{
                f"times_of_{own}": rounded(
                    statistics.median(
                        theirs["seconds"] / mine["seconds"]
                        for theirs, mine in zip(runs[worker.name], runs[own], strict=True)
                    )
                )
                for own in OURS
                if worker.name not in OURS
            },
        }
        for worker in workers
    }


def rounded(number: float) -> float:
    """Return four digits of a number."""
    return float(f"{number:.4g}")


def runs_in(name: str, case: Case) -> bool:
    """Tell whether a contestant has something to do in a case."""
    if case["asked"]["encoding"] == "constant":
        return name != "sc_neurocore"
    return name != "torch loop, first layer once"


def table(workers: list[Worker], density: float, rounds: int) -> list[dict[str, Any]]:
    """Measure the cases of the table with one number of threads."""
    cases: list[Case] = [
        {"name": "poisson, sparse", "density": SPARSE, "asked": asked("poisson", SPARSE / density)},
        {"name": "poisson", "density": density, "asked": asked("poisson")},
        {"name": "constant", "density": density, "asked": asked("constant")},
    ]
    results = []
    for case in cases:
        figures = measure(case, [worker for worker in workers if runs_in(worker.name, case)], rounds)
        results.append({"input": case["name"], "density": rounded(case["density"]), "threads": workers[0].threads})
        results[-1]["contestants"] = figures
        show(results[-1])
    return results


def crossover(workers: list[Worker], rounds: int) -> list[dict[str, Any]]:
    """Compare events with a dense loop, by the density of the spikes: every input has the same rate."""
    chosen = [worker for worker in workers if worker.name in (*OURS, LOOPS[0])]
    results = []
    for density in DENSITIES:
        figures = measure({"asked": asked("poisson", rate=density)}, chosen, rounds)
        dense = figures[LOOPS[0]]
        results.append(
            {
                "density": density,
                "seconds": {name: entry["seconds"] for name, entry in figures.items()},
                "dense_loop_in_times_of": {own: dense[f"times_of_{own}"] for own in OURS},
            }
        )
        print(json.dumps(results[-1]), flush=True)
    return results


def asked(encoding: str, scale: float = 1.0, rate: float | None = None) -> dict[str, Any]:
    """Return what a worker is asked, but for the batch."""
    return {"encoding": encoding, "scale": scale, "rate": rate}


def judged(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each goal with the least ratio that was found for it, and by whom."""
    verdicts = []
    for own, others, inputs, goal in GOALS:
        for threads in (1, 2):
            found = [
                (result["contestants"][other][f"times_of_{own}"], other, result["input"])
                for result in results
                for other in others
                if result["threads"] == threads and result["input"] in inputs and other in result["contestants"]
            ]
            if found:
                ratio, other, case = min(found)
                verdicts.append(
                    {"who": own, "threads": threads, "goal": goal, "least_ratio": ratio, "met": ratio >= goal}
                )
                verdicts[-1] |= {"against": other, "input": case}
    return verdicts


def show(result: dict[str, Any]) -> None:
    """Print what was measured in a case."""
    print(f"{result['input']}, density {result['density']:.1%}, {result['threads']} threads")
    for name, entry in result["contestants"].items():
        ratios = "".join(f"  {entry[key]:7.2f}" for key in entry if key.startswith("times_of"))
        print(f"  {name:30} {entry['images_per_second']:7} images/s  {entry['accuracy']:5.1f} %{ratios}", flush=True)


def machine() -> dict[str, Any]:
    """Describe the machine."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    fields = dict(line.split(":", 1) for line in info.replace("\t", "").splitlines() if ":" in line)
    head = ["git", "rev-parse", "HEAD"]
    return {
        "cpu": fields["model name"].strip(),
        "cpu_family_model": f"{fields['cpu family'].strip()}/{fields['model'].strip()}",
        "flags": [flag for flag in fields["flags"].split() if flag.startswith(("avx", "fma"))],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "commit": subprocess.run(head, cwd=ROOT, capture_output=True, text=True).stdout.strip(),
        "versions": {"torch": peers.TORCH, "sc_neurocore": sc_neurocore.VERSION}
        | dict(pin.split("==") for pin in [*peers.SUPPORT[:1], *peers.LIBRARIES]),
    }


def main() -> None:
    """Set up, measure, write, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="runs per contestant and case (default 7)")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2], help="numbers of threads (default 1 2)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/conversion_speed.json")
    options = parser.parse_args()
    pythons = {"peers": peers.environment(), "sc_neurocore": sc_neurocore.environment()}
    results: list[dict[str, Any]] = []
    sweep: list[dict[str, Any]] = []
    described = machine()
    with tempfile.TemporaryDirectory() as folder:
        data, density = trained(Path(folder))
        for threads in options.threads:
            workers = [Worker(name, threads, data, pythons) for name in (*OURS, *LOOPS, *LIBRARIES)]
            results += table(workers, density, options.rounds)
            if threads == 1:
                sweep = crossover(workers, max(3, options.rounds // 2))
            for worker in workers:
                worker.close()
    report = {
        "what": f"784-{HIDDEN}-10, {STEPS} steps, {IMAGES} images; medians over {options.rounds} rounds; seconds on a "
        "processor with one thread, seconds that passed with two; times_of_X: how many times as long as X, in a round",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "machine": described | {"load_at_the_end": os.getloadavg()[0]},
        "goals": judged(results),
        "results": results,
        "crossover": sweep,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for verdict in report["goals"]:
        print(json.dumps(verdict))


if __name__ == "__main__":
    main()

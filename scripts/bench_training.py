"""Measures training side by side with other libraries, in one run, and writes the figures as JSON.

    python scripts/bench_training.py [--rounds 9] [--out benchmarks/results/training_speed.json]

A round is one pass over 4 batches of 256 images of Fashion-MNIST, forward, backward and Adam's step: of a 784-256-10
LIF net on Poisson spikes, 25 steps, and of the convolutional net of examples/fashion_conv.py, 4 steps. Each contestant
runs in a process of its own, on one thread; a round asks each in turn, and a ratio is taken within a round, of times on
a processor (other work on the machine then counts less) and of times that passed. All have the same PyTorch, initial
weights, inputs, and layers between the neurons; see scripts/bench/training_worker.py. Needs the extra torch; the others
are set up in an environment of their own (scripts/peers.py).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import peers
from bench_conversion import machine, rounded
from fashion_mnist import load

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "scripts" / "bench" / "training_worker.py"
BATCHES, BATCH, EPOCH = 4, 256, 60_000
OURS = ("ours", "ours, time first")
NEURONS = {
    "ours": "LIF(decay=0.9) / IF, ArcTan; (batch, time, …)",
    "ours, time first": "the same, (time, batch, …)",
    "snntorch": "Leaky(beta=0.9 / 1, reset_delay=False), atan(2); a loop over the steps; fires where v > threshold",
    "spikingjelly": "LIFNode(tau=10, decay_input=False) / IFNode, v_reset=None, ATan(2), step_mode='m'",
    "norse": "LIFBoxCell in Lift, reset_subtract / IAF, which resets to 0; SuperSpike (it has no arctan)",
    "sinabs": "LIF(norm_input=False, decay not trained) / IAF, SingleSpike, MembraneSubtract, arctan as a callable",
}
NETWORKS = {
    "lif": "784-256-10, both layers LIF, 25 steps of Poisson spikes, loss on spike counts",
    "conv": "examples/fashion_conv.py: two convolutions with IF neurons, 4 steps of constant input, summed readout",
}

Run = dict[str, Any]


class Worker:
    """A contestant's process."""

    def __init__(self, name: str, python: Path, data: Path) -> None:
        settings = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.name = name
        self.child = subprocess.Popen(
            [str(python), "-I", str(WORKER), name, str(data)],
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.versions: dict[str, str] = self.answer()

    def __call__(self, network: str) -> Run:
        """Have it train."""
        assert self.child.stdin
        self.child.stdin.write(network + "\n")
        self.child.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """Return what it answers."""
        assert self.child.stdout
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with exit code {self.child.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.child.communicate()


def data(folder: Path) -> Path:
    """Write the images and labels; return where."""
    train, _ = load()
    images = train.images[: BATCHES * BATCH].reshape(BATCHES, BATCH, -1).astype(np.float32)
    np.savez(folder / "data.npz", images=images, labels=train.labels[: BATCHES * BATCH].reshape(BATCHES, BATCH))
    return folder / "data.npz"


def measure(network: str, workers: list[Worker], rounds: int) -> dict[str, Any]:
    """Ask all workers in turn, each round beginning with another one; return the figures of each.

    A first pass, which holds the making of the net and of its inputs, is not measured.
    """
    losses = {worker.name: worker(network)["losses"] for worker in workers}
    runs: dict[str, list[Run]] = {worker.name: [] for worker in workers}
    for turn in range(rounds):
        first = turn % len(workers)
        for worker in workers[first:] + workers[:first]:
            runs[worker.name].append(worker(network))
    return {name: figures(name, runs, losses[name]) for name in runs}


def figures(name: str, runs: dict[str, list[Run]], losses: list[float]) -> dict[str, Any]:
    """Return the figures of a contestant."""
    seconds = {clock: statistics.median(run[clock] for run in runs[name]) for clock in ("cpu", "wall")}
    return {
        "cpu_seconds": rounded(seconds["cpu"]),
        "wall_seconds": rounded(seconds["wall"]),
        "least_cpu_seconds": rounded(min(run["cpu"] for run in runs[name])),
        "images_per_cpu_second": round(BATCHES * BATCH / seconds["cpu"]),
        "cpu_seconds_of_an_epoch": rounded(seconds["cpu"] * EPOCH / (BATCHES * BATCH)),
        **{
            f"{clock}_times_of_{own}": rounded(
                statistics.median(
                    theirs[clock] / mine[clock] for theirs, mine in zip(runs[name], runs[own], strict=True)
                )
            )
            for own in OURS
            for clock in ("cpu", "wall")
            if own != name
        },
        "first_losses": losses,
        "last_loss": rounded(runs[name][-1]["losses"][-1]),
    }


def judged(results: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each network and each of our layouts, the least ratio against a peer."""
    verdicts = []
    for network, found in results.items():
        for own in OURS:
            others = [name for name in found if name not in OURS]
            against = min(others, key=lambda name: found[name][f"cpu_times_of_{own}"])
            ratio = found[against][f"cpu_times_of_{own}"]
            verdicts.append({"network": network, "who": own, "against": against, "least_ratio": ratio})
            verdicts[-1]["ahead_of_all"] = ratio > 1.0
    return verdicts


def show(network: str, found: dict[str, Any]) -> None:
    """Print what was measured for a network."""
    print(f"{NETWORKS[network]}\n  {'':18} images/s  times of ours  of time first  (time on a processor; passed)")
    for name, entry in found.items():
        ratios = [
            f"{entry.get(f'cpu_times_of_{own}', 1.0):5.2f}; {entry.get(f'wall_times_of_{own}', 1.0):5.2f}"
            for own in OURS
        ]
        print(f"  {name:18} {entry['images_per_cpu_second']:8}  {'   '.join(ratios)}", flush=True)


def main() -> None:
    """Set up, measure, write, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="passes per contestant and network (default 9)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/training_speed.json")
    options = parser.parse_args()
    python, described = peers.environment(), machine()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        file = data(Path(folder))
        workers = [Worker(name, python, file) for name in NEURONS]
        described["versions"] = {key: value for worker in workers for key, value in worker.versions.items()}
        for network in NETWORKS:
            results[network] = measure(network, workers, options.rounds)
            show(network, results[network])
        for worker in workers:
            worker.close()
    report = {
        "what": f"one pass over {BATCHES} batches of {BATCH} images, forward, backward, Adam's step, one thread; "
        f"medians over {options.rounds} rounds; *_times_of_X: how many times as long as X, the median of the ratios "
        "in a round",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "machine": described | {"load_at_the_end": os.getloadavg()[0]},
        "networks": NETWORKS,
        "neurons": NEURONS,
        "goals": judged(results),
        "results": results,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for verdict in report["goals"]:
        print(json.dumps(verdict))


if __name__ == "__main__":
    main()

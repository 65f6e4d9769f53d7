"""Measures checkpoints side by side with sc_neurocore 3.16 and with NumPy, in one run, and writes the figures as JSON.

    python scripts/bench_transfer.py [--rounds 15] [--out benchmarks/results/bench_transfer.json] [--skip-large]

Every contestant runs in a process of its own; a round asks each in turn, and a ratio is taken within a round. The
figures are medians: evidence against regressions on one machine, no promise for another. What takes microseconds is
held against its goal by time on a processor, which other work on the machine disturbs less; large files by time passed.
sc_neurocore (AGPL) is installed into a private environment in the cache and only run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
WORKER = ROOT / "scripts" / "bench" / "transfer_worker.py"
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
SIDE, LAYERS = 5000, 4
GIGABYTE_SIDE = 11181
GOALS = {
    "round trip on the disk, ratio of rates on the processor to sc_neurocore": (">=", 3.0),
    "round trip in memory-backed storage, ratio of rates on the processor to sc_neurocore": (">=", 3.0),
    "apply_transfer_config, ratio of rates on the processor to sc_neurocore": (">=", 1.0),
    "10^8 weights, save, ratio of times to np.savez_compressed": ("<=", 1.5),
    "10^8 weights, load, ratio of times to np.load": ("<=", 1.5),
    "10^8 weights of 7 bits, save, ratio of times to np.savez_compressed": ("<=", 1.5),
    "10^8 weights of 7 bits, load, ratio of times to np.load": ("<=", 1.5),
    "10^8 weights, peak memory of a save, in weights": ("<=", 1.1),
    "10^8 weights, peak memory of a load, in weights": ("<=", 1.1),
    "10^8 weights uncompressed, load, ratio of times to np.load of the same file": ("<=", 1.0),
    "1 GB pair, first row mapped, ms": ("<=", 20.0),
}

Figures = dict[str, Any]


class Worker:
    """A contestant's process."""

    def __init__(self, who: str, folder: Path, python: str = sys.executable) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        path = {"PYTHONPATH": str(ROOT / "python")} if who == "ours" else {}
        isolated = [] if who == "ours" else ["-I"]
        self._child = subprocess.Popen(
            [python, *isolated, str(WORKER), who, str(folder)],
            env=os.environ | threads | path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, method: str, **arguments: Any) -> dict[str, float]:
        """Have something done."""
        assert self._child.stdin and self._child.stdout
        self._child.stdin.write(json.dumps([method, arguments]) + "\n")
        self._child.stdin.flush()
        answer: dict[str, float] = json.loads(self._child.stdout.readline())
        return answer

    def __enter__(self) -> Worker:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self._child.communicate()


def median(values: list[float]) -> float:
    return float(f"{statistics.median(values):.4g}")


def compare(ours: list[dict[str, float]], theirs: list[dict[str, float]], count: int) -> Figures:
    """Return rates, and the median of the rounds' ratios, by time that passed and by time on a processor."""
    ratios = {
        clock: median([other[clock] / own[clock] for own, other in zip(ours, theirs, strict=True)])
        for clock in ("seconds", "cpu")
    }
    return {
        "ours_per_second": median([count / round_["seconds"] for round_ in ours]),
        "theirs_per_second": median([count / round_["seconds"] for round_ in theirs]),
        "ratio": ratios["seconds"],
        "ratio_on_cpu": ratios["cpu"],
    }


def small(folder: Path, rounds: int) -> Figures:
    """Compare round trips and apply_transfer_config on the 64-32-10 checkpoint."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import sc_neurocore

    trips, applications = 50, 20_000
    with Worker("ours", folder) as ours, Worker("theirs", folder, str(sc_neurocore.environment())) as theirs:
        for worker in (ours, theirs):
            worker("round_trips", count=5)
            worker("apply", count=100)
        runs: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            for name, worker, method, arguments in (
                ("theirs", theirs, "round_trips", {}),
                ("ours", ours, "round_trips", {"durable": False}),
                ("ours stored", ours, "round_trips", {"durable": False, "compress": False}),
                ("ours durable", ours, "round_trips", {"durable": True}),
                ("theirs apply", theirs, "apply", {}),
                ("ours apply", ours, "apply", {}),
            ):
                count = applications if method == "apply" else trips
                runs.setdefault(name, []).append(worker(method, count=count, **arguments))
    return {
        "round_trip": compare(runs["ours"], runs["theirs"], trips),
        "round_trip_uncompressed": compare(runs["ours stored"], runs["theirs"], trips),
        "round_trip_synced_to_disk": compare(runs["ours durable"], runs["theirs"], trips),
        "apply_transfer_config": compare(runs["ours apply"], runs["theirs apply"], applications),
    }


def large(folder: Path, rounds: int, side: int) -> Figures:
    """Compare 10^8 weights with NumPy; each time in fresh processes, which begin with little memory.

    Normal weights hardly compress, and we store them as they are; those of 7 bits do.
    """
    figures: Figures = {}
    for name, compress, bits in (("compressed", True, 52), ("compressed_7_bits", True, 7), ("uncompressed", False, 52)):
        runs: dict[str, list[dict[str, float]]] = {"large": [], "large_numpy": []}
        for _ in range(rounds):
            for method, found in runs.items():
                with Worker("ours", folder) as worker:
                    found.append(worker(method, side=side, layers=LAYERS, compress=compress, bits=bits))
        ours, theirs = runs["large"], runs["large_numpy"]
        figures[name] = {
            "ours": {key: median([run[key] for run in ours]) for key in ours[0]},
            "numpy": {key: median([run[key] for run in theirs]) for key in theirs[0]},
            "save_ratio": median([own["save"] / other["save"] for own, other in zip(ours, theirs, strict=True)]),
            "load_ratio": median([own["load"] / other["load"] for own, other in zip(ours, theirs, strict=True)]),
        }
    figures["uncompressed"]["same_file"] = same_file(folder, 2 * rounds + 3)
    return figures


def same_file(folder: Path, rounds: int) -> Figures:
    """Load the pair that the last run left, by us and by NumPy in turn, each time in a fresh process."""
    os.sync()  # else what is still on its way to the disk slows down whoever comes first

    def seconds(method: str) -> float:
        with Worker("ours", folder) as worker:
            return worker(method)["seconds"]

    pairs = [(seconds("load_ours"), seconds("load_numpy")) for _ in range(rounds + 1)][1:]
    return {
        "ours": median([ours for ours, _ in pairs]),
        "numpy": median([theirs for _, theirs in pairs]),
        "ratio": median([ours / theirs for ours, theirs in pairs]),
    }


def mapped(folder: Path, rounds: int) -> Figures:
    """Time the first row of a pair of 1 GB, each time in a fresh process; the file is in the system's cache."""
    with Worker("ours", folder) as worker:
        worker("large", side=GIGABYTE_SIDE, layers=1, compress=False, bits=52)
    times = []
    for _ in range(rounds):
        with Worker("ours", folder) as worker:
            times.append(1000 * worker("first_row")["seconds"])
    return {"first_row_ms": median(times), "archive_bytes": (folder / "large.npz").stat().st_size}


def goals(figures: Figures) -> list[dict[str, Any]]:
    """Hold the figures against the goals."""
    runs = [figures[name] for name in ("compressed", "compressed_7_bits", "uncompressed") if name in figures]
    found = [figures[place]["round_trip"]["ratio_on_cpu"] for place in ("on_disk", "in_memory")]
    found.append(figures["in_memory"]["apply_transfer_config"]["ratio_on_cpu"])
    if runs:
        found += [run[ratio] for run in runs[:2] for ratio in ("save_ratio", "load_ratio")]
        found += [max(run["ours"][f"{way}_memory"] for run in runs) for way in ("save", "load")]
        found += [runs[2]["same_file"]["ratio"], figures["mapped"]["first_row_ms"]]
    rows = []
    for (name, (sign, goal)), value in zip(GOALS.items(), found, strict=False):
        met = value >= goal if sign == ">=" else value <= goal
        rows.append({"what": name, "goal": f"{sign} {goal:g}", "found": value, "met": met})
    return rows


def machine() -> Figures:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    facts = {"cpu": model, "cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    return facts | {"numpy": np.__version__, "commit": commit, "load": round(os.getloadavg()[0], 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--large-rounds", type=int, default=1)
    parser.add_argument("--skip-large", action="store_true")
    parser.add_argument("--side", type=int, default=SIDE, help="of the four large matrices (to try the script)")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    facts = machine()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        figures: Figures = {"on_disk": small(folder, chosen.rounds)}
        with tempfile.TemporaryDirectory(dir=MEMORY) as memory:
            figures["in_memory"] = small(Path(memory), chosen.rounds)
        if not chosen.skip_large:
            figures |= large(folder, chosen.large_rounds, chosen.side)
            figures["mapped"] = mapped(folder, 5)
    rows = goals(figures)
    for row in rows:
        print(f"{'met   ' if row['met'] else 'MISSED'} {row['found']:>9} ({row['goal']:>6})  {row['what']}")
    about = (
        "medians of one run on one machine: regression evidence, not a promise. Rates of round trips and of "
        "apply_transfer_config are held against their goals by time on a processor (user and system), all else by "
        "time that passed; `load` is the machine's load average, by other work, as the run began."
    )
    document = {"about": about, "date": time.strftime("%Y-%m-%d"), "machine": facts, "goals": rows, "figures": figures}
    if chosen.out:
        chosen.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    else:
        print(json.dumps(figures, indent=1))
    return int(not all(row["met"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

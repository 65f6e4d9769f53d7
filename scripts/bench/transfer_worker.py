"""One contestant of bench_transfer.py, in a process of its own: does what each line asks, answers how long it took.

    python transfer_worker.py ours|theirs FOLDER

`theirs` runs in the environment of sc_neurocore (scripts/sc_neurocore.py), which has nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = {"ours": "spikeparity.transfer", "theirs": "sc_neurocore.transfer"}
SIZES = ((64, 32), (32, 10))


def memory(field: str) -> int:
    """Return VmRSS (now) or VmHWM (the peak) of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def peak_of(work: Callable[[], Any]) -> tuple[float, int, Any]:
    """Return the seconds that something took, the peak of memory meanwhile in bytes, and its result."""
    Path("/proc/self/clear_refs").write_text("5")
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, memory("VmHWM"), result


class Contestant:
    """Either package: the names of its API are the same."""

    def __init__(self, who: str, folder: Path) -> None:
        self.package = importlib.import_module(PACKAGES[who])
        self.who, self.folder = who, folder
        self.small = self.checkpoint([np.random.default_rng(1).normal(size=size[::-1]) for size in SIZES])
        self.config = self.package.TransferConfig(freeze_until="layer 0", lr_head=0.005)

    def checkpoint(self, weights: list[Any]) -> Any:
        """Make a checkpoint."""
        names = [f"layer {number}" for number in range(len(weights))]
        sizes = [(array.shape[1], array.shape[0]) for array in weights]
        return self.package.SNNCheckpoint(weights=weights, layer_names=names, layer_sizes=sizes)

    def round_trips(self, count: int, **options: Any) -> dict[str, float]:
        """Save and load the small checkpoint so many times."""
        base = self.folder / f"{self.who}-small"
        began, on_cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            self.package.save_checkpoint(self.small, base, **options)
            loaded = self.package.load_checkpoint(base)
        took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - on_cpu}
        assert np.array_equal(loaded.weights[1], self.small.weights[1])
        return took

    def apply(self, count: int) -> dict[str, float]:
        """Apply a config so many times."""
        began, on_cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            self.package.apply_transfer_config(self.small, self.config)
        return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - on_cpu}

    def large(self, side: int, layers: int, compress: bool, bits: int) -> dict[str, float]:
        """Save and load a large checkpoint; times, and peaks above what the process has without it, per weight byte."""
        bare = memory("VmRSS")
        rng = np.random.default_rng(2)
        checkpoint = self.checkpoint([])
        checkpoint.weights += [matrix(rng, side, bits) for _ in range(layers)]
        checkpoint.layer_names += [f"layer {number}" for number in range(layers)]
        checkpoint.layer_sizes += [(side, side)] * layers
        size = 8 * side * side * layers
        base = self.folder / "large"
        first, held = checkpoint.weights[-1][0].copy(), [checkpoint]
        save, saving, _ = peak_of(lambda: self.package.save_checkpoint(held[0], base, compress=compress, durable=False))
        held.clear()
        checkpoint = None
        load, loading, loaded = peak_of(lambda: self.package.load_checkpoint(base))
        assert np.array_equal(loaded.weights[-1][0], first)
        return {
            "save": save,
            "load": load,
            "save_memory": (saving - bare) / size,
            "load_memory": (loading - bare) / size,
            "bytes": base.with_suffix(".npz").stat().st_size,
        }

    def large_numpy(self, side: int, layers: int, compress: bool, bits: int) -> dict[str, float]:
        """Do the same with NumPy: `savez_compressed` or `savez`, and `load`."""
        bare = memory("VmRSS")
        rng = np.random.default_rng(2)
        arrays = {f"layer_{number}": matrix(rng, side, bits) for number in range(layers)}
        size = 8 * side * side * layers
        file = self.folder / "numpy.npz"
        save, saving, _ = peak_of(lambda: (np.savez_compressed if compress else np.savez)(file, **arrays))
        arrays.clear()
        load, loading, _ = peak_of(lambda: load_all(file))
        return {
            "save": save,
            "load": load,
            "save_memory": (saving - bare) / size,
            "load_memory": (loading - bare) / size,
            "bytes": file.stat().st_size,
        }

    def load_ours(self) -> dict[str, float]:
        """Load the pair that `large` left."""
        return {"seconds": peak_of(lambda: self.package.load_checkpoint(self.folder / "large"))[0]}

    def load_numpy(self) -> dict[str, float]:
        """Load the archive of that pair by NumPy."""
        return {"seconds": peak_of(lambda: load_all(self.folder / "large.npz"))[0]}

    def first_row(self) -> dict[str, float]:
        """Map the pair that `large` left and read the first row of its first matrix."""
        began = time.perf_counter()
        row = self.package.load_checkpoint(self.folder / "large", mmap=True).weights[0][0].sum()
        return {"seconds": time.perf_counter() - began, "row": float(row)}


def matrix(rng: np.random.Generator, side: int, bits: int) -> Any:
    """Draw a matrix of normal weights, rounded to so many bits after the point where that is less than all."""
    drawn = rng.normal(size=(side, side))
    if bits < 52:
        np.multiply(drawn, 2.0**bits, out=drawn)
        np.rint(drawn, out=drawn)
        np.multiply(drawn, 2.0**-bits, out=drawn)
    return drawn


def load_all(file: Path) -> list[Any]:
    """Load every member of an .npz."""
    with np.load(file) as archive:
        return [archive[name] for name in archive.files]


def main() -> None:
    """Do what each line of standard input asks: a method and its arguments."""
    contestant = Contestant(sys.argv[1], Path(sys.argv[2]))
    for line in sys.stdin:
        method, arguments = json.loads(line)
        print(json.dumps(getattr(contestant, method)(**arguments)), flush=True)


if __name__ == "__main__":
    main()

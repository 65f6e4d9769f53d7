"""Which libraries keep the spike counts of a network when they read our NIR file: a table, written as JSON.

    python scripts/nir_peers.py [--out benchmarks/results/nir_peers.json]

The network has weights and biases that are multiples of 1/8, so that no rounding enters in binary32 either: what
differs is what the neurons do. The libraries run in an environment of their own (scripts/peers.py). Needs the extra
nir.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nir
import numpy as np
import peers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from spikeparity.neurons import Layer, Network, Neuron, Spikes, simulate
from spikeparity.nir import from_nir, to_nir

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "scripts" / "bench" / "nir_worker.py"
STEPS, SAMPLES, WIDTHS = 24, 6, (12, 10, 5)


def network_of(neuron: Neuron) -> Network:
    """Return a network of eighths."""
    rng = np.random.default_rng(1)
    pairs = zip(WIDTHS[1:], WIDTHS[:-1], strict=True)
    return Network(
        [Layer(rng.integers(-3, 5, pair) / 8.0, rng.integers(-1, 3, pair[0]) / 8.0, neuron) for pair in pairs]
    )


NETWORKS = {
    "if, subtract": Neuron(),
    "if, zero": Neuron(reset="zero"),
    "if, subtract, potential 0.5 at first": Neuron(initial_potential=0.5),
    "lif, zero": Neuron("lif", reset="zero", decay=0.5),
}


def verdict(counts: Any, due: Any) -> str:
    """Say what became of the counts; in their place a library that fails has a message."""
    if isinstance(counts, str):
        return f"fails: {counts}"
    got = np.array(counts)
    if np.array_equal(got, due):
        return "kept"
    return f"{int((got != due).sum())} of {due.size} differ, {int(got.sum())} spikes instead of {int(due.sum())}"


def main() -> None:
    """Write, have read, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "nir_peers.json")
    options = parser.parse_args()
    spikes = np.random.default_rng(2).random((SAMPLES, STEPS, WIDTHS[0])) < 0.3
    table: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file, raster = Path(folder) / "network.nir", Path(folder) / "raster.npy"
        np.save(raster, spikes.transpose(1, 0, 2))
        for name, neuron in NETWORKS.items():
            network, given = network_of(neuron), Spikes.from_raster(spikes)
            due = simulate(network, STEPS, given).readout
            nir.write(file, to_nir(network, semantics="metadata"))
            own = np.array_equal(simulate(from_nir(nir.read(file)), STEPS, given).readout, due)
            table[name] = {"spikeparity": "kept" if own else "not kept"}
            argv = [str(peers.environment()), str(WORKER), str(file), str(raster)]
            said = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()[-1]
            table[name] |= {reader: verdict(counts, due) for reader, counts in json.loads(said).items()}
            print(name, *(f"  {reader}: {word}" for reader, word in table[name].items()), sep="\n", flush=True)
    versions = dict(pin.split("==") for pin in [*peers.LIBRARIES, peers.SUPPORT[2]])
    options.out.write_text(json.dumps({"versions": versions, "counts": table}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

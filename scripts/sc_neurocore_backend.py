"""sc_neurocore 3.16 behind the protocol: a foreign writer and reader of format 1, for ``exchange``.

Runs in an environment of its own (scripts/sc_neurocore.py), calls the package's public functions in its own process,
and shares no code with this project.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import sc_neurocore
from sc_neurocore.transfer import SNNCheckpoint, load_checkpoint, save_checkpoint

HELLO = {
    "protocol": 1,
    "name": "sc_neurocore",
    "version": str(getattr(sc_neurocore, "__version__", "3.16")),
    "language": "Python",
    "ops": ["checkpoint.load", "checkpoint.save"],
    "codes": [],
    "profiles": ["sequential-f64"],
    "numpy": np.__version__,
}


def save(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Save an inline checkpoint, and answer what a load of it finds."""
    document = dict(request["checkpoint"])
    sizes = [(int(inputs), int(outputs)) for inputs, outputs in document.pop("layer_sizes")]
    weights = [
        np.array(rows, dtype=np.float64).reshape(outputs, inputs)
        for rows, (inputs, outputs) in zip(document.pop("weights"), sizes, strict=True)
    ]
    base = scratch / request["base"]
    save_checkpoint(SNNCheckpoint(weights=weights, layer_sizes=sizes, **document), base)
    return load(base)


def load(base: Path) -> dict[str, Any]:
    """Load a pair, and answer what is in it."""
    checkpoint = load_checkpoint(base)
    return {
        "n_layers": len(checkpoint.layer_names),
        "total_params": sum(int(weights.size) for weights in checkpoint.weights),
        "layer_names": list(checkpoint.layer_names),
        "frozen_layers": sorted(set(checkpoint.frozen_layers)),
        "format_version": 1,
        "members": [
            {
                "name": f"layer_{index}",
                "shape": list(weights.shape),
                "sha256": hashlib.sha256(weights.astype(">f8").tobytes()).hexdigest(),
            }
            for index, weights in enumerate(checkpoint.weights)
        ],
    }


def is_network(base: Path) -> bool:
    """Tell whether a pair is one of format 2, which it would take for a checkpoint where no layer has a bias."""
    sidecar = base.with_name(base.name + ".json")
    return sidecar.is_file() and bool(json.loads(sidecar.read_bytes()).get("format_version", 1) != 1)


def answer(op: str, request: dict[str, Any], root: Path, scratch: Path) -> dict[str, Any]:
    """Return the verdict on one request."""
    if "network" in request:
        return {"verdict": "unsupported", "reason": "it knows format 1 alone"}
    if "compress" in request:
        return {"verdict": "unsupported", "reason": "it always deflates"}
    if op == "checkpoint.load" and is_network(root / request["base"]):
        return {"verdict": "unsupported", "reason": "it knows format 1 alone"}
    try:
        output = save(request, scratch) if op == "checkpoint.save" else load(root / request["base"])
    except Exception as error:
        return {"verdict": "error", "message": f"{type(error).__name__}: {error}"}
    return {"verdict": "accept", "output": output}


def main() -> None:
    """Answer requests until bye or the end of input."""
    root = scratch = Path()
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever the package prints is no answer
    for line in sys.stdin:
        request = json.loads(line)
        command = request["cmd"]
        if command == "bye":
            return
        if "root" in request:
            root = Path(request["root"])
        if command == "hello":
            scratch = Path(request["scratch"])
            print(json.dumps(HELLO), file=answers, flush=True)
        elif command == "run":
            verdict = answer(request["op"], request["input"], root, scratch)
            print(json.dumps({"id": request["id"], **verdict}), file=answers, flush=True)


if __name__ == "__main__":
    main()

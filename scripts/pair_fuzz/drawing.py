"""The n-th pair of a seed: the same whatever came before it."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from conformance.fuzz import mutate, texts
from pair_fuzz import arrays, zips
from pair_fuzz.artefact import Artefact
from pair_fuzz.zips import Entry, Zip

OPTIONAL = ("neuron_types", "metadata", "frozen_layers", "format_version", "network", "archive_digest")
NEURONS = ({"model": "if", "threshold": 1.0}, {"model": "lif", "threshold": 0.5, "decay": 0.5, "reset": "zero"})
DIGESTS: tuple[Any, ...] = ("", "0" * 64, "f" * 63, "F" * 64, "g" * 64, "0" * 65, None, 0, [], "é" * 64)

Member = tuple[str, tuple[int, ...]]


def draw(seed: int, number: int) -> Artefact:
    """Return a pair and what is asked about it."""
    rng = Random(f"pairs/{seed}/{number}")
    sidecar, due = _pair(rng)
    # One fault most of the time: a second one hides behind the first.
    where = rng.choices(("nothing", "npy", "zip", "sidecar", "digest", "bytes", "all"), (2, 6, 8, 3, 3, 3, 1))[0]
    archive = _archive(due, rng, where)
    files = {"npz": archive}
    binding = rng.random()
    if binding < 0.6 or where == "digest":
        _bind(sidecar, files, rng, rng.random() if where in ("digest", "all") else 0.0)
    text = _text(sidecar, rng, where in ("sidecar", "all"))
    files["json"] = text
    if rng.random() < 0.01:
        del files[rng.choice(list(files))]
    return _question(Artefact(files), due, rng)


def _pair(rng: Random) -> tuple[dict[str, Any], list[Member]]:
    width = rng.choice((0, 1, 1, 2, 2, 3, 5))
    sizes, due, layers = [], [], []
    is_network = rng.random() < 0.35
    for number in range(rng.choice((1, 1, 1, 2, 2, 3) if is_network else (0, 1, 1, 1, 2, 2, 3))):
        height = rng.choice((0, 1, 2, 2, 3))
        sizes.append([width, height])
        due.append((f"layer_{number}", (height, width)))
        layer: dict[str, Any] = {"weights": {"member": f"layer_{number}"}, "neuron": dict(rng.choice(NEURONS))}
        if is_network and rng.random() < 0.5:
            layer["bias"] = {"member": f"bias_{number}"}
            due.append((f"bias_{number}", (height,)))
        layers.append(layer)
        width = height if rng.random() < (0.97 if is_network else 0.7) else 1
    names = [f"n{number}" for number in range(len(sizes))]
    elements = sum(_elements(shape) for _, shape in due)
    sidecar: dict[str, Any] = {
        "n_layers": len(sizes),
        "layer_names": names,
        "layer_sizes": sizes,
        "total_params": elements,
    }
    if is_network:
        sidecar |= {"format_version": 2, "network": {"layers": layers}}
        if rng.random() < 0.5:
            sidecar["network"]["readout"] = rng.choice(("spikes", "membrane"))
    elif rng.random() < 0.3:
        sidecar["format_version"] = 1
    if names and rng.random() < 0.3:
        sidecar["frozen_layers"] = rng.choices(names, k=2)
    if rng.random() < 0.3:
        sidecar["metadata"] = {"a": [1, 2.5, None]}
    return sidecar, due


def _elements(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def _archive(due: list[Member], rng: Random, where: str) -> bytes:
    faulty = rng.randrange(len(due)) if due else 0
    entries = []
    for number, (name, shape) in enumerate(due):
        content = arrays.draw(shape, rng, where in ("npy", "all") and number == faulty)
        entries.append(Entry(f"{name}.npy".encode(), content, rng.choice((0, 8, 8))))
    order = list(range(len(entries)))
    if rng.random() < 0.2:
        rng.shuffle(order)
    archive = Zip(entries, order, wide=rng.random() < 0.1)
    if where in ("zip", "all"):
        for _ in range(rng.choice((1, 1, 1, 2))):
            zips.change(archive, rng)
    data = archive.bytes()
    if where in ("bytes", "all"):
        for _ in range(rng.choice((1, 1, 2))):
            data = zips.damaged(data, rng)
    return data


def _bind(sidecar: dict[str, Any], files: dict[str, bytes], rng: Random, x: float) -> None:
    """Give the sidecar a digest: that of BASE.npz, or with x a wrong one, or that of another archive beside it."""
    right = zips.digest(files["npz"]) or "0" * 64
    sidecar["archive_digest"] = right
    if x < 0.3:
        return
    if x < 0.5:
        sidecar["archive_digest"] = rng.choice(DIGESTS)
    elif x < 0.7:
        files[f"npz.{right[:16]}"] = files.pop("npz")
        if rng.random() < 0.7:
            files["npz"] = rng.choice((b"", b"PK", zips.damaged(files[f"npz.{right[:16]}"], rng), Zip([], []).bytes()))
    elif x < 0.85:
        files[f"npz.{right[:16]}"] = zips.damaged(files["npz"], rng)
    else:
        wrong = right[:16] + "0" * 48
        sidecar["archive_digest"] = wrong
        files[f"npz.{wrong[:16]}"] = files["npz"]


def _text(sidecar: dict[str, Any], rng: Random, faulty: bool) -> bytes:
    if not faulty:
        return json.dumps(sidecar, indent=rng.choice((None, None, 1))).encode()
    x = rng.random()
    if x < 0.6:
        # `bent` keeps the members of what it gets and changes what is inside them.
        inner = "network" if "network" in sidecar and rng.random() < 0.5 else "sidecar"
        wrapped = {inner: sidecar["network"] if inner == "network" else sidecar}
        mutate.bent(wrapped, rng)
        sidecar = sidecar | wrapped if inner == "network" else wrapped["sidecar"]
    if x < 0.45:
        return json.dumps(sidecar).encode()
    text = texts.written(sidecar, rng)
    return texts.damaged(text, rng) if x > 0.75 else text


def _question(artefact: Artefact, due: list[Member], rng: Random) -> Artefact:
    """Mostly a load; else a simulation of the pair, or of an array out of its archive."""
    x = rng.random()
    if x < 0.85:
        return artefact
    width = due[0][1][-1] if due else 1
    values: Any = [0.5] * width
    artefact.op = "simulate"
    network: Any = {"checkpoint": "$"}
    if x > 0.92:
        reference = {"file": "$.npz", "member": rng.choice([name for name, _ in due] or ["layer_0"])}
        layer: dict[str, Any] = {"weights": reference, "neuron": dict(NEURONS[0])}
        if x > 0.98:
            values = {"file": "$.npz", "member": "bias_0"}
        if rng.random() < 0.3:
            layer["bias"] = {"file": "$.npz", "member": "bias_0"}
        network = {"layers": [layer]}
    record = ["counts", "potential"]
    stimulus = {"kind": "constant", "values": values}
    artefact.arguments = {"network": network, "steps": 3, "input": stimulus, "record": record}
    return artefact

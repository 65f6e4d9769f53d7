"""Small pairs made by hand (zipfile, struct, json), independent of every backend."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Matrix = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Pair:
    """The two files of a pair."""

    sidecar: dict[str, Any]
    archive: bytes
    members: dict[str, bytes] = field(default_factory=dict)

    @property
    def sidecar_bytes(self) -> bytes:
        """The sidecar as it is written."""
        return json.dumps(self.sidecar).encode()

    @property
    def digest(self) -> str:
        """The digest that binds the sidecar to the archive."""
        return archive_digest(self.archive)

    def write(self, base: Path) -> None:
        """Write both files, in place and without a sync."""
        base.parent.mkdir(parents=True, exist_ok=True)
        base.with_name(f"{base.name}.npz").write_bytes(self.archive)
        base.with_name(f"{base.name}.json").write_bytes(self.sidecar_bytes)


def archive_digest(archive: bytes) -> str:
    """Return the SHA-256 of an archive from its first central-directory header on."""
    (offset,) = struct.unpack_from("<I", archive, len(archive) - 6)
    return hashlib.sha256(archive[offset:]).hexdigest()


def npy(shape: Sequence[int], values: Iterable[float]) -> bytes:
    """Return an array as an .npy of version 1.0, `<f8`, in C order."""
    numbers = list(values)
    dimensions = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({dimensions}), }}"
    header = header.ljust(-(len(header) + 11) % 64 + len(header)) + "\n"
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + struct.pack(f"<{len(numbers)}d", *numbers)
    )


def archive_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of these members, each date 1980-01-01."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data, method)
    return buffer.getvalue()


def checkpoint(scale: float, sizes: Sequence[tuple[int, int]], **more: Any) -> dict[str, Any]:
    """Return an inline checkpoint whose weights follow from `scale`; sizes are (input, output)."""
    weights = [
        [[scale * (1 + row - 0.5 * column + layer) for column in range(inputs)] for row in range(outputs)]
        for layer, (inputs, outputs) in enumerate(sizes)
    ]
    names = [f"layer {number}" for number in range(len(sizes))]
    return {"weights": weights, "layer_names": names, "layer_sizes": [list(size) for size in sizes], **more}


def network(scale: float, sizes: Sequence[tuple[int, int]], readout: str = "spikes") -> dict[str, Any]:
    """Return an inline network: LIF layers with biases, the last one IF without."""
    layers: list[dict[str, Any]] = []
    for weights in checkpoint(scale, sizes)["weights"]:
        neuron = {"model": "lif", "threshold": 1.0, "decay": 0.9, "reset": "zero"}
        layers.append({"weights": weights, "bias": [scale * row for row in range(len(weights))], "neuron": neuron})
    del layers[-1]["bias"]
    layers[-1]["neuron"] = {"model": "if", "threshold": 0.5}
    return {"layers": layers, "readout": readout}


def pair_of(content: dict[str, Any], bound: bool = True, method: int = zipfile.ZIP_DEFLATED) -> Pair:
    """Return the pair of an inline checkpoint (format 1) or, where it has `layers`, of a network (format 2)."""
    sidecar, members = _network_parts(content) if "layers" in content else _checkpoint_parts(content)
    archive = archive_of(members, method)
    if bound:
        sidecar["archive_digest"] = archive_digest(archive)
    return Pair(sidecar, archive, members)


def _matrix_npy(weights: Matrix, inputs: int) -> bytes:
    return npy((len(weights), inputs), [value for row in weights for value in row])


def _checkpoint_parts(content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    sidecar = {key: value for key, value in content.items() if key != "weights"}
    sizes = content["layer_sizes"]
    sidecar |= {"n_layers": len(sizes), "total_params": sum(inputs * outputs for inputs, outputs in sizes)}
    members = {
        f"layer_{number}": _matrix_npy(weights, inputs)
        for number, (weights, (inputs, _)) in enumerate(zip(content["weights"], sizes, strict=True))
    }
    return sidecar, members


def _network_parts(content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    layers, members, sizes, count = [], {}, [], 0
    for number, layer in enumerate(content["layers"]):
        weights = layer["weights"]
        sizes.append([len(weights[0]), len(weights)])
        members[f"layer_{number}"] = _matrix_npy(weights, len(weights[0]))
        stored = {"weights": {"member": f"layer_{number}"}, "neuron": layer["neuron"]}
        count += len(weights) * len(weights[0])
        if "bias" in layer:
            members[f"bias_{number}"] = npy((len(weights),), layer["bias"])
            stored["bias"] = {"member": f"bias_{number}"}
            count += len(weights)
        layers.append(stored)
    sidecar: dict[str, Any] = {
        "format_version": 2,
        "n_layers": len(layers),
        "layer_names": [f"layer_{number}" for number in range(len(layers))],
        "layer_sizes": sizes,
        "neuron_types": [layer["neuron"]["model"] for layer in layers],
        "total_params": count,
        "network": {key: value for key, value in content.items() if key != "layers"} | {"layers": layers},
    }
    return sidecar, members

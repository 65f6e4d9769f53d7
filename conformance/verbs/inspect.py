"""Show what is in a pair, BASE.json and BASE.npz: layers, arrays, norms, neurons, what is frozen, metadata.

The pair is read and checked whole by the Python reference. One that breaks a rule is told with the rule's code and the
place, exit code 5; what cannot be read, exit code 2. To put it to all backends: python -m conformance check BASE.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import exit_codes
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.pairs.contents import Contents, Layer, Member

EXAMPLE = "python -m conformance inspect models/digits"
SHOWN_KEYS = 12


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``inspect``."""
    parser.add_argument("base", metavar="BASE", help="the pair's path without extension")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def execute(arguments: argparse.Namespace) -> int:
    """Read and print."""
    from spikeparity.files import StorageError
    from spikeparity.rejection import RejectedError

    from conformance.pairs.contents import read
    from conformance.pairs.files import find

    pair = find(arguments.base)
    try:
        contents = read(arguments.base)
    except RejectedError as error:
        return _rejected(arguments, error.code, error.path, error.message)
    except StorageError as error:
        raise UsageError(f"{error.filename or arguments.base}: {error.strerror}") from None
    files = {str(file): file.stat().st_size for file in pair.files if file.exists()}
    if arguments.json:
        print(json.dumps(_as_json(arguments.base, files, contents), indent=2, ensure_ascii=True))
    else:
        print("\n".join(_lines(files, contents)))
    return exit_codes.CONFORM


def _rejected(arguments: argparse.Namespace, code: str, path: str, message: str) -> int:
    from conformance.pairs.tables import place
    from conformance.report.text import clean

    if arguments.json:
        rejected = {"code": code, "path": path, "message": message}
        print(json.dumps({"base": arguments.base, "rejected": rejected}, indent=2, ensure_ascii=True))
    else:
        print(clean(f"{arguments.base}: rejected: {code} at {place(path)}: {message}"), file=sys.stderr)
    return exit_codes.REJECTED


# ---- for people ------------------------------------------------------------------------------------------------------


def _lines(files: dict[str, int], contents: Contents) -> Iterator[str]:
    from conformance.pairs.tables import columns
    from conformance.report.text import clean

    kind = {1: "a checkpoint", 2: "a network"}[contents.format_version]
    yield clean(", ".join(f"{Path(file).name} ({size:,} bytes)" for file, size in files.items()))
    readout = f", {contents.readout} readout" if contents.readout else ""
    yield f"format {contents.format_version}: {kind} of {len(contents.layers)} layers{readout}"
    if contents.archive_digest:
        yield f"bound: the sidecar belongs to this archive alone (digest {contents.archive_digest[:16]}…)"
    else:
        yield "not bound: without archive_digest, another archive of the same shapes would be taken for this one"
    yield ""
    if not contents.is_plain:
        yield from columns(list(_layer_rows(contents)), left=range(6))
        yield ""
    rows = list(_rows(contents))
    yield from columns(
        rows if contents.is_plain else [row[:-2] for row in rows], left={0, 1, -1} if contents.is_plain else {0, 1}
    )
    if contents.metadata:
        keys = list(contents.metadata)
        more = f", … ({len(keys)} in all)" if len(keys) > SHOWN_KEYS else ""
        yield ""
        yield clean(f"metadata: {', '.join(keys[:SHOWN_KEYS])}{more}", 400)


def _layer_rows(contents: Contents) -> Iterator[list[str]]:
    """Yield a row per layer of a network that is more than dense layers in a row."""
    yield ["layer", "kind", "takes", "output", "frozen", "neuron"]
    yield ["input", "", "", _shape(contents.input), "", ""]
    for layer in contents.layers:
        frozen = "yes" if layer.frozen else "no"
        yield [_name(layer), layer.kind or "", " + ".join(layer.takes), _shape(layer.output), frozen, _neuron(layer)]


def _rows(contents: Contents) -> Iterator[list[str]]:
    numbers = ["shape", "parameters", "zeros", "Frobenius", "max |w|", "dtype", "storage", "bytes"]
    yield ["member", "layer", *numbers, "frozen", "neuron"]
    for layer in contents.layers:
        for number, member in enumerate(layer.members):
            of_layer = [_name(layer), "yes" if layer.frozen else "no", _neuron(layer)] if number == 0 else ["", "", ""]
            yield [member.member, of_layer[0], *_fields(member), *of_layer[1:]]
    members = [member for layer in contents.layers for member in layer.members]
    norm, largest = math.hypot(*(m.norm for m in members)), max((m.largest for m in members), default=0.0)
    zeros, size = sum(m.zeros for m in members), sum(m.bytes for m in members)
    sums = [f"{contents.total_params:,}", f"{zeros:,}", f"{norm:.6g}", f"{largest:.6g}", "", "", f"{size:,}"]
    yield ["total", "", "", *sums, str(sum(layer.frozen for layer in contents.layers)), ""]


def _fields(member: Member) -> list[str]:
    dtype = member.dtype + (" by columns" if member.fortran_order and len(member.shape) > 1 else "")
    values = [f"{member.parameters:,}", f"{member.zeros:,}", f"{member.norm:.6g}", f"{member.largest:.6g}"]
    return [_shape(member.shape), *values, dtype, member.compression, f"{member.bytes:,}"]


def _name(layer: Layer) -> str:
    return layer.name if layer.name.strip() else repr(layer.name)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _neuron(layer: Layer) -> str:
    if layer.neuron is None:
        return "" if layer.kind else layer.neuron_type or ""
    rest = [f"{name.replace('_', ' ')} {value}" for name, value in layer.neuron.items() if name != "model"]
    return ", ".join([str(layer.neuron["model"]), *rest])


# ---- for machines ----------------------------------------------------------------------------------------------------


def _as_json(base: str, files: dict[str, int], contents: Contents) -> dict[str, Any]:
    return {
        "base": base,
        "files": [{"file": file, "bytes": size} for file, size in files.items()],
        "format_version": contents.format_version,
        "bound": contents.archive_digest is not None,
        "archive_digest": contents.archive_digest,
        "n_layers": len(contents.layers),
        "total_params": contents.total_params,
        "layers": [
            {
                "name": layer.name,
                **({"kind": layer.kind, "takes": layer.takes, "output": layer.output} if layer.kind else {}),
                "neuron_type": layer.neuron_type,
                "frozen": layer.frozen,
                "neuron": layer.neuron,
                "members": [_member_as_json(member) for member in layer.members],
            }
            for layer in contents.layers
        ],
        **({"input_shape": contents.input} if contents.input else {}),
        "readout": contents.readout,
        "metadata": contents.metadata,
    }


def _member_as_json(member: Member) -> dict[str, Any]:
    norm = member.norm if math.isfinite(member.norm) else "Infinity"
    return {**vars(member), "shape": list(member.shape), "parameters": member.parameters, "norm": norm}

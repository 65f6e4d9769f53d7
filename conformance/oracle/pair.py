"""Checkpoint pairs: `checkpoint.load` and `checkpoint.save` (pairs.md, sections 2, 5 and 6)."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

from conformance.oracle import archive, checkpoint, json_text, kinds, matrix, network, npy, places, sidecar
from conformance.oracle.geometry import Shape
from conformance.oracle.kinds import Fields
from conformance.oracle.places import Folder
from conformance.oracle.sidecar import Member
from conformance.oracle.stored import stored
from conformance.oracle.values import Rejected, Value, array, leaves, members, number, strings

HEADER_BYTES = 65548  # rules.toml, limits.npy_header_bytes


@dataclass
class Pair:
    """A pair that was loaded: its sidecar, and for each member due its elements in C order."""

    document: Value
    members: list[tuple[Member, list[float]]]


def load(base: Value, root: Folder, path: str) -> Pair:
    """Return a pair below the root folder; raise `Rejected`, with file.path at `path`."""
    name = places.place(base, path)
    document = _sidecar(name, root, path)
    due = sidecar.members_due(document)
    data, found = _archive(name, members(document).get("archive_digest"), root, path)
    entries = archive.entries(data, found, len(due), "")
    names = [f"{member.name}.npy".encode() for member in due]
    archive.check_paths(entries, "")
    archive.check_expected(entries, names, "")
    archive.check_once(entries, names, "")
    chosen = [(archive.member(entries, f"{member.name}.npy".encode(), member.path), member.path) for member in due]
    raw = archive.check_headers(data, found, chosen)
    return Pair(
        document,
        [
            (member, _elements(member, entry, packed))
            for member, (entry, _), packed in zip(due, chosen, raw, strict=True)
        ],
    )


def _sidecar(name: str, root: Folder, path: str) -> Value:
    text = places.content(root, f"{name}.json", path)
    if text is None:
        raise Rejected("checkpoint.sidecar-missing", "")
    if len(text) > sidecar.BYTES:
        raise Rejected("checkpoint.sidecar-size", "")
    document = json_text.parse(text)
    sidecar.check_sidecar(document)
    return document


def _archive(name: str, digest: Value, root: Folder, path: str) -> tuple[bytes, archive.Directory]:
    """Return the archive that the sidecar is bound to, or else the fault of the first that is there."""
    files = [f"{name}.npz"] + ([f"{name}.npz.{digest[:16]}"] if isinstance(digest, str) else [])
    faults = []
    for file in files:
        try:
            return _bound(file, digest, root, path)
        except Rejected as rejected:
            if rejected.code == "file.path":
                raise
            faults.append(rejected)
    raise next((fault for fault in faults if fault.code != "archive.missing"), faults[0])


def _bound(file: str, digest: Value, root: Folder, path: str) -> tuple[bytes, archive.Directory]:
    """Return an archive that has the digest, or any where there is none."""
    data = places.content(root, file, path)
    if data is None:
        raise Rejected("archive.missing", "")
    found = archive.directory(data, "")
    if digest is not None and archive.digest(data, found) != digest:
        raise Rejected("archive.digest", "")
    return data, found


def _elements(due: Member, entry: archive.Entry, raw: bytes) -> list[float]:
    content = archive.unpacked(entry, raw, 8 * math.prod(due.shape) + HEADER_BYTES, due.path)
    header = npy.header(content, due.path)
    if header.shape != due.shape:
        raise Rejected("checkpoint.weight-shape", due.path)
    elements = npy.values(content, header, due.path)
    _check_each("checkpoint.weight-type", elements, due, npy.is_exact)
    _check_each("checkpoint.weight-finite", elements, due, math.isfinite)
    return [float(element) for element in elements]


def _check_each(code: str, elements: list[int | float], due: Member, sound: Callable[[int | float], bool]) -> None:
    for index, element in enumerate(elements):
        if not sound(element):
            place = "".join(f"/{position}" for position in npy.indices(due.shape, index))
            raise Rejected(code, due.path + place)


def loaded(arguments: dict[str, Value], root: Folder) -> dict[str, object]:
    """Answer `checkpoint.load`."""
    pair = load(arguments["base"], root, "/base")
    fields = members(pair.document)
    return _answer(
        strings(fields["layer_names"]),
        set(strings(fields.get("frozen_layers", []))),
        sidecar.format_version(pair.document),
        pair.members,
    )


def _answer(
    names: list[str], frozen: set[str], version: int, all_members: list[tuple[Member, list[float]]]
) -> dict[str, object]:
    return {
        "n_layers": len(names),
        "total_params": sum(len(elements) for _, elements in all_members),
        "layer_names": names,
        "frozen_layers": sorted(frozen),
        "format_version": version,
        "members": [
            {"name": member.name, "shape": list(member.shape), "sha256": _sha256(elements)}
            for member, elements in all_members
        ],
    }


def _sha256(elements: list[float]) -> str:
    return hashlib.sha256(struct.pack(f">{len(elements)}d", *elements)).hexdigest()


def saved(arguments: dict[str, Value], scratch: Folder) -> dict[str, object]:
    """Answer `checkpoint.save`, whose answer is that of a load of what it writes, without writing."""
    name = places.place(arguments["base"], "/base")
    if scratch.path is not None:
        places.inside(scratch, f"{name}.json", "/base")
    if "checkpoint" in arguments:
        return _saved_checkpoint(arguments["checkpoint"])
    return _saved_network(arguments["network"])


def _saved_checkpoint(document: Value) -> dict[str, object]:
    accepted = checkpoint.load(document, "/checkpoint")
    fields = members(document)
    if _depth(fields.get("metadata", {})) >= json_text.DEPTH:  # in the sidecar they are one level deeper
        raise Rejected("checkpoint.metadata-type", "/checkpoint/metadata")
    all_members = []
    for i, weights in enumerate(array(fields["weights"])):
        inputs, outputs = checkpoint.size(array(fields["layer_sizes"])[i])
        elements = [element for row in matrix.numbers(weights) for element in row]
        all_members.append((Member(f"layer_{i}", "", (outputs, inputs)), elements))
    return _answer(accepted.layer_names, accepted.frozen, 1, all_members)


def _depth(value: Value) -> int:
    """Return how deep arrays and objects nest."""
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _saved_network(document: Value) -> dict[str, object]:
    accepted = network.load(document)
    all_members = []
    for i, (path, layer) in enumerate(kinds.layers(document)):
        taken = accepted.shapes.taken[i]
        if "weights" in layer:
            all_members.append(_saved(f"layer_{i}", path, layer, taken[0]))
        for b, (place, branch) in enumerate(kinds.branches(path, layer)):
            if "weights" in branch:
                all_members.append(_saved(f"layer_{i}_{b}", place, branch, taken[b]))
        if "bias" in layer:
            bias = [number(entry) for entry in array(layer["bias"])]
            all_members.append((Member(f"bias_{i}", "", (len(bias),)), bias))
    return _answer([f"layer_{i}" for i in range(len(accepted.layers))], set(), 2, all_members)


def _saved(name: str, path: str, fields: Fields, source: Shape) -> tuple[Member, list[float]]:
    """Return weights as a member; a matrix [] has the width of its source, 0 where there is none."""
    outputs, inputs, *kernel = network.weights_shape(path, fields)
    shape = (outputs, source[0] if inputs is None else inputs, *kernel)
    return Member(name, "", shape), [number(leaf) for leaf, _ in leaves(fields["weights"], "")]


def network_of(reference: dict[str, Value], root: Folder, path: str) -> Value:
    """Return the network document of a pair that a request of `simulate` names (pairs.md, section 7)."""
    where = f"{path}/checkpoint"
    try:
        pair = load(reference["checkpoint"], root, where)
    except Rejected as rejected:
        raise Rejected(rejected.code, where) from None
    if sidecar.format_version(pair.document) == 1:
        raise Rejected("network.neuron-model", where)
    arrays = {member.name: stored(list(elements), member.shape) for member, elements in pair.members}
    document = dict(members(members(pair.document)["network"]))
    document["layers"] = [_layer(members(layer), i, arrays) for i, layer in enumerate(array(document["layers"]))]
    return document


def _layer(layer: Fields, i: int, arrays: dict[str, Value]) -> Value:
    """Return a layer with its arrays in the places of their names."""
    result = dict(layer)
    if "weights" in layer:
        result["weights"] = arrays[f"layer_{i}"]
    if kinds.kind(layer) == "sum":
        branches = [members(branch) for branch in array(layer["inputs"])]
        result["inputs"] = [
            branch | {"weights": arrays[f"layer_{i}_{b}"]} if "weights" in branch else branch
            for b, branch in enumerate(branches)
        ]
    if "bias" in layer:
        result["bias"] = arrays[f"bias_{i}"]
    return result

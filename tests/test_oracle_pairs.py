"""The oracle's reading of checkpoint pairs: what NumPy writes, places with links, and what no corpus can hold."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.oracle import answer, network, pair, sidecar, stimulus, stored
from conformance.rules import all_rules, limit

SIDECAR = {"n_layers": 1, "layer_names": ["a"], "layer_sizes": [[3, 2]], "total_params": 6}
MATRIX = np.array([[0.5, -0.25, 1.0], [0.125, -0.0, 3.0]])


def write(folder: Path, base: str, matrix: Any = MATRIX, compressed: bool = False, **changes: Any) -> None:
    (folder / base).parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{base}.json").write_text(json.dumps(SIDECAR | changes))
    (np.savez_compressed if compressed else np.savez)(folder / f"{base}.npz", layer_0=matrix)


def load(root: Path, base: str) -> dict[str, Any]:
    return answer("checkpoint.load", {"base": base}, root)


def rejection(root: Path, base: str) -> tuple[str, str]:
    due = load(root, base)
    assert due["verdict"] == "reject", due
    return due["code"], due["path"]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f2", "<i8", ">u4", "|i1", "<u2"])
def test_what_numpy_saves_is_read(tmp_path: Path, dtype: str, order: Any, compressed: bool) -> None:
    matrix = np.asarray(np.abs(MATRIX) * 8, dtype=dtype, order=order)
    write(tmp_path, "m", matrix, compressed)
    (member,) = load(tmp_path, "m")["output"]["members"]
    sha256 = hashlib.sha256(matrix.astype(">f8", order="C").tobytes(order="C")).hexdigest()
    assert member == {"name": "layer_0", "shape": [2, 3], "sha256": sha256}


def test_an_array_in_a_file_is_the_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", w=np.asfortranarray(MATRIX), v=np.float32([[1, 2, 3], [0.5, 0, 1]]))
    neuron = {"model": "if", "threshold": 1.0}

    def simulation(weights: Any, values: Any) -> dict[str, Any]:
        layers = {"layers": [{"weights": weights, "neuron": neuron}]}
        return {"network": layers, "steps": 3, "input": {"kind": "constant", "values": values}, "record": ["trace"]}

    inline = answer("simulate", simulation(MATRIX.tolist(), [[1, 2, 3], [0.5, 0, 1]]))
    files = {name: {"file": "x.npz", "member": name} for name in ("w", "v")}
    assert answer("simulate", simulation(files["w"], files["v"]), tmp_path) == inline
    assert inline["verdict"] == "accept"


def test_links_that_stay_inside_are_followed_and_others_are_not(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root, "deep/m")
    write(outside, "m")
    (root / "in").symlink_to("deep")
    (root / "out").symlink_to(outside)
    (root / "file.json").symlink_to(root / "deep" / "m.json")
    (root / "file.npz").symlink_to(outside / "m.npz")
    (root / "dangling.json").symlink_to("nowhere")
    (root / "gone.json").symlink_to(outside / "nowhere")
    assert load(root, "in/m")["verdict"] == "accept"
    assert rejection(root, "out/m") == ("file.path", "/base")
    assert rejection(root, "file") == ("file.path", "/base")
    assert rejection(root, "dangling") == ("checkpoint.sidecar-missing", "")
    assert rejection(root, "gone") == ("file.path", "/base")
    linked = tmp_path / "linked"
    linked.symlink_to(root)
    assert load(linked, "deep/m")["verdict"] == "accept"


def test_a_save_through_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "out").symlink_to(tmp_path)
    empty = {"layer_names": [], "layer_sizes": [], "weights": []}
    for base, code in {"out/a/b": "file.path", "in/a/b": None}.items():
        due = answer("checkpoint.save", {"base": base, "checkpoint": empty}, None, tmp_path / "scratch")
        assert due.get("code") == code
    assert not (tmp_path / "scratch" / "in").exists()


def test_what_is_no_file_is_a_failure_and_never_waited_for(tmp_path: Path) -> None:
    write(tmp_path, "m")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "m2.json").write_bytes((tmp_path / "m.json").read_bytes())
    (tmp_path / "m2.npz").mkdir()
    for base in ("pipe", "folder", "loop", "m2", "x" * 300):
        assert load(tmp_path, base)["verdict"] == "error", base


def test_the_limit_of_a_sidecar_is_16_mib(tmp_path: Path) -> None:
    write(tmp_path, "m")
    file = tmp_path / "m.json"
    text = file.read_bytes()
    file.write_bytes(text + b" " * (sidecar.BYTES - len(text)))
    assert load(tmp_path, "m")["verdict"] == "accept"
    file.write_bytes(b"x" * (sidecar.BYTES + 1))
    assert rejection(tmp_path, "m") == ("checkpoint.sidecar-size", "")


def test_a_request_that_reads_needs_a_root() -> None:
    with pytest.raises(ValueError, match="name the folder"):
        answer("checkpoint.load", {"base": "m"})
    assert answer("checkpoint.load", {"base": "../m"})["code"] == "file.path"


def test_the_digest_binds_the_pair(tmp_path: Path) -> None:
    write(tmp_path, "m")
    data = (tmp_path / "m.npz").read_bytes()
    (offset,) = struct.unpack("<L", data[-6:-2])
    digest = hashlib.sha256(data[offset:]).hexdigest()
    write(tmp_path, "m", archive_digest=digest)
    assert load(tmp_path, "m")["verdict"] == "accept"
    np.savez(tmp_path / "m.npz", layer_0=MATRIX + 1)
    assert rejection(tmp_path, "m") == ("archive.digest", "")
    (tmp_path / f"m.npz.{digest[:16]}").write_bytes(data)
    assert load(tmp_path, "m")["output"]["members"][0]["sha256"] == pair._sha256(MATRIX.reshape(-1).tolist())


def test_rules_and_limits_are_those_of_rules_toml() -> None:
    known = list(all_rules())
    asked = [known.index(code) for code, _ in sidecar.RULES]
    assert asked == sorted(asked)
    assert limit("sidecar_bytes") == sidecar.BYTES
    assert limit("npy_header_bytes") == pair.HEADER_BYTES
    assert (limit("file_array_entries"), limit("file_array_bytes")) == (stored.ENTRIES, stored.BYTES)
    assert {code for code, _ in (*network.RULES, *stimulus.SIMULATE_RULES)} <= set(known)

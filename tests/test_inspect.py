"""``inspect``: what it shows of pairs, and what it says of those that cannot be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from called import Call, caller
from spikeparity.neurons.layers import Layer, Neuron
from spikeparity.neurons.network import Network
from spikeparity.transfer import SNNCheckpoint
from spikeparity.transfer.pair import save_checkpoint, save_network
from world import World

from conformance.corpora import BUILT_IN

ARTEFACTS = Path(BUILT_IN) / "artefacts"
METADATA = {"dataset": "digits", "epochs": 3, "seed": 2**63}


@pytest.fixture
def inspect(pairs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """The verb, in the folder of the pairs."""
    call = caller(pairs, capsys, monkeypatch)
    return lambda *words: call("inspect", *words)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A folder with a checkpoint ``ck.v1``, and a network ``net`` whose archive is not compressed."""
    checkpoint = SNNCheckpoint(
        weights=[np.array([[3.0, -4.0], [0.0, 0.0], [0.0, 12.0]]), np.zeros((0, 3))],
        layer_names=["hidden", ""],
        layer_sizes=[(2, 3), (3, 0)],
        neuron_types=["lif", "if"],
        metadata=METADATA,
        frozen_layers=["hidden"],
    )
    save_checkpoint(checkpoint, tmp_path / "ck.v1")
    lif = Neuron("lif", 0.75, "zero", -0.5, 0.9)
    network = Network([Layer(np.full((2, 4), 0.5), np.array([1.0, 0.0]), lif), Layer(np.ones((1, 2)))], "membrane")
    save_network(network, tmp_path / "net", compress=False)
    return tmp_path


def rows(out: str) -> dict[str, list[str]]:
    """Return the printed table: member → the words of its row."""
    lines = out[out.index("member ") :].split("\n\n")[0].splitlines()
    return {words[0]: words[1:] for words in (line.split() for line in lines)}


def test_a_checkpoint_as_a_table(pairs: Path, inspect: Call) -> None:
    done = inspect("ck.v1")
    assert (done.code, done.err) == (0, "")
    size = (pairs / "ck.v1.npz").stat().st_size
    assert f"ck.v1.npz ({size:,} bytes)" in done.out
    assert "format 1: a checkpoint of 2 layers\nbound: " in done.out
    table = rows(done.out)
    name, *shape, parameters, zeros, norm, largest, dtype, storage, _, frozen, neuron = table["layer_0"]
    assert (name, shape, parameters, zeros) == ("hidden", ["3", "×", "2"], "6", "3")
    assert (norm, largest, dtype, storage, frozen, neuron) == ("13", "12", "<f8", "stored", "yes", "lif")
    assert table["layer_1"][:7] == ["''", "0", "×", "3", "0", "0", "0"]
    assert table["total"][:4] == ["6", "3", "13", "12"]
    assert done.out.rstrip().endswith("metadata: dataset, epochs, seed")


def test_a_network_has_biases_and_neurons(pairs: Path, inspect: Call) -> None:
    done = inspect("net")
    assert "format 2: a network of 2 layers, membrane readout" in done.out
    table = rows(done.out)
    neuron = "lif, threshold 0.75, reset zero, initial potential -0.5, decay 0.9"
    assert " ".join(table["layer_0"]).endswith(neuron)
    assert table["bias_0"][:6] == ["2", "2", "1", "1", "1", "<f8"]
    assert "stored" in table["bias_0"]
    assert table["total"][0] == "12"


def test_layers_of_every_kind(pairs: Path, inspect: Call) -> None:
    for suffix in (".json", ".npz"):
        shutil.copy(f"{ARTEFACTS}/layers/every-kind{suffix}", pairs / f"kinds{suffix}")
    done = inspect("kinds")
    lines = done.out[done.out.index("layer ") :].splitlines()[1:7]
    layers = {words[0]: " ".join(words[1:]) for words in map(str.split, lines)}
    assert layers["input"] == "1 × 3 × 3"
    assert layers["l1"] == "sum l0 × 0.5 + conv2d of input 2 × 2 × 2 no lif, threshold 1.0, decay 0.9"
    assert layers["l2"] == "avgpool2d l1, kernel 2 × 1 2 × 1 × 2 no"
    assert layers["l4"] == "dense l3 2 no if, threshold 0.2"
    table = {member: " ".join(words) for member, words in rows(done.out).items()}
    assert table["layer_1_1"].startswith("l1 2 × 1 × 2 × 2 8 0")
    assert table["bias_5"].startswith("2 2 0")
    assert table["total"].startswith("42 1 ")
    found = json.loads(inspect("kinds", "--json").out)
    assert (found["input_shape"], found["layers"][2]["members"]) == ([1, 3, 3], [])
    assert (found["layers"][1]["kind"], found["layers"][1]["output"]) == ("sum", [2, 2, 2])
    assert found["layers"][1]["takes"] == ["l0 × 0.5", "conv2d of input"]


def test_what_of_a_geometry_is_not_by_default(pairs: Path, inspect: Call) -> None:
    for suffix in (".json", ".npz"):
        shutil.copy(f"{ARTEFACTS}/layers/kinds-grouped{suffix}", pairs / f"kinds{suffix}")
    assert "input, stride 1 × 2, padding 1 × 0, dilation 2 × 1, groups 2" in inspect("kinds").out


def test_the_same_for_machines(pairs: Path, inspect: Call) -> None:
    found: dict[str, Any] = json.loads(inspect("net", "--json").out)
    assert (found["base"], found["format_version"], found["bound"], found["readout"]) == ("net", 2, True, "membrane")
    assert (found["n_layers"], found["total_params"]) == (2, 12)
    weights, bias = found["layers"][0]["members"]
    assert (weights["member"], weights["shape"], weights["compression"]) == ("layer_0", [2, 4], "stored")
    assert (bias["member"], bias["shape"], bias["norm"], bias["largest"]) == ("bias_0", [2], 1.0, 1.0)
    assert found["layers"][0]["neuron"]["decay"] == 0.9
    assert found["layers"][1]["neuron"]["model"] == "if"
    checkpoint = json.loads(inspect("ck.v1", "--json").out)
    assert checkpoint["metadata"] == METADATA
    assert [layer["frozen"] for layer in checkpoint["layers"]] == [True, False]
    assert [layer["neuron"] for layer in checkpoint["layers"]] == [None, None]


def test_how_a_foreign_archive_is_stored(pairs: Path, inspect: Call) -> None:
    np.savez(pairs / "plain.npz", layer_0=np.asfortranarray([[1, 2], [3, -4]], dtype=">i2"))
    sidecar = {"n_layers": 1, "layer_names": ["a"], "layer_sizes": [[2, 2]], "total_params": 4}
    (pairs / "plain.json").write_text(json.dumps(sidecar))
    done = inspect("plain")
    assert "not bound: " in done.out
    assert " ".join(rows(done.out)["layer_0"]).startswith("a 2 × 2 4 0 5.47723 4 >i2 by columns stored 136 no")


@pytest.mark.parametrize(("value", "norm"), [(1e300, 2e300), (3e-200, 6e-200), (1.7e308, "Infinity"), (0.0, 0.0)])
def test_norms_neither_overflow_nor_vanish(pairs: Path, inspect: Call, value: float, norm: object) -> None:
    save_checkpoint(SNNCheckpoint([np.full((2, 2), value)], ["a"], [(2, 2)]), pairs / "edge")
    found = json.loads(inspect("edge", "--json").out)
    assert found["layers"][0]["members"][0]["norm"] == norm


def test_a_rule_that_is_broken_is_told_in_one_line(pairs: Path, inspect: Call) -> None:
    archive = pairs / "ck.v1.npz"
    archive.write_bytes(archive.read_bytes()[:-1])
    done = inspect("ck.v1")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("ck.v1: rejected: archive.truncated at the root: ")
    assert done.err.count("\n") == 1
    told = inspect("ck.v1", "--json")
    assert told.code == 5
    assert json.loads(told.out)["rejected"]["code"] == "archive.truncated"


def fifo(base: Path) -> None:
    (base.parent / f"{base.name}.json").unlink()
    os.mkfifo(base.parent / f"{base.name}.json")


def folder(base: Path) -> None:
    (base.parent / f"{base.name}.npz").unlink()
    (base.parent / f"{base.name}.npz").mkdir()


def loop(base: Path) -> None:
    (base.parent / f"{base.name}.npz").unlink()
    (base.parent / f"{base.name}.npz").symlink_to(f"{base.name}.npz")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (fifo, "net.json: not a regular file but a FIFO"),
        (folder, "net.npz: not a regular file but a folder"),
        (loop, "net.npz: Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_read_is_no_rejection(pairs: Path, inspect: Call, spoil: Any, says: str) -> None:
    spoil(pairs / "net")
    done = inspect("net")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"conformance: {says}\n"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("ck.v1.npz", "(BASE goes without extension: ck.v1)"),
        ("no/such", "no pair no/such: neither no/such.json nor no/such.npz is there"),
        ("ck.v1.json/net", "ck.v1.json/net.json: Not a directory"),
        ("x" * 256, "File name too long"),
        ("", "BASE names a pair"),
        ("ck/", "BASE names a pair"),
    ],
)
def test_a_word_that_names_no_pair(pairs: Path, inspect: Call, word: str, says: str) -> None:
    done = inspect(word)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_half_a_pair_is_a_rejection(pairs: Path, inspect: Call) -> None:
    (pairs / "net.npz").unlink()
    done = inspect("net")
    assert done.code == 5
    assert "archive.missing at the root" in done.err


def test_names_do_not_steer_the_terminal(pairs: Path, inspect: Call) -> None:
    names = ["\x1b[31mred", "\u202eright to left"]
    save_checkpoint(SNNCheckpoint([[[1.0]], [[2.0]]], names, [(1, 1)] * 2), pairs / "odd")
    done = inspect("odd")
    assert "\\u001b[31mred" in done.out and "\\u202eright" in done.out
    assert not {"\x1b", "\u202e"} & set(done.out)


def test_help_is_quick_to_come(world: World) -> None:
    """What a verb needs is imported when it is run: NumPy alone takes longer than all of the help."""
    program = "import sys; from conformance.cli import parser; parser(); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], env=world.env, capture_output=True, text=True, check=True)
    assert not {"numpy", "zipfile", "spikeparity", "conformance.pairs.contents"} & set(done.stdout.split())

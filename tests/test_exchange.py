"""``exchange``: pairs between the four backends and sc_neurocore, and what it says of backends at fault."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from called import Call, caller
from world import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import sc_neurocore

from conformance import oracle
from conformance.pairs.exchange import chosen, due_simulation
from conformance.pairs.samples import due_output, due_sidecar, normal, samples

PROXY = Path(__file__).parent / "miniatures" / "proxy.py"
NATIVE = ["python", "rust", "julia", "mojo"]


def proxy(fault: str) -> str:
    """Return the --backend word for a backend with a fault."""
    return f"proxy={sys.executable} {PROXY} {fault}"


@pytest.fixture
def exchange(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """The verb, in a folder of its own."""
    call = caller(tmp_path, capsys, monkeypatch)
    return lambda *words: call("exchange", *words)


@pytest.fixture(scope="module")
def whole_exchange(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """One exchange between all four, and sc_neurocore where it can be had: starting Julia and Mojo takes its time."""
    words = [word for name in NATIVE for word in ("--backend", name)]
    with contextlib.suppress(RuntimeError):  # then its own test fails, and no other
        words += ["--backend", sc_neurocore.backend_word()]
    argv = [sys.executable, "-m", "conformance", "exchange", *words]
    env = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    folder = tmp_path_factory.mktemp("exchange")
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=600)


def matrix(out: str) -> dict[str, dict[str, str]]:
    """Return the printed matrix: row → column → cell."""
    lines = out[out.index("saved by") :].split("\n\n")[0].splitlines()
    header, *rows = [re.split(r"\s{2,}", line) for line in lines]
    return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}


# ---- the four, and a foreign one -------------------------------------------------------------------------------------


def test_every_language_reads_what_every_language_writes(whole_exchange: subprocess.CompletedProcess[str]) -> None:
    assert whole_exchange.returncode == 0, whole_exchange.stdout + whole_exchange.stderr
    count = str(len(samples()))
    due = {"pairs": count, "bound": count, "sound": count, **dict.fromkeys(NATIVE, count)}
    cells = matrix(whole_exchange.stdout)
    assert {name: {column: cells[name][column] for column in due} for name in NATIVE} == dict.fromkeys(NATIVE, due)


def test_sc_neurocore_writes_and_reads_format_1(whole_exchange: subprocess.CompletedProcess[str]) -> None:
    assert "sc_neurocore Python, version 3.16.0" in whole_exchange.stdout, sc_neurocore.backend_word()
    cells = matrix(whole_exchange.stdout)
    first = [sample for sample in samples() if sample.network is None]
    deflated = str(sum(sample.compress for sample in first))
    foreign = dict.fromkeys([*NATIVE, "sc_neurocore"], deflated)
    assert cells["sc_neurocore"] == {"pairs": deflated, "bound": "0", "sound": deflated, **foreign}
    assert {name: cells[name]["sc_neurocore"] for name in NATIVE} == dict.fromkeys(NATIVE, str(len(first)))


# ---- what is noticed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "sample", "says"),
    [
        ("loses-minus-zero", "extreme-weights", "proxy → python · extreme-weights · loading gives something else"),
        ("loses-biases", "biases-and-decay", "python → proxy · biases-and-decay · loading gives something else"),
        ("leaves-temporaries", "one-weight", "beside the pair there is one-weight.npz.tmp"),
        ("metadata-as-floats", "metadata", "at /metadata/integers/0: expected 0, got"),
        ("wrong-digest", "wide", "the sidecar's archive_digest is not that of the archive"),
        ("never-the-same", "one-weight", "proxy · one-weight · saved a second time, the pair has other bytes"),
        ("rejects-otherwise", "one-weight", "loading is rejected: archive.crc at /weights/0 (no)"),
        ("fires-late", "if-network", "python → proxy · if-network · simulating what was loaded gives something else"),
    ],
    ids=lambda word: word if " " not in word else "",
)
def test_a_fault_is_told_with_the_way_to_repeat_it(exchange: Call, fault: str, sample: str, says: str) -> None:
    done = exchange("--backend", "python", "--backend", proxy(fault), "--sample", sample)
    assert done.code == 1, done.out + done.err
    assert says in done.out
    assert "NOT EXCHANGED" in done.out
    repeat = next(line for line in done.out.splitlines() if line.startswith("  repeat"))
    assert f"--sample {sample}" in repeat and "proxy.py" in repeat
    place = next(line.split(maxsplit=1)[1] for line in done.out.splitlines() if line.startswith("  pair"))
    assert Path(f"{place}.json").exists()


def test_a_reader_that_refuses_all_costs_only_its_column(exchange: Call) -> None:
    words = ["--backend", "python", "--backend", proxy("rejects-otherwise"), "--sample", "*-network"]
    cells = matrix(exchange(*words).out)
    assert cells["python"] == {"pairs": "2", "bound": "2", "sound": "2", "python": "2", "proxy": "0/2"}
    assert cells["proxy"] == {"pairs": "2", "bound": "2", "sound": "2", "python": "2", "proxy": "0/2"}


def test_a_backend_that_is_named_must_be_there(exchange: Call) -> None:
    done = exchange("--backend", "python", "--backend", "gone=/no/such/program", "--sample", "wide")
    assert done.code == 3
    assert "NOT EXCHANGED: not there: gone" in done.out


def test_no_sample_is_no_exchange(exchange: Call) -> None:
    done = exchange("--sample", "no-such-sample")
    assert (done.code, done.out) == (4, "")
    assert "no sample matches" in done.err


# ---- what is due -----------------------------------------------------------------------------------------------------


def test_samples_are_such_as_the_rules_accept() -> None:
    ids = [sample.id for sample in samples()]
    assert len(set(ids)) == len(ids)
    for sample in samples():
        due = due_output(sample)
        if sample.network is None:
            answer = oracle.answer("checkpoint.validate", {"document": sample.content["checkpoint"]})
            assert answer["verdict"] == "accept", sample.id
            assert answer["output"] == {name: due[name] for name in answer["output"]}, sample.id
        else:
            assert due_simulation(sample)["readout"] is not None, sample.id


def test_what_is_due_of_a_network_as_worked_out_by_hand() -> None:
    (sample,) = chosen(samples(), ["empty-first-layer"])
    due = due_output(sample)
    assert due["layer_names"] == ["layer_0", "layer_1"]
    assert [(member["name"], member["shape"]) for member in due["members"]] == [
        ("layer_0", [0, 0]),
        ("layer_1", [2, 0]),
        ("bias_1", [2]),
    ]
    assert due["total_params"] == 2
    # printf '\x3f\xd0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0' | sha256sum: 0.25 and -0.0
    assert due["members"][2]["sha256"] == "68deea06c46d0906c0e08a7dd81710ce863a3b9d6a1917606ffc1a2c234d0e9e"
    assert due_sidecar(sample)["layer_sizes"] == [[0, 0], [0, 2]]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"metadata": {"n": 2}}, {"metadata": {"n": 2.0}}, False),
        ({"metadata": {"n": 2**63}}, {"metadata": {"n": 2.0**63}}, False),
        ({"metadata": {"n": 2**64 + 1}}, {"metadata": {"n": 2**64}}, False),
        ({"metadata": {"n": -0.0}}, {"metadata": {"n": 0.0}}, False),
        ({"frozen_layers": ["b", "a", "a"]}, {"frozen_layers": ["a", "b"]}, True),
        ({"metadata": {}, "format_version": 1, "archive_digest": "0"}, {"neuron_types": []}, True),
        ({"neuron_types": ["if"]}, {}, False),
    ],
)
def test_sidecars_are_equal_as_values(left: dict[str, Any], right: dict[str, Any], same: bool) -> None:
    assert (json.dumps(normal(left), sort_keys=True) == json.dumps(normal(right), sort_keys=True)) is same

"""``check``: a user's own pair through all backends, and what it says of those that go another way."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from called import Call, caller
from spikeparity.neurons.layers import AvgPool2d, Conv2d, IdentityBranch, Layer, Neuron, Sum
from spikeparity.neurons.network import Network
from spikeparity.transfer import SNNCheckpoint
from spikeparity.transfer.pair import save_checkpoint, save_network

from conformance.corpora import BUILT_IN
from conformance.errors import UsageError
from conformance.pairs.check import first_sample, is_batch, steps_needed
from conformance.pairs.files import PairFiles, bring_pair, find
from conformance.pairs.stimulus import bring_input

ARTEFACTS = Path(BUILT_IN) / "artefacts"
PROXY = Path(__file__).parent / "miniatures" / "proxy.py"


def proxy(fault: str) -> list[str]:
    """Return the words that add a backend with a fault."""
    return ["--backend", f"proxy={sys.executable} {PROXY} {fault}"]


def small_network() -> Network:
    """Three inputs of weight 0.25 each: the threshold of 0.5 is often reached just so."""
    hidden = Layer(np.full((2, 3), 0.25), np.array([0.0, 0.125]), Neuron("if", 0.5, "zero"))
    return Network([hidden, Layer(np.array([[1.0, 0.5]]), None, Neuron("lif", 1.0, "zero", 0.0, 0.5))])


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A folder with a network ``models/net`` and inputs."""
    save_network(small_network(), tmp_path / "models" / "net")
    rng = np.random.default_rng(7)
    np.savez(tmp_path / "one.npz", x=rng.uniform(size=(5, 3)))
    np.savez(tmp_path / "two.npz", x=np.array([1.0, 0.0, 1.0], dtype=np.float32), y=np.zeros(2))
    return tmp_path


@pytest.fixture
def check(net: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """The verb, in the folder of the network."""
    call = caller(net, capsys, monkeypatch)
    return lambda *words: call("check", *words)


def table(out: str) -> dict[str, list[str]]:
    """Return the printed table: row → cells."""
    rows = (re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.startswith(("load", "sim", "  ")))
    return {row[0]: row[1:] for row in reversed(list(rows))}


# ---- pairs on which all agree ----------------------------------------------------------------------------------------


def test_four_languages_agree_on_a_network(
    net: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(net, capsys, monkeypatch, own_cache=False)
    names = ["python", "rust", "julia", "mojo"]
    done = call("check", "models/net", *[word for name in names for word in ("--backend", name)])
    assert done.code == 0, done.out + done.err
    cells = table(done.out)
    assert cells["load"] == cells["simulate"] == ["accept"] * 4
    assert cells["members"] == ["3", "same", "same", "same"]
    for part in ("readout", "counts", "spikes", "potential"):
        assert cells[part][1:] == ["same"] * 3, part
    assert "4 samples of Poisson spikes, rates 0.1, 0.3, 0.5, 0.9 at every input, seed 1" in done.out
    assert "CONFORM: all 4 backends load and simulate it alike" in done.out


def test_an_input_of_the_users_own(net: Path, check: Call) -> None:
    done = check("models/net", "--input", "one.npz", "--steps", "8", *proxy("none"))
    assert done.code == 0, done.out + done.err
    assert "8 steps, the array 'x' of one.npz, the same at every step" in done.out
    assert "readout of sample 0: " in done.out
    single = check("models/net", "--input", "two.npz:x", "--steps", "3", *proxy("none"))
    assert single.code == 0, single.out + single.err
    # by hand: at each step neuron 0 sums 0.5 and fires, neuron 1 sums 0.625 and fires; the output sums 1.5 and fires
    rows = [line.split() for line in single.out.splitlines() if line.startswith("layer_")]
    assert rows == [["layer_0", "2", "6", "1.0000"], ["layer_1", "1", "3", "1.0000"]]
    assert "readout: 3\n" in single.out


def test_a_checkpoint_is_loaded_and_not_simulated(net: Path, check: Call) -> None:
    save_checkpoint(SNNCheckpoint([[[1.0, 2.0]]], ["a"], [(2, 1)]), net / "ck")
    done = check("ck", *proxy("none"))
    assert done.code == 0, done.out + done.err
    assert "a checkpoint (format 1) has weights and no neurons" in done.out
    assert "simulate" not in table(done.out)


def test_nothing_of_the_users_is_changed_and_nothing_stays(net: Path, check: Call) -> None:
    before = {file: file.read_bytes() for file in net.rglob("*.npz")}
    check("models/net", "--input", "one.npz", *proxy("none"))
    after = {file: file.read_bytes() for file in net.rglob("*.npz")}
    assert after == before


# ---- rejections ------------------------------------------------------------------------------------------------------


def test_what_all_reject_alike_is_consistent_and_rejected(net: Path, check: Call) -> None:
    archive = net / "models" / "net.npz"
    archive.write_bytes(archive.read_bytes() + b"\0")
    done = check("models/net", *proxy("none"))
    assert done.code == 5
    assert table(done.out)["load"] == ["archive.truncated", "archive.truncated"]
    assert "REJECTED: all 2 backends reject the load alike: archive.truncated at the root (" in done.out


def test_an_input_that_does_not_fit_is_rejected_alike(net: Path, check: Call) -> None:
    done = check("models/net", "--input", "two.npz:y", *proxy("none"))
    assert done.code == 5
    assert "reject the simulation alike: input.shape at /input/values" in done.out


def test_an_input_to_a_checkpoint_is_rejected_alike(net: Path, check: Call) -> None:
    save_checkpoint(SNNCheckpoint([[[1.0, 2.0]]], ["a"], [(2, 1)]), net / "ck")
    done = check("ck", "--input", "one.npz", *proxy("none"))
    assert done.code == 5
    assert "network.neuron-model at /network/checkpoint" in done.out


def test_a_rejection_of_one_alone_is_shown(net: Path, check: Call) -> None:
    done = check("models/net", *proxy("rejects-otherwise"))
    assert done.code == 1
    assert "proxy · checkpoint.load · fail: not what python answers" in done.out
    assert "  expected  accept\n  got       reject archive.crc at /weights/0 (no)" in done.out


# ---- divergences -----------------------------------------------------------------------------------------------------


def test_the_first_divergence_is_shown_with_a_command(net: Path, check: Call) -> None:
    done = check("models/net", *proxy("fires-late"))
    assert done.code == 1, done.out + done.err
    assert table(done.out)["spikes"][1] == "DIFFERS"
    lines = done.out.splitlines()
    at = next(number for number, line in enumerate(lines) if "first divergence:" in line)
    assert re.fullmatch(r"  first divergence: sample \d, step \d+, layer 0, neuron \d \(threshold 0\.5\)", lines[at])
    assert "membrane 0.5 (3fe0000000000000), margin 0.0, spike, after 0.0" in lines[at + 1]
    assert "membrane 0.5 (3fe0000000000000), margin 0.0, no spike, after 0.5" in lines[at + 2]
    repeat = next(line for line in lines if line.startswith("  repeat")).split(maxsplit=1)[1]
    assert re.search(r"-m conformance check models/net --backend 'proxy=", repeat)


def test_the_divergence_of_a_users_own_sample(net: Path, check: Call) -> None:
    # no tie in the first two samples: neuron 1 comes to 0.375 by its bias; in the third, neuron 0 sums 0.5 at once
    np.savez(net / "third.npz", np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]))
    done = check("models/net", "--input", "third.npz", "--steps", "3", *proxy("fires-late"))
    assert done.code == 1
    assert "first divergence: sample 2, step 0, layer 0, neuron 0 (threshold 0.5)" in done.out
    assert "--input third.npz --steps 3" in done.out


def test_the_divergence_of_a_convolution_has_a_place(net: Path, check: Call) -> None:
    # each of 2 x 2 x 3 places counts its input in halves; the pool before them has neither neurons nor records
    halves = Conv2d(np.full((2, 1, 1, 1), 0.5), None, Neuron("if", 1.0), name="halves")
    last = Sum([IdentityBranch("halves", 0.25)])
    save_network(Network([AvgPool2d((1, 1)), halves, last], input_shape=(1, 2, 3)), net / "maps")
    np.savez(net / "image.npz", np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0]))
    done = check("maps", "--input", "image.npz", "--steps", "4", *proxy("fires-late"))
    assert done.code == 1, done.out + done.err
    assert "first divergence: step 1, layer 1, neuron 5 (channel 0, row 1, column 2) (threshold 1.0)" in done.out


def test_a_network_of_every_kind(net: Path, check: Call) -> None:
    for suffix in (".json", ".npz"):
        shutil.copy(f"{ARTEFACTS}/layers/every-kind{suffix}", net / f"kinds{suffix}")
    done = check("kinds", "--steps", "3", *proxy("none"))
    assert done.code == 0, done.out + done.err
    assert table(done.out)["members"] == ["8", "same"]
    assert re.search(r"^l2 +0 +0 +–$", done.out, re.MULTILINE)


def test_a_fault_that_only_shows_in_batches_is_called_so(net: Path, check: Call) -> None:
    done = check("models/net", *proxy("only-in-company"))
    assert done.code == 1
    assert "alone, it goes through the same states: the fault depends on what else is asked" in done.out


def test_a_backend_that_dies_is_blamed_and_the_others_go_on(net: Path, check: Call) -> None:
    done = check("models/net", *proxy("dies"))
    assert done.code == 1
    assert "proxy · simulate · crash: the backend died" in done.out
    assert "its last words: proxy: index out of bounds" in done.out
    assert table(done.out)["simulate"] == ["accept", "crash"]


# ---- backends that are not there -------------------------------------------------------------------------------------


def test_one_alone_cannot_agree(net: Path, check: Call) -> None:
    done = check("models/net", "--backend", "python")
    assert done.code == 3
    assert "NOTHING COMPARED: only python can load a pair here" in done.out


def test_a_backend_that_is_named_must_be_there(net: Path, check: Call) -> None:
    done = check("models/net", "--backend", "gone=/no/such/program")
    assert done.code == 3
    assert "BACKEND MISSING: gone" in done.out


def test_a_backend_of_another_sort_does_what_it_can(net: Path, check: Call) -> None:
    done = check("models/net", *proxy("cannot-simulate"))
    assert done.code == 0, done.out + done.err
    assert table(done.out)["simulate"] == ["accept", "–"]


# ---- words that name nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("two.npz", r"which array\? name it: .*two\.npz:NAME \(x, y\)"),
        ("none.npz", r"none\.npz: No such file or directory"),
        ("array.npy", r"an \.npz is needed; np\.savez"),
        ("models", r"models: not a regular file but a folder"),
        ("models/net.json", r"not an \.npz: "),
        ("empty.npz", r"there is none"),
    ],
)
def test_inputs_that_say_too_little(net: Path, word: str, says: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    np.savez(net / "empty.npz")
    with pytest.raises(UsageError, match=says):
        bring_input(str(net / word), tmp_path_factory.mktemp("root"))


def test_an_input_whose_name_has_a_colon(net: Path, tmp_path: Path) -> None:
    shutil.copy(net / "one.npz", net / "a:b.npz")
    (tmp_path / "root").mkdir()
    values = bring_input(str(net / "a:b.npz"), tmp_path / "root")
    assert (values.member, values.told) == ("x", str(net / "a:b.npz"))
    assert values.sample(1, 3)["values"] == np.load(net / "one.npz")["x"][1].tolist()


# ---- files -----------------------------------------------------------------------------------------------------------


def test_links_are_followed_and_pending_archives_come_along(net: Path, tmp_path: Path) -> None:
    store, root = tmp_path / "blobs", tmp_path / "root"
    store.mkdir()
    root.mkdir()
    digest = json.loads((net / "models" / "net.json").read_bytes())["archive_digest"]
    shutil.move(net / "models" / "net.json", store / "a")
    shutil.move(net / "models" / "net.npz", store / "b")
    (tmp_path / "link.json").symlink_to("blobs/a")
    (tmp_path / f"link.npz.{digest[:16]}").symlink_to("blobs/b")
    bring_pair(find(str(tmp_path / "link")), root, "pair")
    assert sorted(file.name for file in root.iterdir()) == ["pair.json", f"pair.npz.{digest[:16]}"]
    assert not any(file.is_symlink() for file in root.iterdir())
    assert (root / "pair.json").read_bytes() == (store / "a").read_bytes()


def test_a_file_that_cannot_be_linked_is_copied(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    root = tmp_path / "root"
    root.mkdir()
    bring_pair(PairFiles(net / "models" / "net"), root, "pair")
    assert (root / "pair.npz").stat().st_ino != (net / "models" / "net.npz").stat().st_ino
    assert (root / "pair.npz").read_bytes() == (net / "models" / "net.npz").read_bytes()


def test_a_pair_that_is_saved_meanwhile_is_taken_whole(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, root, link = net / "models" / "net", tmp_path / "root", os.link
    root.mkdir()
    saved = []

    def save_meanwhile(source: Path, place: Path) -> None:
        link(source, place)
        if place.name == "pair.json" and not saved:
            saved.append(True)
            save_checkpoint(SNNCheckpoint([[[1.0]]], ["new"], [(1, 1)]), base)

    monkeypatch.setattr(os, "link", save_meanwhile)
    bring_pair(PairFiles(base), root, "pair")
    assert json.loads((root / "pair.json").read_bytes())["layer_names"] == ["new"]
    assert (root / "pair.npz").read_bytes() == base.with_name("net.npz").read_bytes()


# ---- where runs part -------------------------------------------------------------------------------------------------


def run(spikes: list[list[list[int]]], potential: str = "0" * 16) -> dict[str, object]:
    counts = [[sum(neuron in step for step in layer) for neuron in range(2)] for layer in spikes]
    return {"readout": counts[-1], "counts": counts, "spikes": spikes, "potential": [[potential] * 2 for _ in spikes]}


def batch(*runs: dict[str, object]) -> dict[str, object]:
    return {part: [one[part] for one in runs] for part in runs[0]}


def test_the_sample_and_the_steps_that_show_a_difference() -> None:
    silent, late = run([[[], [], []]]), run([[[], [1], []]])
    other = run([[[], [], []]], "3ff0000000000000")
    assert not is_batch(silent) and is_batch(batch(silent))
    assert first_sample(silent, late) is None
    assert first_sample(batch(silent, late), batch(silent, silent)) == 1
    assert first_sample(batch(silent, silent), batch(other, silent)) == 0
    assert first_sample(batch(silent, silent), batch(silent)) == 1
    assert steps_needed(silent, late, None, 3) == 2
    assert steps_needed(batch(silent, late), batch(silent, silent), 1, 3) == 2
    assert steps_needed(silent, other, None, 3) == 3

"""The reference's checkpoint pairs: saved, loaded, refused, mapped, and never left half done."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spikeparity import (
    MissingFileError,
    Network,
    RejectedError,
    SNNCheckpoint,
    StorageError,
    load_checkpoint,
    load_network,
    operations,
    save_checkpoint,
    save_network,
    verify,
)
from spikeparity.files import FOLDERS, Place
from spikeparity.transfer import pair

WEIGHTS = [np.array([[1.5, -0.0, 5e-324], [0.1, 1e30, 3.0]]), np.array([[0.25, -7.0]])]
NEURON = {"model": "lif", "threshold": 1.0, "decay": 0.5}
NETWORK = {"layers": [{"weights": [[1.0, 2.0]], "bias": [0.5], "neuron": NEURON}], "readout": "membrane"}
MAPPED = pytest.mark.parametrize("mmap", [False, True])


def made(scale: float = 1.0, **members: Any) -> SNNCheckpoint:
    sizes = [(3, 2), (2, 1)]
    return SNNCheckpoint([scale * WEIGHTS[0], WEIGHTS[1]], ["ä", "out"], sizes, **members)


def bits(checkpoint: SNNCheckpoint) -> list[bytes]:
    return [array.tobytes() for array in checkpoint.weights]


def rewrite(base: Path, **changes: Any) -> None:
    """Change members of a sidecar; ... removes one."""
    path = base.with_name(base.name + ".json")
    document = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not ...}))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    save_checkpoint(made(), tmp_path / "p")
    return tmp_path / "p"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    save_network(Network.from_document(NETWORK), tmp_path / "n")
    return tmp_path / "n"


def rejected(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(RejectedError) as caught:
        call()
    return caught.value.code, caught.value.path


# What is saved is what is loaded


@MAPPED
@pytest.mark.parametrize("compress", [True, False])
def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path, compress: bool, mmap: bool) -> None:
    checkpoint = made(neuron_types=["lif", "if"], metadata={"a": [1, {"b": 0.1}], "ü": None}, frozen_layers=["ä"])
    save_checkpoint(checkpoint, str(tmp_path / "new/folder/model.v1"), compress=compress)
    assert sorted(path.name for path in (tmp_path / "new/folder").iterdir()) == ["model.v1.json", "model.v1.npz"]
    loaded = load_checkpoint(tmp_path / "new/folder/model.v1", mmap=mmap)
    assert loaded == checkpoint
    assert bits(loaded) == bits(checkpoint)
    assert loaded.weights[0].flags.writeable != mmap
    with np.load(tmp_path / "new/folder/model.v1.npz") as arrays:
        assert [arrays[name].tobytes() for name in ("layer_0", "layer_1")] == bits(checkpoint)


@MAPPED
def test_a_network_comes_back_with_biases_and_neurons(network: Path, mmap: bool) -> None:
    loaded = load_network(network, mmap=mmap)
    assert (loaded.readout, loaded.inputs, loaded.layers[0].neuron.decay) == ("membrane", 2, 0.5)
    assert loaded.layers[0].weights.tolist() == [[1.0, 2.0]]
    assert loaded.layers[0].bias is not None
    assert loaded.layers[0].bias.tolist() == [0.5]
    document = json.loads(network.with_name("n.json").read_text())
    assert (document["format_version"], document["total_params"], document["neuron_types"]) == (2, 3, ["lif"])


def test_a_network_without_outputs_keeps_the_widths_that_are_known(tmp_path: Path) -> None:
    neuron = {"model": "if", "threshold": 1}
    save_network(Network.from_document({"layers": [{"weights": [], "neuron": neuron}] * 2}), tmp_path / "e")
    assert [layer.weights.shape for layer in load_network(tmp_path / "e").layers] == [(0, 0), (0, 0)]


def test_a_checkpoint_is_no_network_but_a_network_has_the_weights_of_one(base: Path, network: Path) -> None:
    assert rejected(lambda: load_network(base)) == ("network.neuron-model", "")
    whole, part = load_network(network), load_checkpoint(network)
    assert [array.tolist() for array in part.weights] == [layer.weights.tolist() for layer in whole.layers]
    assert (part.layer_names, part.layer_sizes, part.frozen_layers) == (["layer_0"], [(2, 1)], [])
    part.validate()


def test_an_empty_checkpoint_and_empty_layers(tmp_path: Path) -> None:
    for checkpoint in (SNNCheckpoint([], [], []), SNNCheckpoint([[], np.zeros((2, 0))], ["a", "b"], [(5, 0), (0, 2)])):
        for compress in (True, False):
            save_checkpoint(checkpoint, tmp_path / "e", compress=compress)
            assert load_checkpoint(tmp_path / "e") == checkpoint
            assert load_checkpoint(tmp_path / "e", mmap=True) == checkpoint


def test_the_same_pair_has_the_same_bytes_with_stored_data_at_multiples_of_64(tmp_path: Path) -> None:
    for name in "ab":
        save_checkpoint(made(), tmp_path / name, compress=False)
    first, second = ((tmp_path / f"{name}.npz").read_bytes() for name in "ab")
    assert first == second
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert first.index(b"\x93NUMPY") % 64 == first.rindex(b"\x93NUMPY") % 64 == 0
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_deflate_is_for_arrays_that_become_smaller(tmp_path: Path) -> None:
    noise, ones = np.random.default_rng(0).normal(size=(300, 100)), np.ones((300, 1000))
    single = noise.astype(np.float32).astype(np.float64)
    checkpoint = SNNCheckpoint(
        [noise, ones, single, ones[:1]], list("abcd"), [(100, 300), (1000, 300), (100, 300), (1000, 1)]
    )
    sizes = {}
    for compress in (True, False):
        save_checkpoint(checkpoint, tmp_path / "c", compress=compress)
        with zipfile.ZipFile(tmp_path / "c.npz") as archive:
            sizes[compress] = [entry.compress_size for entry in archive.infolist()]
        assert load_checkpoint(tmp_path / "c") == checkpoint
    assert sizes[True][0::3] == sizes[False][0::3]
    assert sizes[True][1] < sizes[False][1] / 10
    assert sizes[True][2] < sizes[False][2] * 0.7


def test_pairs_of_other_writers(tmp_path: Path) -> None:
    arrays = {"layer_0": WEIGHTS[0].astype(">f4").T.copy().T, "layer_1": np.array([[2, -3]], dtype="i2")}
    arrays["layer_0"][0, 0] = 2.5
    names = {"n_layers": 2, "layer_names": ["a", "b"], "layer_sizes": [[3, 2], [2, 1]], "total_params": 8}
    arrays["layer_0"][1, 1] = 4
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "f.npz", **arrays)
        (tmp_path / "f.json").write_text(json.dumps({**names, "metadata": {}, "neuron_types": []}, indent=2))
        for mmap in (False, True):
            loaded = load_checkpoint(tmp_path / "f", mmap=mmap)
            assert [array.tolist() for array in loaded.weights] == [arrays["layer_0"].tolist(), [[2.0, -3.0]]]
            assert all(array.dtype == np.float64 and array.flags.c_contiguous for array in loaded.weights)


# Sidecars


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"n_layers": ...}, "missing-key", "/n_layers"),
        ({"total_params": ..., "layer_names": ...}, "missing-key", "/layer_names"),
        ({"weights": []}, "unknown-key", "/weights"),
        ({"format_version": 3}, "format-version", "/format_version"),
        ({"format_version": True}, "format-version", "/format_version"),
        ({"format_version": 1.0}, "format-version", "/format_version"),
        ({"network": {}}, "network", "/network"),
        ({"format_version": 2}, "network", "/network"),
        ({"layer_names": ["a", 1]}, "names-type", "/layer_names/1"),
        ({"layer_names": ["a", "a"]}, "names-unique", "/layer_names/1"),
        ({"layer_sizes": [[3, 2]]}, "sizes-count", "/layer_sizes"),
        ({"layer_sizes": [[3, 2], [2, -1]]}, "sizes-type", "/layer_sizes/1"),
        ({"neuron_types": "ab"}, "types-type", "/neuron_types"),
        ({"neuron_types": ["a"]}, "types-count", "/neuron_types"),
        ({"frozen_layers": None}, "frozen-type", "/frozen_layers"),
        ({"frozen_layers": ["x"]}, "frozen-unknown", "/frozen_layers/0"),
        ({"metadata": []}, "metadata-type", "/metadata"),
        ({"n_layers": 3}, "layer-count", "/n_layers"),
        ({"n_layers": True}, "layer-count", "/n_layers"),
        ({"total_params": 9}, "parameter-count", "/total_params"),
        ({"total_params": 8.0}, "parameter-count", "/total_params"),
        ({"layer_sizes": [[2**40, 2**40], [2, 1]], "total_params": 2}, "parameter-count", "/total_params"),
        ({"archive_digest": "0" * 63}, "digest-type", "/archive_digest"),
        ({"archive_digest": "A" * 64}, "digest-type", "/archive_digest"),
        ({"archive_digest": None}, "digest-type", "/archive_digest"),
        ({"layer_sizes": [[2, 3], [2, 1]]}, "weight-shape", "/weights/0"),
    ],
)
def test_rules_on_sidecars(base: Path, changes: dict[str, Any], code: str, path: str) -> None:
    rewrite(base, **changes)
    assert rejected(lambda: load_checkpoint(base)) == (f"checkpoint.{code}", path)


@pytest.mark.parametrize(
    "changes", [{"format_version": ...}, {"archive_digest": ...}, {"frozen_layers": ["out", "ä", "out"]}]
)
def test_sidecars_on_the_right_side_of_the_rules(base: Path, changes: dict[str, Any]) -> None:
    rewrite(base, **changes)
    assert bits(load_checkpoint(base)) == bits(made())


NEURON_AT = "/layers/0/neuron"


def layer(**changes: Any) -> dict[str, Any]:
    members = {"weights": {"member": "layer_0"}, "bias": {"member": "bias_0"}, "neuron": NEURON, **changes}
    return {"layers": [{key: value for key, value in members.items() if value is not ...}]}


@pytest.mark.parametrize(
    ("stored", "code", "path"),
    [
        ([], "object", ""),
        ({"layers": [3]}, "object", "/layers/0"),
        ({**layer(), "x": 1}, "unknown-key", "/x"),
        (layer(neuron=...), "missing-key", "/layers/0/neuron"),
        ({"layers": []}, "layers", "/layers"),
        ({"layers": layer()["layers"] * 2}, "layers", "/layers"),
        (layer(weights=[[1.0, 2.0]]), "member", "/layers/0/weights"),
        (layer(weights={"member": "layer_1"}), "member", "/layers/0/weights"),
        (layer(weights={"member": "layer_0", "x": 1}), "member", "/layers/0/weights"),
        (layer(bias={"member": "layer_0"}), "member", "/layers/0/bias"),
        (layer(bias=None), "member", "/layers/0/bias"),
        (layer(neuron={**NEURON, "model": "lif2"}), "neuron-model", "/layers/0/neuron/model"),
        (layer(neuron={**NEURON, "threshold": 0}), "threshold", "/layers/0/neuron/threshold"),
        (layer(neuron={**NEURON, "reset": 0}), "reset", "/layers/0/neuron/reset"),
        (layer(neuron={**NEURON, "decay": 1.5}), "decay", "/layers/0/neuron/decay"),
        (layer(neuron={**NEURON, "initial_potential": "NaN"}), "initial-potential", NEURON_AT + "/initial_potential"),
        ({**layer(), "readout": "x"}, "readout", "/readout"),
    ],
)  # fmt: skip
def test_rules_on_stored_networks(network: Path, stored: Any, code: str, path: str) -> None:
    rewrite(network, network=stored)
    assert rejected(lambda: load_network(network)) == (f"network.{code}", f"/network{path}")


def test_the_layers_of_a_stored_network_chain_by_their_sizes(network: Path) -> None:
    part = layer()["layers"][0]
    second = {**part, "weights": {"member": "layer_1"}, "bias": {"member": "bias_1"}}
    changes = {"network": {"layers": [part, second]}, "layer_names": ["a", "b"], "neuron_types": []}
    rewrite(network, **changes, layer_sizes=[[2, 1], [3, 1]])
    assert rejected(lambda: load_network(network)) == ("network.chain", "/network/layers/1/weights")
    rewrite(network, **changes, layer_sizes=[[2, 1], [1, 1]])
    assert rejected(lambda: load_network(network)) == ("checkpoint.layer-count", "/n_layers")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "syntax"),
        (b"\xef\xbb\xbf{}", "encoding"),
        (b'{"\xff": 1}', "encoding"),
        (b'{"a": NaN}', "syntax"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b'{"a": 1e999}', "number-range"),
        (b'{"a": 1' + b"0" * 400 + b"}", "number-range"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "depth"),
        (b'{"a": 01}', "syntax"),
        (b'{"a": "\t"}', "syntax"),
    ],
)
def test_a_sidecar_is_a_strict_json_text(base: Path, text: bytes, code: str) -> None:
    base.with_name("p.json").write_bytes(text)
    assert rejected(lambda: load_checkpoint(base)) == (f"json.{code}", "")


def test_what_the_strict_reader_alone_can_read_is_read(base: Path) -> None:
    path = base.with_name("p.json")
    path.write_text(path.read_text().replace('"metadata": {}', '"metadata": {"\\u00e9": [-0, "' + "[" * 70 + '"]}'))
    metadata = load_checkpoint(base).metadata
    assert list(metadata) == ["é"]
    assert str(float(metadata["é"][0])) == "-0.0"


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_values_that_are_not_finite_are_found_at_their_leaf(tmp_path: Path, value: float) -> None:
    large = np.zeros((300, 500))
    large[299, 7] = value
    document = {"n_layers": 1, "layer_names": ["a"], "layer_sizes": [[500, 300]], "total_params": 150_000}
    (tmp_path / "l.json").write_text(json.dumps(document))
    np.savez(tmp_path / "l.npz", layer_0=np.asfortranarray(large))
    assert rejected(lambda: load_checkpoint(tmp_path / "l")) == ("checkpoint.weight-finite", "/weights/0/299/7")


# Mapped into memory


def test_a_mapped_load_leaves_checksums_and_finite_values_to_verify(base: Path) -> None:
    save_checkpoint(made(), base, compress=False)
    verify(base)
    archive = base.with_name("p.npz")
    data = archive.read_bytes()
    at = data.index(np.float64(0.25).tobytes())
    for value, code, path in ((0.5, "archive.crc", "/weights/1"), (np.nan, "archive.crc", "/weights/1")):
        archive.write_bytes(data[:at] + np.float64(value).tobytes() + data[at + 8 :])
        assert np.array_equal(load_checkpoint(base, mmap=True).weights[1], [[value, -7.0]], equal_nan=True)
        assert rejected(lambda: verify(base)) == (code, path)
        assert rejected(lambda: load_checkpoint(base)) == (code, path)


def test_verify_finds_what_is_not_finite(tmp_path: Path) -> None:
    document = {"n_layers": 1, "layer_names": ["a"], "layer_sizes": [[2, 1]], "total_params": 2}
    (tmp_path / "f.json").write_text(json.dumps(document))
    np.savez(tmp_path / "f.npz", layer_0=np.array([[0.0, np.inf]]))
    assert load_checkpoint(tmp_path / "f", mmap=True).weights[0][0, 1] == np.inf
    assert rejected(lambda: verify(tmp_path / "f")) == ("checkpoint.weight-finite", "/weights/0/0/1")


# Whatever the path is


@pytest.mark.parametrize("load", [load_checkpoint, load_network, verify])
def test_absence_is_a_rejection_and_a_file_not_found_error(base: Path, load: Callable[[Any], Any]) -> None:
    with pytest.raises(MissingFileError, match="sidecar-missing") as caught:
        load(base.with_name("absent"))
    assert isinstance(caught.value, RejectedError)
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(base.with_name("absent.json"))
    base.with_name("p.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"archive\.missing"):
        load(base)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("make", [fifo, loop, device, Path.mkdir])
def test_what_is_no_file_is_a_storage_error_at_once(base: Path, suffix: str, make: Callable[[Path], None]) -> None:
    path = base.with_name("p" + suffix)
    path.unlink()
    make(path)
    with pytest.raises(StorageError) as caught:
        load_checkpoint(base)
    assert caught.value.filename == str(path)
    assert not isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["nul\0", "x" * 300, "\ud800", "p.json/x"])
def test_names_that_the_system_refuses(base: Path, name: str) -> None:
    for call in (load_checkpoint, load_network, verify, lambda path: save_checkpoint(made(), path)):
        with pytest.raises(StorageError):
            call(str(base.parent) + "/" + name)


@pytest.mark.parametrize("path", [None, 3, "", b"", object()])
def test_what_is_no_path(path: Any) -> None:
    assert rejected(lambda: load_checkpoint(path)) == ("file.path", "")
    assert rejected(lambda: save_checkpoint(made(), path)) == ("file.path", "")


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Be nobody: the super-user is stopped by no permission."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_missing_permission_is_a_storage_error(base: Path, unprivileged: None) -> None:
    if os.geteuid() != 65534:
        base.parent.chmod(0)
    for call in (lambda: load_checkpoint(base), lambda: save_checkpoint(made(), base)):
        with pytest.raises(StorageError, match=r"[Pp]ermission"):
            call()
    if os.geteuid() != 65534:
        base.parent.chmod(0o700)


# Bound together, whatever happens


def test_a_pair_is_bound_by_its_digest(base: Path, tmp_path: Path) -> None:
    save_checkpoint(made(2.0), tmp_path / "other")
    base.with_name("p.npz").write_bytes((tmp_path / "other.npz").read_bytes())
    assert rejected(lambda: load_checkpoint(base)) == ("archive.digest", "")
    rewrite(base, archive_digest=...)
    assert bits(load_checkpoint(base)) == bits(made(2.0))


def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Save made(2.0) over made(), and die at the rename to `step`."""
    rename = os.rename

    def dying(old: str, new: str, **where: Any) -> None:
        if re.search(step, new):
            raise KeyboardInterrupt
        rename(old, new, **where)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", dying)
        patch.setattr(os, "unlink", lambda name, **where: None)  # nothing is cleaned up, as by a killed process
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(made(2.0), tmp_path / "p")


@pytest.mark.parametrize(("step", "scale"), [(r"npz\.[0-9a-f]{16}$", 1.0), (r"json$", 1.0), (r"npz$", 2.0)])
def test_an_interrupted_save_leaves_a_whole_pair_and_the_next_one_clears_up(
    base: Path, monkeypatch: pytest.MonkeyPatch, step: str, scale: float
) -> None:
    interrupted(base.parent, monkeypatch, step)
    assert len(list(base.parent.iterdir())) > 2
    assert bits(load_checkpoint(base)) == bits(made(scale))
    assert bits(load_checkpoint(base, mmap=True)) == bits(made(scale))
    others = ["p.npz.0123456789abcdeg", "p.npz.0123456789abcdef0", "q.npz.tmp", "p.npz.bak"]
    for name in others:
        (base.parent / name).touch()
    save_checkpoint(made(3.0), base)
    assert sorted(path.name for path in base.parent.iterdir()) == sorted(["p.json", "p.npz", *others])
    assert bits(load_checkpoint(base)) == bits(made(3.0))


def test_a_committed_archive_survives_a_save_of_the_same_that_fails(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(base.parent, monkeypatch, r"npz$")
    with monkeypatch.context() as patch:
        patch.setattr(pair.Saving, "write_sidecar", lambda *rest: os.open("/nowhere/at/all", os.O_RDONLY))
        with pytest.raises(StorageError):
            save_checkpoint(made(2.0), base)
    assert bits(load_checkpoint(base)) == bits(made(2.0))


@pytest.mark.parametrize("call", ["pwrite", "write", "fsync", "rename", "open"])
def test_a_save_that_fails_leaves_the_old_pair_and_nothing_else(
    base: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*rest: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(StorageError, match="No space left") as caught:
            save_checkpoint(made(2.0), base)
    assert caught.value.errno == errno.ENOSPC
    assert sorted(path.name for path in base.parent.iterdir()) == ["p.json", "p.npz"]
    assert bits(load_checkpoint(base)) == bits(made())


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite, write = os.pwrite, os.write
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, at: pwrite(descriptor, data[:100], at))
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    save_checkpoint(made(), tmp_path / "s", durable=False)
    assert load_checkpoint(tmp_path / "s") == made()


def test_what_is_durable_is_synced_and_what_is_not_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    save_checkpoint(made(), tmp_path / "new" / "d", durable=False)
    assert not synced
    save_checkpoint(made(), tmp_path / "other" / "d")
    names = [path.name for path in synced]
    assert names == [tmp_path.name, "d.npz.tmp", "other", "d.json.tmp", "other", "other"]


def test_nothing_is_written_through_links_that_bear_the_names_of_temporary_files(base: Path) -> None:
    victim = base.with_name("victim")
    victim.write_text("mine")
    for name in ("p.npz.tmp", "p.json.tmp"):
        base.with_name(name).symlink_to(victim)
    save_checkpoint(made(2.0), base)
    assert victim.read_text() == "mine"
    assert sorted(path.name for path in base.parent.iterdir()) == ["p.json", "p.npz", "victim"]


def test_a_reader_is_not_misled_by_a_save_that_goes_on(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(base.parent, monkeypatch, r"npz$")
    (named,) = base.parent.glob("p.npz.*")
    opened, looks = Place.open, []

    def watched(place: Place, suffix: str) -> Any:
        looks.append(suffix)
        if suffix == named.name[1:] and named.exists():
            named.rename(base.with_name("p.npz"))  # step 3, between the first look and the second
        return opened(place, suffix)

    monkeypatch.setattr(Place, "open", watched)
    assert bits(load_checkpoint(base)) == bits(made(2.0))
    assert looks == [".json", ".npz", named.name[1:], ".npz"]


def test_a_reader_starts_afresh_where_the_pair_is_another_one(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, saved = Place.open, []

    def watched(place: Place, suffix: str) -> Any:
        if suffix == ".npz" and not saved:
            saved.append(1)
            with monkeypatch.context() as patch:
                patch.setattr(Place, "open", opened)
                save_checkpoint(made(2.0), base)
        return opened(place, suffix)

    monkeypatch.setattr(Place, "open", watched)
    assert bits(load_checkpoint(base)) == bits(made(2.0))


def test_two_writers_and_a_reader(base: Path) -> None:
    scales = [2.0, 3.0]
    threads = [
        threading.Thread(target=lambda s=scale: [save_checkpoint(made(s), base, durable=False) for _ in range(60)])
        for scale in scales
    ]
    allowed = [bits(made(scale)) for scale in (1.0, *scales)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert bits(load_checkpoint(base)) in allowed
    assert sorted(path.name for path in base.parent.iterdir()) == ["p.json", "p.npz"]


# What cannot be saved


def test_what_cannot_be_saved_is_rejected_and_the_old_pair_stays(base: Path) -> None:
    broken = made()
    broken.weights[0][0, 0] = np.nan
    assert rejected(lambda: save_checkpoint(broken, base)) == ("checkpoint.weight-finite", "/checkpoint/weights/0/0/0")
    assert rejected(lambda: save_checkpoint({}, base))[0] == "checkpoint.object"  # type: ignore[arg-type]
    assert rejected(lambda: save_network({}, base))[0] == "network.object"  # type: ignore[arg-type]
    deep: list[Any] = []
    for _ in range(61):
        deep = [deep]
    save_checkpoint(made(metadata={"d": deep}), base)
    assert load_checkpoint(base).metadata == {"d": deep}
    too_deep = rejected(lambda: save_checkpoint(made(metadata={"d": [deep]}), base))
    assert too_deep == ("checkpoint.metadata-type", "/checkpoint/metadata")
    with pytest.raises(StorageError, match="anybody reads"):
        save_checkpoint(made(metadata={"s": "x" * (1 << 24)}), base)
    assert load_checkpoint(base).metadata == {"d": deep}
    assert len(list(base.parent.iterdir())) == 2


# The operations of the protocol


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setattr(FOLDERS, "root", str(root))
    monkeypatch.setattr(FOLDERS, "scratch", str(root))
    return root


INLINE = {"weights": [[[1.0, 2.0]]], "layer_names": ["a"], "layer_sizes": [[2, 1]]}


def ask(op: str, **request: Any) -> Any:
    answer = operations.run("i", op, request)
    return answer.get("output") or (answer["code"], answer["path"])


def test_save_answers_as_a_load(folders: Path) -> None:
    for request in ({"checkpoint": INLINE}, {"network": NETWORK}, {"checkpoint": INLINE, "compress": False}):
        saved = ask("checkpoint.save", base="sub/p", **request)
        assert saved == ask("checkpoint.load", base="sub/p")
        assert [part["name"] for part in saved["members"]] == ["layer_0", "bias_0"][: len(saved["members"])]
        assert saved["members"][0]["shape"] == [1, 2]
        assert saved["total_params"] == 2 + (saved["format_version"] - 1)


def test_a_save_answers_what_it_wrote_whoever_writes_next(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load, others = pair.load, []

    def late(place: Place) -> Any:
        others.append(threading.Thread(target=lambda: save_checkpoint(made(), folders / "p")))
        others[0].start()
        others[0].join(0.1)  # time enough, were it not kept out
        return load(place)

    monkeypatch.setattr(pair, "load", late)
    assert ask("checkpoint.save", base="p", checkpoint=INLINE)["layer_names"] == ["a"]
    others[0].join()
    assert load(Place(str(folders), "p")).checkpoint() == made()


@pytest.mark.parametrize("base", [3, None, "", "/p", "p/", "a//p", "./p", "../p", "a/..", "a\\p", "p\0"])
@pytest.mark.parametrize("op", ["checkpoint.load", "checkpoint.save"])
def test_places_are_relative_and_plain(folders: Path, op: str, base: Any) -> None:
    assert ask(op, base=base, checkpoint=[]) == ("file.path", "/base")


def test_places_do_not_leave_their_folder_by_links(folders: Path) -> None:
    save_checkpoint(made(), folders.parent / "outside" / "p")
    save_checkpoint(made(), folders / "inside" / "p")
    (folders / "out").symlink_to(folders.parent / "outside")
    (folders / "in").symlink_to("inside")
    for suffix in (".json", ".npz"):
        (folders / f"half{suffix}").symlink_to(f"inside/p{suffix}")
        (folders / f"gone{suffix}").symlink_to("nowhere")
    assert ask("checkpoint.load", base="in/p") == ask("checkpoint.load", base="half")
    assert ask("checkpoint.load", base="out/p") == ("file.path", "/base")
    assert ask("checkpoint.load", base="gone") == ("checkpoint.sidecar-missing", "")
    (folders / "half.npz").unlink()
    (folders / "half.npz").symlink_to("../outside/p.npz")
    assert ask("checkpoint.load", base="half") == ("file.path", "/base")
    for base in ("out/p", "out/new/p"):
        assert ask("checkpoint.save", base=base, checkpoint=INLINE) == ("file.path", "/base")
    assert ask("checkpoint.save", base="in/new/p", checkpoint=INLINE)["n_layers"] == 1
    assert (folders / "inside/new/p.json").exists()


def test_the_place_is_checked_before_what_is_saved(folders: Path) -> None:
    assert ask("checkpoint.save", base="p", checkpoint=[]) == ("checkpoint.object", "/checkpoint")
    assert ask("checkpoint.save", base="p", network=[]) == ("network.object", "/network")
    assert not list(folders.iterdir())


# Files in requests of simulate

LAYER = {"weights": [[1.0, 2.0]], "neuron": {"model": "if", "threshold": 1.0}}
VALUES = {"kind": "constant", "values": [0.5, 0.25]}


def simulated(network: Any, drive: Any = None, **more: Any) -> Any:
    stimulus = VALUES if drive is None else drive
    return ask("simulate", network=network, steps=2, input=stimulus, record=["potential"], **more)


def with_layer(**members: Any) -> Any:
    return {"layers": [{**LAYER, **members}]}


def at(member: Any, **more: Any) -> Any:
    return {"file": "a.npz", "member": member, **more}


@pytest.fixture
def arrays(folders: Path) -> Path:
    named = {
        "w": np.array([[1, 2]], dtype="i1"),
        "b": np.array([0.5]),
        "v": np.array([0.5, 0.25]),
        "vv": np.array([[0.5, 0.25]] * 3),
        "inexact": np.array([[2**53 + 1, 2]]),
        "nan": np.array([[1.0, np.nan]]),
        "none": np.zeros((0, 2)),
        "cube": np.zeros((1, 1, 2)),
        "word": np.array(["x"]),
    }
    np.savez(folders / "a.npz", **named)
    return folders


def test_arrays_in_files_stand_for_arrays(arrays: Path) -> None:
    inline = simulated(with_layer(bias=[0.5]))
    assert simulated(with_layer(weights=at("w"), bias=at("b")), {"kind": "constant", "values": at("v")}) == inline
    batch = simulated(with_layer(bias=at("b")), {"kind": "constant", "values": at("vv")})
    assert batch["readout"] == [inline["readout"]] * 3
    assert simulated(with_layer(weights=at("none")))["readout"] == []
    poisson = {"kind": "poisson", "rates": [0.5, 0.25], "seed": 1}
    assert simulated(with_layer(), {**poisson, "rates": at("v")}) == simulated(with_layer(), poisson)


def test_a_network_in_a_pair_stands_for_a_network(folders: Path) -> None:
    document = {"layers": [{**LAYER, "bias": [0.5]}]}
    save_network(Network.from_document(document), folders / "net")
    assert simulated({"checkpoint": "net"}) == simulated(document)
    assert simulated({"checkpoint": "net", "readout": "spikes"}) == ("network.unknown-key", "/network/readout")
    save_checkpoint(made(), folders / "plain")
    for base, code in (
        ("plain", "network.neuron-model"),
        ("absent", "checkpoint.sidecar-missing"),
        ("../net", "file.path"),
        (1, "file.path"),
    ):
        assert simulated({"checkpoint": base}) == (code, "/network/checkpoint")
    rewrite(folders / "net", total_params=1)
    assert simulated({"checkpoint": "net"}) == ("checkpoint.parameter-count", "/network/checkpoint")


def test_binary32_rounds_what_comes_out_of_pairs_and_files(arrays: Path) -> None:
    single = {"profile": "sequential-f32"}
    values = {"kind": "constant", "values": at("v")}
    inline = simulated(with_layer(bias=[0.5]), **single)
    save_network(Network.from_document(with_layer(bias=[0.5])), arrays / "net")
    assert simulated({"checkpoint": "net"}, **single) == inline
    assert simulated(with_layer(weights=at("w"), bias=at("b")), values, **single) == inline
    np.savez(arrays / "a.npz", w=[[1.0, 1e39]], b=[1e39], v=[1.0, 1e39])
    assert simulated(with_layer(weights=at("w")), **single) == (
        "network.weight-finite",
        "/network/layers/0/weights/0/1",
    )
    assert simulated(with_layer(bias=at("b")), **single) == ("network.bias-finite", "/network/layers/0/bias/0")
    assert simulated(with_layer(), values, **single) == ("input.range", "/input/values/1")
    for change, code in (
        ({"weights": [[1.0, 1e39]]}, "network.weight-finite"),
        ({"bias": [1e39]}, "network.bias-finite"),
        ({"neuron": {"model": "if", "threshold": 1e39}}, "network.threshold"),
        ({"neuron": {"model": "if", "threshold": 1, "initial_potential": 1e39}}, "network.initial-potential"),
    ):
        save_network(Network.from_document(with_layer(**change)), arrays / "net")
        assert simulated({"checkpoint": "net"}, **single) == (code, "/network/checkpoint")
        assert "readout" in simulated({"checkpoint": "net"})


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        ({"member": "w"}, "network.weight-type", ""),
        (at("w", x=1), "file.reference", ""),
        ({"file": "a.npz"}, "file.reference", ""),
        (at(1), "file.reference", ""),
        (at("w", file="../a.npz"), "file.path", "/file"),
        (at("w", file=1), "file.path", "/file"),
        (at("w", file="b.npz"), "archive.missing", ""),
        (at("w.npy"), "archive.member-missing", ""),
        (at("\ud800"), "archive.member-missing", ""),
        (at("word"), "npy.dtype", ""),
        (at("inexact"), "network.weight-type", "/0/0"),
        (at("cube"), "network.weight-rank", ""),
        (at("b"), "network.weight-rank", ""),
        (at("nan"), "network.weight-finite", "/0/1"),
    ],
)
def test_faults_of_arrays_in_files(arrays: Path, value: Any, code: str, path: str) -> None:
    assert simulated(with_layer(weights=value)) == (code, f"/network/layers/0/weights{path}")


def test_faults_of_biases_and_inputs_in_files(arrays: Path) -> None:
    assert simulated(with_layer(bias=at("w"))) == ("network.bias-type", "/network/layers/0/bias")
    assert simulated(with_layer(bias=at("v"))) == ("network.bias-shape", "/network/layers/0/bias")
    for member, path in (("cube", ""), ("none", ""), ("word", ""), ("inexact", "/0/0"), ("b", "")):
        fault = simulated(with_layer(), {"kind": "constant", "values": at(member)})
        assert fault == ("npy.dtype" if member == "word" else "input.shape", f"/input/values{path}")
    assert simulated(with_layer(), {"kind": "constant", "values": at("nan")}) == ("input.range", "/input/values/0/1")


def test_the_rules_keep_their_order_around_files(arrays: Path) -> None:
    poisson = {"kind": "poisson", "seed": 1, "sample": 2**53 - 1}
    assert simulated(with_layer(), {**poisson, "rates": at("vv")}) == ("input.sample", "/input/sample")
    assert simulated(with_layer(), {**poisson, "rates": at("v")})["readout"] is not None
    assert simulated(with_layer(), {**poisson, "rates": at("absent")}) == ("archive.member-missing", "/input/rates")
    assert simulated(with_layer(), {**poisson, "rates": at("absent"), "sample": -1}) == (
        "input.sample",
        "/input/sample",
    )
    two = {"layers": [{**LAYER, "weights": [["x"]]}, {**LAYER, "weights": at("absent")}]}
    assert simulated(two) == ("network.weight-type", "/network/layers/0/weights/0/0")
    two["layers"].reverse()
    assert simulated(two) == ("archive.member-missing", "/network/layers/0/weights")


def test_other_members_of_an_archive_do_not_matter_but_their_number_does(arrays: Path) -> None:
    with zipfile.ZipFile(arrays / "a.npz", "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("folder/readme.txt", "any")
    assert simulated(with_layer(weights=at("w")))["readout"] == simulated(with_layer())["readout"]
    with zipfile.ZipFile(arrays / "a.npz", "a") as archive:
        for number in range(1025):
            archive.writestr(f"{number}", "")
    assert simulated(with_layer(weights=at("w"))) == ("archive.entry-count", "/network/layers/0/weights")

"""Fashion-MNIST as the scripts read it, and what they call a goal that is missed."""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

import accuracy
import fashion_mnist


def packed(array):
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def files(folder, shapes):
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(0, 256, shape).astype(np.uint8) for name, shape in shapes.items()}
    for name, array in arrays.items():
        (folder / name).write_bytes(packed(array))
    return list(arrays.values())


def test_the_package_is_fetched_once_and_read(tmp_path, monkeypatch):
    shapes = {name: (7, *shape[1:]) for name, shape in fashion_mnist.PARTS.items()}
    monkeypatch.setattr(fashion_mnist, "PARTS", shapes)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls, arrays = [], []

    def call(command, folder):
        calls.append(command[0])
        if command[0] == "apt-get":
            (Path(folder) / f"{command[-1]}_1_all.deb").touch()
            return
        inside = Path(folder) / command[-1] / fashion_mnist.INSIDE
        inside.mkdir(parents=True)
        arrays.extend(files(inside, shapes))

    monkeypatch.setattr(fashion_mnist, "call", call)
    for _ in range(2):
        train, test = fashion_mnist.load()
    assert calls == ["apt-get", "dpkg-deb"]
    for found, pixels, labels in ((train, *arrays[:2]), (test, *arrays[2:])):
        assert found.images.shape == (7, 784) and found.images.max() <= 1.0
        assert np.array_equal(found.images * 255.0, pixels.reshape(7, 784))
        assert np.array_equal(found.labels, labels)


def test_a_file_of_another_shape_is_refused(tmp_path):
    files(tmp_path, {"a.gz": (3, 4)})
    assert fashion_mnist.idx(tmp_path / "a.gz", (3, 4)).shape == (3, 4)
    with pytest.raises(SystemExit, match=r"a\.gz is not the idx file of shape"):
        fashion_mnist.idx(tmp_path / "a.gz", (4, 3))


def test_a_command_that_fails_says_why(tmp_path):
    with pytest.raises(SystemExit, match="no-such-command is missing"):
        fashion_mnist.call(["no-such-command"], str(tmp_path))
    with pytest.raises(SystemExit, match=r"failed: .*nothing-here"):
        fashion_mnist.call(["ls", "nothing-here"], str(tmp_path))


def test_goals():
    met = {"balanced": [{"T": 64, "loss": 1.0}, {"T": 256, "loss": 0.3}], "qcfs": [{"T": 8, "loss": -0.1}]}
    assert accuracy.missed(met) == []
    met["balanced"][1]["loss"] = 0.31
    assert accuracy.missed(met) == ["balanced: a loss of 0.31 points at T=256, the goal is 0.3"]

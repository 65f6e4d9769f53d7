"""Fashion-MNIST (Xiao et al. 2017) from Debian's package dataset-fashion-mnist, unpacked into the cache without root.

    python scripts/fashion_mnist.py

fetches it where it is not yet there, and says where it is. Needs apt-get and dpkg-deb, and a package list
(`apt-get update`) that knows the package.
"""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.toolchains.folders import cache_folder, locked

PACKAGE = "dataset-fashion-mnist"
INSIDE = Path("usr/share/datasets/fashion-mnist")
PARTS = {
    "train-images-idx3-ubyte.gz": (60000, 28, 28),
    "train-labels-idx1-ubyte.gz": (60000,),
    "t10k-images-idx3-ubyte.gz": (10000, 28, 28),
    "t10k-labels-idx1-ubyte.gz": (10000,),
}


@dataclass(frozen=True, eq=False)
class Images:
    """Images as rows of 784 values in [0, 1], float64, and their labels, 0 … 9."""

    images: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]


def load() -> tuple[Images, Images]:
    """Return the 60,000 training images and the 10,000 test images; fetch them where needed."""
    folder = fetch()
    arrays = [idx(folder / name, shape) for name, shape in PARTS.items()]
    return images(arrays[0], arrays[1]), images(arrays[2], arrays[3])


def images(pixels: Any, labels: Any) -> Images:
    """Return bytes as values in [0, 1]."""
    return Images(pixels.reshape(len(pixels), -1) / 255.0, labels.astype(np.int64))


def fetch() -> Path:
    """Return the folder of the four files, downloaded and unpacked where that was not yet done."""
    folder = cache_folder() / "fashion-mnist"
    with locked(cache_folder() / "fashion-mnist.lock"):
        if all((folder / name).is_file() for name in PARTS):
            return folder
        with tempfile.TemporaryDirectory(dir=cache_folder()) as work:
            call(["apt-get", "download", "-qq", PACKAGE], work)
            package = next(Path(work).glob(f"{PACKAGE}_*.deb"))
            call(["dpkg-deb", "-x", package.name, "unpacked"], work)
            shutil.rmtree(folder, ignore_errors=True)
            (Path(work) / "unpacked" / INSIDE).rename(folder)
    return folder


def call(command: list[str], folder: str) -> None:
    """Run a command in a folder, or end with what it said."""
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit(f"{command[0]} is missing: Fashion-MNIST comes from Debian's package {PACKAGE}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(command)} failed: {error.stderr.strip()} (apt-get update, as root, may help)")


def idx(file: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Read an idx file of bytes, which must have this shape."""
    data = gzip.decompress(file.read_bytes())
    header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    if data[: len(header)] != header:
        sys.exit(f"{file} is not the idx file of shape {shape}: remove it, and run again")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)


if __name__ == "__main__":
    print(fetch())

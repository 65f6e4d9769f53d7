"""Sets up libraries of spiking networks that we compare with, in an environment of their own; prints its Python.

    python scripts/peers.py

PyTorch, sinabs, snntorch, spikingjelly, norse and NIR, all pinned, go into the user's cache (1.1 GB, some minutes).
With their dependencies they would pull conflicting versions, and `samna`, which installs things when it is imported:
they are installed without, and what they need is listed here.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

TORCH = "2.13.0"
SUPPORT = ["numpy==2.4.6", "h5py==3.16.0", "nir==1.0.8", "nirtorch==2.6", "pbr==7.1.3", "matplotlib==3.11.2",
           "loguru==0.7.3", "tqdm==4.70.1", "requests==2.34.2"]  # fmt: skip
LIBRARIES = ["sinabs==3.1.3", "snntorch==1.0.0", "spikingjelly==2.0.0", "norse==1.1.0"]
WHEELS = Path(__file__).resolve().parents[2] / "shared" / "wheels"


def environment() -> Path:
    """Return the Python of the environment, which is made where it is not there yet.

    Raises:
        RuntimeError: It cannot be made; says why.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spikeparity"
    home = cache / "peers-py{}.{}".format(*sys.version_info[:2])
    ready, python, stamp = home / "ready", home / "bin" / "python", "\n".join([TORCH, *SUPPORT, *LIBRARIES])
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "peers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two that come at once, one makes it
        if not ready.exists() or ready.read_text() != stamp:
            shutil.rmtree(home, ignore_errors=True)
            run([sys.executable, "-m", "venv", str(home)])
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            links = ["--find-links", str(WHEELS)] if WHEELS.is_dir() else []
            try:
                run([*install, *links, f"torch=={TORCH}+cpu"])  # a tenth of the size, where it can be had
            except RuntimeError:
                run([*install, f"torch=={TORCH}"])
            run([*install, *SUPPORT])
            run([*install, "--no-deps", *LIBRARIES])
            ready.write_text(stamp)
    return python


def run(argv: list[str]) -> None:
    """Run a command; raise RuntimeError with its last line where it fails."""
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{shlex.join(argv)}: {last}")


def main() -> int:
    """Set up and print."""
    try:
        print(environment())
    except RuntimeError as error:
        print(f"peers: cannot be set up: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())

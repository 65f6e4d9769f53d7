"""Sets up sc_neurocore 3.16 in an environment of its own and prints the --backend word that puts it into an exchange.

    python -m conformance exchange --backend python --backend "$(python scripts/sc_neurocore.py)"

The package is under the AGPL: it is installed from the package index into a private environment in the user's cache,
without its dependencies, and only ever run there, as a process. What we ask of it needs NumPy and nothing else.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "3.16.0"
REQUIREMENTS = [["--no-deps", f"sc-neurocore=={VERSION}"], ["--only-binary", ":all:", "numpy>=1.26"]]
BACKEND = Path(__file__).resolve().with_name("sc_neurocore_backend.py")


def environment() -> Path:
    """Return the Python of the environment, which is made where it is not there yet (some ten seconds).

    Raises:
        RuntimeError: It cannot be made; says why.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spikeparity"
    major, minor = sys.version_info[:2]
    home = cache / f"sc-neurocore-{VERSION}-py{major}.{minor}"
    ready = home / "ready"
    python = home / "bin" / "python"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "sc-neurocore.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two that come at once, one makes it
        if not ready.exists():
            shutil.rmtree(home, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(home)])
            for words in REQUIREMENTS:
                _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words])
            ready.touch()
    return python


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{shlex.join(argv)}: {last}")


def backend_word() -> str:
    """Return what ``--backend`` calls it; raises RuntimeError where it cannot be had."""
    # -I: neither PYTHONPATH nor the folder of scripts, whose sc_neurocore.py is not the package.
    return f"sc_neurocore={shlex.join([str(environment()), '-I', str(BACKEND)])}"


def main() -> int:
    """Set up and print."""
    try:
        print(backend_word())
    except RuntimeError as error:
        print(f"sc_neurocore: cannot be set up: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())

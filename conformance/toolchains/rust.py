"""The Rust mirror: lives in the extension module ``spikeparity._rust`` and needs nothing else."""

from __future__ import annotations

import importlib.util
import sys

from conformance.toolchains import Launch, UnavailableError


def launch() -> Launch:
    """Return the thin Python start-up that hands standard input and output to the extension.

    Raises:
        UnavailableError: The extension module is not built.
    """
    if importlib.util.find_spec("spikeparity._rust") is None:
        raise UnavailableError("the extension module spikeparity._rust is not built", "pip install . (needs cargo, cc)")
    return Launch([sys.executable, "-m", "spikeparity.rust_backend"])

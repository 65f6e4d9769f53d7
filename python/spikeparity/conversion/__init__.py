"""From artificial networks to spiking ones: conversion of PyTorch models, and its arithmetic (conversion.md).

Only `convert`, `QCFSActivation` and `replace_relu_with_qcfs` need PyTorch (the extra `torch`), and load it when they
are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from spikeparity.conversion.arithmetic import normalize, qcfs
from spikeparity.conversion.converted import ConvertedSNN
from spikeparity.conversion.errors import ConversionError

if TYPE_CHECKING:
    from spikeparity.conversion.activation import QCFSActivation as QCFSActivation
    from spikeparity.conversion.from_torch import convert as convert
    from spikeparity.conversion.replacement import replace_relu_with_qcfs as replace_relu_with_qcfs

__all__ = [
    "ConversionError",
    "ConvertedSNN",
    "QCFSActivation",
    "convert",
    "normalize",
    "qcfs",
    "replace_relu_with_qcfs",
]

_NEED_TORCH = {
    "QCFSActivation": "spikeparity.conversion.activation",
    "convert": "spikeparity.conversion.from_torch",
    "replace_relu_with_qcfs": "spikeparity.conversion.replacement",
}


def __getattr__(name: str) -> object:
    """Load what needs PyTorch; an ImportError says how to get it."""
    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        importlib.import_module("torch")
    except ImportError as error:
        message = (
            f"spikeparity.conversion.{name} needs PyTorch, which cannot be imported ({error}): "
            "pip install 'spikeparity[torch]'"
        )
        raise ImportError(message, name="torch") from error
    return getattr(importlib.import_module(_NEED_TORCH[name]), name)

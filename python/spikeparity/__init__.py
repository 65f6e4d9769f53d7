"""SpikeParity: spiking neural networks that give the same verdicts and the same bits in every language.

This package is the Python reference. The rules that it applies are those of `conformance/spec/semantics.md`; a broken
rule is a `RejectedError` with the rule's `code` and the `path` of the datum at fault.

Importing `spikeparity` imports nothing else: the names below, NumPy included, are loaded at first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spikeparity.conversion import ConversionError as ConversionError
    from spikeparity.conversion import ConvertedSNN as ConvertedSNN
    from spikeparity.conversion import QCFSActivation as QCFSActivation
    from spikeparity.conversion import convert as convert
    from spikeparity.conversion import replace_relu_with_qcfs as replace_relu_with_qcfs
    from spikeparity.files import MissingFileError as MissingFileError
    from spikeparity.files import StorageError as StorageError
    from spikeparity.neurons import Network as Network
    from spikeparity.neurons import poisson_spikes as poisson_spikes
    from spikeparity.neurons.simulate import simulate as simulate
    from spikeparity.rejection import RejectedError as RejectedError
    from spikeparity.transfer import SNNCheckpoint as SNNCheckpoint
    from spikeparity.transfer import TransferConfig as TransferConfig
    from spikeparity.transfer import apply_transfer_config as apply_transfer_config
    from spikeparity.transfer import freeze_layers as freeze_layers
    from spikeparity.transfer import load_checkpoint as load_checkpoint
    from spikeparity.transfer import load_network as load_network
    from spikeparity.transfer import save_checkpoint as save_checkpoint
    from spikeparity.transfer import save_network as save_network
    from spikeparity.transfer import unfreeze_layers as unfreeze_layers
    from spikeparity.transfer import verify as verify

__version__ = "0.1.0"

_HOMES = {
    "ConversionError": "spikeparity.conversion",
    "ConvertedSNN": "spikeparity.conversion",
    "MissingFileError": "spikeparity.files",
    "Network": "spikeparity.neurons",
    "QCFSActivation": "spikeparity.conversion",
    "RejectedError": "spikeparity.rejection",
    "SNNCheckpoint": "spikeparity.transfer",
    "StorageError": "spikeparity.files",
    "TransferConfig": "spikeparity.transfer",
    "apply_transfer_config": "spikeparity.transfer",
    "convert": "spikeparity.conversion",
    "freeze_layers": "spikeparity.transfer",
    "load_checkpoint": "spikeparity.transfer",
    "load_network": "spikeparity.transfer",
    "poisson_spikes": "spikeparity.neurons",
    "replace_relu_with_qcfs": "spikeparity.conversion",
    "save_checkpoint": "spikeparity.transfer",
    "save_network": "spikeparity.transfer",
    "simulate": "spikeparity.neurons",
    "unfreeze_layers": "spikeparity.transfer",
    "verify": "spikeparity.transfer",
}


def __getattr__(name: str) -> object:
    """Load a convenience name from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the convenience names too, so that completion finds them."""
    return sorted({*globals(), *_HOMES})

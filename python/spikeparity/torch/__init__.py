"""Training of spiking networks in PyTorch, whose layers compute what every SpikeParity backend will (extra `torch`).

docs/training.md shows the road: layers and their surrogate gradients, losses, saving and loading pairs, transfer.
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    message = f"spikeparity.torch needs PyTorch, which cannot be imported ({error}): pip install 'spikeparity[torch]'"
    raise ImportError(message, name="torch") from error

from spikeparity.torch import encode
from spikeparity.torch.checkpoint import Checkpoint, load_into, to_checkpoint
from spikeparity.torch.errors import ModuleError
from spikeparity.torch.fine_tune import (
    apply_transfer_config,
    freeze_layers,
    frozen_layers,
    parameter_groups,
    unfreeze_layers,
)
from spikeparity.torch.layers import IF, LI, LIF, ExpSyn, Stateful
from spikeparity.torch.losses import accuracy, count_mse, rate_cross_entropy, spike_counts
from spikeparity.torch.recorder import SpikeRecorder
from spikeparity.torch.rollout import bptt, rollout
from spikeparity.torch.sequential import SequentialConv2d, SequentialLinear, in_profile_order
from spikeparity.torch.squeeze import ExpSynSqueeze, IFSqueeze, LIFSqueeze, LISqueeze
from spikeparity.torch.states import detach_states, get_states, reset_states, run_with_states, set_states, zero_grad
from spikeparity.torch.surrogate import (
    ArcTan,
    FastSigmoid,
    PeriodicExponential,
    Rectangular,
    SingleExponential,
    Surrogate,
    Triangular,
)

__all__ = [
    "IF",
    "LI",
    "LIF",
    "ArcTan",
    "Checkpoint",
    "ExpSyn",
    "ExpSynSqueeze",
    "FastSigmoid",
    "IFSqueeze",
    "LIFSqueeze",
    "LISqueeze",
    "ModuleError",
    "PeriodicExponential",
    "Rectangular",
    "SequentialConv2d",
    "SequentialLinear",
    "SingleExponential",
    "SpikeRecorder",
    "Stateful",
    "Surrogate",
    "Triangular",
    "accuracy",
    "apply_transfer_config",
    "bptt",
    "count_mse",
    "detach_states",
    "encode",
    "freeze_layers",
    "frozen_layers",
    "get_states",
    "in_profile_order",
    "load_into",
    "parameter_groups",
    "rate_cross_entropy",
    "reset_states",
    "rollout",
    "run_with_states",
    "set_states",
    "spike_counts",
    "to_checkpoint",
    "unfreeze_layers",
    "zero_grad",
]

"""Checkpoints of spiking networks and the freezing of their layers for fine-tuning."""

from spikeparity.transfer.checkpoint import SNNCheckpoint
from spikeparity.transfer.fine_tune import TransferConfig, apply_transfer_config, freeze_layers, unfreeze_layers

__all__ = ["SNNCheckpoint", "TransferConfig", "apply_transfer_config", "freeze_layers", "unfreeze_layers"]

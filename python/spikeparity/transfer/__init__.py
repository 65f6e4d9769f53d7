"""Checkpoints of spiking networks: saved, loaded, and their layers frozen for fine-tuning."""

from spikeparity.transfer.checkpoint import SNNCheckpoint
from spikeparity.transfer.fine_tune import TransferConfig, apply_transfer_config, freeze_layers, unfreeze_layers
from spikeparity.transfer.pair import load_checkpoint, load_network, save_checkpoint, save_network, verify

__all__ = [
    "SNNCheckpoint",
    "TransferConfig",
    "apply_transfer_config",
    "freeze_layers",
    "load_checkpoint",
    "load_network",
    "save_checkpoint",
    "save_network",
    "unfreeze_layers",
    "verify",
]

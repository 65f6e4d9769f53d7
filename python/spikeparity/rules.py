"""The table of rules: the codes that each operation can answer with, in the order in which they are checked.

It stands apart from the functions that apply the rules so that `hello` can be answered before NumPy is loaded; the
tests hold it against those functions and against rules.toml.
"""

from __future__ import annotations

JSON = (
    "json.encoding",
    "json.syntax",
    "json.surrogate",
    "json.duplicate-key",
    "json.depth",
    "json.number-range",
)

CHECKPOINT = (
    "checkpoint.object",
    "checkpoint.unknown-key",
    "checkpoint.missing-key",
    "checkpoint.names-type",
    "checkpoint.names-unique",
    "checkpoint.weights-count",
    "checkpoint.sizes-count",
    "checkpoint.sizes-type",
    "checkpoint.types-type",
    "checkpoint.types-count",
    "checkpoint.frozen-type",
    "checkpoint.frozen-unknown",
    "checkpoint.metadata-type",
    "checkpoint.weight-type",
    "checkpoint.weight-rank",
    "checkpoint.weight-shape",
    "checkpoint.weight-finite",
)

CONFIG = (
    "config.object",
    "config.unknown-key",
    "config.freeze-until-type",
    "config.freeze-until-range",
    "config.learning-rate-type",
    "config.learning-rate-range",
)

LAYER_NAMES = ("transfer.layer-names-type", "transfer.layer-names-unknown")
FREEZE = (*LAYER_NAMES, "transfer.until-index-type", "transfer.until-index-range")
UNFREEZE = (*LAYER_NAMES, "transfer.all-layers-type")
APPLY = ("transfer.freeze-until-unknown",)

NETWORK = (
    "network.object",
    "network.unknown-key",
    "network.missing-key",
    "network.layers",
    "network.weight-type",
    "network.weight-rank",
    "network.weight-finite",
    "network.bias-type",
    "network.bias-shape",
    "network.bias-finite",
    "network.chain",
    "network.neuron-model",
    "network.threshold",
    "network.reset",
    "network.decay",
    "network.initial-potential",
    "network.readout",
)

STEPS = ("simulate.steps",)
INPUT = (
    "input.kind",
    "input.unknown-key",
    "input.seed",
    "input.sample",
    "input.shape",
    "input.indices",
    "input.range",
)
RECORD = ("record.kind",)
RUN = ("simulate.non-finite",)
POISSON = ("input.seed", "input.sample", "input.shape", "input.range")

OPERATIONS: dict[str, tuple[str, ...]] = {
    "json.parse": JSON,
    "checkpoint.validate": JSON + CHECKPOINT,
    "config.validate": JSON + CONFIG,
    "transfer.freeze": CHECKPOINT + FREEZE,
    "transfer.unfreeze": CHECKPOINT + UNFREEZE,
    "transfer.apply": CHECKPOINT + CONFIG + APPLY,
    "simulate": NETWORK + STEPS + INPUT + RECORD + RUN,
    "encode.poisson": STEPS + POISSON,
}

PROFILES = ("sequential-f64",)


def codes() -> list[str]:
    """Every code that some operation can answer with, each once, in the order of the operations."""
    return list(dict.fromkeys(code for operation in OPERATIONS.values() for code in operation))

"""The table of rules: the codes that each operation can answer with, in the order in which they are checked.

It stands apart from the functions that apply the rules so that `hello` can be answered before NumPy is loaded; the
tests hold it against those functions and against rules.toml.
"""

from __future__ import annotations


def _without(codes: tuple[str, ...], *others: str) -> tuple[str, ...]:
    return tuple(code for code in codes if code not in others)


PLACE = ("file.path",)
REFERENCE = ("file.reference",)
SIDECAR_FILE = ("checkpoint.sidecar-missing", "checkpoint.sidecar-size")

JSON = (
    "json.encoding",
    "json.syntax",
    "json.surrogate",
    "json.duplicate-key",
    "json.depth",
    "json.number-range",
)

ANY_CHECKPOINT = (
    "checkpoint.object",
    "checkpoint.unknown-key",
    "checkpoint.missing-key",
    "checkpoint.format-version",
    "checkpoint.network",
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

# A checkpoint that is stored has its weights elsewhere, one that is not has no format.
CHECKPOINT = _without(ANY_CHECKPOINT, "checkpoint.format-version", "checkpoint.network")
STORED_CHECKPOINT = _without(ANY_CHECKPOINT, "checkpoint.weights-count", "checkpoint.weight-rank")

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

ANY_NETWORK = (
    "network.object",
    "network.kind",
    "network.unknown-key",
    "network.missing-key",
    "network.layers",
    "network.inputs",
    "network.input-shape",
    "network.name",
    "network.from",
    "network.geometry",
    "network.member",
    "network.weight-type",
    "network.weight-rank",
    "network.weight-finite",
    "network.bias-type",
    "network.bias-shape",
    "network.bias-finite",
    "network.chain",
    "network.elements",
    "network.output",
    "network.neuron-model",
    "network.threshold",
    "network.reset",
    "network.decay",
    "network.initial-potential",
    "network.readout",
)

NETWORK = _without(ANY_NETWORK, "network.member")
NETWORK_ARRAYS = (
    "network.weight-type",
    "network.weight-rank",
    "network.weight-finite",
    "network.bias-type",
    "network.bias-shape",
    "network.bias-finite",
)
# Of the weights of a network that is stored only those of identities are in the sidecar.
STORED_NETWORK = _without(ANY_NETWORK, *_without(NETWORK_ARRAYS, "network.weight-type", "network.weight-finite"))

COUNTS = ("checkpoint.layer-count", "checkpoint.parameter-count", "checkpoint.digest-type")

ARCHIVE = (
    "archive.missing",
    "archive.not-zip",
    "archive.truncated",
    "archive.end-record",
    "archive.digest",
    "archive.entry-count",
    "archive.directory",
    "archive.member-path",
    "archive.member-unexpected",
    "archive.member-twice",
    "archive.member-missing",
    "archive.encrypted",
    "archive.compression",
    "archive.local-header",
    "archive.size",
    "archive.data",
    "archive.crc",
)

NPY = ("npy.magic", "npy.header", "npy.dtype", "npy.length")

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

QCFS = ("qcfs.input", "qcfs.theta", "qcfs.steps", "qcfs.non-finite")
NORMALIZE = ("normalize.scales", "normalize.non-finite")
UNCONVERTED = ("network.object", "network.unknown-key", "network.missing-key", "network.layers", *NETWORK_ARRAYS)

SIDECAR = SIDECAR_FILE + JSON + STORED_CHECKPOINT
RULES = (
    *(PLACE + REFERENCE + SIDECAR_FILE + JSON + ANY_CHECKPOINT + CONFIG),
    *dict.fromkeys(FREEZE + UNFREEZE + APPLY),
    *(ANY_NETWORK + COUNTS + ARCHIVE + NPY + STEPS + INPUT + RECORD + RUN + QCFS + NORMALIZE),
)

OPERATIONS: dict[str, tuple[str, ...]] = {
    "json.parse": JSON,
    "checkpoint.validate": JSON + CHECKPOINT,
    "config.validate": JSON + CONFIG,
    "transfer.freeze": CHECKPOINT + FREEZE,
    "transfer.unfreeze": CHECKPOINT + UNFREEZE,
    "transfer.apply": CHECKPOINT + CONFIG + APPLY,
    "simulate": PLACE + REFERENCE + SIDECAR + ANY_NETWORK + COUNTS + ARCHIVE + NPY + STEPS + INPUT + RECORD + RUN,
    "encode.poisson": STEPS + POISSON,
    "checkpoint.load": PLACE + SIDECAR + STORED_NETWORK + COUNTS + ARCHIVE + NPY,
    "checkpoint.save": PLACE + CHECKPOINT + NETWORK,
    "activation.qcfs": QCFS,
    "convert.normalize": UNCONVERTED + NORMALIZE,
}

PROFILES = ("sequential-f64", "sequential-f32")


def codes() -> list[str]:
    """Every code that some operation can answer with, each once, in the order in which rules are checked."""
    return list(RULES)

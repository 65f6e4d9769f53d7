"""Rule codes in the order in which they are checked, the limits of the contract, and the rejection that carries a code.
"""

comptime MAX_INTEGER = 9007199254740991
"""The largest Integer, 2^53 - 1."""

comptime MAX_DEPTH = 64
"""The deepest nesting of a JSON text."""

comptime MAX_REQUEST_DEPTH = 128
"""The deepest nesting of a request line."""

comptime MAX_LAYERS = 1024
"""The most layers of a network."""

comptime MAX_BRANCHES = 64
"""The most branches of a sum."""

comptime MAX_ELEMENTS = 16777216
"""The most numbers that a layer gives, 2^24."""

comptime MAX_EXTENT = 65536
"""The largest kernel, stride, padding, dilation or number of groups of a convolution."""

comptime MAX_STEPS = 1048576
"""The most time steps of a simulation."""

comptime MAX_SIDECAR_BYTES = 16777216
"""The most bytes of a sidecar."""

comptime MAX_NPY_HEADER_BYTES = 65548
"""The most bytes that a member may have beside 8 per element due."""

comptime MAX_FILE_ARRAY_BYTES = 268435456
"""The largest declared size of an array in a file of a request."""

comptime MAX_FILE_ARRAY_ENTRIES = 1024
"""The most entries of an archive with arrays of a request."""

comptime MAX_EMPTY = 1 << 20
"""The most rows or columns of an array in a file that has no values, since its size does not bound them."""

comptime IO_FAILURE: StaticString = "io"
"""No rule: the code of a failure of the system, whose verdict is `error`."""


@fieldwise_init
struct Rejection(Copyable, Writable):
    """A datum that breaks a rule of `conformance/spec/rules.toml`."""

    var code: StaticString
    """The code of the rule."""
    var path: String
    """A JSON Pointer to the smallest datum at fault."""
    var message: String
    """What was expected and what was there instead, for people."""

    def write_to(self, mut writer: Some[Writer]):
        """Writes code, path and message on one line.

        Args:
            writer: The destination.
        """
        writer.write(self.code, " at '", self.path, "': ", self.message)


def operations() -> List[StaticString]:
    """Names the operations that this backend answers.

    Returns:
        The names, as requests carry them in `op`.
    """
    return [
        "json.parse",
        "checkpoint.validate",
        "config.validate",
        "transfer.freeze",
        "transfer.unfreeze",
        "transfer.apply",
        "simulate",
        "encode.poisson",
        "checkpoint.load",
        "checkpoint.save",
        "activation.qcfs",
        "convert.normalize",
    ]


def profiles() -> List[StaticString]:
    """Names the arithmetic that this backend simulates in.

    Returns:
        The names, as requests carry them in `profile`; the first one is the default.
    """
    return ["sequential-f64", "sequential-f32"]


def codes() -> List[StaticString]:
    """Names every rule that this backend enforces.

    Returns:
        The codes, in the order of checking.
    """
    return [
        "file.path",
        "file.reference",
        "checkpoint.sidecar-missing",
        "checkpoint.sidecar-size",
        "json.encoding",
        "json.syntax",
        "json.surrogate",
        "json.duplicate-key",
        "json.depth",
        "json.number-range",
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
        "config.object",
        "config.unknown-key",
        "config.freeze-until-type",
        "config.freeze-until-range",
        "config.learning-rate-type",
        "config.learning-rate-range",
        "transfer.layer-names-type",
        "transfer.layer-names-unknown",
        "transfer.until-index-type",
        "transfer.until-index-range",
        "transfer.all-layers-type",
        "transfer.freeze-until-unknown",
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
        "checkpoint.layer-count",
        "checkpoint.parameter-count",
        "checkpoint.digest-type",
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
        "npy.magic",
        "npy.header",
        "npy.dtype",
        "npy.length",
        "simulate.steps",
        "input.kind",
        "input.unknown-key",
        "input.seed",
        "input.sample",
        "input.shape",
        "input.indices",
        "input.range",
        "record.kind",
        "simulate.non-finite",
        "qcfs.input",
        "qcfs.theta",
        "qcfs.steps",
        "qcfs.non-finite",
        "normalize.scales",
        "normalize.non-finite",
    ]

//! The rules that a datum can break, in the order in which they are checked, and what is said about a broken one.
#![forbid(unsafe_code)]

use std::fmt;

/// Declares the enum of rules together with their codes, so that the two cannot drift apart.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// A rule of the contract; the order of the variants is the order in which rules are checked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// Every rule, in the order of `rules.toml`.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// The permanent code of the rule, such as `checkpoint.names-unique`.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Rule::$name => $code,)*
                }
            }
        }
    };
}

rules! {
    /// The place of a file is not a relative path, or leads out of the folder that it is relative to.
    FilePath = "file.path",
    /// A reference to an array in a file has not exactly the members file and member, member a string.
    FileReference = "file.reference",
    /// There is no sidecar.
    CheckpointSidecarMissing = "checkpoint.sidecar-missing",
    /// The sidecar has more bytes than `limits.sidecar_bytes`.
    CheckpointSidecarSize = "checkpoint.sidecar-size",
    /// The text is not well-formed UTF-8, or begins with a byte-order mark.
    JsonEncoding = "json.encoding",
    /// The text is outside RFC 8259.
    JsonSyntax = "json.syntax",
    /// A `\u` escape is an unpaired surrogate.
    JsonSurrogate = "json.surrogate",
    /// Two keys of one object are equal after unescaping.
    JsonDuplicateKey = "json.duplicate-key",
    /// Arrays and objects are nested deeper than `limits.depth`.
    JsonDepth = "json.depth",
    /// The nearest binary64 of a number is infinite.
    JsonNumberRange = "json.number-range",
    /// The checkpoint is not an object.
    CheckpointObject = "checkpoint.object",
    /// A top-level key is not one of `layer_names`, `layer_sizes`, weights, `neuron_types`, `metadata`, `frozen_layers`.
    CheckpointUnknownKey = "checkpoint.unknown-key",
    /// `layer_names`, `layer_sizes` or weights is absent (reported in this order).
    CheckpointMissingKey = "checkpoint.missing-key",
    /// `format_version` is not the Integer 1 or 2.
    CheckpointFormatVersion = "checkpoint.format-version",
    /// network is there in format 1 or absent in format 2.
    CheckpointNetwork = "checkpoint.network",
    /// `layer_names` is not a list of strings.
    CheckpointNamesType = "checkpoint.names-type",
    /// A layer name occurs twice.
    CheckpointNamesUnique = "checkpoint.names-unique",
    /// weights is not an array with one entry per layer.
    CheckpointWeightsCount = "checkpoint.weights-count",
    /// `layer_sizes` is not an array with one entry per layer.
    CheckpointSizesCount = "checkpoint.sizes-count",
    /// A layer size is not a pair of non-negative Integers.
    CheckpointSizesType = "checkpoint.sizes-type",
    /// `neuron_types` is not a list of strings.
    CheckpointTypesType = "checkpoint.types-type",
    /// `neuron_types` is neither empty nor one per layer.
    CheckpointTypesCount = "checkpoint.types-count",
    /// `frozen_layers` is not a list of strings.
    CheckpointFrozenType = "checkpoint.frozen-type",
    /// `frozen_layers` names a layer that does not exist.
    CheckpointFrozenUnknown = "checkpoint.frozen-unknown",
    /// `metadata` is not an object.
    CheckpointMetadataType = "checkpoint.metadata-type",
    /// A leaf of weights is not a Number.
    CheckpointWeightType = "checkpoint.weight-type",
    /// A weight matrix is not an array of equally long arrays of Numbers.
    CheckpointWeightRank = "checkpoint.weight-rank",
    /// A weight matrix has not the shape (output_features, input_features).
    CheckpointWeightShape = "checkpoint.weight-shape",
    /// A weight is NaN or an infinity.
    CheckpointWeightFinite = "checkpoint.weight-finite",
    /// The transfer config is not an object.
    ConfigObject = "config.object",
    /// A key is not one of `freeze_until`, `lr_backbone`, `lr_head`.
    ConfigUnknownKey = "config.unknown-key",
    /// `freeze_until` is neither a string nor an Integer.
    ConfigFreezeUntilType = "config.freeze-until-type",
    /// `freeze_until` is an Integer below -1.
    ConfigFreezeUntilRange = "config.freeze-until-range",
    /// A learning rate is not a Number.
    ConfigLearningRateType = "config.learning-rate-type",
    /// A learning rate is NaN, infinite or negative.
    ConfigLearningRateRange = "config.learning-rate-range",
    /// `layer_names` is not a list of strings.
    TransferLayerNamesType = "transfer.layer-names-type",
    /// `layer_names` holds a name that is not in the checkpoint.
    TransferLayerNamesUnknown = "transfer.layer-names-unknown",
    /// `until_index` is not an Integer.
    TransferUntilIndexType = "transfer.until-index-type",
    /// `until_index` is not within 0 and `n_layers - 1`.
    TransferUntilIndexRange = "transfer.until-index-range",
    /// `all_layers` is not a boolean.
    TransferAllLayersType = "transfer.all-layers-type",
    /// `freeze_until` names a layer that is not there, or an index past the last layer.
    TransferFreezeUntilUnknown = "transfer.freeze-until-unknown",
    /// The network, a layer, a branch or a neuron is not an object.
    NetworkObject = "network.object",
    /// The kind of a layer or of a branch is not a known one.
    NetworkKind = "network.kind",
    /// The network, a layer or a neuron has an unknown key (decay is one where the model is if).
    NetworkUnknownKey = "network.unknown-key",
    /// A required key of the network, a layer or a neuron is absent (decay is one where the model is lif).
    NetworkMissingKey = "network.missing-key",
    /// layers is not an array of 1 to `limits.layers` layers.
    NetworkLayers = "network.layers",
    /// inputs of a sum is not an array of 1 to `limits.branches` branches.
    NetworkInputs = "network.inputs",
    /// `input_shape` is not three Integers of at least 1 with a product within `limits.elements`.
    NetworkInputShape = "network.input-shape",
    /// The name of a layer is not a string, is input, or is taken.
    NetworkName = "network.name",
    /// from is neither input nor the name of an earlier layer.
    NetworkFrom = "network.from",
    /// kernel, stride, padding, dilation or groups is not of Integers in their range.
    NetworkGeometry = "network.geometry",
    /// An array of a stored network is not a reference to the member due there.
    NetworkMember = "network.member",
    /// A leaf of a layer's weights is not a Number.
    NetworkWeightType = "network.weight-type",
    /// A layer's weights are not an array of equally long arrays of Numbers.
    NetworkWeightRank = "network.weight-rank",
    /// A weight is NaN or an infinity.
    NetworkWeightFinite = "network.weight-finite",
    /// bias is not a list of Numbers.
    NetworkBiasType = "network.bias-type",
    /// bias has not one entry per output.
    NetworkBiasShape = "network.bias-shape",
    /// A bias is NaN or an infinity.
    NetworkBiasFinite = "network.bias-finite",
    /// The output of a source does not fit the layer or branch that takes it.
    NetworkChain = "network.chain",
    /// The output of a layer or of a branch has more than `limits.elements` elements.
    NetworkElements = "network.elements",
    /// The last layer has no neurons.
    NetworkOutput = "network.output",
    /// model is neither if nor lif.
    NetworkNeuronModel = "network.neuron-model",
    /// threshold is not a finite Number above 0.
    NetworkThreshold = "network.threshold",
    /// reset is neither subtract nor zero.
    NetworkReset = "network.reset",
    /// decay is not a Number within 0 and 1.
    NetworkDecay = "network.decay",
    /// initial_potential is not a finite Number.
    NetworkInitialPotential = "network.initial-potential",
    /// readout is neither spikes nor membrane.
    NetworkReadout = "network.readout",
    /// `n_layers` is not the Integer number of layer names.
    CheckpointLayerCount = "checkpoint.layer-count",
    /// `total_params` is not the Integer number of elements of all members due.
    CheckpointParameterCount = "checkpoint.parameter-count",
    /// `archive_digest` is not a string of 64 lower-case hexadecimal digits.
    CheckpointDigestType = "checkpoint.digest-type",
    /// There is no archive.
    ArchiveMissing = "archive.missing",
    /// The archive does not begin like a zip file.
    ArchiveNotZip = "archive.not-zip",
    /// The archive does not end with an end-of-central-directory record.
    ArchiveTruncated = "archive.truncated",
    /// The end records of the archive contradict themselves or the file.
    ArchiveEndRecord = "archive.end-record",
    /// The archive is not the one that the sidecar is bound to.
    ArchiveDigest = "archive.digest",
    /// The archive has more entries than members are due.
    ArchiveEntryCount = "archive.entry-count",
    /// The central directory of the archive is malformed.
    ArchiveDirectory = "archive.directory",
    /// The name of an entry contains a slash or a backslash.
    ArchiveMemberPath = "archive.member-path",
    /// An entry is not a member due.
    ArchiveMemberUnexpected = "archive.member-unexpected",
    /// Two entries have the same name.
    ArchiveMemberTwice = "archive.member-twice",
    /// A member due is not in the archive.
    ArchiveMemberMissing = "archive.member-missing",
    /// A member is encrypted.
    ArchiveEncrypted = "archive.encrypted",
    /// The compression of a member is neither stored nor deflate.
    ArchiveCompression = "archive.compression",
    /// The local header of a member is unlike its central one, or its bytes lie where they must not.
    ArchiveLocalHeader = "archive.local-header",
    /// The declared or the real size of a member is not what it must be.
    ArchiveSize = "archive.size",
    /// The deflate stream of a member is invalid or does not end with its data.
    ArchiveData = "archive.data",
    /// The CRC-32 of a member is wrong.
    ArchiveCrc = "archive.crc",
    /// A member does not begin with the magic and a version of npy.
    NpyMagic = "npy.magic",
    /// The header of a member is outside the grammar of npy headers.
    NpyHeader = "npy.header",
    /// The type of a member is not real numbers of up to 8 bytes.
    NpyDtype = "npy.dtype",
    /// The data of a member is longer or shorter than its shape needs.
    NpyLength = "npy.length",
    /// steps is not an Integer within 1 and `limits.steps`.
    SimulateSteps = "simulate.steps",
    /// input is not an object with a kind of constant, spikes or poisson.
    InputKind = "input.kind",
    /// input has a member that its kind does not have.
    InputUnknownKey = "input.unknown-key",
    /// seed is not an Integer within 0 and `limits.integer`.
    InputSeed = "input.seed",
    /// sample, or the number of the last sample, is not an Integer within 0 and `limits.integer`.
    InputSample = "input.sample",
    /// values, rates or indices has not the due shape.
    InputShape = "input.shape",
    /// A spike index is not an Integer in range and above the one before it.
    InputIndices = "input.indices",
    /// A value is not finite, or a rate not within 0 and 1.
    InputRange = "input.range",
    /// record is not a list of counts, spikes, potential, trace.
    RecordKind = "record.kind",
    /// A current or a membrane potential becomes non-finite.
    SimulateNonFinite = "simulate.non-finite",
    /// x is not a list of finite Numbers.
    QcfsInput = "qcfs.input",
    /// theta is not a finite Number above 0.
    QcfsTheta = "qcfs.theta",
    /// T is not an Integer within 1 and `limits.steps`.
    QcfsSteps = "qcfs.steps",
    /// A result is not finite.
    QcfsNonFinite = "qcfs.non-finite",
    /// scales is not a list of one finite Number above 0 per layer.
    NormalizeScales = "normalize.scales",
    /// A result is not finite.
    NormalizeNonFinite = "normalize.non-finite",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The refusal of a document or request: which rule is broken, by which datum, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The first broken rule.
    pub rule: Rule,
    /// JSON Pointer (RFC 6901) to the smallest datum at fault.
    pub path: String,
    /// For people: the datum, what was expected and what was there instead.
    pub message: String,
}

impl Rejection {
    /// Rejects the datum at `path`; the message begins with the path, without its first slash, unless it is the root.
    pub fn new(rule: Rule, path: impl Into<String>, message: impl fmt::Display) -> Self {
        let path = path.into();
        let message = match path.strip_prefix('/') {
            Some(datum) => format!("{datum}: {message}"),
            None => message.to_string(),
        };
        Rejection { rule, path, message }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.message)
    }
}

impl std::error::Error for Rejection {}

# The rule codes in the order in which they are checked, JSON Pointers, and the exception that reports a broken rule.

"Every rule code this backend can answer with, in the order of conformance/spec/rules.toml."
const CODES = [
    "file.path", "file.reference",
    "checkpoint.sidecar-missing", "checkpoint.sidecar-size",
    "json.encoding", "json.syntax", "json.surrogate", "json.duplicate-key", "json.depth", "json.number-range",
    "checkpoint.object", "checkpoint.unknown-key", "checkpoint.missing-key", "checkpoint.format-version",
    "checkpoint.network", "checkpoint.names-type", "checkpoint.names-unique", "checkpoint.weights-count",
    "checkpoint.sizes-count", "checkpoint.sizes-type", "checkpoint.types-type", "checkpoint.types-count",
    "checkpoint.frozen-type", "checkpoint.frozen-unknown", "checkpoint.metadata-type", "checkpoint.weight-type",
    "checkpoint.weight-rank", "checkpoint.weight-shape", "checkpoint.weight-finite",
    "config.object", "config.unknown-key", "config.freeze-until-type", "config.freeze-until-range",
    "config.learning-rate-type", "config.learning-rate-range",
    "transfer.layer-names-type", "transfer.layer-names-unknown", "transfer.until-index-type",
    "transfer.until-index-range", "transfer.all-layers-type", "transfer.freeze-until-unknown",
    "network.object", "network.kind", "network.unknown-key", "network.missing-key", "network.layers",
    "network.inputs", "network.input-shape", "network.name", "network.from", "network.geometry", "network.member",
    "network.weight-type", "network.weight-rank", "network.weight-finite", "network.bias-type", "network.bias-shape",
    "network.bias-finite", "network.chain", "network.elements", "network.output", "network.neuron-model",
    "network.threshold", "network.reset", "network.decay", "network.initial-potential", "network.readout",
    "checkpoint.layer-count", "checkpoint.parameter-count", "checkpoint.digest-type",
    "archive.missing", "archive.not-zip", "archive.truncated", "archive.end-record", "archive.digest",
    "archive.entry-count", "archive.directory", "archive.member-path", "archive.member-unexpected",
    "archive.member-twice", "archive.member-missing", "archive.encrypted", "archive.compression",
    "archive.local-header", "archive.size", "archive.data", "archive.crc",
    "npy.magic", "npy.header", "npy.dtype", "npy.length",
    "simulate.steps", "input.kind", "input.unknown-key", "input.seed", "input.sample", "input.shape", "input.indices",
    "input.range", "record.kind", "simulate.non-finite",
    "qcfs.input", "qcfs.theta", "qcfs.steps", "qcfs.non-finite", "normalize.scales", "normalize.non-finite",
]

const MAX_DEPTH = 64                   # nesting of a JSON text
const MAX_REQUEST_DEPTH = 128          # nesting of a request line
const MAX_INTEGER = 9007199254740991   # 2^53 - 1
const MAX_LAYERS = 1024
const MAX_BRANCHES = 64                # of a sum
const MAX_ELEMENTS = 16777216          # numbers that a layer gives
const MAX_EXTENT = 65536               # kernel, stride, padding, dilation, groups
const MAX_STEPS = 1048576
const MAX_SIDECAR_BYTES = 16777216
const MAX_NPY_HEADER_BYTES = 65548     # what a member may have beside 8 bytes for each element due
const MAX_FILE_ARRAY_BYTES = 268435456
const MAX_FILE_ARRAY_ENTRIES = 1024

"""
    Rejection(code, path, message)

Thrown for whatever breaks a rule. `code` is the rule's permanent name (`"checkpoint.names-unique"`), `path` the JSON
Pointer (RFC 6901) to the smallest datum at fault, `message` says what was expected there and what was found.
"""
struct Rejection <: Exception
    code::String
    path::String
    message::String
end

Base.showerror(io::IO, r::Rejection) =
    print(io, r.code, isempty(r.path) ? "" : " at $(r.path)", ": ", r.message)

"A place in a document: `ROOT / \"layers\" / 0` is `/layers/0`, written out only where it is at fault."
struct JsonPointer
    parent::Union{Nothing,JsonPointer}
    token::Union{String,Int}
end

const ROOT = JsonPointer(nothing, "")

Base.:/(at::JsonPointer, token::Union{String,Int}) = JsonPointer(at, token)

"The pointer's text (RFC 6901). Indices count from 0, as in the document."
function path(at::JsonPointer)
    at.parent === nothing && return ""
    token = at.token
    string(path(at.parent), '/',
           token isa String ? replace(replace(token, "~" => "~0"), "/" => "~1") : string(token))
end

"""
    reject(code, at, parts...)

Reject what stands at `at`. The message is its place, so that it can be read without the path, and then `parts`.
"""
@noinline function reject(code::String, at::JsonPointer, @nospecialize parts...)
    place, message = path(at), IOBuffer()
    isempty(place) || print(message, SubString(place, 2), ": ")
    for part in parts
        print(message, part)
    end
    throw(Rejection(code, place, String(take!(message))))
end

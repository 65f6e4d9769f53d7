# The rule codes in the order in which they are checked, JSON Pointers, and the exception that reports a broken rule.

"Every rule code this backend can answer with, in the order of conformance/spec/rules.toml."
const CODES = [
    "json.encoding", "json.syntax", "json.surrogate", "json.duplicate-key", "json.depth", "json.number-range",
    "checkpoint.object", "checkpoint.unknown-key", "checkpoint.missing-key", "checkpoint.names-type",
    "checkpoint.names-unique", "checkpoint.weights-count", "checkpoint.sizes-count", "checkpoint.sizes-type",
    "checkpoint.types-type", "checkpoint.types-count", "checkpoint.frozen-type", "checkpoint.frozen-unknown",
    "checkpoint.metadata-type", "checkpoint.weight-type", "checkpoint.weight-rank", "checkpoint.weight-shape",
    "checkpoint.weight-finite",
    "config.object", "config.unknown-key", "config.freeze-until-type", "config.freeze-until-range",
    "config.learning-rate-type", "config.learning-rate-range",
    "transfer.layer-names-type", "transfer.layer-names-unknown", "transfer.until-index-type",
    "transfer.until-index-range", "transfer.all-layers-type", "transfer.freeze-until-unknown",
    "network.object", "network.unknown-key", "network.missing-key", "network.layers", "network.weight-type",
    "network.weight-rank", "network.weight-finite", "network.bias-type", "network.bias-shape", "network.bias-finite",
    "network.chain", "network.neuron-model", "network.threshold", "network.reset", "network.decay",
    "network.initial-potential", "network.readout",
    "simulate.steps", "input.kind", "input.unknown-key", "input.seed", "input.sample", "input.shape", "input.indices",
    "input.range", "record.kind", "simulate.non-finite",
]

const MAX_DEPTH = 64                   # nesting of a JSON text
const MAX_REQUEST_DEPTH = 128          # nesting of a request line
const MAX_INTEGER = 9007199254740991   # 2^53 - 1
const MAX_LAYERS = 1024
const MAX_STEPS = 1048576

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

"A JSON Pointer under construction: `ROOT / \"layers\" / 0` is `/layers/0`. Indices count from 0, as in the document."
struct JsonPointer
    text::String
end

const ROOT = JsonPointer("")

Base.:/(at::JsonPointer, name::String) =
    JsonPointer(string(at.text, '/', replace(replace(name, '~' => "~0"), '/' => "~1")))
Base.:/(at::JsonPointer, index::Int) = JsonPointer(string(at.text, '/', index))

"Reject what stands at `at`; the message begins with the datum's place, so that it can be read without the path."
@noinline function reject(code::String, at::JsonPointer, message::String)
    place = isempty(at.text) ? "" : string(lstrip(at.text, '/'), ": ")
    throw(Rejection(code, at.text, string(place, message)))
end

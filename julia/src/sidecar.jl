# Sidecars of checkpoint pairs: the rules up to the archive, and how one is written (pairs.md, section 2).

const SIDECAR_REQUIRED = ["n_layers", "layer_names", "layer_sizes", "total_params"]
const SIDECAR_KEYS = [SIDECAR_REQUIRED; "neuron_types"; "metadata"; "frozen_layers"; "format_version"; "network";
                      "archive_digest"]

"A member that the archive must have: its name there, its shape and its place in rejections."
struct DueMember
    name::String
    shape::Vector{Int}
    at::JsonPointer
end

"A checked sidecar."
struct Sidecar
    document::JsonObject
    format_version::Int
    members::Vector{DueMember}
    digest::Union{Nothing,String}
end

"Read the text of a sidecar; its places start at the root."
function read_sidecar(text::String)
    document = checkpoint_object(parse_json(text), ROOT)
    check_sidecar(document, ROOT)
    format = integer(get(document, "format_version", 1))
    Sidecar(document, format, due_members(document, format), get(document, "archive_digest", nothing))
end

"Every rule on a sidecar, in order."
function check_sidecar(document::JsonObject, at::JsonPointer)
    known_keys("checkpoint.unknown-key", document, SIDECAR_KEYS, at)
    required_keys("checkpoint.missing-key", document, SIDECAR_REQUIRED, at)
    checkpoint_format_version(document, at)
    format = integer(get(document, "format_version", 1))
    checkpoint_network(document, format, at)
    checkpoint_names_type(document, at)
    checkpoint_names_unique(document, at)
    checkpoint_sizes_count(document, at)
    checkpoint_sizes_type(document, at)
    checkpoint_types_type(document, at)
    checkpoint_types_count(document, at)
    checkpoint_frozen_type(document, at)
    checkpoint_frozen_unknown(document, at)
    checkpoint_metadata_type(document, at)
    format == 2 && check_stored_network(document, at)
    checkpoint_layer_count(document, at)
    checkpoint_parameter_count(document, format, at)
    checkpoint_digest_type(document, at)
end

function check_stored_network(document::JsonObject, at::JsonPointer)
    network, network_at = get(document, "network"), at / "network"
    parts = network_parts(network, network_at)
    network_object(parts)
    network_unknown_key(parts)
    network_missing_key(parts)
    stored_network_layers(document, network_at / "layers")
    network_member(parts_of(:layer, parts))
    stored_network_chain(get(document, "layer_sizes"), network_at)
    check_neurons(network, parts_of(:neuron, parts), network_at, Float64)
end

function checkpoint_format_version(document::JsonObject, at::JsonPointer)
    version = get(document, "format_version", 1)
    is_integer_within(version, 1, 2) ||
        reject("checkpoint.format-version", at / "format_version", "expected 1 or 2, got ", describe(version))
end

function checkpoint_network(document::JsonObject, format::Int, at::JsonPointer)
    there = get(document, "network") !== missing
    there == (format == 2) || reject("checkpoint.network", at / "network",
        there ? "expected no network in format 1" : "expected the network of format 2, got nothing")
end

function stored_network_layers(document::JsonObject, at::JsonPointer)
    layers, n = get(get(document, "network"), "layers"), length(get(document, "layer_names"))
    network_layers(layers, at)
    length(layers) == n ||
        reject("network.layers", at, "expected one layer for each of ", n, " names, got ", length(layers))
end

function network_member(layers::PlacedObjects)
    for l in 1:length(layers)
        layer, at = layers[l]
        network_member(get(layer, "weights"), weights_name(l), at / "weights")
        bias = get(layer, "bias")
        bias === missing || network_member(bias, bias_name(l), at / "bias")
    end
end

network_member(value, name::String, at::JsonPointer) =
    value isa JsonObject && value.names == ["member"] && isequal(value.values[1], name) ||
    reject("network.member", at, "expected {\"member\": \"", name, "\"} and nothing else, got ", describe(value))

weights_name(l::Int) = "layer_$(l - 1)"
bias_name(l::Int) = "bias_$(l - 1)"

function stored_network_chain(sizes::AbstractVector, at::JsonPointer)
    for l in 2:length(sizes)
        due, got = integer(sizes[l-1][2]), integer(sizes[l][1])
        due == got || reject("network.chain", at / "layers" / (l - 1) / "weights",
            "expected ", due, " inputs, as many as the layer before has outputs, got ", got)
    end
end

function checkpoint_layer_count(document::JsonObject, at::JsonPointer)
    count, n = get(document, "n_layers"), length(get(document, "layer_names"))
    is_integer(count) && integer(count) == n ||
        reject("checkpoint.layer-count", at / "n_layers", "expected ", n, ", one for each name, got ", describe(count))
end

function checkpoint_parameter_count(document::JsonObject, format::Int, at::JsonPointer)
    count, due, sizes = get(document, "total_params"), 0, get(document, "layer_sizes")
    for l in 1:length(sizes)
        inputs, outputs = integer(sizes[l][1]), integer(sizes[l][2])
        due = min(due + product([outputs, inputs]) + (has_bias(document, format, l) ? outputs : 0), COUNT_BOUND)
    end
    # What is bounded is no Integer.
    is_integer(count) && integer(count) == due || reject("checkpoint.parameter-count", at / "total_params",
        "expected ", due, ", the elements of all members, got ", describe(count))
end

function checkpoint_digest_type(document::JsonObject, at::JsonPointer)
    digest = get(document, "archive_digest")
    digest === missing || digest isa String && ncodeunits(digest) == 64 && is_hex(digest, 1) ||
        reject("checkpoint.digest-type", at / "archive_digest", "expected 64 digits 0-9a-f, got ", describe(digest))
end

"Whether there are only the digits 0-9a-f from byte `k` on."
function is_hex(text::AbstractString, k::Int)
    while k <= ncodeunits(text)
        is_digit(codeunit(text, k)) || UInt8('a') <= codeunit(text, k) <= UInt8('f') || return false
        k += 1
    end
    true
end

has_bias(document::JsonObject, format::Int, l::Int) =
    format == 2 && get(stored_layer(document, l), "bias") !== missing

stored_layer(document::JsonObject, l::Int) = get(get(document, "network"), "layers")[l]

function due_members(document::JsonObject, format::Int)
    members, sizes = DueMember[], get(document, "layer_sizes")
    for l in 1:length(sizes)
        inputs, outputs = integer(sizes[l][1]), integer(sizes[l][2])
        push!(members, DueMember(weights_name(l), [outputs, inputs], ROOT / "weights" / (l - 1)))
        has_bias(document, format, l) &&
            push!(members, DueMember(bias_name(l), [outputs], ROOT / "biases" / (l - 1)))
    end
    members
end

# ---- writing ---------------------------------------------------------------------------------------------------------
# Floats of a document are decimals, unlike those of an answer.

"`value` as JSON text. What JSON cannot carry, as NaN and types of Julia's own, is `checkpoint.metadata-type` at `at`."
function write_document(io::IOBuffer, @nospecialize(value), at::JsonPointer)
    value isa JsonObject && return write_document_object(io, value, at)
    value isa AbstractVector && return write_document_array(io, value, at)
    value isa AbstractString && return write_json(io, String(value))
    value isa MinusZero && return print(io, "-0")
    value isa AbstractFloat && isfinite(value) && return print(io, Float64(value))      # the shortest that reads back
    value isa Nothing || value isa Bool || value isa Integer ||
        reject("checkpoint.metadata-type", at, "expected what JSON can carry, got ", describe(value))
    write_json(io, value)
end

function write_document_array(io::IOBuffer, array::AbstractVector, at::JsonPointer)
    put(io, '[')
    for k in 1:length(array)
        k == 1 || put(io, ',')
        write_document(io, array[k], at / (k - 1))
    end
    put(io, ']')
end

function write_document_object(io::IOBuffer, object::JsonObject, at::JsonPointer)
    put(io, '{')
    for k in 1:length(object.names)
        k == 1 || put(io, ',')
        write_json(io, object.names[k])
        put(io, ':')
        write_document(io, object.values[k], at / object.names[k])
    end
    put(io, '}')
end

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

"A checked sidecar; its network's plan is there in format 2."
struct Sidecar
    document::JsonObject
    format_version::Int
    plan::Union{Nothing,Plan}
    members::Vector{DueMember}
    digest::Union{Nothing,String}
end

"Read the text of a sidecar; its places start at the root."
function read_sidecar(text::String)
    document = checkpoint_object(parse_json(text), ROOT)
    plan = check_sidecar(document, ROOT)
    Sidecar(document, plan === nothing ? 1 : 2, plan, due_members(document, plan),
            get(document, "archive_digest", nothing))
end

"Every rule on a sidecar, in order; returns the plan of a network."
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
    plan = format == 2 ? check_stored_network(document, at) : nothing
    checkpoint_layer_count(document, at)
    checkpoint_parameter_count(document, plan, at)
    checkpoint_digest_type(document, at)
    plan
end

function check_stored_network(document::JsonObject, at::JsonPointer)
    network, network_at = get(document, "network"), at / "network"
    parts = network_parts(network, network_at)
    network_object(parts)
    check_structure(network, parts, network_at, length(get(document, "layer_names")))
    network_member(network, network_at)
    identities = filter(part -> get(part[1], "weight") !== missing, parts_of(parts, :branch))
    network_weight_type(identities, nothing)
    network_weight_finite(identities, Float64)
    plan = read_plan(network, get(document, "layer_sizes"), network_at)
    network_output(get(network, "layers"), network_at / "layers")
    check_neurons(parts_of(parts, :neuron), Float64)
    network_readout(get(network, "readout", "spikes"), network_at / "readout")
    plan
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

"The arrays of a stored network are references to the members due, in due order."
function network_member(network::JsonObject, at::JsonPointer)
    for (l, layer) in enumerate(get(network, "layers"))
        place = at / "layers" / (l - 1)
        network_member_weights(layer, weights_name(l), kind_of(layer) == "conv2d", place)
        for (b, branch) in enumerate(get(layer, "inputs", []))
            network_member_weights(branch, weights_name(l, b), true, place / "inputs" / (b - 1))
        end
        bias = get(layer, "bias")
        bias === missing || is_member(bias, bias_name(l)) && length(bias.names) == 1 ||
            reject("network.member", place / "bias", "expected just {\"member\": \"", bias_name(l), "\"}, got ",
                   describe(bias))
    end
end

"The weights of a layer or a branch are a reference to the member due, with their shape where nothing else tells it."
function network_member_weights(part::JsonObject, name::String, with_shape::Bool, at::JsonPointer)
    weights, filters = get(part, "weights"), kind_of(part) == "conv2d"
    weights === missing && return
    is_member(weights, name) && length(weights.names) == (with_shape ? 2 : 1) &&
        (!with_shape || is_stored_shape(get(weights, "shape"), filters)) ||
        reject("network.member", at / "weights", "expected {\"member\": \"", name, "\"",
               !with_shape ? "" : filters ? ", \"shape\": [output, input / groups, height, width]" :
               ", \"shape\": [output, input]", "} and nothing else, got ", describe(weights))
end

is_member(@nospecialize(value), name::String) = value isa JsonObject && isequal(get(value, "member"), name)

is_stored_shape(@nospecialize(shape), filters::Bool) = filters ? are_integers_within(shape, 4, 1, MAX_EXTENT) :
    are_integers_within(shape, 2, 0, MAX_INTEGER)

weights_name(l::Int) = "layer_$(l - 1)"
weights_name(l::Int, b::Int) = "layer_$(l - 1)_$(b - 1)"
bias_name(l::Int) = "bias_$(l - 1)"

function checkpoint_layer_count(document::JsonObject, at::JsonPointer)
    count, n = get(document, "n_layers"), length(get(document, "layer_names"))
    is_integer(count) && integer(count) == n ||
        reject("checkpoint.layer-count", at / "n_layers", "expected ", n, ", one for each name, got ", describe(count))
end

function checkpoint_parameter_count(document::JsonObject, plan::Union{Nothing,Plan}, at::JsonPointer)
    count, due = get(document, "total_params"), 0
    for member in due_members(document, plan)
        due = min(due + product(member.shape), COUNT_BOUND)
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

stored_layer(document::JsonObject, l::Int) = get(get(document, "network"), "layers")[l]

"The members that there must be, in due order."
function due_members(document::JsonObject, plan::Union{Nothing,Plan})
    members, sizes = DueMember[], get(document, "layer_sizes")
    for l in 1:length(sizes)
        dense = DueMember(weights_name(l), reverse(integers(sizes[l])), ROOT / "weights" / (l - 1))
        plan === nothing ? push!(members, dense) :
            due_members!(members, stored_layer(document, l), plan.shapes[l], l, dense)
    end
    members
end

function due_members!(members::Vector{DueMember}, layer::JsonObject, shape::Vector{Int}, l::Int, dense::DueMember)
    kind = kind_of(layer)
    kind == "dense" && push!(members, dense)
    kind == "conv2d" && push!(members, DueMember(dense.name, stored_shape(layer), dense.at))
    for (b, branch) in enumerate(get(layer, "inputs", []))
        get(branch, "weights") === missing ||
            push!(members, DueMember(weights_name(l, b), stored_shape(branch), dense.at / (b - 1)))
    end
    get(layer, "bias") === missing || push!(members, DueMember(bias_name(l), [shape[1]], ROOT / "biases" / (l - 1)))
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

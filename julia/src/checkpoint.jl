# Checkpoints of layered networks: weights, names and frozen layers, and the rules that a document must keep.

"""
    Checkpoint

A checked checkpoint.

- `weights`: one matrix per layer, shape (output_features, input_features).
- `layer_names`: one name per layer, all different, compared by code points.
- `neuron_types`: empty or one per layer.
- `metadata`: any JSON object.
- `frozen_layers`: names of the frozen layers, sorted by code point, without repeats.
"""
struct Checkpoint
    weights::Vector{Matrix{Float64}}
    layer_names::Vector{String}
    neuron_types::Vector{String}
    metadata::JsonObject
    frozen_layers::Vector{String}
end

"""
    Checkpoint(weights, layer_names; neuron_types = [], metadata = JsonObject(), frozen_layers = [])

Check and copy a list of (output_features, input_features) matrices and what belongs to them.

# Throws
- [`Rejection`](@ref) with a code of the stage `checkpoint`.
"""
function Checkpoint(weights::AbstractVector{<:AbstractMatrix}, layer_names::AbstractVector;
                    neuron_types = String[], metadata = JsonObject(), frozen_layers = String[])
    sizes = [[size(w, 2), size(w, 1)] for w in weights]
    read_checkpoint(JsonObject("layer_names" => layer_names, "layer_sizes" => sizes, "weights" => weights,
                               "neuron_types" => neuron_types, "metadata" => metadata,
                               "frozen_layers" => frozen_layers), ROOT)
end

"Number of weights of all layers together."
total_params(checkpoint::Checkpoint) = sum(Int[length(w) for w in checkpoint.weights])

function set_frozen!(checkpoint::Checkpoint, names::Vector{String})
    empty!(checkpoint.frozen_layers)
    append!(checkpoint.frozen_layers, sort!(unique(names)))    # strings compare by their UTF-8, that is by code point
end

"""
    read_checkpoint(text)

Read a checkpoint document with inline weights from JSON text.

# Throws
- [`Rejection`](@ref) with a code of the stages `json` and `checkpoint`.
"""
read_checkpoint(text::AbstractString) = read_checkpoint(parse_json(String(text)), ROOT)

function read_checkpoint(@nospecialize(root), at::JsonPointer)
    document = checkpoint_object(root, at)
    check_checkpoint(document, at)
    matrices, sizes = get(document, "weights"), get(document, "layer_sizes")
    weights = Matrix{Float64}[]
    for l in 1:length(matrices)
        push!(weights, as_matrix(Float64, matrices[l], integer(sizes[l][1])))
    end
    checkpoint = Checkpoint(weights, strings(get(document, "layer_names")), strings(get(document, "neuron_types")),
                            get(document, "metadata", JsonObject()), String[])
    set_frozen!(checkpoint, strings(get(document, "frozen_layers")))
    checkpoint
end

"A list of strings, known to be one or absent, as a vector of its own."
strings(@nospecialize list) = list === missing ? String[] : append!(String[], list)

"Every rule on the parts of a checkpoint object, in order."
function check_checkpoint(document::JsonObject, at::JsonPointer)
    checkpoint_unknown_key(document, at)
    checkpoint_missing_key(document, at)
    checkpoint_names_type(document, at)
    checkpoint_names_unique(document, at)
    checkpoint_weights_count(document, at)
    checkpoint_sizes_count(document, at)
    checkpoint_sizes_type(document, at)
    checkpoint_types_type(document, at)
    checkpoint_types_count(document, at)
    checkpoint_frozen_type(document, at)
    checkpoint_frozen_unknown(document, at)
    checkpoint_metadata_type(document, at)
    checkpoint_weight_type(document, at)
    checkpoint_weight_rank(document, at)
    checkpoint_weight_shape(document, at)
    checkpoint_weight_finite(document, at)
end

const CHECKPOINT_REQUIRED = ["layer_names", "layer_sizes", "weights"]
const CHECKPOINT_KEYS = [CHECKPOINT_REQUIRED; "neuron_types"; "metadata"; "frozen_layers"]

checkpoint_object(@nospecialize(root), at::JsonPointer) = root isa JsonObject ? root :
    reject("checkpoint.object", at, "expected a checkpoint object, got ", describe(root))

checkpoint_unknown_key(document, at) = known_keys("checkpoint.unknown-key", document, CHECKPOINT_KEYS, at)

checkpoint_missing_key(document, at) = required_keys("checkpoint.missing-key", document, CHECKPOINT_REQUIRED, at)

checkpoint_names_type(document, at) =
    string_list("checkpoint.names-type", get(document, "layer_names"), at / "layer_names")

function checkpoint_names_unique(document, at)
    names = get(document, "layer_names")
    second = first_repeat(strings(names))
    second === nothing || reject("checkpoint.names-unique", at / "layer_names" / (second - 1),
                                 "the layer name ", describe(names[second]), " occurs twice")
end

checkpoint_weights_count(document, at) = one_per_layer("checkpoint.weights-count", document, "weights", at)

checkpoint_sizes_count(document, at) = one_per_layer("checkpoint.sizes-count", document, "layer_sizes", at)

function one_per_layer(code::String, document::JsonObject, name::String, at::JsonPointer)
    list, n = get(document, name), length(get(document, "layer_names"))
    list isa AbstractVector || reject(code, at / name, "expected an array of ", n, " entries, got ", describe(list))
    length(list) == n || reject(code, at / name, "expected one entry for each of ", n, " layers, got ", length(list))
end

function checkpoint_sizes_type(document, at)
    sizes = get(document, "layer_sizes")
    for k in 1:length(sizes)
        is_size(sizes[k]) || reject("checkpoint.sizes-type", at / "layer_sizes" / (k - 1),
            "expected [input_features, output_features], two non-negative integers, got ", describe(sizes[k]))
    end
end

is_size(x) = x isa AbstractVector && length(x) == 2 && is_count(x[1]) && is_count(x[2])
is_count(x) = is_integer_within(x, 0, MAX_INTEGER)

function checkpoint_types_type(document, at)
    types = get(document, "neuron_types")
    types === missing || string_list("checkpoint.types-type", types, at / "neuron_types")
end

function checkpoint_types_count(document, at)
    count, n = length(strings(get(document, "neuron_types"))), length(get(document, "layer_names"))
    count == 0 || count == n || reject("checkpoint.types-count", at / "neuron_types",
                                       "expected no neuron types or one for each of ", n, " layers, got ", count)
end

function checkpoint_frozen_type(document, at)
    frozen = get(document, "frozen_layers")
    frozen === missing || string_list("checkpoint.frozen-type", frozen, at / "frozen_layers")
end

checkpoint_frozen_unknown(document, at) =
    known_layers("checkpoint.frozen-unknown", strings(get(document, "frozen_layers")),
                 strings(get(document, "layer_names")), at / "frozen_layers")

function checkpoint_metadata_type(document, at)
    metadata = get(document, "metadata")
    metadata === missing || metadata isa JsonObject ||
        reject("checkpoint.metadata-type", at / "metadata", "expected an object, got ", describe(metadata))
end

function checkpoint_weight_type(document, at)
    matrices = get(document, "weights")
    for l in 1:length(matrices)
        weight_type("checkpoint.weight-type", matrices[l], at / "weights" / (l - 1))
    end
end

function checkpoint_weight_rank(document, at)
    matrices = get(document, "weights")
    for l in 1:length(matrices)
        weight_rank("checkpoint.weight-rank", matrices[l], at / "weights" / (l - 1))
    end
end

function checkpoint_weight_shape(document, at)
    matrices, sizes = get(document, "weights"), get(document, "layer_sizes")
    for l in 1:length(matrices)
        inputs, outputs = integer(sizes[l][1]), integer(sizes[l][2])
        got = matrix_size(matrices[l], inputs)
        got == (outputs, inputs) || reject("checkpoint.weight-shape", at / "weights" / (l - 1),
            "expected the shape (outputs, inputs) = (", outputs, ", ", inputs, "), got (", got[1], ", ", got[2], ")")
    end
end

function checkpoint_weight_finite(document, at)
    matrices = get(document, "weights")
    for l in 1:length(matrices)
        weight_finite("checkpoint.weight-finite", matrices[l], at / "weights" / (l - 1), Float64)
    end
end

# ---- what the rules of all documents share ---------------------------------------------------------------------------

"No member of `object` is outside `keys`."
function known_keys(code::String, object::JsonObject, keys::Vector{String}, at::JsonPointer)
    for name in object.names
        name in keys || reject(code, at / name, "unknown key; known are ", join(keys, ", "))
    end
end

"Every one of `keys` is a member of `object`."
function required_keys(code::String, object::JsonObject, keys::Vector{String}, at::JsonPointer)
    for name in keys
        get(object, name) === missing && reject(code, at / name, "the required key is absent")
    end
end

"`list` is an array of strings."
function string_list(code::String, list, at::JsonPointer)
    list isa AbstractVector || reject(code, at, "expected a list of strings, got ", describe(list))
    for k in 1:length(list)
        list[k] isa AbstractString || reject(code, at / (k - 1), "expected a string, got ", describe(list[k]))
    end
end

"Every one of `names` is a layer's."
function known_layers(code::String, names::Vector{String}, layer_names::Vector{String}, at::JsonPointer)
    isempty(names) && return
    known = Set(layer_names)
    for k in 1:length(names)
        names[k] in known || reject(code, at / (k - 1), "there is no layer named ", describe(names[k]))
    end
end

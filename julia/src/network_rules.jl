# The rules that a network document must keep, one function each (semantics.md, section 7; networks.md, section 3).

const NetworkPart = Tuple{Symbol,Any,JsonPointer}          # kind, value, place
const PlacedObjects = Vector{Tuple{JsonObject,JsonPointer}}

"Every rule after that on objects, in order; returns the plan of the network."
function check_network(document::JsonObject, parts::Vector{NetworkPart}, folder::Union{Nothing,String},
                       at::JsonPointer, T::DataType)
    check_structure(document, parts, at)
    check_arrays(parts_of(parts, :layer, :branch), folder, T)
    plan = read_plan(document, nothing, at)
    network_output(get(document, "layers"), at / "layers")
    check_neurons(parts_of(parts, :neuron), T)
    network_readout(get(document, "readout", "spikes"), at / "readout")
    plan
end

"The rules on what is there, up to the first array."
function check_structure(document::JsonObject, parts::Vector{NetworkPart}, at::JsonPointer,
                         names::Union{Nothing,Int} = nothing)
    layers, takers = parts_of(parts, :layer), parts_of(parts, :layer, :branch)
    network_kind(parts)
    network_unknown_key(parts)
    network_missing_key(parts)
    network_layers(get(document, "layers"), at / "layers")
    names === nothing || network_layers_named(get(document, "layers"), names, at / "layers")
    network_inputs(layers)
    network_input_shape(get(document, "input_shape"), at / "input_shape")
    network_name(layers)
    network_from(parts)
    network_geometry(takers)
end

"Every rule on the weights and biases alone, of layers and branches."
function check_arrays(takers::PlacedObjects, folder::Union{Nothing,String}, T::DataType)
    network_weight_type(takers, folder)
    network_weight_rank(takers)
    network_weight_finite(takers, T)
    network_bias_type(takers, folder)
    network_bias_shape(takers)
    network_bias_finite(takers, T)
end

function check_neurons(neurons::PlacedObjects, T::DataType)
    network_neuron_model(neurons)
    network_threshold(neurons, T)
    network_reset(neurons)
    network_decay(neurons)
    network_initial_potential(neurons, T)
end

"""
What should be objects, in the order of checks: the network, layer 0, its branches, its neuron, layer 1, its branches,
its neuron, …
"""
function network_parts(@nospecialize(document), at::JsonPointer)
    parts = NetworkPart[(:network, document, at)]
    layers = document isa JsonObject ? get(document, "layers") : missing
    layers isa AbstractVector || return parts
    for (l, layer) in enumerate(layers)
        layer_parts!(parts, layer, at / "layers" / (l - 1))
    end
    parts
end

function layer_parts!(parts::Vector{NetworkPart}, @nospecialize(layer), at::JsonPointer)
    push!(parts, (:layer, layer, at))
    layer isa JsonObject || return
    branches, neuron = get(layer, "inputs"), get(layer, "neuron")
    if isequal(get(layer, "kind"), "sum") && branches isa AbstractVector
        for (b, branch) in enumerate(branches)
            push!(parts, (:branch, branch, at / "inputs" / (b - 1)))
        end
    end
    neuron === missing || push!(parts, (:neuron, neuron, at / "neuron"))
end

function parts_of(parts::Vector{NetworkPart}, wanted::Symbol, other::Symbol = wanted)
    objects = Tuple{JsonObject,JsonPointer}[]
    for (kind, part, at) in parts
        kind == wanted || kind == other || continue
        push!(objects, (part, at))
    end
    objects
end

function network_object(parts::Vector{NetworkPart})
    for (kind, part, at) in parts
        part isa JsonObject || reject("network.object", at, "expected a ", kind, " object, got ", describe(part))
    end
end

const LAYER_KINDS = ["dense", "conv2d", "sum", "avgpool2d", "flatten"]
const BRANCH_KINDS = ["dense", "conv2d", "identity"]

function network_kind(parts::Vector{NetworkPart})
    for (kind, part, at) in parts
        kind == :layer && one_of("network.kind", get(part, "kind", "dense"), LAYER_KINDS, at / "kind")
        kind == :branch && one_of("network.kind", get(part, "kind", "dense"), BRANCH_KINDS, at / "kind")
    end
end

function network_unknown_key(parts::Vector{NetworkPart})
    for (kind, part, at) in parts
        known_keys("network.unknown-key", part, part_keys(kind, part), at)
    end
end

function part_keys(part_kind::Symbol, part::JsonObject)
    part_kind == :network && return ["layers", "readout", "input_shape"]
    part_kind == :neuron && return neuron_keys(part)
    kind = kind_of(part)
    keys = kind == "dense" ? ["kind", "from", "weights"] :
        kind == "conv2d" ? ["kind", "from", "weights", "stride", "padding", "dilation", "groups"] :
        kind == "sum" ? ["kind", "inputs"] : kind == "identity" ? ["kind", "from", "weight"] :
        kind == "avgpool2d" ? ["kind", "from", "kernel", "stride"] : ["kind", "from"]
    part_kind == :layer && push!(keys, "name")
    part_kind == :layer && is_spiking(kind) ? push!(keys, "bias", "neuron") : keys
end

function neuron_keys(neuron::JsonObject)
    keys = ["model", "threshold", "reset", "initial_potential"]
    isequal(get(neuron, "model"), "if") ? keys : push!(keys, "decay")
end

function network_missing_key(parts::Vector{NetworkPart})
    for (kind, part, at) in parts
        required_keys("network.missing-key", part, required_part_keys(kind, part), at)
    end
end

function required_part_keys(part_kind::Symbol, part::JsonObject)
    part_kind == :network && return ["layers"]
    part_kind == :neuron &&
        return isequal(get(part, "model"), "lif") ? ["model", "threshold", "decay"] : ["model", "threshold"]
    kind = kind_of(part)
    part_kind == :branch && return ["from", kind == "identity" ? "weight" : "weights"]
    kind == "sum" ? ["inputs", "neuron"] : kind == "avgpool2d" ? ["kernel"] :
    kind == "flatten" ? String[] : ["weights", "neuron"]
end

function network_layers(layers, at::JsonPointer)
    layers isa AbstractVector || reject("network.layers", at, "expected an array of layers, got ", describe(layers))
    1 <= length(layers) <= MAX_LAYERS ||
        reject("network.layers", at, "expected 1 to ", MAX_LAYERS, " layers, got ", length(layers))
end

network_layers_named(layers::AbstractVector, n::Int, at::JsonPointer) = length(layers) == n ||
    reject("network.layers", at, "expected one layer for each of ", n, " names, got ", length(layers))

function network_inputs(layers::PlacedObjects)
    for (layer, at) in layers
        branches = get(layer, "inputs")
        branches === missing && continue
        branches isa AbstractVector && 1 <= length(branches) <= MAX_BRANCHES ||
            reject("network.inputs", at / "inputs", "expected an array of 1 to ", MAX_BRANCHES, " branches, got ",
                   branches isa AbstractVector ? length(branches) : describe(branches))
    end
end

function network_input_shape(shape, at::JsonPointer)
    shape === missing && return
    are_integers_within(shape, 3, 1, MAX_INTEGER) && product(integers(shape)) <= MAX_ELEMENTS ||
        reject("network.input-shape", at, "expected [channels, height, width], integers from 1 with a product up to ",
               MAX_ELEMENTS, ", got ", list_in_words(shape))
end

"Whether this is an array of `n` Integers from `low` to `high`."
function are_integers_within(@nospecialize(list), n::Int, low::Int, high::Int)
    list isa AbstractVector && length(list) == n || return false
    for x in list
        is_integer_within(x, low, high) || return false
    end
    true
end

list_in_words(@nospecialize list) =
    list isa AbstractVector ? string("[", join([describe(x) for x in list], ", "), "]") : describe(list)

function network_name(layers::PlacedObjects)
    taken = Set(["input"])
    for (layer, at) in layers
        name = get(layer, "name")
        name === missing && continue
        name isa AbstractString || reject("network.name", at / "name", "expected a string, got ", describe(name))
        name in taken && reject("network.name", at / "name", "the name ", describe(name), " is taken")
        push!(taken, name)
    end
end

"A source is the input or an earlier layer: a layer's name counts from the layer after it on."
function network_from(parts::Vector{NetworkPart})
    known, name = Set(["input"]), missing
    for (kind, part, at) in parts
        kind == :layer || kind == :branch || continue
        if kind == :layer
            name === missing || push!(known, name)
            name = get(part, "name")
        end
        from = get(part, "from")
        from === missing || from isa AbstractString && from in known || reject("network.from", at / "from",
            "expected \"input\" or the name of an earlier layer, got ", describe(from))
    end
end

function network_geometry(takers::PlacedObjects)
    for (taker, at) in takers
        extents(taker, "kernel", 1, at)
        extents(taker, "stride", 1, at)
        extents(taker, "dilation", 1, at)
        extents(taker, "padding", 0, at)
        is_integer_within(get(taker, "groups", 1), 1, MAX_EXTENT) || reject("network.geometry", at / "groups",
            "expected an integer from 1 to ", MAX_EXTENT, ", got ", describe(get(taker, "groups")))
    end
end

function extents(taker::JsonObject, name::String, low::Int, at::JsonPointer)
    pair = get(taker, name)
    pair === missing || are_integers_within(pair, 2, low, MAX_EXTENT) || reject("network.geometry", at / name,
        "expected [height, width], integers from ", low, " to ", MAX_EXTENT, ", got ", list_in_words(pair))
end

function network_weight_type(takers::PlacedObjects, folder::Union{Nothing,String})
    for (taker, at) in takers
        fetch_weights!(taker, folder, at / "weights") && continue
        weights, weight = get(taker, "weights"), get(taker, "weight")
        weights === missing || weight_type("network.weight-type", weights, at / "weights")
        weight === missing || is_number(weight) ||
            reject("network.weight-type", at / "weight", "expected a number, got ", describe(weight))
    end
end

function network_weight_rank(takers::PlacedObjects)
    for (taker, at) in takers
        weights = get(taker, "weights")
        weights === missing && continue
        kind_of(taker) == "conv2d" ? filter_rank("network.weight-rank", weights, at / "weights") :
            weight_rank("network.weight-rank", weights, at / "weights")
    end
end

function network_weight_finite(takers::PlacedObjects, T::DataType)
    for (taker, at) in takers
        weights, weight = get(taker, "weights"), get(taker, "weight")
        weight === missing || isfinite(rounded(T, weight)) ||
            reject("network.weight-finite", at / "weight", "expected a finite weight", in_format(T), ", got ",
                   number(weight))
        weights === missing && continue
        kind_of(taker) == "conv2d" ? filter_finite("network.weight-finite", weights, at / "weights", T) :
            weight_finite("network.weight-finite", weights, at / "weights", T)
    end
end

function network_bias_type(layers::PlacedObjects, folder::Union{Nothing,String})
    for (layer, at) in layers
        fetch_bias!(layer, folder, at / "bias") || network_bias_type(get(layer, "bias"), at / "bias")
    end
end

function network_bias_type(bias, at::JsonPointer)
    bias === missing && return
    bias isa AbstractVector || reject("network.bias-type", at, "expected a list of numbers, got ", describe(bias))
    for i in 1:length(bias)
        is_number(bias[i]) || reject("network.bias-type", at / (i - 1), "expected a number, got ", describe(bias[i]))
    end
end

"Of a sum it is the walk of the shapes that tells how many outputs there are."
function network_bias_shape(layers::PlacedObjects)
    for (layer, at) in layers
        bias, weights = get(layer, "bias"), get(layer, "weights")
        bias === missing || weights === missing || network_bias_shape(bias, first(weights_size(layer)), at / "bias")
    end
end

network_bias_shape(bias::AbstractVector, n::Int, at::JsonPointer) = length(bias) == n ||
    reject("network.bias-shape", at, "expected one entry for each of ", n, " outputs, got ", length(bias))

function network_bias_finite(layers::PlacedObjects, T::DataType)
    for (layer, at) in layers
        bias = get(layer, "bias")
        bias === missing || network_bias_finite(bias, at / "bias", T)
    end
end

function network_bias_finite(bias::AbstractVector, at::JsonPointer, T::DataType)
    for i in 1:length(bias)
        isfinite(rounded(T, bias[i])) || reject("network.bias-finite", at / (i - 1), "expected a finite bias",
                                                in_format(T), ", got ", number(bias[i]))
    end
end

# network.chain and network.elements are in shapes.jl.

function network_output(layers::AbstractVector, at::JsonPointer)
    kind = kind_of(last(layers))
    is_spiking(kind) || reject("network.output", at / (length(layers) - 1),
                               "expected a layer with neurons at the end, got one of the kind ", kind)
end

function network_neuron_model(neurons::PlacedObjects)
    for (neuron, at) in neurons
        one_of("network.neuron-model", get(neuron, "model"), ["if", "lif"], at / "model")
    end
end

function network_threshold(neurons::PlacedObjects, T::DataType)
    for (neuron, at) in neurons
        θ = get(neuron, "threshold")
        is_finite_above_zero(θ, T) || reject("network.threshold", at / "threshold",
                                             "expected a finite number above 0", in_format(T), ", got ", describe(θ))
    end
end

function network_reset(neurons::PlacedObjects)
    for (neuron, at) in neurons
        one_of("network.reset", get(neuron, "reset", "subtract"), ["subtract", "zero"], at / "reset")
    end
end

function network_decay(neurons::PlacedObjects)
    for (neuron, at) in neurons
        isequal(get(neuron, "model"), "lif") || continue
        α = get(neuron, "decay")
        is_number(α) && 0 <= number(α) <= 1 ||
            reject("network.decay", at / "decay", "expected a number from 0 to 1, got ", describe(α))
    end
end

function network_initial_potential(neurons::PlacedObjects, T::DataType)
    for (neuron, at) in neurons
        v0 = get(neuron, "initial_potential", 0.0)
        is_finite_number(v0, T) || reject("network.initial-potential", at / "initial_potential",
                                          "expected a finite number", in_format(T), ", got ", describe(v0))
    end
end

network_readout(readout, at::JsonPointer) = one_of("network.readout", readout, ["spikes", "membrane"], at)

"`value` is one of the strings `choices`."
function one_of(code::String, @nospecialize(value), choices::Vector{String}, at::JsonPointer)
    value isa AbstractString && value in choices ||
        reject(code, at, "expected \"", join(choices, "\" or \""), "\", got ", describe(value))
end

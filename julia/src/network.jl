# Networks of integrate-and-fire layers: their types, and the rules that a network document must keep.

"""
    Layer{T}

Weights of shape (output, input), a bias per output or `nothing`, and the neurons' parameters: the `decay` of leaky ones
or `nothing`, the threshold, reset by subtraction or to zero, and the potential before the first step.
"""
struct Layer{T<:AbstractFloat}
    weights::Matrix{T}
    bias::Union{Nothing,Vector{T}}
    decay::Union{Nothing,T}
    threshold::T
    subtract::Bool
    initial_potential::T
end

"""
    Layer(weights; threshold, bias = nothing, decay = nothing, reset = "subtract", initial_potential = 0.0)

One layer; with a `decay` its neurons are leaky (`"lif"`), without one they integrate (`"if"`).

# Throws
- [`Rejection`](@ref) with a code of the stage `network`.
"""
function Layer(weights::AbstractMatrix; threshold, bias = nothing, decay = nothing, reset = "subtract",
               initial_potential = 0.0)
    neuron = JsonObject("model" => decay === nothing ? "if" : "lif", "threshold" => threshold, "reset" => String(reset),
                        "initial_potential" => initial_potential)
    decay === nothing || push!(neuron, "decay" => decay)
    layer = JsonObject("weights" => weights, "neuron" => neuron)
    bias === nothing || push!(layer, "bias" => bias)
    first(read_network(JsonObject("layers" => [layer]), ROOT, Float64).layers)
end

outputs(layer::Layer) = size(layer.weights, 1)
inputs(layer::Layer) = size(layer.weights, 2)

"""
    Network(layers; readout = "spikes")

Layers whose sizes chain. `readout` is `"spikes"` (the last layer fires, its spike counts are read) or `"membrane"` (it
never fires, its potentials are read).

# Throws
- [`Rejection`](@ref) with `network.layers`, `network.chain` or `network.readout`.
"""
struct Network{T<:AbstractFloat}
    layers::Vector{Layer{T}}
    membrane::Bool
    any_width::Bool          # the first layer is `[]` in a document: it takes any number of inputs

    Network{T}(layers::Vector{Layer{T}}, membrane::Bool, any_width::Bool = false) where {T} =
        new{T}(layers, membrane, any_width)
end

function Network(layers::Vector{Layer{T}}; readout = "spikes") where {T}
    network_layers(layers, ROOT / "layers")
    network_chain([layer.weights for layer in layers], ROOT)
    network_readout(readout, ROOT / "readout")
    Network{T}(layers, readout == "membrane")
end

"""
    Network{T}(network)

The same network with all numbers rounded to the float type `T`, to simulate it in: `Network{Float32}(network)` computes
in binary32 (conformance/spec/conversion.md, section 1).

# Throws
- [`Rejection`](@ref) with `network.weight-finite`, `network.bias-finite`, `network.threshold` or
  `network.initial-potential` where a number becomes infinite by that, or a threshold 0.
"""
Network{T}(network::Network) where {T} = rounded_network(T, network, ROOT)

function rounded_network(::Type{T}, network::Network, at::JsonPointer) where {T}
    network isa Network{T} && return network
    layers = JsonObject[]
    for layer in network.layers
        push!(layers, JsonObject("weights" => layer.weights, "neuron" => neuron_document(layer)))
        layer.bias === nothing || push!(last(layers), "bias" => layer.bias)
    end
    document = JsonObject("layers" => layers, "readout" => network.membrane ? "membrane" : "spikes")
    Network{T}(read_network(document, at, T).layers, network.membrane, network.any_width)
end

"The neuron of a layer as documents have it."
function neuron_document(layer::Layer)
    neuron = JsonObject("model" => model_of(layer), "threshold" => layer.threshold,
                        "reset" => layer.subtract ? "subtract" : "zero",
                        "initial_potential" => layer.initial_potential)
    layer.decay === nothing ? neuron : push!(neuron, "decay" => layer.decay)
end

model_of(layer::Layer) = layer.decay === nothing ? "if" : "lif"

"Number of inputs of a network; `nothing` where it takes any."
input_width(network::Network) = network.any_width ? nothing : inputs(first(network.layers))

const NetworkPart = Tuple{Symbol,Any,JsonPointer}          # kind, value, place
const PlacedObjects = Vector{Tuple{JsonObject,JsonPointer}}

"""
    read_network(text)

Read a network document from JSON text.

# Throws
- [`Rejection`](@ref) with a code of the stages `json` and `network`.
"""
read_network(text::AbstractString) = read_network(parse_json(String(text)), ROOT, Float64)

# Numbers are rounded to `T`, and what is infinite by that is not finite. Arrays may be references to files below
# `folder` where that is given; they are put into the document.
function read_network(@nospecialize(root), at::JsonPointer, ::Type{T},
                      folder::Union{Nothing,String} = nothing) where {T}
    parts = network_parts(root, at)
    network_object(parts)
    document = root::JsonObject
    check_network(document, parts, folder, at, T)
    layers, due_inputs = Layer{T}[], 0
    for layer in get(document, "layers")
        bias = get(layer, "bias")
        push!(layers, read_layer(T, layer, as_matrix(T, get(layer, "weights"), due_inputs),
                                 bias === missing ? nothing : as_vector(T, bias)))
        due_inputs = outputs(last(layers))
    end
    Network{T}(layers, is_membrane(document), has_any_width(get(get(document, "layers")[1], "weights")))
end

is_membrane(document::JsonObject) = get(document, "readout", "spikes") == "membrane"

"A checked layer of a document with its arrays."
function read_layer(::Type{T}, layer::JsonObject, weights::Matrix{T}, bias::Union{Nothing,Vector{T}}) where {T}
    neuron = get(layer, "neuron")
    Layer{T}(weights, bias,
             isequal(get(neuron, "model"), "lif") ? T(number(get(neuron, "decay"))) : nothing,
             number(get(neuron, "threshold")),
             get(neuron, "reset", "subtract") == "subtract",
             number(get(neuron, "initial_potential", 0.0)))
end

"Every rule after that on objects, in order."
function check_network(document::JsonObject, parts::Vector{NetworkPart}, folder::Union{Nothing,String},
                       at::JsonPointer, T::DataType)
    network_unknown_key(parts)
    network_missing_key(parts)
    network_layers(get(document, "layers"), at / "layers")
    layers, neurons = parts_of(:layer, parts), parts_of(:neuron, parts)
    check_arrays(layers, folder, T)
    network_chain(weights_of(layers), at)
    check_neurons(document, neurons, at, T)
end

"Every rule on the weights and biases alone."
function check_arrays(layers::PlacedObjects, folder::Union{Nothing,String}, T::DataType)
    network_weight_type(layers, folder)
    network_weight_rank(layers)
    network_weight_finite(layers, T)
    network_bias_type(layers, folder)
    network_bias_shape(layers)
    network_bias_finite(layers, T)
end

"What is left once the arrays are known to fit: the neurons and the readout."
function check_neurons(document::JsonObject, neurons::PlacedObjects, at::JsonPointer, T::DataType)
    network_neuron_model(neurons)
    network_threshold(neurons, T)
    network_reset(neurons)
    network_decay(neurons)
    network_initial_potential(neurons, T)
    network_readout(get(document, "readout", "spikes"), at / "readout")
end

"What should be objects, in the order of checks: the network, layer 0, its neuron, layer 1, its neuron, …"
function network_parts(@nospecialize(document), at::JsonPointer)
    parts = NetworkPart[(:network, document, at)]
    layers = document isa JsonObject ? get(document, "layers") : missing
    layers isa AbstractVector || return parts
    for (l, layer) in enumerate(layers)
        place = at / "layers" / (l - 1)
        push!(parts, (:layer, layer, place))
        neuron = layer isa JsonObject ? get(layer, "neuron") : missing
        neuron === missing || push!(parts, (:neuron, neuron, place / "neuron"))
    end
    parts
end

function parts_of(wanted::Symbol, parts::Vector{NetworkPart})
    objects = Tuple{JsonObject,JsonPointer}[]
    for (kind, part, at) in parts
        kind == wanted && push!(objects, (part, at))
    end
    objects
end

function network_object(parts::Vector{NetworkPart})
    for (kind, part, at) in parts
        part isa JsonObject || reject("network.object", at, "expected a ", kind, " object, got ", describe(part))
    end
end

function network_unknown_key(parts::Vector{NetworkPart})
    for (kind, part, at) in parts
        known_keys("network.unknown-key", part, part_keys(kind, part), at)
    end
end

function part_keys(kind::Symbol, part::JsonObject)
    kind == :network && return ["layers", "readout"]
    kind == :layer && return ["weights", "bias", "neuron"]
    keys = ["model", "threshold", "reset", "initial_potential"]
    isequal(get(part, "model"), "if") ? keys : push!(keys, "decay")
end

function network_missing_key(parts::Vector{NetworkPart})
    for (kind, part, at) in parts
        required_keys("network.missing-key", part, required_part_keys(kind, part), at)
    end
end

function required_part_keys(kind::Symbol, part::JsonObject)
    kind == :network && return ["layers"]
    kind == :layer && return ["weights", "neuron"]
    isequal(get(part, "model"), "lif") ? ["model", "threshold", "decay"] : ["model", "threshold"]
end

function network_layers(layers, at::JsonPointer)
    layers isa AbstractVector || reject("network.layers", at, "expected an array of layers, got ", describe(layers))
    1 <= length(layers) <= MAX_LAYERS ||
        reject("network.layers", at, "expected 1 to ", MAX_LAYERS, " layers, got ", length(layers))
end

function network_weight_type(layers::PlacedObjects, folder::Union{Nothing,String})
    for (layer, at) in layers
        fetch_weights!(layer, folder, at / "weights") ||
            weight_type("network.weight-type", get(layer, "weights"), at / "weights")
    end
end

function network_weight_rank(layers::PlacedObjects)
    for (layer, at) in layers
        weight_rank("network.weight-rank", get(layer, "weights"), at / "weights")
    end
end

function network_weight_finite(layers::PlacedObjects, T::DataType)
    for (layer, at) in layers
        weight_finite("network.weight-finite", get(layer, "weights"), at / "weights", T)
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

function network_bias_shape(layers::PlacedObjects)
    for (bias, weights, at) in biases(layers)
        n, _ = matrix_size(weights, 0)
        length(bias) == n ||
            reject("network.bias-shape", at, "expected one entry for each of ", n, " outputs, got ", length(bias))
    end
end

function network_bias_finite(layers::PlacedObjects, T::DataType)
    for (bias, _, at) in biases(layers), i in 1:length(bias)
        isfinite(rounded(T, bias[i])) || reject("network.bias-finite", at / (i - 1), "expected a finite bias",
                                                in_format(T), ", got ", number(bias[i]))
    end
end

"The biases that there are, each with its layer's weights and its place."
function biases(layers::PlacedObjects)
    placed = Tuple{Any,Any,JsonPointer}[]
    for (layer, at) in layers
        bias = get(layer, "bias")
        bias === missing || push!(placed, (bias, get(layer, "weights"), at / "bias"))
    end
    placed
end

function weights_of(layers::PlacedObjects)
    matrices = Any[]
    for (layer, _) in layers
        push!(matrices, get(layer, "weights"))
    end
    matrices
end

function network_chain(matrices::AbstractVector, at::JsonPointer)
    due, _ = matrix_size(matrices[1], 0)
    for l in 2:length(matrices)
        n_outputs, n_inputs = matrix_size(matrices[l], due)
        n_inputs == due || reject("network.chain", at / "layers" / (l - 1) / "weights",
            "expected ", due, " inputs, as many as the layer before has outputs, got ", n_inputs)
        due = n_outputs
    end
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

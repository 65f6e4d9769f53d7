# Networks of integrate-and-fire layers: their types, how they are made in Julia, and how documents become them.

"""
    Branch{T}

What a layer, or one branch of a sum, does with one source. `kind` is `"dense"`, `"conv2d"`, `"identity"`, `"avgpool2d"`
or `"flatten"`; `from` names the source, `nothing` is the layer before. `weights` has a row for each output: of a dense
branch its shape is (output, input), of a convolution (output, input / groups × kernel height × kernel width), the last
index fastest, of an identity (1, 1), else (0, 0).
"""
struct Branch{T<:AbstractFloat}
    kind::String
    from::Union{Nothing,String}
    weights::Matrix{T}
    geometry::Geometry
end

"""
    Layer{T}

A layer of the `kind` `"dense"`, `"conv2d"`, `"sum"`, `"avgpool2d"` or `"flatten"`, with a `name` or `nothing`; its
branches, of which only a sum has several; a bias per output (per channel, where there are such) or `nothing`; and the
neurons' parameters: the `decay` of leaky ones or `nothing`, the threshold, reset by subtraction or to zero, and the
potential before the first step. Layers of the last two kinds have no neurons.
"""
struct Layer{T<:AbstractFloat}
    kind::String
    name::Union{Nothing,String}
    branches::Vector{Branch{T}}
    bias::Union{Nothing,Vector{T}}
    decay::Union{Nothing,T}
    threshold::T
    subtract::Bool
    initial_potential::T
end

"""
    Layer(weights; threshold, bias = nothing, decay = nothing, reset = "subtract", initial_potential = 0.0,
          name = nothing, from = nothing)
    Layer(weights; threshold, …, stride = (1, 1), padding = (0, 0), dilation = (1, 1), groups = 1)
    Layer(branches; threshold, …)

One layer of neurons; with a `decay` they are leaky (`"lif"`), without one they integrate (`"if"`). `weights` of two
dimensions, (output, input), make a dense layer, of four, (output, input / groups, kernel height, kernel width), a
convolution. A list of [`Branch`](@ref)es makes a layer that adds what comes from all of them. `from` is the name of an
earlier layer or `"input"`; without it a layer takes what the one before gives.

# Throws
- [`Rejection`](@ref) with a code of the stage `network`.
"""
Layer(weights::AbstractMatrix; name = nothing, from = nothing, options...) =
    lone_layer(named!(JsonObject("weights" => weights), name, from), options)

Layer(weights::AbstractArray{<:Any,4}; name = nothing, from = nothing, stride = (1, 1), padding = (0, 0),
      dilation = (1, 1), groups = 1, options...) =
    lone_layer(named!(convolution(weights, stride, padding, dilation, groups), name, from), options)

Layer(branches::AbstractVector{<:Branch}; name = nothing, options...) =
    lone_layer(named!(JsonObject("kind" => "sum", "inputs" => JsonObject[document_of(b, false) for b in branches]),
                      name, nothing), options)

"""
    Branch(weights; from)
    Branch(weights; from, stride = (1, 1), padding = (0, 0), dilation = (1, 1), groups = 1)
    Branch(weight; from)

A branch of a sum: dense, a convolution, or each element of the source times a number. `from` is the name of an earlier
layer or `"input"`.

# Throws
- [`Rejection`](@ref) with a code of the stage `network`.
"""
Branch(weights::AbstractMatrix; from) = lone_branch(JsonObject("weights" => weights), from)
Branch(weights::AbstractArray{<:Any,4}; from, stride = (1, 1), padding = (0, 0), dilation = (1, 1), groups = 1) =
    lone_branch(convolution(weights, stride, padding, dilation, groups), from)
Branch(weight::Real; from) = lone_branch(JsonObject("kind" => "identity", "weight" => weight), from)

"""
    AveragePool(kernel; stride = kernel, name = nothing, from = nothing)

A layer that gives the mean of what is under the kernel, (height, width); it has no neurons.
"""
function AveragePool(kernel; stride = kernel, name = nothing, from = nothing)
    document = JsonObject("kind" => "avgpool2d", "kernel" => collect(kernel), "stride" => collect(stride))
    lone_layer(named!(document, name, from))
end

"""
    Flatten(; name = nothing, from = nothing)

A layer that gives channels, rows and columns as one dimension; it has no neurons.
"""
Flatten(; name = nothing, from = nothing) = lone_layer(named!(JsonObject("kind" => "flatten"), name, from))

convolution(weights::AbstractArray, stride, padding, dilation, groups) =
    JsonObject("kind" => "conv2d", "weights" => filters(weights), "stride" => collect(stride),
               "padding" => collect(padding), "dilation" => collect(dilation), "groups" => groups)

function named!(document::JsonObject, @nospecialize(name), @nospecialize(from))
    name === nothing || push!(document, "name" => name)
    from === nothing || push!(document, "from" => from)
    document
end

"A layer that is checked by itself: whether it fits the others a network will tell."
function lone_layer(document::JsonObject, options = nothing)
    options === nothing || add_neuron!(document; options...)
    parts = network_parts(JsonObject("layers" => [document]), ROOT)
    network_name(parts_of(parts, :layer))
    network_inputs(parts_of(parts, :layer))
    network_geometry(parts_of(parts, :layer, :branch))
    check_arrays(parts_of(parts, :layer, :branch), nothing, Float64)
    check_neurons(parts_of(parts, :neuron), Float64)
    read_layer(Float64, document, zeros(Int, MAX_BRANCHES))
end

function add_neuron!(document::JsonObject; threshold, bias = nothing, decay = nothing, reset = "subtract",
                     initial_potential = 0.0)
    neuron = JsonObject("model" => decay === nothing ? "if" : "lif", "threshold" => threshold, "reset" => String(reset),
                        "initial_potential" => initial_potential)
    decay === nothing || push!(neuron, "decay" => decay)
    bias === nothing || push!(document, "bias" => bias)
    push!(document, "neuron" => neuron)
end

function lone_branch(document::JsonObject, @nospecialize(from))
    push!(document, "from" => from)
    at = ROOT / "layers" / 0 / "inputs" / 0
    from isa AbstractString || reject("network.from", at / "from", "expected a name, got ", describe(from))
    network_geometry([(document, at)])
    check_arrays([(document, at)], nothing, Float64)
    read_branch(Float64, document, 0)
end

"""
    Network(layers; readout = "spikes", input_shape = nothing)

Layers that fit each other. `readout` is `"spikes"` (the last layer fires, its spike counts are read) or `"membrane"`
(it never fires, its potentials are read). With an `input_shape`, (channels, height, width), the input is an image, whose
numbers, like the neurons of a layer in every result, stand in one flat list, the last index fastest.

# Throws
- [`Rejection`](@ref) with a code of the stage `network`.
"""
struct Network{T<:AbstractFloat}
    layers::Vector{Layer{T}}
    membrane::Bool
    plan::Plan

    Network{T}(layers::Vector{Layer{T}}, membrane::Bool, plan::Plan) where {T} = new{T}(layers, membrane, plan)
end

function Network(layers::Vector{Layer{T}}; readout = "spikes", input_shape = nothing) where {T}
    document = JsonObject("layers" => JsonObject[document_of(layer, false) for layer in layers], "readout" => readout)
    input_shape === nothing || push!(document, "input_shape" => collect(input_shape))
    read_network(document, ROOT, T)
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

rounded_network(::Type{T}, network::Network, at::JsonPointer) where {T} =
    network isa Network{T} ? network : read_network(document_of(network), at, T)

"Number of inputs of a network; `nothing` where it takes any."
function input_width(network::Network)
    width = prod(network.plan.input)
    width == OPEN ? nothing : width
end

"How many numbers layer `l` gives."
elements(network::Network, l::Int) = prod(network.plan.shapes[l])

neurons(network::Network, l::Int) = is_spiking(network.layers[l].kind) ? elements(network, l) : 0

# ---- to documents ----------------------------------------------------------------------------------------------------
# A document has the arrays themselves; pair_writer.jl puts members in their places.

function document_of(network::Network)
    layers, plan = JsonObject[], network.plan
    for (l, layer) in enumerate(network.layers)
        push!(layers, document_of(layer, input_width(network) === nothing && 0 in plan.sources[l]))
    end
    document = JsonObject("layers" => layers, "readout" => network.membrane ? "membrane" : "spikes")
    length(plan.input) == 3 ? push!(document, "input_shape" => plan.input) : document
end

"A layer of a document. Where it is open how many inputs there are, matrices of the input are `[]`."
function document_of(layer::Layer, is_open::Bool)
    document = layer.kind == "sum" ?
        JsonObject("kind" => "sum", "inputs" => JsonObject[document_of(b, is_open) for b in layer.branches]) :
        document_of(layer.branches[1], is_open)
    layer.name === nothing || push!(document, "name" => layer.name)
    layer.bias === nothing || push!(document, "bias" => layer.bias)
    is_spiking(layer.kind) ? push!(document, "neuron" => neuron_document(layer)) : document
end

function document_of(branch::Branch, is_open::Bool)
    document, kind, geometry = JsonObject("kind" => branch.kind), branch.kind, branch.geometry
    branch.from === nothing || push!(document, "from" => branch.from)
    kind == "identity" && push!(document, "weight" => branch.weights[1, 1])
    kind == "dense" && push!(document, "weights" => is_open && isempty(branch.weights) ? Any[] : branch.weights)
    kind == "avgpool2d" && push!(document, "kernel" => collect(geometry.kernel))
    kind == "conv2d" && push!(document, "weights" => Filters(branch.weights, weights_shape(branch)))
    kind == "conv2d" || kind == "avgpool2d" ? push_geometry!(document, geometry) : document
end

function push_geometry!(document::JsonObject, geometry::Geometry)
    push!(document, "stride" => collect(geometry.stride))
    isequal(get(document, "kind"), "avgpool2d") && return document
    push!(document, "padding" => collect(geometry.padding))
    push!(document, "dilation" => collect(geometry.dilation))
    push!(document, "groups" => geometry.groups)
end

"The neuron of a layer as documents have it."
function neuron_document(layer::Layer)
    neuron = JsonObject("model" => model_of(layer), "threshold" => layer.threshold,
                        "reset" => layer.subtract ? "subtract" : "zero",
                        "initial_potential" => layer.initial_potential)
    layer.decay === nothing ? neuron : push!(neuron, "decay" => layer.decay)
end

model_of(layer::Layer) = layer.decay === nothing ? "if" : "lif"

"The shape of a branch's weights as documents have them."
function weights_shape(branch::Branch)
    outputs, inputs = size(branch.weights)
    height, width = branch.geometry.kernel
    branch.kind == "conv2d" ? [outputs, div(inputs, height * width), height, width] : [outputs, inputs]
end

# ---- from documents --------------------------------------------------------------------------------------------------

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
    plan = check_network(document, parts, folder, at, T)
    layers = Layer{T}[]
    for (l, layer) in enumerate(get(document, "layers"))
        # A matrix without outputs is as wide as its source.
        widths = Int[max(prod(source_shape(plan, source)), 0) for source in plan.sources[l]]
        push!(layers, read_layer(T, layer, widths))
    end
    Network{T}(layers, is_membrane(document), plan)
end

is_membrane(document::JsonObject) = get(document, "readout", "spikes") == "membrane"

"A checked layer of a document that has its arrays; `widths` are those of its branches' sources."
function read_layer(::Type{T}, layer::JsonObject, widths::Vector{Int}) where {T}
    branches, bias = Branch{T}[], get(layer, "bias")
    parts = kind_of(layer) == "sum" ? get(layer, "inputs") : [layer]
    for (b, part) in enumerate(parts)
        push!(branches, read_branch(T, part, widths[b]))
    end
    layer_with(T, layer, branches, bias === missing ? nothing : as_vector(T, bias))
end

read_branch(::Type{T}, part::JsonObject, width::Int) where {T} =
    branch_with(T, part, read_weights(T, part, width), weights_size(part))

function read_weights(::Type{T}, part::JsonObject, width::Int) where {T}
    kind = kind_of(part)
    kind == "dense" ? as_matrix(T, get(part, "weights"), width) :
    kind == "conv2d" ? as_filter_rows(T, get(part, "weights")) :
    kind == "identity" ? fill(T(number(get(part, "weight"))), 1, 1) : Matrix{T}(undef, 0, 0)
end

"A checked branch of a document with its weights."
function branch_with(::Type{T}, part::JsonObject, weights::Matrix{T}, shape::Vector{Int}) where {T}
    Branch{T}(kind_of(part), get(part, "from", nothing), weights, read_geometry(part, shape))
end

"A checked layer of a document with its branches and its bias."
function layer_with(::Type{T}, layer::JsonObject, branches::Vector{Branch{T}}, bias::Union{Nothing,Vector{T}}) where {T}
    kind, name, neuron = kind_of(layer), get(layer, "name", nothing), get(layer, "neuron")
    neuron === missing && return Layer{T}(kind, name, branches, nothing, nothing, one(T), true, zero(T))
    Layer{T}(kind, name, branches, bias,
             isequal(get(neuron, "model"), "lif") ? T(number(get(neuron, "decay"))) : nothing,
             number(get(neuron, "threshold")),
             get(neuron, "reset", "subtract") == "subtract",
             number(get(neuron, "initial_potential", 0.0)))
end

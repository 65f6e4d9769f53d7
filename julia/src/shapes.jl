# Shapes of networks: what each layer takes from where, and one walk through all of them (networks.md, section 3).
#
# A shape is [width] or [channels, height, width].

"How a kernel moves over an image; pairs are (height, width)."
struct Geometry
    kernel::Tuple{Int,Int}
    stride::Tuple{Int,Int}
    padding::Tuple{Int,Int}
    dilation::Tuple{Int,Int}
    groups::Int
end

const NO_GEOMETRY = Geometry((1, 1), (1, 1), (0, 0), (1, 1), 1)
const OPEN = -1                  # a width that nothing has decided yet
const NO_BIAS = -1

"What the walk must know of a layer or a branch that takes one source; `from` is `nothing` for the layer before."
struct Taker
    kind::String
    from::Union{Nothing,String}
    size::Vector{Int}            # of the weights: (output, input), of a convolution four; else empty
    geometry::Geometry
    at::JsonPointer
end

"What the walk must know of a layer: its takers are itself or the branches of a sum; `bias` is a number of entries."
struct LayerForm
    kind::String
    name::Union{Nothing,String}
    takers::Vector{Taker}
    bias::Int
    at::JsonPointer
end

"""
How the layers of a network hang together: for each layer the layers that it takes from (0 is the input) and its output
shape; and the shape of the input, whose width is OPEN where any will do.
"""
struct Plan
    sources::Vector{Vector{Int}}
    shapes::Vector{Vector{Int}}
    input::Vector{Int}
end

"The shape of what a layer's branch takes."
source_shape(plan::Plan, source::Int) = source == 0 ? plan.input : plan.shapes[source]

kind_of(part::JsonObject)::String = get(part, "kind", "dense")
is_spiking(kind::String) = kind == "dense" || kind == "conv2d" || kind == "sum"

"""
    read_plan(document, stored_sizes, at)

The plan of a network document whose parts are known to be right, one by one. `stored_sizes` are the `layer_sizes` of a
sidecar, whose networks have no arrays, or `nothing`.

# Throws
- [`Rejection`](@ref) with `network.chain` or `network.elements`.
"""
function read_plan(document::JsonObject, stored_sizes::Union{Nothing,AbstractVector}, at::JsonPointer)
    given = get(document, "input_shape")
    is_open = given === missing
    plan = Plan(Vector{Int}[], Vector{Int}[], is_open ? [OPEN] : integers(given))
    named = Dict{String,Int}("input" => 0)
    for (l, layer) in enumerate(get(document, "layers"))
        form = layer_form(layer, stored_sizes, l, at / "layers" / (l - 1))
        place_layer!(plan, form, named, is_open)
        form.kind == "dense" || stored_sizes === nothing || stored_size(plan, l, stored_sizes[l], at)
        form.name === nothing || (named[form.name] = l)
    end
    plan
end

function place_layer!(plan::Plan, form::LayerForm, named::Dict{String,Int}, is_open::Bool)
    sources, shapes = Int[], Vector{Int}[]
    for taker in form.takers
        source = taker.from === nothing ? length(plan.shapes) : named[taker.from]
        push!(sources, source)
        push!(shapes, taker_shape(plan, taker, source, is_open && source == 0))
        network_elements(last(shapes), taker.at)
    end
    form.kind == "sum" && network_chain_sum(form, shapes)
    push!(plan.sources, sources)
    push!(plan.shapes, shapes[1])
end

"The shape of what a layer or a branch gives."
function taker_shape(plan::Plan, taker::Taker, source::Int, takes_open::Bool)
    shape = source_shape(plan, source)
    taker.kind == "dense" && return dense_shape(taker, shape, takes_open)
    taker.kind == "conv2d" && return convolved_shape(taker, shape)
    taker.kind == "avgpool2d" && return pooled_shape(taker, shape)
    takes_open && network_chain(taker.at, "expected input_shape in the network, as this takes the input, got nothing")
    taker.kind == "flatten" ? [prod(shape)] : shape
end

function dense_shape(taker::Taker, shape::Vector{Int}, takes_open::Bool)
    outputs, inputs = taker.size
    length(shape) == 1 ||
        network_chain(taker.at / "weights", "expected a source of one dimension, got ", in_words(shape))
    takes_open && shape[1] == OPEN && (shape[1] = inputs)     # the first that has a width decides
    inputs == OPEN || inputs == shape[1] ||
        network_chain(taker.at / "weights", "expected ", shape[1], " inputs, as many as the source gives, got ", inputs)
    [outputs]
end

function convolved_shape(taker::Taker, shape::Vector{Int})
    outputs, inputs, groups, at = taker.size[1], taker.size[2], taker.geometry.groups, taker.at / "weights"
    length(shape) == 3 || network_chain(at, "expected a source of three dimensions, got ", in_words(shape))
    shape[1] == groups * inputs || network_chain(at, "expected ", shape[1],
        " input channels, as many as the source gives, got ", groups, " groups of ", inputs)
    mod(outputs, groups) == 0 ||
        network_chain(at, "expected a multiple of ", groups, " groups as output channels, got ", outputs)
    [outputs; image_size(shape, taker.geometry, at)]
end

function pooled_shape(taker::Taker, shape::Vector{Int})
    length(shape) == 3 || network_chain(taker.at, "expected a source of three dimensions, got ", in_words(shape))
    [shape[1]; image_size(shape, taker.geometry, taker.at)]
end

"Height and width of what a kernel gives of an image."
function image_size(shape::Vector{Int}, geometry::Geometry, at::JsonPointer)
    size = [fld(shape[k+1] + 2 * geometry.padding[k] - geometry.dilation[k] * (geometry.kernel[k] - 1) - 1,
                geometry.stride[k]) + 1 for k in 1:2]
    size[1] >= 1 && size[2] >= 1 || network_chain(at, "the kernel does not fit into the source, ", in_words(shape))
    size
end

function network_chain_sum(form::LayerForm, shapes::Vector{Vector{Int}})
    for b in 2:length(shapes)
        shapes[b] == shapes[1] || network_chain(form.takers[b].at,
            "expected the shape of branch 0, ", in_words(shapes[1]), ", got ", in_words(shapes[b]))
    end
    form.bias == NO_BIAS || form.bias == shapes[1][1] || network_chain(form.at / "bias",
        "expected one entry for each of ", shapes[1][1], " outputs or channels, got ", form.bias)
end

@noinline network_chain(at::JsonPointer, @nospecialize parts...) = reject("network.chain", at, parts...)

network_elements(shape::Vector{Int}, at::JsonPointer) = product(shape) <= MAX_ELEMENTS ||
    reject("network.elements", at, "expected at most ", MAX_ELEMENTS, " elements, got ", in_words(shape))

"The sizes that a sidecar tells of a layer without a matrix: the elements that it takes and gives."
function stored_size(plan::Plan, l::Int, sizes::AbstractVector, at::JsonPointer)
    due = layer_size(plan, l)
    integers(sizes) == due || network_chain(ROOT / "layer_sizes" / (l - 1), "expected ", due, " for ",
                                            path(at / "layers" / (l - 1)), ", got ", integers(sizes))
end

"The elements that a layer takes, all its branches together, and those that it gives."
layer_size(plan::Plan, l::Int) =
    [sum(Int[prod(source_shape(plan, source)) for source in plan.sources[l]]), prod(plan.shapes[l])]

in_words(shape::Vector{Int}) = "the shape ($(join([n == OPEN ? "any" : string(n) for n in shape], ", ")))"

# ---- from documents --------------------------------------------------------------------------------------------------

function layer_form(layer::JsonObject, stored_sizes::Union{Nothing,AbstractVector}, l::Int, at::JsonPointer)
    takers, kind, bias = Taker[], kind_of(layer), get(layer, "bias")
    if kind == "sum"
        for (b, branch) in enumerate(get(layer, "inputs"))
            size = stored_sizes === nothing ? weights_size(branch) : stored_shape(branch)
            push!(takers, read_taker(branch, size, at / "inputs" / (b - 1)))
        end
    else
        size = stored_sizes === nothing ? weights_size(layer) :
            kind == "dense" ? reverse(integers(stored_sizes[l])) : stored_shape(layer)
        push!(takers, read_taker(layer, size, at))
    end
    LayerForm(kind, get(layer, "name", nothing), takers, bias isa AbstractVector ? length(bias) : NO_BIAS, at)
end

read_taker(part::JsonObject, size::Vector{Int}, at::JsonPointer) =
    Taker(kind_of(part), get(part, "from", nothing), size, read_geometry(part, size), at)

"The sizes of weights in a document, none where there are none."
function weights_size(part::JsonObject)
    weights = get(part, "weights")
    weights === missing && return Int[]
    kind_of(part) == "conv2d" && return filter_shape(weights)
    outputs, inputs = matrix_size(weights, OPEN)
    [outputs, inputs]
end

"The sizes that a reference to a member tells."
function stored_shape(part::JsonObject)
    weights = get(part, "weights")
    weights === missing ? Int[] : integers(get(weights, "shape", Int[]))
end

"The geometry of a checked convolution, whose weights have the size `size`, or of a pool."
function read_geometry(part::JsonObject, size::Vector{Int})
    kind = kind_of(part)
    kind == "conv2d" || kind == "avgpool2d" || return NO_GEOMETRY
    kernel = kind == "conv2d" ? (size[3], size[4]) : read_pair(part, "kernel", (1, 1))
    Geometry(kernel, read_pair(part, "stride", kind == "conv2d" ? (1, 1) : kernel), read_pair(part, "padding", (0, 0)),
             read_pair(part, "dilation", (1, 1)), integer(get(part, "groups", 1)))
end

function read_pair(part::JsonObject, name::String, default::Tuple{Int,Int})
    pair = get(part, name)
    pair === missing ? default : (integer(pair[1]), integer(pair[2]))
end

integers(@nospecialize list) = Int[integer(x) for x in list]

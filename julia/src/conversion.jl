# The arithmetic by which an artificial network becomes a spiking one: conformance/spec/conversion.md, sections 2 and 3.

"""
    qcfs(x, theta, T)

The quantization-clip-floor-shift activation of each entry of the list `x` (Bu et al. 2022, "Optimal ANN-SNN conversion
for high-accuracy and ultra-low-latency spiking neural networks"): `x` rounded to one of the levels 0, θ/T, 2θ/T, …, θ
that `T` steps of spikes of the height `theta` can tell.

# Throws
- [`Rejection`](@ref) with `qcfs.input`, `qcfs.theta`, `qcfs.steps` or `qcfs.non-finite`.
"""
function qcfs(x, theta, T)
    qcfs_input(x, ROOT / "x")
    qcfs_theta(theta, ROOT / "theta")
    qcfs_steps(T, ROOT / "T")
    y = as_vector(Float64, x)
    for k in 1:length(y)
        y[k] = qcfs_level(y[k], number(theta), Float64(integer(T)))
    end
    qcfs_non_finite(y, ROOT / "x")
    y
end

"The activation of one number; every operation is rounded by itself, in this order."
function qcfs_level(x::Float64, theta::Float64, steps::Float64)
    shifted = ((x * steps) / theta) + 0.5
    level = shifted < 1.0 ? 0.0 : min(floor(shifted), steps)
    (level * theta) / steps
end

function qcfs_input(x, at::JsonPointer)
    x isa AbstractVector || reject("qcfs.input", at, "expected a list of numbers, got ", describe(x))
    for k in 1:length(x)
        is_finite_number(x[k], Float64) ||
            reject("qcfs.input", at / (k - 1), "expected a finite number, got ", describe(x[k]))
    end
end

qcfs_theta(theta, at::JsonPointer) = is_finite_above_zero(theta, Float64) ||
    reject("qcfs.theta", at, "expected a finite number above 0, got ", describe(theta))

qcfs_steps(T, at::JsonPointer) = is_integer_within(T, 1, MAX_STEPS) ||
    reject("qcfs.steps", at, "expected an integer from 1 to ", MAX_STEPS, ", got ", describe(T))

function qcfs_non_finite(y::Vector{Float64}, at::JsonPointer)
    for k in 1:length(y)
        isfinite(y[k]) || reject("qcfs.non-finite", at / (k - 1), "its activation became ", y[k])
    end
end

"""
    balance(layers, scales)

Threshold balancing (Diehl et al. 2015; Rueckauer et al. 2017): the weights and biases of `layers`, rescaled so that
what reached `scales[l]` at most in layer l reaches 1. A layer is a pair `weights => bias` of a (output, input) matrix and a
vector or `nothing`; the result is a list of such pairs.

# Throws
- [`Rejection`](@ref) with `network.layers`, `network.weight-type`, `network.weight-finite`, `network.bias-type`,
  `network.bias-shape`, `network.bias-finite`, `normalize.scales` or `normalize.non-finite`.
"""
function balance(layers::AbstractVector{<:Pair}, scales)
    documents = JsonObject[]
    for (weights, bias) in layers
        push!(documents, JsonObject("weights" => weights))
        bias === nothing || push!(last(documents), "bias" => bias)
    end
    balanced = Pair{Matrix{Float64},Union{Nothing,Vector{Float64}}}[]
    for layer in normalize(documents, scales, ROOT)
        bias = get(layer, "bias")
        push!(balanced, get(layer, "weights") => bias === missing ? nothing : bias)
    end
    balanced
end

"The layers of a document, below `at`, rescaled: documents of the same form."
function normalize(layers, scales, at::JsonPointer)
    placed = normalized_parts(layers, at / "layers")
    network_layers(layers, at / "layers")
    check_arrays(placed, nothing, Float64)
    normalize_scales(scales, length(placed), at / "scales")
    rescaled, before = JsonObject[], 1.0
    for (l, (layer, place)) in enumerate(placed)
        scale = number(scales[l])
        push!(rescaled, JsonObject("weights" => rescale(get(layer, "weights"), before, scale, place / "weights")))
        bias = get(layer, "bias")
        bias === missing || push!(last(rescaled), "bias" => rescaled_row(bias, 1.0, scale, place / "bias"))
        before = scale
    end
    rescaled
end

"The layers with their places, known to be objects with the members that are due."
function normalized_parts(layers, at::JsonPointer)
    parts = NetworkPart[]
    for l in 1:(layers isa AbstractVector ? length(layers) : 0)
        push!(parts, (:layer, layers[l], at / (l - 1)))
    end
    network_object(parts)
    placed = parts_of(parts, :layer)
    for (layer, place) in placed
        known_keys("network.unknown-key", layer, ["weights", "bias"], place)
    end
    for (layer, place) in placed
        required_keys("network.missing-key", layer, ["weights"], place)
    end
    placed
end

function normalize_scales(scales, n::Int, at::JsonPointer)
    scales isa AbstractVector && length(scales) == n ||
        reject("normalize.scales", at, "expected a list of one scale for each of ", n, " layers, got ",
               scales isa AbstractVector ? length(scales) : describe(scales))
    for l in 1:n
        is_finite_above_zero(scales[l], Float64) ||
            reject("normalize.scales", at / (l - 1), "expected a finite number above 0, got ", describe(scales[l]))
    end
end

"(weights × before) / scale, in the form in which the weights are given."
function rescale(matrix::AbstractVector, before::Float64, scale::Float64, at::JsonPointer)
    rows = Vector{Float64}[]
    for i in 1:length(matrix)
        push!(rows, rescaled_row(matrix[i], before, scale, at / (i - 1)))
    end
    rows
end

function rescale(matrix::AbstractMatrix, before::Float64, scale::Float64, at::JsonPointer)
    rescaled = Matrix{Float64}(undef, size(matrix))
    for i in 1:size(matrix, 1)
        rescaled[i, :] = rescaled_row(view(matrix, i, :), before, scale, at / (i - 1))
    end
    rescaled
end

function rescaled_row(row::AbstractVector, before::Float64, scale::Float64, at::JsonPointer)
    rescaled = as_vector(Float64, row)
    for j in 1:length(rescaled)
        rescaled[j] = (rescaled[j] * before) / scale
        normalize_non_finite(rescaled[j], at / (j - 1))
    end
    rescaled
end

normalize_non_finite(x::Float64, at::JsonPointer) =
    isfinite(x) || reject("normalize.non-finite", at, "rescaled it became ", x)

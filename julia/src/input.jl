# What a network is shown: constant values, given spikes or Poisson spike trains, and the rules for their documents.
#
# An Input is one sample. A batch is a vector of Inputs of one type.

abstract type Input end

"`ConstantInput(values)`: one finite value per input, presented at every step."
struct ConstantInput{T<:AbstractFloat} <: Input
    values::Vector{T}
end

"`SpikeInput(indices)`: for each step the ascending list of the inputs that fire, counted from 1."
struct SpikeInput <: Input
    indices::Vector{Vector{Int}}
end

"""
    PoissonInput(rates; seed, sample = 0)

Bernoulli spike trains: at each step input j fires with probability `rates[j]`, the same for the same `seed` and
`sample` on every machine (semantics.md, section 8).

# Throws
- [`Rejection`](@ref) with `input.seed`, `input.sample`, `input.shape` or `input.range`.
"""
struct PoissonInput <: Input
    limits::Vector{Float64}      # rate × 2^32, exact
    seed::Int
    sample::Int

    PoissonInput(limits::Vector{Float64}, seed::Int, sample::Int) = new(limits, seed, sample)
end

PoissonInput(rates; seed, sample = 0) =
    read_poisson(JsonObject("rates" => rates, "seed" => seed, "sample" => sample), ROOT)

"""
    poisson_spikes(rates, steps; seed, sample = 0)

For each of `steps` steps the ascending indices (from 1) of the inputs that fire.

# Throws
- [`Rejection`](@ref) with `simulate.steps` or what [`PoissonInput`](@ref) throws.
"""
function poisson_spikes(rates, steps; seed, sample = 0)
    simulate_steps(steps, ROOT / "steps")
    spike_train(PoissonInput(rates; seed = seed, sample = sample), integer(steps))
end

function spike_train(input::PoissonInput, steps::Int)
    buffer, train = Vector{Int}(undef, length(input.limits)), Vector{Int}[]
    for step in 0:steps-1
        n = Kernels.bernoulli_spikes!(buffer, input.limits, input.seed, input.sample, step)
        push!(train, buffer[1:n])
    end
    train
end

const PlacedValues = Vector{Tuple{Any,JsonPointer}}

# ---- documents -------------------------------------------------------------------------------------------------------

simulate_steps(steps, at::JsonPointer) = is_integer_within(steps, 1, MAX_STEPS) ||
    reject("simulate.steps", at, "expected an integer from 1 to ", MAX_STEPS, ", got ", describe(steps))

"""
    read_input(document, width, steps, at)

The samples of an input document as a vector of Inputs, and whether the document is a batch. `width` is the number of
inputs that is due, or `nothing` where any will do; values are finite in the float type `T`. Values and rates may be in
a file below `folder`.
"""
function read_input(document, width::Union{Nothing,Int}, steps::Int, at::JsonPointer, T::DataType,
                    folder::Union{Nothing,String} = nothing)
    kind = input_kind(document, at)
    input_unknown_key(document, kind, at)
    name = member_of_kind(kind)
    kind == "poisson" && input_seed(document, at)
    fault = kind == "spikes" ? nothing : fetch_samples!(document, name, folder, at / name)
    batch = is_batch(get(document, name), kind)
    kind == "poisson" && input_sample(document, batch ? length(get(document, name)) : 1, at)
    fault === nothing || throw(fault)
    samples = placed_samples(input_member(document, name, at), batch, at / name)
    kind == "spikes" ? input_shape_indices(samples, steps) : input_shape_values(samples, width)
    kind == "spikes" && input_indices(samples, width)
    kind == "constant" && input_range_values(samples, T)
    kind == "poisson" && input_range_rates(samples)
    build_inputs(document, kind, samples), batch
end

function build_inputs(document::JsonObject, kind::String, samples::PlacedValues)
    inputs = Input[]
    for k in 1:length(samples)
        row = samples[k][1]
        push!(inputs, kind == "constant" ? ConstantInput(as_vector(Float64, row)) :
                      kind == "spikes" ? spike_input(row) : poisson_input(document, row, k - 1))
    end
    inputs
end

function spike_input(sample::AbstractVector)
    indices = Vector{Int}[]
    for step in sample
        push!(indices, Int[])
        for j in step
            push!(last(indices), integer(j) + 1)
        end
    end
    SpikeInput(indices)
end

function poisson_input(document::JsonObject, rates::AbstractVector, row::Int)
    limits = as_vector(Float64, rates)
    for j in 1:length(limits)
        limits[j] *= 4294967296.0
    end
    PoissonInput(limits, integer(get(document, "seed")), integer(get(document, "sample", 0)) + row)
end

"The one sample of a document with `rates`, `seed` and perhaps `sample`."
function read_poisson(document::JsonObject, at::JsonPointer)
    input_seed(document, at)
    input_sample(document, 1, at)
    rates = input_member(document, "rates", at)
    samples = placed_samples(rates, false, at / "rates")
    input_shape_values(samples, nothing)
    input_range_rates(samples)
    poisson_input(document, rates, 0)
end

"The member that holds what is shown."
member_of_kind(kind::String) = kind == "constant" ? "values" : kind == "spikes" ? "indices" : "rates"

"A batch has one more axis than a sample; its first element tells."
is_batch(list, kind) = is_list_of_lists(list) && (kind != "spikes" || is_list_of_lists(list[1]))
is_list_of_lists(list) = list isa AbstractVector && !isempty(list) && list[1] isa AbstractVector

"The rows of a batch, or the member itself as the only one, each with its place."
function placed_samples(list::AbstractVector, batch::Bool, at::JsonPointer)
    batch || return Tuple{Any,JsonPointer}[(list, at)]
    samples = Tuple{Any,JsonPointer}[]
    for k in 1:length(list)
        push!(samples, (list[k], at / (k - 1)))
    end
    samples
end

function input_kind(document, at::JsonPointer)
    document isa JsonObject || reject("input.kind", at, "expected an input object, got ", describe(document))
    kind = get(document, "kind")
    one_of("input.kind", kind, ["constant", "spikes", "poisson"], at / "kind")
    String(kind)
end

input_unknown_key(document::JsonObject, kind::String, at::JsonPointer) =
    known_keys("input.unknown-key", document,
               kind == "poisson" ? ["kind", "rates", "seed", "sample"] : ["kind", member_of_kind(kind)], at)

function input_seed(document::JsonObject, at::JsonPointer)
    seed = get(document, "seed")
    is_integer_within(seed, 0, MAX_INTEGER) ||
        reject("input.seed", at / "seed", "expected an integer from 0 to 2^53 - 1, got ", describe(seed))
end

function input_sample(document::JsonObject, n::Int, at::JsonPointer)
    sample = get(document, "sample", 0)
    is_integer_within(sample, 0, MAX_INTEGER - n + 1) || reject("input.sample", at / "sample",
        "expected an integer from 0 to 2^53 - ", n, " for a batch of ", n, ", got ", describe(sample))
end

function input_member(document::JsonObject, name::String, at::JsonPointer)
    list = get(document, name)
    list isa AbstractVector || reject("input.shape", at / name, "expected an array, got ", describe(list))
    list
end

function input_shape_values(samples::PlacedValues, width::Union{Nothing,Int})
    for (row, at) in samples
        row isa AbstractVector || reject("input.shape", at, "expected an array of numbers, got ", describe(row))
        for j in 1:length(row)
            is_number(row[j]) || reject("input.shape", at / (j - 1), "expected a number, got ", describe(row[j]))
        end
        width === nothing && (width = length(row))      # the first row sets what a matrix without outputs leaves open
        length(row) == width || reject("input.shape", at, "expected ", width, " entries, got ", length(row))
    end
end

function input_shape_indices(samples::PlacedValues, steps::Int)
    for (row, at) in samples
        row isa AbstractVector || reject("input.shape", at, "expected an array of steps, got ", describe(row))
        length(row) == steps || reject("input.shape", at, "expected ", steps, " steps, got ", length(row))
        for t in 1:steps
            row[t] isa AbstractVector ||
                reject("input.shape", at / (t - 1), "expected an array of indices, got ", describe(row[t]))
        end
    end
end

function input_indices(samples::PlacedValues, width::Union{Nothing,Int})
    limit = width === nothing ? MAX_INTEGER : width - 1
    for (row, at) in samples, t in 1:length(row)
        ascending_indices(row[t], limit, at, t)
    end
end

function ascending_indices(step::AbstractVector, limit::Int, at::JsonPointer, t::Int)
    before = -1
    for k in 1:length(step)
        is_integer_within(step[k], before + 1, limit) || reject("input.indices", at / (t - 1) / (k - 1),
            "expected an integer from ", before + 1, " to ", limit, ", got ", describe(step[k]))
        before = integer(step[k])
    end
end

function input_range_values(samples::PlacedValues, T::DataType)
    for (row, at) in samples, j in 1:length(row)
        isfinite(rounded(T, row[j])) ||
            reject("input.range", at / (j - 1), "expected a finite value", in_format(T), ", got ", number(row[j]))
    end
end

function input_range_rates(samples::PlacedValues)
    for (row, at) in samples, j in 1:length(row)
        0 <= number(row[j]) <= 1 ||
            reject("input.range", at / (j - 1), "expected a rate from 0 to 1, got ", number(row[j]))
    end
end

"Indices as documents have them: counted from 0."
function from_zero(indices::Vector{Int})
    shifted = copy(indices)
    for k in 1:length(shifted)
        shifted[k] -= 1
    end
    shifted
end

function from_zero(lists::Vector)
    shifted = Any[]
    for list in lists
        push!(shifted, from_zero(list))
    end
    shifted
end

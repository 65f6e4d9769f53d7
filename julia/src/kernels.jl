# The inner loops, generic over the float type, compiled with full optimisation and kept apart from everything else.

"""
Loops over arrays of one float type `T`, whose results are fixed to the last bit (semantics.md, section 6).

An output's current is one accumulator that takes its terms in ascending input order, so the loops may be vectorised
across outputs and never across inputs: no `sum`, `dot`, `muladd` or `@simd` reduction here. Weights are
`(output, input)` matrices, in which the column of one input is contiguous. Every function is `@noinline`: inlined into
a caller it would be compiled with the caller's lower optimisation.
"""
module Kernels

Base.Experimental.@optlevel 2

using Base.Cartesian: @nexprs

include("philox.jl")

"""
    Events()

Ascending indices (from 1) in rows, where a row is a step of a sample: all rows one after the other, and where each ends.
"""
struct Events
    indices::Vector{Int32}       # narrow, so that they pass through the caches faster
    ends::Vector{Int}
end

Events() = Events(Int32[], Int[])

"Forget all rows."
function clear!(events::Events)
    empty!(events.indices)
    empty!(events.ends)
end

"Add `spikes[1:n]` as a row."
@noinline function add_row!(events::Events, spikes::Vector{Int}, n::Int)
    checkbounds(spikes, 1:n)
    old = length(events.indices)
    resize!(events.indices, old + n)
    for k in 1:n
        @inbounds events.indices[old+k] = spikes[k] % Int32      # no wider layer fits a memory
    end
    push!(events.ends, old + n)
end

"Outputs whose sums stay in registers while all events of a row pass by: 128 bytes of sums, whatever the float type."
tile(::Type{Float64}) = 16
tile(::Type{Float32}) = 32

"""
    pack(weights)

The weights in tiles of 16 outputs (of binary32, 32), the last one filled up with zeros, and within a tile input by
input: a tile's weights stay in the near caches while many rows pass by.
"""
@noinline function pack(weights::Matrix{T}) where {T}
    outputs, inputs = size(weights)
    packed, at = zeros(T, cld(outputs, tile(T)) * tile(T) * inputs), 0
    for start in 0:tile(T):outputs-1, j in 1:inputs
        for i in start+1:min(start + tile(T), outputs)
            @inbounds packed[at+i-start] = weights[i, j]
        end
        at += tile(T)
    end
    packed
end

"""
    add_columns!(currents, packed, inputs, events)

Set each column of `currents` to the sum of the weights of the inputs in the row of `events`, in their order: an input of
1 adds its weight as it is.
"""
@noinline function add_columns!(currents::Matrix{T}, packed::Vector{T}, inputs::Int, events::Events) where {T}
    outputs = size(currents, 1)
    outputs == 0 && return           # a matrix without outputs takes inputs of any width
    cld(outputs, tile(T)) * tile(T) * inputs == length(packed) ||
        throw(DimensionMismatch("as many currents as outputs are needed"))
    check_columns(currents, events)
    check_events(events, T[], inputs)
    for start in 0:tile(T):outputs-1
        add_tile!(currents, packed, start, inputs, events)
    end
end

# The sums have names, which keeps them in registers: a method for each number of them, compiled where it is called.
for (T, n) in ((Float64, tile(Float64)), (Float32, tile(Float32)))
    @eval @noinline function add_tile!(currents::Matrix{$T}, packed::Vector{$T}, start::Int, inputs::Int,
                                       events::Events)
        event, indices, ends = 0, events.indices, events.ends
        width = min($n, size(currents, 1) - start)
        @inbounds for row in 1:length(ends)
            @nexprs $n k -> sum_k = $(zero(T))
            while event < ends[row]
                event += 1
                at = start * inputs + $n * (indices[event] - 1)
                @nexprs $n k -> sum_k += packed[at+k]
            end
            if width == $n
                @nexprs $n k -> currents[start+k, row] = sum_k
            else
                @nexprs $n k -> k <= width && (currents[start+k, row] = sum_k)
            end
        end
    end
end

"""
    add_products!(currents, weights, events, values)

Set each column of `currents` to weights × values, where the inputs in a row of `events` have the `values` and all
others are 0: input by input, product and sum rounded separately.
"""
@noinline function add_products!(currents::Matrix{T}, weights::Matrix{T}, events::Events, values::Vector{T}) where {T}
    outputs, event = size(currents, 1), 0
    outputs == 0 && return
    outputs == size(weights, 1) || throw(DimensionMismatch("as many currents as outputs are needed"))
    check_columns(currents, events)
    check_events(events, values, size(weights, 2))
    for row in 1:length(events.ends)
        @inbounds for i in 1:outputs
            currents[i, row] = zero(T)
        end
        while event < events.ends[row]
            event += 1
            j, x = events.indices[event], values[event]
            @inbounds for i in 1:outputs
                currents[i, row] += weights[i, j] * x
            end
        end
    end
end

check_columns(currents::Matrix, events::Events) = size(currents, 2) >= length(events.ends) ||
    throw(DimensionMismatch("as many currents as rows are needed"))

"Every event is one of `inputs` and has its value, if there are any."
function check_events(events::Events, values::Vector, inputs::Int)
    isempty(values) || length(values) == length(events.indices) ||
        throw(DimensionMismatch("as many values as events are needed"))
    for j in events.indices
        1 <= j <= inputs || throw(BoundsError(1:inputs, j))
    end
end

"Add the entries of `values` that are not 0 as a row: their indices are the events."
@noinline function add_values!(events::Events, kept::Vector{T}, values::Vector{T}) where {T}
    for j in 1:length(values)
        x = @inbounds values[j]
        x == 0 && continue
        push!(events.indices, j % Int32)
        push!(kept, x)
    end
    push!(events.ends, length(events.indices))
end

"Set each column of `currents` to the inputs in the row of `events` times `weight`, each rounded once."
@noinline function add_scaled!(currents::Matrix{T}, weight::T, events::Events, values::Vector{T}) where {T}
    check_columns(currents, events)
    check_events(events, values, size(currents, 1))
    event = 0
    for row in 1:length(events.ends)
        @inbounds for i in 1:size(currents, 1)
            currents[i, row] = zero(T)
        end
        while event < events.ends[row]
            event += 1
            currents[events.indices[event], row] = isempty(values) ? weight : weight * values[event]
        end
    end
end

"Add the first `rows` columns of `part` to those of `currents`."
@noinline function add_part!(currents::Matrix{T}, part::Matrix{T}, rows::Int) where {T}
    size(currents, 1) == size(part, 1) || throw(DimensionMismatch("as many currents in the part are needed"))
    checkbounds(currents, :, 1:rows)
    checkbounds(part, :, 1:rows)
    @inbounds for k in 1:rows*size(currents, 1)
        currents[k] += part[k]
    end
end

"Give each of the first `rows` columns, which are for samples, to all `steps` of its sample."
@noinline function spread_rows!(currents::Matrix{T}, rows::Int, steps::Int) where {T}
    checkbounds(currents, :, 1:rows*steps)
    n = size(currents, 1)
    # From the last on: none is overwritten before it is copied.
    for row in rows:-1:1, step in steps:-1:1
        copyto!(currents, ((row - 1) * steps + step - 1) * n + 1, currents, (row - 1) * n + 1, n)
    end
end

"Count the spikes `spikes[1:n]`."
@noinline function count!(counts::Vector{Int}, spikes::Vector{Int}, n::Int)
    checkbounds(spikes, 1:n)
    for k in 1:n
        counts[spikes[k]] += 1
    end
end

"Add `bias` to the first `rows` columns of `currents`, entry by entry."
@noinline function add_bias!(currents::Matrix{T}, bias::Vector{T}, rows::Int) where {T}
    size(currents, 1) == length(bias) || throw(DimensionMismatch("as many biases as outputs are needed"))
    checkbounds(currents, :, 1:rows)
    @inbounds for row in 1:rows, i in 1:length(bias)
        currents[i, row] += bias[i]
    end
end

"potential = potential + current (integrate); whether every potential is finite."
@noinline function integrate!(potential::Vector{T}, current::AbstractVector{T}) where {T}
    length(potential) == length(current) || throw(DimensionMismatch("as many currents as neurons are needed"))
    finite = true
    @inbounds for i in 1:length(potential)
        v = potential[i] + current[i]
        potential[i] = v
        finite &= isfinite(v)
    end
    finite
end

"potential = (decay × potential) + current (leaky integrate); whether every potential is finite."
@noinline function integrate!(potential::Vector{T}, current::AbstractVector{T}, decay::T) where {T}
    length(potential) == length(current) || throw(DimensionMismatch("as many currents as neurons are needed"))
    finite = true
    @inbounds for i in 1:length(potential)
        v = decay * potential[i] + current[i]
        potential[i] = v
        finite &= isfinite(v)
    end
    finite
end

"""
    fire!(spikes, potential, threshold, subtract)

Reset the neurons whose potential has reached `threshold` (by subtraction, or to +0.0), write their ascending indices to
the front of `spikes` and return their number.
"""
@noinline function fire!(spikes::Vector{Int}, potential::Vector{T}, threshold::T, subtract::Bool) where {T}
    length(spikes) >= length(potential) || throw(DimensionMismatch("spikes has fewer places than there are neurons"))
    n = 0
    # Every index is stored and only spikes are counted, which avoids a branch that no predictor can learn.
    @inbounds for i in 1:length(potential)
        spikes[n+1] = i
        n += potential[i] >= threshold
    end
    @inbounds for i in 1:length(potential)
        v = potential[i]
        potential[i] = ifelse(v >= threshold, subtract ? v - threshold : zero(T), v)
    end
    n
end

include("windows.jl")

end

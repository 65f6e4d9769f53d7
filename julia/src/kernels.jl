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

include("philox.jl")

"""
    add_columns!(current, weights, spikes, n)

Add the weight columns of the inputs `spikes[1:n]` (ascending) to `current`: an input of 1 adds its weight as it is.
"""
@noinline function add_columns!(current::Vector{T}, weights::Matrix{T}, spikes::Vector{Int}, n::Int) where {T}
    outputs = matching_outputs(current, weights)
    outputs == 0 && return           # a matrix without outputs takes inputs of any width
    checkbounds(spikes, 1:n)
    for k in 1:n
        j = @inbounds spikes[k]
        checkbounds(weights, 1, j)
        @inbounds for i in 1:outputs
            current[i] += weights[i, j]
        end
    end
end

"""
    add_products!(current, weights, values)

Add weights × values to `current`, input by input, product and sum rounded separately; a zero input changes nothing.
"""
@noinline function add_products!(current::Vector{T}, weights::Matrix{T}, values::Vector{T}) where {T}
    outputs = matching_outputs(current, weights)
    outputs == 0 && return
    size(weights, 2) == length(values) || throw(DimensionMismatch("as many values as inputs are needed"))
    for j in 1:length(values)
        x = @inbounds values[j]
        x == 0 && continue
        @inbounds for i in 1:outputs
            current[i] += weights[i, j] * x
        end
    end
end

function matching_outputs(current, weights)
    length(current) == size(weights, 1) || throw(DimensionMismatch("as many currents as outputs are needed"))
    length(current)
end

"Add `bias` to `current`, entry by entry."
@noinline function add_bias!(current::Vector{T}, bias::Vector{T}) where {T}
    length(current) == length(bias) || throw(DimensionMismatch("as many biases as outputs are needed"))
    @inbounds for i in 1:length(current)
        current[i] += bias[i]
    end
end

"potential = potential + current (integrate); whether every potential is finite."
@noinline function integrate!(potential::Vector{T}, current::Vector{T}) where {T}
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
@noinline function integrate!(potential::Vector{T}, current::Vector{T}, decay::T) where {T}
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
    @inbounds for i in 1:length(potential)
        v = potential[i]
        v >= threshold || continue
        potential[i] = subtract ? v - threshold : zero(T)
        n += 1
        spikes[n] = i
    end
    n
end

end

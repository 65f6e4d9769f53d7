# Philox4x32-10, a counter-based random number generator: no state, no streams, the same words in every language.

"""
    philox4x32(counter, key)

The four 32-bit words that Philox4x32 with 10 rounds gives for `counter` (4 words) and `key` (2 words).

Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011; Random123.
"""
@inline function philox4x32(counter::NTuple{4,UInt32}, key::NTuple{2,UInt32})
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in 1:10
        high0, low0 = multiply(0xd2511f53, c0)
        high1, low1 = multiply(0xcd9e8d57, c2)
        c0, c1, c2, c3 = xor(high1, c1, k0), low1, xor(high0, c3, k1), low0
        k0 += 0x9e3779b9
        k1 += 0xbb67ae85
    end
    (c0, c1, c2, c3)
end

"The high and the low word of a × b."
@inline function multiply(a::UInt32, b::UInt32)
    product = widemul(a, b)
    ((product >> 32) % UInt32, product % UInt32)
end

"""
    bernoulli_spikes!(spikes, limits, seed, sample, step)

Write the ascending indices (from 1) of the inputs that fire at `step` (from 0) to the front of `spikes` and return
their number. `limits[j]` is the rate of input j times 2^32; it fires where its random word is below, which is exact.
"""
@noinline function bernoulli_spikes!(spikes::Vector{Int}, limits::Vector{Float64}, seed::Int, sample::Int, step::Int)
    length(spikes) >= length(limits) || throw(DimensionMismatch("spikes has fewer places than there are inputs"))
    key = (seed % UInt32, (seed >> 32) % UInt32)
    n = 0
    for first in 1:4:length(limits)
        block = ((first - 1) >> 2) % UInt32
        words = philox4x32((step % UInt32, block, sample % UInt32, (sample >> 32) % UInt32), key)
        for k in 1:min(4, length(limits) - first + 1)
            @inbounds Float64(words[k]) < limits[first+k-1] || continue
            n += 1
            @inbounds spikes[n] = first + k - 1
        end
    end
    n
end

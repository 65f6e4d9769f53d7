# Philox4x32-10 against the known answers of the Random123 distribution.

const philox = S.Kernels.philox4x32

@testset "known answers" begin
    @test philox((0x00000000, 0x00000000, 0x00000000, 0x00000000), (0x00000000, 0x00000000)) ==
          (0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8)
    @test philox((0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff), (0xffffffff, 0xffffffff)) ==
          (0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd)
    @test philox((0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344), (0xa4093822, 0x299f31d0)) ==
          (0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1)
end

@testset "an input fires where its word is below rate × 2^32" begin
    # Seed, sample, step and block are all 0, so the words are those of the first known answer.
    words = Float64[0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
    spikes = zeros(Int, 4)
    @test S.Kernels.bernoulli_spikes!(spikes, words, 0, 0, 0) == 0
    @test S.Kernels.bernoulli_spikes!(spikes, words .+ 1, 0, 0, 0) == 4
    @test spikes == 1:4
    @test_throws DimensionMismatch S.Kernels.bernoulli_spikes!(zeros(Int, 3), words, 0, 0, 0)
end

@testset "the counter's words are step, block, low and high half of the sample" begin
    seed, sample, step = 0x299f31d0 * 2^32 + 0xa4093822, 0x03707344 * 2^32 + 0x13198a2e, 0x243f6a88
    limits = zeros(5)
    limits[5] = 1 + philox((0x243f6a88, 0x00000001, 0x13198a2e, 0x03707344), (0xa4093822, 0x299f31d0))[1]
    spikes = zeros(Int, 5)
    @test S.Kernels.bernoulli_spikes!(spikes, limits, Int(seed), Int(sample), Int(step)) == 1
    @test spikes[1] == 5
    limits[5] -= 1
    @test S.Kernels.bernoulli_spikes!(spikes, limits, Int(seed), Int(sample), Int(step)) == 0
end

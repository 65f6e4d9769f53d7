# Runs of small networks whose every number can be followed by hand.

layer(weights; options...) = Layer(weights; threshold = 1.0, options...)

@testset "the worked example of the protocol" begin
    network = Network([layer([0.5 0.25]; bias = [0.1])])
    run = simulate(network, ConstantInput([1.0, 1.0]), 3; record = ["counts", "spikes", "potential", "trace"])
    @test run.readout == [2] && run.counts == [[2]] && run.spikes == [[[], [1], [1]]]
    @test reinterpret(UInt64, run.potential[1][1]) == 0x3fe1999999999998
    @test [before[1] >= 1.0 for (before, _) in run.trace[1]] == [false, true, true]
    @test isempty(simulate(network, ConstantInput([1.0, 1.0]), 3).trace)
end

@testset "spikes pass a layer at the same step" begin
    run = simulate(Network([layer(ones(1, 1)), layer(ones(1, 1))]), SpikeInput([[1], [], [1]]), 3; record = ["spikes"])
    @test run.spikes == [[[1], [], [1]], [[1], [], [1]]]
end

@testset "reset by subtraction keeps the rest, reset to zero does not" begin
    for (reset, rest) in (("subtract", 0.5), ("zero", 0.0))
        run = simulate(Network([layer(fill(1.5, 1, 1); reset = reset)]), SpikeInput([[1]]), 1; record = ["potential"])
        @test run.readout == [1] && run.potential == [[rest]]
    end
end

@testset "at most one spike per step" begin
    run = simulate(Network([layer(fill(3.5, 1, 1))]), SpikeInput([[1], [], [], []]), 4; record = ["potential"])
    @test run.readout == [3] && run.potential == [[0.5]]
end

@testset "a leaky potential decays before the current comes" begin
    run = simulate(Network([layer(fill(0.5, 1, 1); decay = 0.5)]), SpikeInput([[1], [1], []]), 3; record = ["trace"])
    @test [before[1] for (before, _) in run.trace[1]] == [0.5, 0.75, 0.375]
end

@testset "a membrane readout integrates and never fires" begin
    network = Network([layer(fill(5.0, 1, 1); initial_potential = 1.0)]; readout = "membrane")
    run = simulate(network, SpikeInput([[1], []]), 2; record = ["counts", "spikes", "trace"])
    @test run.readout == [6.0] && run.counts == [[0]] && run.spikes == [[[], []]]
    @test run.trace[1] == [([6.0], [6.0]), ([6.0], [6.0])]
end

@testset "a potential of -0.0 becomes +0.0 at the first step" begin
    run = simulate(Network([layer(zeros(1, 1); initial_potential = -0.0)]), SpikeInput([[]]), 1; record = ["potential"])
    @test run.potential[1][1] === 0.0
end

@testset "what becomes non-finite names its layer, the first by sample, step and layer" begin
    huge = Network([layer(ones(1, 1)), layer(fill(floatmax(), 1, 1); reset = "zero")]; readout = "membrane")
    @test simulate(huge, SpikeInput([[1], []]), 2).readout == [floatmax()]
    @test rejection(() -> simulate(huge, SpikeInput([[1], [1]]), 2)) == ("simulate.non-finite", "/network/layers/1")
    current = Network([layer(fill(floatmax(), 1, 1))])
    @test rejection(() -> simulate(current, ConstantInput([2.0]), 1)) == ("simulate.non-finite", "/network/layers/0")
    bias = Network([layer(fill(floatmax(), 1, 1); bias = [floatmax()])])
    @test rejection(() -> simulate(bias, SpikeInput([[1]]), 1)) == ("simulate.non-finite", "/network/layers/0")
end

@testset "a row of a batch gives what it gives alone" begin
    network = Network([layer([0.3 0.9 -0.2; 0.7 -0.4 0.6]; decay = 0.9), layer([0.8 0.7])])
    batch = [PoissonInput([0.5, 0.7, 0.1]; seed = 11, sample = k) for k in 4:6]
    records = ["counts", "spikes", "potential", "trace"]
    runs = simulate(network, batch, 50; record = records)
    for k in 1:3
        alone = simulate(network, batch[k], 50; record = records)
        @test all(isequal(getfield(runs[k], f), getfield(alone, f)) for f in fieldnames(Run))
    end
    @test runs[1].spikes != runs[2].spikes
end

@testset "empty layers and empty inputs" begin
    @test simulate(Network([layer(zeros(2, 0))]), ConstantInput(Float64[]), 2).readout == [0, 0]
    nowhere = read_network("""{"layers":[{"weights":[],"neuron":{"model":"if","threshold":1}}]}""")
    @test simulate(nowhere, SpikeInput([[2^53]]), 1).readout == Int[]
    @test simulate(nowhere, ConstantInput([1.0, 2.0]), 1; record = ["trace"]).trace == [[(Float64[], Float64[])]]
end

@testset "in binary32 every operation is rounded, the product and the sum apart" begin
    network = Network{Float32}(Network([layer([0.1 0.7]; decay = 0.9, bias = [0.3])]; readout = "membrane"))
    current = (0.1f0 * 0.2f0 + 0.7f0 * 0.6f0) + 0.3f0
    once(v) = 0.9f0 * v + current
    run = simulate(network, ConstantInput([0.2, 0.6]), 3; record = ["potential", "trace"])
    @test run.readout isa Vector{Float32} && run.readout[1] === once(once(once(0.0f0)))
    @test run.potential == [run.readout] && run.trace[1][1] == ([current], [current])
    # 16777216 + 1 is no binary32, so that the order shows: (big + 1) - big is 0.
    order = Network{Float32}(Network([layer([16777216.0 1.0 -16777216.0])]; readout = "membrane"))
    @test simulate(order, SpikeInput([[1, 2, 3]]), 1).readout[1] === 0.0f0
    # (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: the last term is lost when the product is rounded by itself.
    apart = Network{Float32}(Network([layer([1.0 1 + 2.0^-12])]; readout = "membrane"))
    @test simulate(apart, ConstantInput([-(1 + 2.0^-11), 1 + 2.0^-12]), 1).readout[1] === 0.0f0
end

@testset "in binary32 values are rounded once, subnormals are kept, encoding stays in binary64" begin
    wide = Network{Float32}(Network([layer(ones(1, 1))]; readout = "membrane"))
    @test simulate(wide, ConstantInput([0.1]), 1).readout[1] === 0.1f0
    @test simulate(wide, ConstantInput([1e-45]), 2).readout[1] === 2 * nextfloat(0.0f0)
    # the first rate beyond the word's limit fires, which a rate rounded to binary32 does not tell apart
    word = first(S.Kernels.philox4x32((0x00000000, 0x00000000, 0x00000000, 0x00000000), (0x00000000, 0x00000000)))
    for (rate, spikes) in ((word / 2^32, 0), ((word + 1) / 2^32, 1))
        @test simulate(wide, PoissonInput([rate]; seed = 0), 1).readout[1] === Float32(spikes)
    end
end

@testset "what binary32 cannot hold is not finite" begin
    wide = Network{Float32}(Network([layer(ones(1, 1))]))
    largest = 2.0^128 - 2.0^103                  # half way between the largest binary32 and infinity
    @test rejection(() -> simulate(wide, ConstantInput([largest]), 1)) == ("input.range", "/input/values/0")
    @test rejection(() -> simulate(wide, ConstantInput([prevfloat(largest)]), 1)) === nothing
    @test rejection(() -> simulate(wide, ConstantInput([3e38]), 2)) == ("simulate.non-finite", "/network/layers/0")
end

@testset "arguments are checked" begin
    network = Network([layer([0.5 0.25])])
    @test rejection(() -> simulate(network, ConstantInput([1.0]), 1)) == ("input.shape", "/input/values")
    @test rejection(() -> simulate(network, ConstantInput([1.0, Inf]), 1)) == ("input.range", "/input/values/1")
    @test rejection(() -> simulate(network, SpikeInput([[1]]), 2)) == ("input.shape", "/input/indices")
    @test rejection(() -> simulate(network, SpikeInput([[2, 1]]), 1)) == ("input.indices", "/input/indices/0/1")
    @test rejection(() -> simulate(network, SpikeInput([[3]]), 1)) == ("input.indices", "/input/indices/0/0")
    @test rejection(() -> simulate(network, PoissonInput([0.5]; seed = 1), 1)) == ("input.shape", "/input/rates")
    @test rejection(() -> simulate(network, ConstantInput([1.0, 1.0]), 0)) == ("simulate.steps", "/steps")
    @test rejection(() -> simulate(network, ConstantInput([1.0, 1.0]), 1; record = ["count"])) ==
          ("record.kind", "/record/0")
end

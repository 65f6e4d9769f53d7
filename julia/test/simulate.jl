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

const KERNELS = cat([0.25 0.5; 1.0 2.0], [-0.25 4.0; 0.125 1.0]; dims = 3)      # two outputs, kernels of 2 × 2
const FILTERS = permutedims(reshape(KERNELS, 2, 2, 2, 1), (3, 4, 1, 2))

membrane(layers...; shape = (1, 2, 3)) = Network([layers...]; input_shape = shape, readout = "membrane")
potentials(network, input, steps = 1) = simulate(network, input, steps).readout

@testset "a convolution is a cross-correlation; its bias is one of channels" begin
    image = ConstantInput([1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0])
    due = [0.25 + 5.0 + 1000.0 + 20000.0, 2.5 + 50.0 + 10000.0 + 200000.0, -0.25 + 40.0 + 125.0 + 10000.0,
           -2.5 + 400.0 + 1250.0 + 100000.0]
    @test potentials(membrane(layer(FILTERS)), image) == due
    @test potentials(membrane(layer(FILTERS; bias = [0.5, -0.5])), image) == due .+ [0.5, 0.5, -0.5, -0.5]
    # Padding is no term, and a stride passes over what lies between.
    @test potentials(membrane(layer(FILTERS[1:1, :, :, :]; padding = (1, 1), stride = (1, 2))), image) ==
          [2.0, 210.0, 2000.5, 210052.5, 500.0, 52500.0]
    @test potentials(membrane(layer(FILTERS)), SpikeInput([[1, 2, 4, 5]]))[[1, 3]] == [3.75, 4.875]
end

@testset "a sum adds currents that are complete, in their order, then the bias" begin
    # Each branch alone is 0.0 here, whereas in one go the small term would be lost or kept by the order.
    shape = (1, 1, 3)
    whole(weights...) = Branch(reshape(collect(weights), 1, 1, 1, 3); from = "input")
    ones3 = SpikeInput([[1, 2, 3]])
    summed(branches...; options...) = potentials(membrane(layer([branches...]; options...); shape = shape), ones3)
    @test summed(whole(1.0, 2.0^53, 0.0), whole(-2.0^53, 0.0, 0.0)) == [0.0]
    @test summed(whole(2.0^53, -2.0^53, 1.0), whole(0.0, 0.0, 1.0)) == [2.0]
    @test summed(whole(1.0, 0.0, 0.0), whole(2.0^53, 0.0, 0.0); bias = [-2.0^53]) == [0.0]
    @test summed(whole(2.0^53, 0.0, 0.0), whole(0.0, 0.0, -2.0^53); bias = [1.0]) == [1.0]
    values = [0.1, -0.0, 0.3]
    same = membrane(layer([Branch(0.1; from = "input")]; initial_potential = -0.0); shape = shape)
    @test all(potentials(same, ConstantInput(values)) .=== [0.1 * 0.1, 0.0, 0.1 * 0.3])
    narrow = potentials(Network{Float32}(same), ConstantInput(values))
    @test all(narrow .=== [0.1f0 * 0.1f0, 0.0f0, 0.1f0 * 0.3f0])
end

@testset "a pool is a sum in order, divided once" begin
    shape, values = (1, 1, 3), [0.1, 0.7, -0.2]
    pooled = membrane(AveragePool((1, 3); name = "p"), layer([Branch(1.0; from = "p")]); shape = shape)
    @test potentials(pooled, ConstantInput(values))[1] === (0.1 + 0.7 + -0.2) / 3
    @test potentials(Network{Float32}(pooled), ConstantInput(values))[1] === (0.1f0 + 0.7f0 + -0.2f0) / 3.0f0
    @test potentials(pooled, SpikeInput([[1, 3]]))[1] === 2 / 3
end

@testset "layers without neurons have empty records" begin
    network = Network([layer(FILTERS), AveragePool((1, 2)), Flatten(), layer([0.75 0.5])]; input_shape = (1, 2, 3))
    run = simulate(network, SpikeInput([[1, 2, 4, 5], [3]]), 2; record = ["counts", "spikes", "potential", "trace"])
    @test run.spikes == [[[1, 2, 3], [1, 3, 4]], [], [], [[1], Int[]]]
    @test run.counts == [[2, 1, 2, 1], [], [], [1]] && run.readout == [1]
    @test run.potential == [[1.75, 0.75, 2.875, 2.875], [], [], [0.75 * 0.5 + 0.5]]
    @test isempty(run.trace[2]) && isempty(run.trace[3]) && length(run.trace[4]) == 2
end

"A network of every kind with named sources."
every_kind() = Network([layer(FILTERS; bias = [0.1, -0.1], name = "c"),
                        layer([Branch(0.7; from = "c"), Branch(-FILTERS; from = "input")]; decay = 0.9, name = "s"),
                        AveragePool((2, 1); name = "p"), Flatten(name = "f"), layer([0.4 -0.3 0.9 0.6]; name = "d"),
                        layer([Branch([0.8 0.1 0.5 0.7]; from = "f"), Branch(0.5; from = "d")]; bias = [0.2])];
                       input_shape = (1, 3, 3))

@testset "blocks, batches and threads change nothing" begin
    network, records = every_kind(), ["counts", "spikes", "potential", "trace"]
    long = PoissonInput(fill(0.4, 9); seed = 3)
    whole = simulate(network, long, 600; record = records)
    parts = simulate(network, [PoissonInput(fill(0.4, 9); seed = 3, sample = k) for k in 0:2], 600; record = records)
    spikes = simulate(network, SpikeInput(S.spike_train(long, 600)), 600; record = records)
    for other in (parts[1], spikes)
        @test all(isequal(getfield(whole, f), getfield(other, f)) for f in fieldnames(Run))
    end
    values = [ConstantInput(0.1 .* collect(k:k+8)) for k in 1:5]
    runs = simulate(network, values, 7; record = records, threads = 2)
    for k in 1:5
        alone = simulate(network, values[k], 7; record = records)
        @test all(isequal(getfield(runs[k], f), getfield(alone, f)) for f in fieldnames(Run))
    end
    @test sum(runs[5].readout) > 0
end

@testset "what becomes non-finite in other kinds" begin
    at(l) = ("simulate.non-finite", "/network/layers/$l")
    huge(l...) = Network([l...]; input_shape = (1, 1, 2))
    large, both = ConstantInput([floatmax(), floatmax()]), SpikeInput([[], [1, 2]])
    pool = AveragePool((1, 2); name = "p")
    fault(network, input) = rejection(() -> simulate(network, input, 2))
    @test fault(huge(pool, layer([Branch(1.0; from = "p")])), large) == at(0)
    @test fault(huge(pool, layer([Branch(1.0; from = "p")])), ConstantInput([floatmax(), 0.0])) === nothing
    @test fault(huge(layer([Branch(floatmax(); from = "input")])), large) == at(0)
    # Two branches that are infinite of opposite sign, and one that is so by itself.
    opposite = layer([Branch(2.0; from = "input"), Branch(-2.0; from = "input")])
    @test fault(huge(opposite), ConstantInput([floatmax(), 0.0])) == at(0)
    filters = fill(floatmax(), 1, 1, 1, 2)
    @test fault(huge(layer(ones(1, 1, 1, 1)), layer(filters; from = "input")), both) == at(1)
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

# The QCFS activation and threshold balancing, by hand.

@testset "a QCFS activation rounds to the nearest level, halves upwards, and clips" begin
    @test qcfs([-1.0, -0.0, 0.124, 0.125, 0.375, 0.9, 3, 1e300], 1.0, 4) ==
          [0.0, 0.0, 0.0, 0.25, 0.5, 1.0, 1.0, 1.0]
    @test all(y === 0.0 for y in qcfs([-0.0, -0.1, -1e308], 1e-300, 1048576))
    @test qcfs([1e308], 1e-10, 1048576) == [1e-10]                  # x × T is infinite
    @test qcfs(Float64[], 1, 1) == Float64[]
end

@testset "every operation of an activation is rounded by itself" begin
    for (x, theta, steps) in ((0.7, 0.3, 10), (0.1, 0.7, 3), (2.5, 4.9, 49), (1 / 3, 1.1, 7))
        scaled = x * steps
        quotient = scaled / theta
        height = clamp(floor(quotient + 0.5), 0, steps) * theta
        @test qcfs([x], theta, steps) == [height / steps]
    end
    # level × (theta / T) would be 2.1000000000000005
    @test qcfs([2.1], 4.9, 7) == [(3 * 4.9) / 7]
end

@testset "rules of activations" begin
    @test rejection(() -> qcfs(1.0, 1, 1)) == ("qcfs.input", "/x")
    @test rejection(() -> qcfs(Any[1, NaN, nothing], 1, 1)) == ("qcfs.input", "/x/1")
    @test rejection(() -> qcfs(Any[1, true], 1, 1)) == ("qcfs.input", "/x/1")
    for theta in (0, -0.0, -1, Inf, NaN, "1", nothing)
        @test rejection(() -> qcfs([1.0], theta, 1)) == ("qcfs.theta", "/theta")
    end
    for steps in (0, -1, 2.0, 1048577, "1", nothing)
        @test rejection(() -> qcfs([1.0], 1.0, steps)) == ("qcfs.steps", "/T")
    end
    @test rejection(() -> qcfs([0.0, 1e308], 1e308, 4)) == ("qcfs.non-finite", "/x/1")
end

@testset "layers are rescaled by what came in and by what goes out" begin
    layers = [[1.0 -0.0; 3.0 4.0] => [2.0, -0.0], [5.0 6.0] => nothing]
    (w1, b1), (w2, b2) = balance(layers, [4, 0.5])
    @test isequal(w1, [0.25 -0.0; 0.75 1.0]) && isequal(b1, [0.5, -0.0])
    @test w2 == [40.0 48.0] && b2 === nothing
    # The product is rounded before the quotient: 0.1 × (0.3 / 0.7) is another number.
    second = balance([zeros(1, 1) => nothing, fill(0.1, 1, 1) => nothing], [0.3, 0.7])[2].first
    @test second[1] === (0.1 * 0.3) / 0.7 && second[1] !== 0.1 * (0.3 / 0.7)
    @test size(balance([zeros(0, 3) => Float64[]], [1])[1].first) == (0, 3)
end

@testset "rules of threshold balancing, in order" begin
    fault(text, scales = Any[1, 1]) = rejection(() -> S.normalize(S.parse_json(text), scales, S.ROOT))
    good = """{"weights":[[1]],"bias":[1]}"""
    @test fault("[$good,null]") == ("network.object", "/layers/1")
    @test fault("""[{"bias":0},{"weights":[],"neuron":0}]""") == ("network.unknown-key", "/layers/1/neuron")
    @test fault("""[$good,{"bias":[1]}]""") == ("network.missing-key", "/layers/1/weights")
    @test fault("[]") == ("network.layers", "/layers")
    @test fault("{}") == ("network.layers", "/layers")
    @test fault("""[$good,{"weights":[[1,null]]}]""") == ("network.weight-type", "/layers/1/weights/0/1")
    @test fault("""[{"weights":[[1],[]]},$good]""") == ("network.weight-rank", "/layers/0/weights")
    @test fault("""[{"weights":[["NaN"]]},$good]""") == ("network.weight-finite", "/layers/0/weights/0/0")
    @test fault("""[$good,{"weights":[[1]],"bias":null}]""") == ("network.bias-type", "/layers/1/bias")
    @test fault("""[$good,{"weights":[[1]],"bias":[]}]""") == ("network.bias-shape", "/layers/1/bias")
    @test fault("""[$good,{"weights":[[1]],"bias":["Infinity"]}]""") == ("network.bias-finite", "/layers/1/bias/0")
    for scales in (7, nothing, Any[1], Any[1, 1, 1])
        @test fault("[$good,$good]", scales) == ("normalize.scales", "/scales")
    end
    for scale in (0, -1, NaN, Inf, "1", true)
        @test fault("[$good,$good]", Any[1, scale]) == ("normalize.scales", "/scales/1")
    end
    @test fault("[$good,$good]", Any[1, 1e-308]) === nothing
    @test fault("""[{"weights":[[1]],"bias":[100]},{"weights":[["NaN"]]}]""", Any[1e-308, 1]) ==
          ("network.weight-finite", "/layers/1/weights/0/0")
    @test fault("""[{"weights":[[1]],"bias":[100]},{"weights":[[1e308]]}]""", Any[1e-308, 1e-9]) ==
          ("normalize.non-finite", "/layers/0/bias/0")
    # An infinite product stays so, however large the scale that it is divided by.
    @test fault("""[$good,{"weights":[[1e308]]}]""", Any[1e9, 1e300]) ==
          ("normalize.non-finite", "/layers/1/weights/0/0")
end

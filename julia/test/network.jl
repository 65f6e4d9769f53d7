# Network documents and networks of Julia matrices.

const NET = """{"layers":[
    {"weights":[[1,2],[3,4]],"bias":[0.5,0.25],"neuron":{"model":"if","threshold":1.0,"reset":"zero"}},
    {"weights":[[5,6]],"neuron":{"model":"lif","threshold":2,"decay":0.5,"initial_potential":-1}}],
    "readout":"membrane"}"""

net_fault(pairs...) = rejection(() -> read_network(reduce(replace, pairs; init = NET)))

@testset "an accepted document" begin
    network = read_network(NET)
    first_layer, last_layer = network.layers
    @test first_layer.weights == [1.0 2.0; 3.0 4.0] && first_layer.bias == [0.5, 0.25]
    @test !first_layer.subtract && first_layer.decay === nothing && first_layer.initial_potential === 0.0
    @test last_layer.subtract && last_layer.decay === 0.5 && last_layer.bias === nothing && last_layer.threshold === 2.0
    @test network.membrane && S.input_width(network) == 2
    @test S.read_network(S.parse_json(NET), S.ROOT, Float32).layers[1].weights isa Matrix{Float32}
end

@testset "every rule" begin
    @test rejection(() -> read_network("[]")) == ("network.object", "")
    @test rejection(() -> read_network("{\"layers\":[7]}")) == ("network.object", "/layers/0")
    @test net_fault("{\"model\":\"lif\",\"threshold\":2,\"decay\":0.5,\"initial_potential\":-1}" => "null") ==
          ("network.object", "/layers/1/neuron")
    @test net_fault("readout" => "read") == ("network.unknown-key", "/read")
    @test net_fault("bias" => "biases") == ("network.unknown-key", "/layers/0/biases")
    @test net_fault("\"reset\":\"zero\"" => "\"decay\":0.5") == ("network.unknown-key", "/layers/0/neuron/decay")
    @test rejection(() -> read_network("{}")) == ("network.missing-key", "/layers")
    @test net_fault("\"weights\":[[5,6]]," => "") == ("network.missing-key", "/layers/1/weights")
    @test net_fault("\"decay\":0.5," => "") == ("network.missing-key", "/layers/1/neuron/decay")
    @test net_fault("\"model\":\"if\"," => "") == ("network.missing-key", "/layers/0/neuron/model")
    @test rejection(() -> read_network("{\"layers\":[]}")) == ("network.layers", "/layers")
    @test rejection(() -> read_network("{\"layers\":{}}")) == ("network.layers", "/layers")
    @test net_fault("[3,4]" => "[3,null]") == ("network.weight-type", "/layers/0/weights/1/1")
    @test net_fault("[5,6]" => "5,6") == ("network.weight-rank", "/layers/1/weights")
    @test net_fault("[3,4]" => "[3,\"Infinity\"]") == ("network.weight-finite", "/layers/0/weights/1/1")
    @test net_fault("[0.5,0.25]" => "[0.5,[]]") == ("network.bias-type", "/layers/0/bias/1")
    @test net_fault("[0.5,0.25]" => "null") == ("network.bias-type", "/layers/0/bias")
    @test net_fault("[0.5,0.25]" => "[0.5]") == ("network.bias-shape", "/layers/0/bias")
    @test net_fault("[0.5,0.25]" => "[0.5,\"NaN\"]") == ("network.bias-finite", "/layers/0/bias/1")
    @test net_fault("[5,6]" => "[5]") == ("network.chain", "/layers/1/weights")
    @test net_fault("\"lif\"" => "\"LIF\"") == ("network.neuron-model", "/layers/1/neuron/model")
    for threshold in ("0", "-0.0", "-1", "\"NaN\"", "\"Infinity\"", "\"1\"", "true", "null")
        @test net_fault("\"threshold\":2" => "\"threshold\":$threshold") ==
              ("network.threshold", "/layers/1/neuron/threshold")
    end
    @test net_fault("\"zero\"" => "null") == ("network.reset", "/layers/0/neuron/reset")
    for decay in ("-5e-324", "1.0000000000000002", "\"NaN\"", "null")
        @test net_fault("\"decay\":0.5" => "\"decay\":$decay") == ("network.decay", "/layers/1/neuron/decay")
    end
    @test net_fault("\"decay\":0.5" => "\"decay\":-0.0") === nothing
    @test net_fault(":-1" => ":\"-Infinity\"") == ("network.initial-potential", "/layers/1/neuron/initial_potential")
    @test net_fault("\"membrane\"" => "\"potential\"") == ("network.readout", "/readout")
end

@testset "an empty matrix has no outputs and the inputs that are due" begin
    neuron = "\"neuron\":{\"model\":\"if\",\"threshold\":1}"
    layers(matrices...) = "{\"layers\":[" * join(("{\"weights\":$m,$neuron}" for m in matrices), ',') * "]}"
    @test S.input_width(read_network(layers("[]"))) === nothing
    @test S.input_width(read_network(layers("[[],[]]"))) == 0
    @test [size(l.weights) for l in read_network(layers("[[1],[2]]", "[]", "[[],[]]")).layers] ==
          [(2, 1), (0, 2), (2, 0)]
    @test rejection(() -> read_network(layers("[]", "[[1]]"))) == ("network.chain", "/layers/1/weights")
end

@testset "networks of Julia matrices" begin
    network = Network([Layer([1.0 2.0]; threshold = 1.0, bias = [0.5]),
                       Layer([1 2.0]'; threshold = 2, decay = 0.9, reset = :zero)])
    @test network.layers[2].decay === 0.9 && !network.layers[2].subtract && !network.membrane
    @test rejection(() -> Layer([1.0 2.0]; threshold = 0)) == ("network.threshold", "/layers/0/neuron/threshold")
    @test rejection(() -> Layer([1.0 2.0]; threshold = 1, bias = [1.0, 2.0])) ==
          ("network.bias-shape", "/layers/0/bias")
    @test rejection(() -> Network([network.layers[2], network.layers[2]])) == ("network.chain", "/layers/1/weights")
    @test rejection(() -> Network(network.layers; readout = "none")) == ("network.readout", "/readout")
end

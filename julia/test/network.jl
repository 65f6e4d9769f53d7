# Network documents and networks of Julia matrices.

const NET = """{"layers":[
    {"weights":[[1,2],[3,4]],"bias":[0.5,0.25],"neuron":{"model":"if","threshold":1.0,"reset":"zero"}},
    {"weights":[[5,6]],"neuron":{"model":"lif","threshold":2,"decay":0.5,"initial_potential":-1}}],
    "readout":"membrane"}"""

net_fault(pairs...) = rejection(() -> read_network(reduce(replace, pairs; init = NET)))

@testset "an accepted document" begin
    network = read_network(NET)
    first_layer, last_layer = network.layers
    @test weights_of(first_layer) == [1.0 2.0; 3.0 4.0] && first_layer.bias == [0.5, 0.25]
    @test !first_layer.subtract && first_layer.decay === nothing && first_layer.initial_potential === 0.0
    @test last_layer.subtract && last_layer.decay === 0.5 && last_layer.bias === nothing && last_layer.threshold === 2.0
    @test network.membrane && S.input_width(network) == 2
    @test weights_of(S.read_network(S.parse_json(NET), S.ROOT, Float32).layers[1]) isa Matrix{Float32}
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

@testset "every rule of other kinds" begin
    neuron = "\"neuron\":{\"model\":\"if\",\"threshold\":1}"
    branches = """[{"kind":"identity","weight":0.5,"from":"c"},{"kind":"identity","weight":2,"from":"input"}]"""
    document = """{"input_shape":[2,2,2],"layers":[
        {"kind":"conv2d","name":"c","weights":[[[[1]],[[2]]],[[[3]],[[4]]]],"bias":[0,1],$neuron},
        {"kind":"avgpool2d","name":"p","kernel":[1,2]},
        {"kind":"flatten","from":"c","name":"f"},
        {"kind":"sum","inputs":$branches,"bias":[1,2],$neuron}]}"""
    fault(pairs...) = rejection(() -> read_network(reduce(replace, pairs; init = document)))
    @test fault() === nothing
    @test fault("{\"kind\":\"identity\",\"weight\":2,\"from\":\"input\"}" => "[]") ==
          ("network.object", "/layers/3/inputs/1")
    @test fault("\"kernel\":[1,2]" => "\"kernel\":[1,2],\"neuron\":7") == ("network.object", "/layers/1/neuron")
    @test fault("flatten" => "Flatten") == ("network.kind", "/layers/2/kind") == fault("\"flatten\"" => "null")
    @test fault("identity\",\"weight\":2" => "flatten\",\"weight\":2") == ("network.kind", "/layers/3/inputs/1/kind")
    for (member, at) in (("[1,2]}" => "[1,2],\"padding\":[0,0]}", "1/padding"),
                         ("\"name\":\"f\"" => "\"bias\":[]", "2/bias"),
                         ("\"weight\":2" => "\"weight\":2,\"name\":\"x\"", "3/inputs/1/name"),
                         ("\"kind\":\"sum\"" => "\"kind\":\"sum\",\"from\":\"c\"", "3/from"))
        @test fault(member) == ("network.unknown-key", "/layers/" * at)
    end
    for (member, at) in (("\"kernel\":[1,2]" => "\"stride\":[1,2]", "1/kernel"),
                         (",\"from\":\"input\"" => "", "3/inputs/1/from"),
                         ("\"weight\":2," => "", "3/inputs/1/weight"))
        @test fault(member) == ("network.missing-key", "/layers/" * at)
    end
    one = "{\"kind\":\"identity\",\"weight\":1,\"from\":\"c\"}"
    too_many = ("network.inputs", "/layers/3/inputs")
    for (n, due) in ((0, too_many), (64, nothing), (65, too_many))
        @test fault(branches => "[" * join(fill(one, n), ',') * "]") == due
    end
    @test fault(branches => "{}") == ("network.inputs", "/layers/3/inputs")
    for shape in ("[2,2]", "[2,2,0]", "[2,2,2.0]", "[1,4097,4096]", "[4194304,4194304,4194304]", "null", "7")
        @test fault("\"input_shape\":[2,2,2]" => "\"input_shape\":$shape") == ("network.input-shape", "/input_shape")
    end
    @test fault("\"name\":\"p\"" => "\"name\":\"c\"") == ("network.name", "/layers/1/name")
    @test fault("\"name\":\"p\"" => "\"name\":\"input\"") == ("network.name", "/layers/1/name")
    @test fault("\"name\":\"p\"" => "\"name\":null") == ("network.name", "/layers/1/name")
    @test fault("\"from\":\"c\",\"name\":\"f\"" => "\"from\":\"f\",\"name\":\"f\"") ==
          ("network.from", "/layers/2/from")
    @test fault("\"weight\":2,\"from\":\"input\"" => "\"weight\":2,\"from\":7") ==
          ("network.from", "/layers/3/inputs/1/from")
    for member in ("kernel\":[0,1]", "kernel\":[1,65537]", "kernel\":[1]", "kernel\":1",
                   "kernel\":[1,2],\"stride\":[0,1]")
        name = occursin("stride", member) ? "stride" : "kernel"
        @test fault("kernel\":[1,2]" => member) == ("network.geometry", "/layers/1/$name")
    end
    for (member, name) in (("padding\":[-1,0]", "padding"), ("padding\":[0,65537]", "padding"),
                           ("dilation\":[1,0]", "dilation"), ("groups\":0", "groups"), ("groups\":[1]", "groups"),
                           ("groups\":0,\"padding\":[]", "padding"))
        @test fault("\"bias\":[0,1]" => "\"" * member) == ("network.geometry", "/layers/0/$name")
    end
    @test fault("[[4]]" => "[[null]]") == ("network.weight-type", "/layers/0/weights/1/1/0/0")
    @test fault("\"weight\":2" => "\"weight\":[2]") == ("network.weight-type", "/layers/3/inputs/1/weight")
    for weights in ("[[4,4]]", "[[]]", "[]", "[[4],4]", "[[[4]]]", "4")
        @test fault("[[4]]" => weights) == ("network.weight-rank", "/layers/0/weights")
    end
    @test fault("[[4]]" => "[[\"NaN\"]]") == ("network.weight-finite", "/layers/0/weights/1/1/0/0")
    @test fault("\"weight\":2" => "\"weight\":\"Infinity\"") == ("network.weight-finite", "/layers/3/inputs/1/weight")
    @test fault("\"bias\":[0,1]" => "\"bias\":[0]") == ("network.bias-shape", "/layers/0/bias")
    @test fault("\"bias\":[1,2]" => "\"bias\":[1]") == ("network.chain", "/layers/3/bias")
    @test fault("\"bias\":[1,2]" => "\"bias\":[1,\"NaN\"]") == ("network.bias-finite", "/layers/3/bias/1")
    @test rejection(() -> read_network("""{"input_shape":[1,1,1],"layers":[{"kind":"flatten"}]}""")) ==
          ("network.output", "/layers/0")
    rounded(pairs...) = rejection(() -> Network{Float32}(read_network(reduce(replace, pairs; init = document))))
    @test rounded("\"weight\":2" => "\"weight\":1e39") == ("network.weight-finite", "/layers/3/inputs/1/weight")
    @test rounded("[[4]]" => "[[1e39]]") == ("network.weight-finite", "/layers/0/weights/1/1/0/0")
    @test rounded() === nothing
end

@testset "numbers are rounded to binary32 once, and must then be finite" begin
    document(pairs...) = S.parse_json(reduce(replace, pairs; init = NET))
    read32(pairs...) = S.read_network(document(pairs...), S.ROOT, Float32)
    @test weights_of(read32("[1,2]" => "[0.1,1.000000059604645]").layers[1])[1, :] == [0.1f0, nextfloat(1.0f0)]
    # Above half way as a text, but half way once it is read to binary64: to even.
    @test weights_of(read32("[1,2]" => "[1,1.00000005960464478]").layers[1])[1, 2] === 1.0f0
    @test weights_of(read32("[1,2]" => "[1,3.4028235677973362e38]").layers[1])[1, 2] === floatmax(Float32)
    half_way = "3.4028235677973366e38"
    for (pair, fault) in (("[3,4]" => "[3,$half_way]") => ("network.weight-finite", "/layers/0/weights/1/1"),
                          ("[0.5,0.25]" => "[0.5,-1e39]") => ("network.bias-finite", "/layers/0/bias/1"),
                          ("\"threshold\":2" => "\"threshold\":$half_way") =>
                              ("network.threshold", "/layers/1/neuron/threshold"),
                          ("\"threshold\":2" => "\"threshold\":7e-46") =>
                              ("network.threshold", "/layers/1/neuron/threshold"),
                          (":-1" => ":-1e39") => ("network.initial-potential", "/layers/1/neuron/initial_potential"))
        @test rejection(() -> read32(pair)) == fault
        @test net_fault(pair) === nothing
        @test rejection(() -> Network{Float32}(read_network(reduce(replace, [pair]; init = NET)))) == fault
    end
    @test read32("\"threshold\":2" => "\"threshold\":7.1e-46").layers[2].threshold === nextfloat(0.0f0)
    # A decay is checked as it is written: the next number above 1 would be rounded to 1, one far below 0.5 to 0.
    @test rejection(() -> read32("\"decay\":0.5" => "\"decay\":1.0000000000000002")) ==
          ("network.decay", "/layers/1/neuron/decay")
    @test read32("\"decay\":0.5" => "\"decay\":1e-46").layers[2].decay === 0.0f0
end

@testset "a network in binary32 is otherwise the same" begin
    network = read_network(NET)
    other = Network{Float32}(network)
    @test other.membrane && all(getfield(other.layers[l], f) == getfield(network.layers[l], f) for l in 1:2
                                for f in (:kind, :name, :bias, :decay, :threshold, :subtract, :initial_potential))
    @test all(weights_of(other.layers[l]) == weights_of(network.layers[l]) for l in 1:2)
    nowhere = read_network("""{"layers":[{"weights":[],"neuron":{"model":"if","threshold":1}}]}""")
    @test S.input_width(Network{Float32}(nowhere)) === nothing && Network{Float64}(nowhere) === nowhere
end

@testset "an empty matrix has no outputs and the inputs that are due" begin
    neuron = "\"neuron\":{\"model\":\"if\",\"threshold\":1}"
    layers(matrices...) = "{\"layers\":[" * join(("{\"weights\":$m,$neuron}" for m in matrices), ',') * "]}"
    @test S.input_width(read_network(layers("[]"))) === nothing
    @test S.input_width(read_network(layers("[[],[]]"))) == 0
    @test [size(weights_of(l)) for l in read_network(layers("[[1],[2]]", "[]", "[[],[]]")).layers] ==
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

@testset "layers of other kinds made in Julia" begin
    kernels = ones(2, 1, 2, 2)
    convolution = Layer(kernels; threshold = 1, stride = [2, 1], bias = [1.0, 2.0], name = "c")
    @test S.weights_shape(convolution.branches[1]) == [2, 1, 2, 2]
    total = Layer([Branch(0.5; from = "c"), Branch(kernels; from = "input", stride = (2, 1))]; threshold = 1.0)
    network = Network([convolution, total, AveragePool((1, 3)), Flatten(), Layer(ones(1, 4); threshold = 1)];
                      input_shape = (1, 5, 4))
    @test network.plan.shapes == [[2, 2, 3], [2, 2, 3], [2, 2, 1], [4], [1]] && S.input_width(network) == 20
    @test rejection(() -> Layer(kernels; threshold = 1, stride = [0, 1])) == ("network.geometry", "/layers/0/stride")
    @test rejection(() -> Layer(kernels; threshold = 1, bias = [1.0])) == ("network.bias-shape", "/layers/0/bias")
    @test rejection(() -> Layer(fill(2^53 + 1, 1, 1, 1, 1); threshold = 1)) ==
          ("network.weight-type", "/layers/0/weights/0/0/0/0")
    @test rejection(() -> Layer(fill(NaN, 1, 1, 1, 1); threshold = 1)) ==
          ("network.weight-finite", "/layers/0/weights/0/0/0/0")
    @test rejection(() -> Layer(zeros(1, 0, 1, 1); threshold = 1)) == ("network.weight-rank", "/layers/0/weights")
    @test rejection(() -> Layer(Branch{Float64}[]; threshold = 1)) == ("network.inputs", "/layers/0/inputs")
    @test rejection(() -> Branch(NaN; from = "c")) == ("network.weight-finite", "/layers/0/inputs/0/weight")
    @test rejection(() -> AveragePool((0, 1))) == ("network.geometry", "/layers/0/kernel")
    @test rejection(() -> Flatten(name = "input")) == ("network.name", "/layers/0/name")
    @test rejection(() -> Network([total]; input_shape = (1, 5, 4))) == ("network.from", "/layers/0/inputs/0/from")
    @test rejection(() -> Network([convolution, Flatten()]; input_shape = (1, 5, 4))) == ("network.output", "/layers/1")
end

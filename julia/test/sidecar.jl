# Sidecars: their rules, and how documents are written.

const SIDECAR = """{"n_layers":2,"layer_names":["a","b"],"layer_sizes":[[2,1],[1,3]],"total_params":5}"""
const SIDECAR2 = """{"n_layers":2,"layer_names":["a","b"],"layer_sizes":[[2,1],[1,3]],"total_params":6,"format_version":2,
    "network":{"layers":[{"weights":{"member":"layer_0"},"bias":{"member":"bias_0"},
                          "neuron":{"model":"if","threshold":1}},
                         {"weights":{"member":"layer_1"},"neuron":{"model":"lif","threshold":1,"decay":0.5}}]}}"""

sidecar_fault(text, pairs...) = rejection(() -> S.read_sidecar(reduce(replace, pairs; init = text)))
more(text) = "\"total_params\":5" => "\"total_params\":5," * text

@testset "the members due, in due order" begin
    due(text) = [(m.name, m.shape, S.path(m.at)) for m in S.read_sidecar(text).members]
    @test due(SIDECAR) == [("layer_0", [1, 2], "/weights/0"), ("layer_1", [3, 1], "/weights/1")]
    @test due(SIDECAR2) == [("layer_0", [1, 2], "/weights/0"), ("bias_0", [1], "/biases/0"),
                            ("layer_1", [3, 1], "/weights/1")]
end

@testset "every rule" begin
    @test sidecar_fault("[]") == ("checkpoint.object", "")
    @test sidecar_fault(SIDECAR, more("\"weights\":[]")) == ("checkpoint.unknown-key", "/weights")
    @test sidecar_fault("{}") == ("checkpoint.missing-key", "/n_layers")
    @test sidecar_fault(SIDECAR, ",\"total_params\":5" => "") == ("checkpoint.missing-key", "/total_params")
    for version in ("0", "3", "1.0", "\"1\"", "null", "true")
        @test sidecar_fault(SIDECAR, more("\"format_version\":$version")) ==
              ("checkpoint.format-version", "/format_version")
    end
    @test sidecar_fault(SIDECAR, more("\"format_version\":1")) === nothing
    @test sidecar_fault(SIDECAR, more("\"format_version\":2")) == ("checkpoint.network", "/network")
    @test sidecar_fault(SIDECAR, more("\"network\":null")) == ("checkpoint.network", "/network")
    @test sidecar_fault(SIDECAR, "\"b\"" => "\"a\"") == ("checkpoint.names-unique", "/layer_names/1")
    @test sidecar_fault(SIDECAR, "[1,3]" => "[1,-3]") == ("checkpoint.sizes-type", "/layer_sizes/1")
    @test sidecar_fault(SIDECAR, more("\"frozen_layers\":[\"c\"]")) == ("checkpoint.frozen-unknown", "/frozen_layers/0")
    @test sidecar_fault(SIDECAR2, "layers\":[{" => "layers\":[7,{") == ("network.object", "/network/layers/0")
    @test sidecar_fault(SIDECAR2, "{\"layers\"" => "{\"x\":1,\"layers\"") == ("network.unknown-key", "/network/x")
    @test sidecar_fault(SIDECAR2, ",\"decay\":0.5" => "") == ("network.missing-key", "/network/layers/1/neuron/decay")
    @test sidecar_fault(SIDECAR2, "\"a\",\"b\"" => "\"a\",\"b\",\"c\"", "[1,3]" => "[1,3],[3,0]") ==
          ("network.layers", "/network/layers")
    for (from, to, at) in (("layer_1", "layer_01", "1/weights"), ("bias_0", "bias_1", "0/bias"),
                           ("\"bias_0\"", "\"bias_0\",\"x\":1", "0/bias"), ("{\"member\":\"layer_0\"}", "[]", "0/weights"))
        @test sidecar_fault(SIDECAR2, from => to) == ("network.member", "/network/layers/$at")
    end
    @test sidecar_fault(SIDECAR2, "[1,3]" => "[2,3]") == ("network.chain", "/network/layers/1/weights")
    @test sidecar_fault(SIDECAR2, "\"if\"" => "\"IF\"") == ("network.neuron-model", "/network/layers/0/neuron/model")
    @test sidecar_fault(SIDECAR2, "}]}}" => "}],\"readout\":1}}") == ("network.readout", "/network/readout")
    @test sidecar_fault(SIDECAR, "\"n_layers\":2" => "\"n_layers\":3") == ("checkpoint.layer-count", "/n_layers")
    @test sidecar_fault(SIDECAR, "\"n_layers\":2" => "\"n_layers\":2.0") == ("checkpoint.layer-count", "/n_layers")
    @test sidecar_fault(SIDECAR, "params\":5" => "params\":6") == ("checkpoint.parameter-count", "/total_params")
    @test sidecar_fault(SIDECAR2, "params\":6" => "params\":5") == ("checkpoint.parameter-count", "/total_params")
    huge = "[9007199254740991,9007199254740991]"
    for claim in ("1", "9007199254740991", "-9007199254740991", "9007199254740992", "81129638414606663681390495662081")
        @test sidecar_fault(SIDECAR, "[2,1]" => huge, "params\":5" => "params\":$claim") ==
              ("checkpoint.parameter-count", "/total_params")
    end
    @test sidecar_fault(SIDECAR, "[2,1]" => "[0,9007199254740991]", "params\":5" => "params\":3") === nothing
    for digest in ("\"" * "0" ^ 63 * "\"", "\"" * "A" ^ 64 * "\"", "null", "7", "\"" * "0" ^ 65 * "\"")
        @test sidecar_fault(SIDECAR, more("\"archive_digest\":$digest")) ==
              ("checkpoint.digest-type", "/archive_digest")
    end
    @test sidecar_fault(SIDECAR, more("\"archive_digest\":\"$("0f" ^ 32)\"")) === nothing
end

const SIDECAR3 = """{"n_layers":4,"layer_names":["a","b","c","d"],"layer_sizes":[[12,6],[6,6],[6,1],[12,1]],
    "total_params":25,"format_version":2,"network":{"input_shape":[1,3,4],"layers":[
        {"kind":"conv2d","weights":{"shape":[1,1,2,2],"member":"layer_0"},"bias":{"member":"bias_0"},
         "neuron":{"model":"if","threshold":1}},
        {"kind":"flatten","name":"flat"},
        {"kind":"dense","weights":{"member":"layer_2"},"neuron":{"model":"if","threshold":1}},
        {"kind":"sum","bias":{"member":"bias_3"},"neuron":{"model":"if","threshold":1},"inputs":[
            {"from":"flat","weights":{"member":"layer_3_0","shape":[1,6]}},
            {"from":"flat","weights":{"member":"layer_3_1","shape":[1,6]}}]}]}}"""

@testset "the members due of other kinds" begin
    due = [(m.name, m.shape, S.path(m.at)) for m in S.read_sidecar(replace(SIDECAR3, "25" => "24")).members]
    @test due == [("layer_0", [1, 1, 2, 2], "/weights/0"), ("bias_0", [1], "/biases/0"),
                  ("layer_2", [1, 6], "/weights/2"), ("layer_3_0", [1, 6], "/weights/3/0"),
                  ("layer_3_1", [1, 6], "/weights/3/1"), ("bias_3", [1], "/biases/3")]
end

@testset "rules of other kinds" begin
    fault(pairs...) = sidecar_fault(replace(SIDECAR3, "25" => "24"), pairs...)
    @test fault() === nothing && sidecar_fault(SIDECAR3) == ("checkpoint.parameter-count", "/total_params")
    for shape in ("[1,1,2]", "[1,1,2,0]", "[1,1,2,65537]", "[1,1,2,2.0]", "null", "[1,1,2,2],\"x\":1")
        @test fault("[1,1,2,2]" => shape) == ("network.member", "/network/layers/0/weights")
    end
    @test fault("\"shape\":[1,1,2,2]," => "") == ("network.member", "/network/layers/0/weights")
    @test fault("{\"member\":\"layer_2\"" => "{\"shape\":[1,6],\"member\":\"layer_2\"") ==
          ("network.member", "/network/layers/2/weights")
    @test fault("layer_3_1" => "layer_3_2") == ("network.member", "/network/layers/3/inputs/1/weights")
    @test fault("layer_3_1\",\"shape\":[1,6]" => "layer_3_1\",\"shape\":[1,-6]") ==
          ("network.member", "/network/layers/3/inputs/1/weights")
    # In due order: a sum's branches before its bias.
    @test fault("layer_3_1" => "x", "bias_3" => "x") == ("network.member", "/network/layers/3/inputs/1/weights")
    @test fault("bias_3" => "x") == ("network.member", "/network/layers/3/bias")
    @test fault("[6,6]" => "[6,5]") == ("network.chain", "/layer_sizes/1")
    @test fault("[12,1]]" => "[6,1]]") == ("network.chain", "/layer_sizes/3")
    @test fault("[6,1]" => "[5,1]") == ("network.chain", "/network/layers/2/weights")
    @test fault("[6,1],[12,1]" => "[6,2],[12,2]") == ("network.chain", "/layer_sizes/3")
    same = "\"kind\":\"identity\",\"weight\":"
    branch = "\"weights\":{\"member\":\"layer_3_0\",\"shape\":[1,6]}"
    @test fault(branch => same * "null") == ("network.weight-type", "/network/layers/3/inputs/0/weight")
    @test fault(branch => same * "\"NaN\"") == ("network.weight-finite", "/network/layers/3/inputs/0/weight")
    @test fault(branch => same * "2") == ("network.chain", "/network/layers/3/inputs/1")
    @test sidecar_fault(SIDECAR2, "[1,3]" => "[1,16777217]") == ("network.elements", "/network/layers/1")
end

@testset "a document is written as it was read" begin
    written(value) = (io = IOBuffer(); S.write_document(io, value, S.ROOT / "metadata"); String(take!(io)))
    for text in ("{\"a\":[1,-0,null,true,\"é\\u0001\\\\\"],\"b\":{}}", "[0.1,-0.0,5.0e-324,1.7976931348623157e308]")
        @test written(S.parse_json(text)) == text
    end
    @test written([1.0f0, 0x07, "x"[1:1]]) == "[1.0,7,\"x\"]"
    @test rejection(() -> written(S.JsonObject("x" => [1, NaN]))) == ("checkpoint.metadata-type", "/metadata/x/1")
    @test rejection(() -> written(S.JsonObject("x" => 1im))) == ("checkpoint.metadata-type", "/metadata/x")
end

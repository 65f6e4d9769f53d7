# Checkpoint documents and checkpoints of Julia matrices.

const DOCUMENT = """{"layer_names":["a","b"],"layer_sizes":[[2,1],[1,3]],"weights":[[[0.5,-0.0]],[[1],[2],[3]]],
                     "neuron_types":[],"metadata":{"x":null},"frozen_layers":["b","a","b"]}"""

"Where DOCUMENT is rejected once `pair` has replaced a part of its text."
fault(pairs...) = rejection(() -> read_checkpoint(reduce(replace, pairs; init = DOCUMENT)))

@testset "an accepted document" begin
    checkpoint = read_checkpoint(DOCUMENT)
    @test checkpoint.layer_names == ["a", "b"]
    @test checkpoint.frozen_layers == ["a", "b"]
    @test checkpoint.weights == [[0.5 -0.0], reshape([1.0, 2.0, 3.0], 3, 1)]
    @test checkpoint.weights[1][2] === -0.0
    @test S.total_params(checkpoint) == 5
    @test get(checkpoint.metadata, "x") === nothing
    bare = read_checkpoint("""{"weights":[],"layer_names":[],"layer_sizes":[]}""")
    @test S.total_params(bare) == 0 && isempty(bare.frozen_layers)
end

@testset "empty matrices" begin
    sizes = "[[9007199254740991,0],[0,2]]"
    checkpoint = read_checkpoint("""{"weights":[[],[[],[]]],"layer_names":["",":"],"layer_sizes":$sizes}""")
    @test [size(w) for w in checkpoint.weights] == [(0, 9007199254740991), (2, 0)]
    @test S.total_params(checkpoint) == 0
end

@testset "frozen layers are sorted by code point, not by UTF-16" begin
    names = ["\U1f600", "\uff5e", "z", "Z", "é"]
    checkpoint = Checkpoint([zeros(1, 1) for _ in names], names; frozen_layers = names)
    @test checkpoint.frozen_layers == ["Z", "z", "é", "\uff5e", "\U1f600"]
end

@testset "every rule" begin
    @test rejection(() -> read_checkpoint("[]")) == ("checkpoint.object", "")
    @test rejection(() -> read_checkpoint("\"base.json\"")) == ("checkpoint.object", "")
    @test fault("metadata" => "a/b") == ("checkpoint.unknown-key", "/a~1b")
    @test fault("\"weights\":[[[0.5,-0.0]],[[1],[2],[3]]]," => "") == ("checkpoint.missing-key", "/weights")
    @test fault("[\"a\",\"b\"],\"layer_s" => "[\"a\",null],\"layer_s") == ("checkpoint.names-type", "/layer_names/1")
    @test fault("[\"a\",\"b\"],\"layer_s" => "\"ab\",\"layer_s") == ("checkpoint.names-type", "/layer_names")
    @test fault("[\"a\",\"b\"],\"layer_s" => "[\"a\",\"a\"],\"layer_s") == ("checkpoint.names-unique", "/layer_names/1")
    @test fault("[[[0.5,-0.0]],[[1],[2],[3]]]" => "[[[0.5,-0.0]]]") == ("checkpoint.weights-count", "/weights")
    @test fault("[[[0.5,-0.0]],[[1],[2],[3]]]" => "7") == ("checkpoint.weights-count", "/weights")
    @test fault("[[2,1],[1,3]]" => "[[2,1]]") == ("checkpoint.sizes-count", "/layer_sizes")
    for size in ("[1]", "[1,2,3]", "[1,-1]", "[1,2.0]", "[1,true]", "[1,9007199254740992]", "1", "null")
        @test fault("[1,3]" => size) == ("checkpoint.sizes-type", "/layer_sizes/1")
    end
    @test fault("[],\"m" => "[1],\"m") == ("checkpoint.types-type", "/neuron_types/0")
    @test fault("[],\"m" => "{},\"m") == ("checkpoint.types-type", "/neuron_types")
    @test fault("[],\"m" => "[\"IF\"],\"m") == ("checkpoint.types-count", "/neuron_types")
    @test fault("\"b\",\"a\",\"b\"" => "\"b\",1") == ("checkpoint.frozen-type", "/frozen_layers/1")
    @test fault("\"b\",\"a\",\"b\"" => "\"b\",\"c\"") == ("checkpoint.frozen-unknown", "/frozen_layers/1")
    @test fault("{\"x\":null}" => "null") == ("checkpoint.metadata-type", "/metadata")
    @test fault("-0.0" => "true") == ("checkpoint.weight-type", "/weights/0/0/1")
    @test fault("[2]" => "[[\"x\"]]") == ("checkpoint.weight-type", "/weights/1/1/0/0")
    @test fault("[[0.5,-0.0]]" => "{}") == ("checkpoint.weight-type", "/weights/0")
    @test fault("[[0.5,-0.0]]" => "3") == ("checkpoint.weight-rank", "/weights/0")
    @test fault("[2]" => "2") == ("checkpoint.weight-rank", "/weights/1")
    @test fault("[2]" => "[[2]]") == ("checkpoint.weight-rank", "/weights/1")
    @test fault("[2]" => "[2,2]") == ("checkpoint.weight-rank", "/weights/1")
    @test fault("[2,1]" => "[1,2]") == ("checkpoint.weight-shape", "/weights/0")
    @test fault("-0.0" => "\"NaN\"") == ("checkpoint.weight-finite", "/weights/0/0/1")
    @test fault("[3]" => "[\"-Infinity\"]") == ("checkpoint.weight-finite", "/weights/1/2/0")
end

@testset "the first rule wins, then the first place" begin
    @test fault("-0.0" => "\"NaN\"", "[2]" => "[true]") == ("checkpoint.weight-type", "/weights/1/1/0")
    @test fault("-0.0" => "true", "[2]" => "[true]") == ("checkpoint.weight-type", "/weights/0/0/1")
end

@testset "matrices of a Julia program are checked and copied" begin
    weights = [1.0 2.0]
    checkpoint = Checkpoint([weights], ["a"])
    weights[1] = 9
    @test checkpoint.weights == [[1.0 2.0]]
    @test Checkpoint([Float32[0.5 0.25]], ["a"]).weights == [[0.5 0.25]]
    @test Checkpoint([[1 2]], ["a"]).weights == [[1.0 2.0]]
    @test rejection(() -> Checkpoint([[1 2^53+1]], ["a"])) == ("checkpoint.weight-type", "/weights/0/0/1")
    @test rejection(() -> Checkpoint([[1.0im 2]], ["a"])) == ("checkpoint.weight-type", "/weights/0")
    @test rejection(() -> Checkpoint([[true false]], ["a"])) == ("checkpoint.weight-type", "/weights/0")
    @test rejection(() -> Checkpoint([[1.0; NaN]'], ["a"])) == ("checkpoint.weight-finite", "/weights/0/0/1")
    @test rejection(() -> Checkpoint([[1.0 2.0]], ["a", "b"])) == ("checkpoint.weights-count", "/weights")
end

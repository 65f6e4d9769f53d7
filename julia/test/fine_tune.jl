# Transfer configs, freezing and unfreezing.

three() = Checkpoint([zeros(1, 1) for _ in 1:3], ["c", "a", "b"]; frozen_layers = ["b"])

@testset "configs" begin
    config = read_config("{}")
    @test (config.freeze_until, config.lr_backbone, config.lr_head) == (-1, 0.0, 0.01)
    config = read_config("""{"lr_head":-0.0,"freeze_until":"a","lr_backbone":-0}""")
    @test config.freeze_until == "a" && config.lr_head === -0.0 && config.lr_backbone === -0.0
    @test read_config("""{"freeze_until":-0}""").freeze_until === 0
    @test TransferConfig(freeze_until = 2, lr_head = 0.5).lr_head == 0.5
    for (text, code, path) in (("null", "config.object", ""), ("{\"lr\":1}", "config.unknown-key", "/lr"),
                               ("{\"freeze_until\":null}", "config.freeze-until-type", "/freeze_until"),
                               ("{\"freeze_until\":true}", "config.freeze-until-type", "/freeze_until"),
                               ("{\"freeze_until\":1.0}", "config.freeze-until-type", "/freeze_until"),
                               ("{\"freeze_until\":9007199254740992}", "config.freeze-until-type", "/freeze_until"),
                               ("{\"freeze_until\":-2}", "config.freeze-until-range", "/freeze_until"),
                               ("{\"lr_head\":\"0.1\",\"lr_backbone\":true}", "config.learning-rate-type", "/lr_head"),
                               ("{\"lr_backbone\":null,\"lr_head\":-1}", "config.learning-rate-type", "/lr_backbone"),
                               ("{\"lr_head\":\"NaN\"}", "config.learning-rate-range", "/lr_head"),
                               ("{\"lr_head\":\"Infinity\"}", "config.learning-rate-range", "/lr_head"),
                               ("{\"lr_head\":-5e-324}", "config.learning-rate-range", "/lr_head"))
        @test rejection(() -> read_config(text)) == (code, path)
    end
end

@testset "freeze" begin
    checkpoint = three()
    @test freeze!(checkpoint) === checkpoint && checkpoint.frozen_layers == ["b"]
    @test freeze!(checkpoint; until_index = 0).frozen_layers == ["b", "c"]
    @test freeze!(checkpoint; layer_names = ["a", "a"], until_index = 2).frozen_layers == ["a", "b", "c"]
    for (names, index, code, path) in (("a", missing, "transfer.layer-names-type", "/layer_names"),
                                       (Any["a", 1], 9, "transfer.layer-names-type", "/layer_names/1"),
                                       (["a", "x"], 9, "transfer.layer-names-unknown", "/layer_names/1"),
                                       (nothing, 0, "transfer.layer-names-type", "/layer_names"),
                                       (missing, 1.0, "transfer.until-index-type", "/until_index"),
                                       (missing, true, "transfer.until-index-type", "/until_index"),
                                       (missing, -1, "transfer.until-index-range", "/until_index"),
                                       (["a"], 3, "transfer.until-index-range", "/until_index"))
        checkpoint = three()
        @test rejection(() -> freeze!(checkpoint; layer_names = names, until_index = index)) == (code, path)
        @test checkpoint.frozen_layers == ["b"]     # whole or not at all
    end
    empty = Checkpoint(Matrix{Float64}[], String[])
    @test rejection(() -> freeze!(empty; until_index = 0)) == ("transfer.until-index-range", "/until_index")
end

@testset "unfreeze" begin
    @test unfreeze!(three()).frozen_layers == ["b"]
    @test unfreeze!(three(); layer_names = ["b", "a"]).frozen_layers == String[]
    @test unfreeze!(three(); all_layers = true).frozen_layers == String[]
    @test rejection(() -> unfreeze!(three(); layer_names = ["x"], all_layers = true)) ==
          ("transfer.layer-names-unknown", "/layer_names/0")
    @test rejection(() -> unfreeze!(three(); all_layers = 1)) == ("transfer.all-layers-type", "/all_layers")
end

@testset "apply" begin
    checkpoint = three()
    @test apply!(checkpoint, TransferConfig(lr_backbone = 0.5, lr_head = 2.0)) == [2.0, 2.0, 0.5]
    @test apply!(checkpoint, TransferConfig(freeze_until = "a", lr_backbone = 0.5, lr_head = 2.0)) == [0.5, 0.5, 0.5]
    @test checkpoint.frozen_layers == ["a", "b", "c"]
    @test apply!(three(), TransferConfig(freeze_until = 0)) == [0.0, 0.01, 0.0]
    for until in ("x", 3, 2^53 - 1)
        @test rejection(() -> apply!(three(), TransferConfig(freeze_until = until))) ==
              ("transfer.freeze-until-unknown", "/config/freeze_until")
    end
end

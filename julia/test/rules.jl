# Rule codes, JSON Pointers and rejections.

@testset "the codes are those of rules.toml, in its order" begin
    # Beside julia/ in a checkout, beside spikeparity/_julia/ in an installed wheel.
    parents = (joinpath(@__DIR__, "..", ".."), joinpath(@__DIR__, "..", "..", ".."))
    found = filter(isfile, [joinpath(parent, "conformance", "spec", "rules.toml") for parent in parents])
    @test !isempty(found)
    lines = readlines(first(found))
    @test S.CODES == [String(split(line, '"')[2]) for line in lines if startswith(line, "code = ")]
    limit(name) = parse(Int, match(Regex("^$name += (\\d+)", "m"), join(lines, '\n'))[1])
    @test (S.MAX_DEPTH, S.MAX_REQUEST_DEPTH, S.MAX_INTEGER, S.MAX_LAYERS, S.MAX_STEPS) ==
          (limit("depth"), limit("request_depth"), limit("integer"), limit("layers"), limit("steps"))
    @test (S.MAX_SIDECAR_BYTES, S.MAX_NPY_HEADER_BYTES, S.MAX_FILE_ARRAY_BYTES, S.MAX_FILE_ARRAY_ENTRIES) ==
          (limit("sidecar_bytes"), limit("npy_header_bytes"), limit("file_array_bytes"), limit("file_array_entries"))
end

@testset "a pointer escapes ~ and / and begins with nothing" begin
    @test S.path(S.ROOT) == ""
    @test S.path(S.ROOT / "a/b~c" / 0 / "") == "/a~1b~0c/0/"
    @test S.path(S.ROOT / "~1") == "/~01"
end

@testset "a message names the place, what was due and what was there" begin
    err = try
        S.reject("network.layers", S.ROOT / "network" / "layers", "expected 1 to ", 1024, " layers, got ", 0)
    catch err
        err
    end
    @test err == Rejection("network.layers", "/network/layers", "network/layers: expected 1 to 1024 layers, got 0")
    @test sprint(showerror, err) ==
          "network.layers at /network/layers: network/layers: expected 1 to 1024 layers, got 0"
end

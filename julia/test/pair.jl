# Pairs on disk: loaded, saved, bound to each other, and what a crash or a failing system leaves.

const CHECKPOINT = Checkpoint([[1.0 -0.0; 5.0e-324 2.0; 3.0 4.0], zeros(0, 3)], ["a", "é\n"];
                              neuron_types = ["if", "lif"], frozen_layers = ["é\n"],
                              metadata = S.parse_json("{\"x\":[1,-0,0.1,18446744073709551617,{\"y\":null}],\"long\":\"$("x" ^ 300)\"}"))
const OTHER = Checkpoint([[7.0 8.0]], ["other"])

in_folder(f) = mktempdir(folder -> f(joinpath(folder, "model.v1")))
endings(base) = sort([name[ncodeunits(basename(base))+1:end] for name in readdir(dirname(base))])

"What `f` throws: \"storage\" for a failure of the system, else the code of the rejection; nothing where it returns."
function failure(f)
    try
        f()
        nothing
    catch err
        err isa StorageError ? "storage" : err isa Rejection ? err.code : rethrow()
    end
end

same(a::Checkpoint, b::Checkpoint) =
    isequal(a.weights, b.weights) && a.layer_names == b.layer_names && a.neuron_types == b.neuron_types &&
    a.frozen_layers == b.frozen_layers && S.to_json(S.Tagged(a.metadata)) == S.to_json(S.Tagged(b.metadata))

same(a::Branch, b::Branch) = all(isequal(getfield(a, f), getfield(b, f)) for f in fieldnames(Branch))
same(a::Layer, b::Layer) = length(a.branches) == length(b.branches) && all(same.(a.branches, b.branches)) &&
    all(isequal(getfield(a, f), getfield(b, f)) for f in fieldnames(Layer) if f != :branches)

@testset "a checkpoint comes back bit by bit, and again with the same bytes" begin
    for compress in (true, false), durable in (true, false)
        in_folder() do base
            save_checkpoint(CHECKPOINT, base; compress = compress, durable = durable)
            @test same(load_checkpoint(base), CHECKPOINT) && endings(base) == [".json", ".npz"]
            first_bytes = read(base * ".npz")
            save_checkpoint(load_checkpoint(base), base; compress = compress, durable = durable)
            @test read(base * ".npz") == first_bytes && endings(base) == [".json", ".npz"]
        end
    end
    in_folder() do base
        save_checkpoint(Checkpoint(Matrix{Float64}[], String[]), joinpath(base, "deep", "x"))
        @test isempty(load_checkpoint(joinpath(base, "deep", "x")).weights)
    end
end

@testset "a network comes back with biases and neurons" begin
    layers = [Layer([0.5 0.25; 1.0 2.0]; threshold = 1.5, bias = [0.1, -0.0], reset = "zero", initial_potential = -0.0),
              Layer([3.0 4.0]; threshold = 2, decay = 0.9)]
    in_folder() do base
        save_network(Network(layers; readout = "membrane"), base)
        network = load_network(base)
        @test all(same(a, b) for (a, b) in zip(network.layers, layers))
        @test network.membrane && S.input_width(network) == 2
        part = load_checkpoint(base)
        @test part.weights == weights_of.(layers) && part.layer_names == ["layer_0", "layer_1"]
        # A checkpoint has no neurons to make a network of.
        save_checkpoint(CHECKPOINT, base)
        @test rejection(() -> load_network(base)) == ("network.neuron-model", "")
    end
end

@testset "a network of other kinds comes back whole, and is no checkpoint" begin
    kernels = reshape(collect(1.0:24.0), 2, 3, 2, 2) ./ 7
    layers = [Layer(kernels; threshold = 1, bias = [0.5, -0.0], padding = (1, 0), dilation = (1, 2), name = "c"),
              AveragePool((2, 1); stride = (1, 2)), Flatten(name = "flat"),
              Layer(permutedims(collect(0.1:0.1:1.6)[:, :]); threshold = 2.0, from = "flat"),
              Layer([Branch(fill(0.1, 1, 16); from = "flat"), Branch(fill(0.5, 1, 16); from = "flat")]; threshold = 1.0,
                    decay = 0.5, bias = [0.25]),
              Layer([Branch(-0.25; from = "c"), Branch(kernels; from = "input", padding = (1, 0), dilation = (1, 2))];
                    threshold = 1)]
    network = Network(layers; input_shape = (3, 4, 5), readout = "membrane")
    in_folder() do base
        save_network(network, base; compress = false)
        loaded = load_network(base)
        @test all(same.(loaded.layers, layers)) && loaded.membrane
        @test loaded.plan.shapes == network.plan.shapes == [[2, 5, 3], [2, 4, 2], [16], [1], [1], [2, 5, 3]]
        @test rejection(() -> load_checkpoint(base)) == ("checkpoint.network", "/network/layers/0/kind")
        sidecar = S.parse_json(read(base * ".json", String))
        @test get(sidecar, "neuron_types") == ["if", "avgpool2d", "flatten", "if", "lif", "if"]
        @test get(sidecar, "layer_sizes") == [[60, 30], [30, 16], [16, 16], [16, 1], [32, 1], [90, 30]]
    end
end

@testset "an empty first layer takes any input until it is saved" begin
    neuron = "\"neuron\":{\"model\":\"if\",\"threshold\":1}"
    in_folder() do base
        network = read_network("{\"layers\":[{\"weights\":[],$neuron},{\"weights\":[[],[]],$neuron}]}")
        save_network(network, base)
        @test S.input_width(network) === nothing && S.input_width(load_network(base)) == 0
        @test [size(weights_of(l)) for l in load_network(base).layers] == [(0, 0), (2, 0)]
    end
    @test S.input_width(Network([Layer(zeros(0, 3); threshold = 1)])) == 3
end

@testset "what is changed by hand or cannot be carried is not saved" begin
    in_folder() do base
        save_checkpoint(OTHER, base)
        changed = load_checkpoint(base)
        changed.weights[1][1] = NaN
        @test rejection(() -> save_checkpoint(changed, base))[1] == "checkpoint.weight-finite"
        deep = foldl((inner, _) -> Any[inner], 1:63; init = 0)
        for metadata in (S.JsonObject("x" => deep), S.JsonObject("x" => NaN), S.JsonObject("x" => "\xff"))
            @test rejection(() -> save_checkpoint(Checkpoint([[1.0 2.0]], ["a"]; metadata = metadata), base))[1] ==
                  "checkpoint.metadata-type"
        end
        save_checkpoint(Checkpoint([[1.0 2.0]], ["a"]; metadata = S.JsonObject("x" => deep[1])), base)
        @test load_checkpoint(base).layer_names == ["a"]
        long = S.JsonObject("x" => "x" ^ S.MAX_SIDECAR_BYTES)
        @test failure(() -> save_checkpoint(Checkpoint([[1.0 2.0]], ["b"]; metadata = long), base)) == "storage"
        @test load_checkpoint(base).layer_names == ["a"] && endings(base) == [".json", ".npz"]
        @test rejection(() -> save_checkpoint(OTHER, "")) == ("file.path", "") == rejection(() -> load_checkpoint(""))
    end
end

@testset "a sidecar finds its archive, whichever step a save had reached" begin
    in_folder() do base
        save_checkpoint(OTHER, base)
        old = read(base * ".json"), read(base * ".npz")
        save_checkpoint(CHECKPOINT, base)
        new = read(base * ".json"), read(base * ".npz")
        digest(sidecar) = get(S.parse_json(String(copy(sidecar))), "archive_digest")
        pending = base * ".npz." * digest(new[1])[1:16]
        loads(sidecar, archive, at_pending) = begin
            foreach(name -> rm(joinpath(dirname(base), name)), readdir(dirname(base)))
            write(base * ".json", sidecar)
            archive === nothing || write(base * ".npz", archive)
            at_pending === nothing || write(pending, at_pending)
            failure(() -> load_checkpoint(base))
        end
        @test loads(old[1], old[2], new[2]) === nothing && same(load_checkpoint(base), OTHER)
        @test loads(new[1], old[2], new[2]) === nothing && same(load_checkpoint(base), CHECKPOINT)
        @test loads(new[1], nothing, new[2]) === nothing && same(load_checkpoint(base), CHECKPOINT)
        @test loads(new[1], old[2], nothing) == "archive.digest"
        @test loads(new[1], nothing, old[2]) == "archive.digest"
        @test loads(new[1], nothing, nothing) == "archive.missing"
        @test loads(new[1], UInt8[], old[2]) == "archive.not-zip"
        @test loads(replace(String(copy(new[1])), digest(new[1]) => "0"^64), new[2], nothing) == "archive.digest"
        # A save that follows one that was interrupted clears what that left.
        loads(new[1], old[2], new[2])
        write(base * ".npz.tmp", "x")
        write(base * ".json.tmp", "x")
        write(base * ".npz.0123456789abcdef", "x")
        write(base * ".npz.0123456789abcdeF", "not ours")
        write(base * "b.npz.tmp", "not ours")
        save_checkpoint(OTHER, base)
        @test endings(base) == [".json", ".npz", ".npz.0123456789abcdeF", "b.npz.tmp"]
        @test same(load_checkpoint(base), OTHER)
    end
end

const RLIMIT_FSIZE = 1

"Run `f` while no file may have more than `bytes`."
function with_file_size(f, bytes)
    before = zeros(UInt64, 2)
    ccall(:getrlimit, Cint, (Cint, Ptr{UInt64}), RLIMIT_FSIZE, before)
    ccall(:setrlimit, Cint, (Cint, Ptr{UInt64}), RLIMIT_FSIZE, [UInt64(bytes), before[2]])
    try
        f()
    finally
        ccall(:setrlimit, Cint, (Cint, Ptr{UInt64}), RLIMIT_FSIZE, before)
    end
end

@testset "a save that fails leaves the old pair, and nothing else" begin
    in_folder() do base
        save_checkpoint(CHECKPOINT, base)
        archive = filesize(base * ".npz")
        @test archive < filesize(base * ".json")
        save_checkpoint(OTHER, base)
        for bytes in (0, archive - 1, archive)           # within the archive, and within the sidecar
            @test failure(() -> with_file_size(() -> save_checkpoint(CHECKPOINT, base), bytes)) == "storage"
            @test same(load_checkpoint(base), OTHER) && endings(base) == [".json", ".npz"]
        end
        # The archive of a pair that was committed stays, also where the same pair is saved again and that fails.
        save_checkpoint(CHECKPOINT, base)
        pending = base * ".npz." * get(S.parse_json(read(base * ".json", String)), "archive_digest")[1:16]
        mv(base * ".npz", pending)
        @test failure(() -> with_file_size(() -> save_checkpoint(CHECKPOINT, base), archive)) == "storage"
        @test same(load_checkpoint(base), CHECKPOINT)
        mkdir(base * ".npz.tmp")
        @test failure(() -> save_checkpoint(OTHER, base)) == "storage"
        @test same(load_checkpoint(base), CHECKPOINT)
    end
    in_folder() do base
        mkdir(base * ".json")
        @test failure(() -> save_checkpoint(OTHER, base)) == "storage" && endings(base) == [".json"]
        write(base * ".x", "")
        @test failure(() -> save_checkpoint(OTHER, joinpath(base * ".x", "y"))) == "storage"
        @test failure(() -> save_checkpoint(OTHER, base * "\0")) == "storage"
        @test failure(() -> save_checkpoint(OTHER, base * "x" ^ 300)) == "storage"
    end
end

@testset "whatever the path is, loading it is a rejection or a failure of the system, at once" begin
    in_folder() do base
        @test failure(() -> load_checkpoint(base)) == "checkpoint.sidecar-missing"
        symlink(base * ".json", base * ".json")
        @test failure(() -> load_checkpoint(base)) == "storage"                  # a loop of links
        rm(base * ".json")
        symlink(base * ".nowhere", base * ".json")
        @test failure(() -> load_checkpoint(base)) == "checkpoint.sidecar-missing"
        rm(base * ".json")
        run(`mkfifo $(base * ".json")`)
        @test failure(() -> load_checkpoint(base)) == "storage"
        rm(base * ".json")
        mkdir(base * ".json")
        @test failure(() -> load_checkpoint(base)) == "storage"
        rm(base * ".json")
        symlink("/dev/zero", base * ".json")
        @test failure(() -> load_checkpoint(base)) == "storage"
        rm(base * ".json")
        save_checkpoint(OTHER, base)
        rm(base * ".npz")
        @test failure(() -> load_checkpoint(base)) == "archive.missing"
        run(`mkfifo $(base * ".npz")`)
        @test failure(() -> load_checkpoint(base)) == "storage"
        @test failure(() -> load_checkpoint(base * "\0")) == "storage"
        @test failure(() -> load_checkpoint("x" ^ 5000)) == "storage"
        @test failure(() -> load_checkpoint("\xff\xfe")) == "checkpoint.sidecar-missing"
        open(file -> truncate(file, S.MAX_SIDECAR_BYTES + 1), base * ".json", "w")
        @test failure(() -> load_checkpoint(base)) == "checkpoint.sidecar-size"
        open(file -> truncate(file, S.MAX_SIDECAR_BYTES), base * ".json", "w")
        @test failure(() -> load_checkpoint(base)) == "json.syntax"
    end
    @test sprint(showerror, StorageError("a\0", "it is")) == "\"a\\0\": it is"
end

@testset "places below a folder" begin
    for place in ("", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\\b", "a\0", 7, nothing, missing)
        @test rejection(() -> S.file_path(place, S.ROOT / "base")) == ("file.path", "/base")
    end
    @test S.file_path("a.b/..c/é", S.ROOT) == "a.b/..c/é"
    mktempdir() do folder
        inside, outside = joinpath(folder, "in"), joinpath(folder, "in2")
        foreach(mkdir, (inside, outside))
        save_checkpoint(OTHER, joinpath(inside, "a"))
        save_checkpoint(OTHER, joinpath(outside, "b"))
        symlink(outside, joinpath(inside, "link"))
        symlink("a.json", joinpath(inside, "c.json"))
        symlink(joinpath(inside, "a.npz"), joinpath(inside, "c.npz"))
        load(base) = rejection(() -> S.load_pair(S.PairPlace(inside, base, S.ROOT / "base"), true))
        @test load("a") === load("c") === nothing && load("link/b") == ("file.path", "/base")
        @test load("link/nothing") == ("checkpoint.sidecar-missing", "")
        save(base) = rejection(() -> S.place_to_save(S.PairPlace(inside, base, S.ROOT / "base")))
        @test save("new/x") === nothing && save("link/x") == save("link/new/x") == ("file.path", "/base")
    end
end

@testset "a writer waits for the lock" begin
    in_folder() do base
        save_checkpoint(OTHER, base)
        # Another process has the folder locked for as long as its input is open.
        folder = dirname(base)
        holder = open(`flock $folder sh -c "echo locked; cat"`, "r+")
        @test readline(holder) == "locked"
        script = """using SpikeParity; c = Checkpoint([[1.0 2.0]], ["new"]); save_checkpoint(c, ARGS[1] * "/sub/x");
                    println("ready"); save_checkpoint(c, ARGS[1] * "/" * ARGS[2]); println("saved")"""
        julia = joinpath(Sys.BINDIR, Base.julia_exename())
        path = join([joinpath(@__DIR__, ".."), "@stdlib"], ':')
        command = `$julia --startup-file=no -e $script $folder $(basename(base))`
        writer = withenv(() -> open(command, "r"), "JULIA_LOAD_PATH" => path)
        @test readline(writer) == "ready"
        waiting = @async readline(writer)
        sleep(0.3)
        @test !istaskdone(waiting) && load_checkpoint(base).layer_names == ["other"]
        close(holder.in)
        @test fetch(waiting) == "saved" && load_checkpoint(base).layer_names == ["new"]
    end
end

@testset "a reader looks for the archive where it can be, and at the sidecar again where it is not" begin
    in_folder() do base
        save_checkpoint(OTHER, base)
        place = S.PairPlace(nothing, base, S.ROOT)
        source = S.open_sidecar(place)
        text = S.sidecar_text(source)
        sidecar = S.read_sidecar(text)
        mv(base * ".npz", base * S.pending_ending(sidecar.digest))
        save_checkpoint(CHECKPOINT, base * "2")
        cp(base * "2.npz", base * ".npz")
        archive = S.bound_archive(place, sidecar, source, text)      # at the second look
        @test archive[1].place == base * S.pending_ending(sidecar.digest)
        S.close_file(archive[1])
        # Neither look finds it, but the sidecar is another one by now, if only by its inode: begin again.
        rm(base * S.pending_ending(sidecar.digest))
        @test rejection(() -> S.bound_archive(place, sidecar, source, text)) == ("archive.digest", "")
        write(base * ".json.new", text)
        mv(base * ".json.new", base * ".json"; force = true)
        @test S.bound_archive(place, sidecar, source, text) === nothing
        S.close_file(source)
    end
end

@testset "2^53 rows of nothing take neither time nor memory" begin
    in_folder() do base
        vast = Matrix{Float64}(undef, 9007199254740991, 0)
        save_checkpoint(Checkpoint([vast], ["a"]), base)
        @test size(load_checkpoint(base).weights[1]) == (9007199254740991, 0)
    end
end

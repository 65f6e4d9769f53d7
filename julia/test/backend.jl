# The protocol: lines in, lines out.

ask(line) = (reply = S.handle_line(S.Session(), line); isempty(reply) ? nothing : S.parse_json(reply))
run_line(op, input) = """{"cmd":"run","id":"é","op":"$op","input":$input}"""
output_of(op, input) = S.to_json(get(ask(run_line(op, input)), "output"))
verdict_of(op, input) = (a = ask(run_line(op, input)); (get(a, "verdict"), get(a, "code"), get(a, "path")))

@testset "hello" begin
    answer = ask("""{"cmd":"hello","protocol":1,"root":"/","scratch":"/tmp"}""")
    @test get(answer, "protocol") == 1 && get(answer, "name") == "julia" && get(answer, "language") == "Julia"
    @test get(answer, "julia") == string(VERSION) && get(answer, "transport") === missing
    @test get(answer, "codes") == S.CODES && length(get(answer, "ops")) == 12
    @test get(answer, "profiles") == ["sequential-f64", "sequential-f32"]
    project = read(joinpath(@__DIR__, "..", "Project.toml"), String)
    @test occursin("version = \"$(get(answer, "version"))\"", project)
end

@testset "a report can tell the transports apart" begin
    hello, output = """{"cmd":"hello","protocol":1,"root":"/","scratch":"/tmp"}""", IOBuffer()
    S.serve(IOBuffer(hello), output)
    @test get(S.parse_json(String(take!(output))), "transport") == "process"
    @test get(S.parse_json(S.handle_line(hello)), "transport") == "juliacall"
end

@testset "verdicts" begin
    accepted = ask(run_line("config.validate", """{"document":{}}"""))
    @test accepted.names == ["id", "verdict", "output"] && get(accepted, "id") == "é"
    rejected = ask(run_line("config.validate", """{"document":[]}"""))
    @test rejected.names == ["id", "verdict", "code", "path", "message"]
    @test get(rejected, "message") == "expected a config object, got an array"
    @test get(ask(run_line("checkpoint.dream", "{}")), "verdict") == "unsupported"
    @test get(ask(run_line("simulate", """{"profile":"fast-f32"}""")), "reason") ==
          "the profile \"fast-f32\" is unknown"
    @test ask("""{"cmd":"root","root":"/other"}""") === nothing
end

@testset "what the backend cannot do is an error, never an exception" begin
    for line in ("", "[]", "nonsense", "{\"cmd\":\"fly\"}", "{\"cmd\":1}", "{}", "{\"cmd\":\"run\"}",
                 "{\"cmd\":\"run\",\"id\":7}", run_line("json.parse", "{}"),
                 run_line("json.parse", """{"base64":"!"}"""), run_line("config.validate", "7"))
        @test get(ask(line), "verdict") == "error"
    end
    @test get(ask(run_line("json.parse", "{}")), "id") == "é"
end

@testset "tagged values" begin
    @test output_of("json.parse", """{"text":"{\\"k\\":[1,-0,2.5,\\"x\\",true,null,1e2,9007199254740992]}"}""") ==
          """{"value":{"o":[["k",{"a":[{"i":"1"},{"i":"-0"},{"n":"4004000000000000"},{"s":"x"},{"b":true},""" *
          """{"z":null},{"n":"4059000000000000"},{"n":"4340000000000000"}]}]]}}"""
    @test verdict_of("json.parse", """{"base64":"WzEsIMOkXQ=="}""") == ("reject", "json.syntax", "")      # [1, ä]
    @test output_of("json.parse", """{"base64":"WzEsIsOkIl0="}""") == """{"value":{"a":[{"i":"1"},{"s":"ä"}]}}"""
    @test verdict_of("json.parse", """{"base64":"/w=="}""") == ("reject", "json.encoding", "")
    @test verdict_of("json.parse", """{"base64":""}""") == ("reject", "json.syntax", "")
    @test verdict_of("json.parse", """{"text":"1e400"}""") == ("reject", "json.number-range", "")
end

@testset "base64 (RFC 4648, section 10)" begin
    for (text, plain) in (("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"),
                          ("Zm9vYmE=", "fooba"), ("Zm9vYmFy", "foobar"))
        @test String(S.decode_base64(text)) == plain
    end
    @test S.decode_base64("+/8=") == [0xfb, 0xff]
end

const TWO = """{"layer_names":["a","b"],"layer_sizes":[[1,1],[1,1]],"weights":[[[1]],[[2]]],"frozen_layers":["b"]}"""

@testset "operations and their paths" begin
    @test output_of("checkpoint.validate", """{"document":$TWO}""") ==
          """{"n_layers":2,"total_params":2,"layer_names":["a","b"],"frozen_layers":["b"]}"""
    @test output_of("config.validate", """{"text":"{\\"freeze_until\\":\\"a\\"}"}""") ==
          """{"freeze_until":"a","lr_backbone":"0000000000000000","lr_head":"3f847ae147ae147b"}"""
    @test output_of("transfer.freeze", """{"checkpoint":$TWO,"until_index":0}""") == """{"frozen_layers":["a","b"]}"""
    @test output_of("transfer.unfreeze", """{"checkpoint":$TWO,"all_layers":true}""") == """{"frozen_layers":[]}"""
    @test output_of("transfer.apply", """{"checkpoint":$TWO,"config":{"freeze_until":-1,"lr_backbone":1}}""") ==
          """{"frozen_layers":["b"],"learning_rates":["3f847ae147ae147b","3ff0000000000000"]}"""
    @test verdict_of("transfer.freeze", """{"checkpoint":"a"}""") == ("reject", "checkpoint.object", "/checkpoint")
    @test verdict_of("transfer.freeze", """{"checkpoint":$TWO,"layer_names":null}""") ==
          ("reject", "transfer.layer-names-type", "/layer_names")
    @test verdict_of("transfer.unfreeze", """{"checkpoint":$TWO,"all_layers":null}""") ==
          ("reject", "transfer.all-layers-type", "/all_layers")
    @test verdict_of("transfer.apply", """{"checkpoint":$TWO,"config":{"lr_head":-1}}""") ==
          ("reject", "config.learning-rate-range", "/config/lr_head")
end

const NETWORK = """{"layers":[{"weights":[[0.5,0.25]],"bias":[0.1],"neuron":{"model":"if","threshold":1.0}}]}"""

@testset "simulate" begin
    input = """"input":{"kind":"constant","values":[1.0,1.0]}"""
    @test output_of("simulate", """{"network":$NETWORK,"steps":3,$input,"record":["counts","spikes","potential"]}""") ==
          """{"readout":[2],"counts":[[2]],"spikes":[[[],[0],[0]]],"potential":[["3fe1999999999998"]]}"""
    @test output_of("simulate", """{"network":$NETWORK,"steps":1,$input,"record":["trace","trace"]}""") ==
          """{"readout":[0],"trace":[[{"before":["3feb333333333333"],"after":["3feb333333333333"]}]]}"""
    batch = """"input":{"kind":"constant","values":[[1,1],[2,2]]}"""
    @test output_of("simulate", """{"network":$NETWORK,"steps":2,$batch,"record":["counts"]}""") ==
          """{"readout":[[1],[2]],"counts":[[[1]],[[2]]]}"""
    @test verdict_of("simulate", """{"network":[],"steps":0,"input":7}""") == ("reject", "network.object", "/network")
    @test verdict_of("simulate", """{"network":$NETWORK,"steps":0,"input":7}""") ==
          ("reject", "simulate.steps", "/steps")
    @test verdict_of("simulate", """{"network":$NETWORK,"steps":1,"input":7,"record":1}""") ==
          ("reject", "input.kind", "/input")
    @test verdict_of("simulate", """{"network":$NETWORK,"steps":1,$input,"record":null}""") ==
          ("reject", "record.kind", "/record")
    @test verdict_of("simulate", """{"network":$NETWORK,"steps":1,"input":{"kind":"constant","values":["NaN",1]}}""") ==
          ("reject", "input.range", "/input/values/0")
end

@testset "simulate in binary32" begin
    input, profile = """"input":{"kind":"constant","values":[1.0,1.0]}""", """"profile":"sequential-f32\""""
    request(network, more) = """{"network":$network,"steps":3,$input,$profile$more}"""
    records = ""","record":["counts","spikes","potential"]"""
    @test output_of("simulate", request(NETWORK, records)) ==
          """{"readout":[2],"counts":[[2]],"spikes":[[[],[0],[0]]],"potential":[["3f0cccce"]]}"""
    membrane = chop(NETWORK) * ""","readout":"membrane"}"""
    @test output_of("simulate", request(membrane, ""","record":["trace"]""")) ==
          """{"readout":["40233334"],"trace":[[{"before":["3f59999a"],"after":["3f59999a"]},""" *
          """{"before":["3fd9999a"],"after":["3fd9999a"]},{"before":["40233334"],"after":["40233334"]}]]}"""
    large = replace(NETWORK, "0.25" => "1e39")
    @test verdict_of("simulate", request(large, "")) ==
          ("reject", "network.weight-finite", "/network/layers/0/weights/0/1")
    @test verdict_of("simulate", replace(request(NETWORK, ""), "[1.0,1.0]" => "[1.0,1e39]")) ==
          ("reject", "input.range", "/input/values/1")
    @test occursin("finite weight in binary32, got 1.0e39",
                   get(ask(run_line("simulate", request(large, ""))), "message"))
    for unknown in ("\"f32\"", "32", "null")
        answer = ask(run_line("simulate", replace(request(NETWORK, ""), "\"sequential-f32\"" => unknown)))
        @test get(answer, "verdict") == "unsupported"
    end
end

@testset "pairs: below scratch for a save, below root for a load" begin
    mktempdir() do folder
        session = S.Session()
        foreach(name -> mkdir(joinpath(folder, name)), ["root", "scratch"])
        tell(line) = (reply = S.handle_line(session, line); isempty(reply) ? nothing : S.parse_json(reply))
        tell("""{"cmd":"hello","protocol":1,"root":"$folder/root","scratch":"$folder/scratch"}""")
        saved = tell(run_line("checkpoint.save", """{"base":"x/a","checkpoint":$TWO}"""))
        @test get(get(saved, "output"), "frozen_layers") == ["b"] && get(get(saved, "output"), "total_params") == 2
        load = run_line("checkpoint.load", """{"base":"x/a"}""")
        @test get(tell(load), "code") == "checkpoint.sidecar-missing"
        @test tell("""{"cmd":"root","root":"$folder/scratch"}""") === nothing
        @test S.to_json(get(tell(load), "output")) == S.to_json(get(saved, "output"))
        first_member = get(get(saved, "output"), "members")[1]
        @test first_member.names == ["name", "shape", "sha256"] && get(first_member, "shape") == [1, 1]
        # of the eight bytes of 1.0, the highest first
        @test get(first_member, "sha256") == bytes2hex(S.SHA.sha256(UInt8[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]))
        @test get(tell(run_line("checkpoint.load", """{"base":"../a"}""")), "path") == "/base"
        mkdir(joinpath(folder, "scratch", "f.json"))
        failed = tell(run_line("checkpoint.load", """{"base":"f"}"""))
        @test get(failed, "verdict") == "error" && occursin("f.json", get(failed, "message"))
        rejected = tell(run_line("checkpoint.save", """{"base":"y/b","network":{"layers":[]}}"""))
        @test get(rejected, "path") == "/network/layers" && !ispath(joinpath(folder, "scratch", "y"))
    end
end

@testset "networks and arrays in files" begin
    mktempdir() do folder
        session = S.Session()
        S.handle_line(session, """{"cmd":"hello","protocol":1,"root":"$folder","scratch":"$folder"}""")
        tell(op, input) = S.parse_json(S.handle_line(session, run_line(op, input)))
        network = """{"layers":[{"weights":[[0.5,0.25]],"bias":[0.1],"neuron":{"model":"if","threshold":1.0}}]}"""
        get(tell("checkpoint.save", """{"base":"n","network":$network}"""), "verdict") == "accept" || error("not saved")
        due = """{"readout":[2]}"""
        of(name) = """{"file":"n.npz","member":"$name"}"""
        simulated(network, values = "[1,1]") = (answer = tell("simulate",
            """{"network":$network,"steps":3,"input":{"kind":"constant","values":$values}}""");
            get(answer, "verdict") == "accept" ? S.to_json(get(answer, "output")) :
            (get(answer, "code"), get(answer, "path")))
        with(weights, bias = "[0.1]") =
            """{"layers":[{"weights":$weights,"bias":$bias,"neuron":{"model":"if","threshold":1.0}}]}"""
        @test simulated(network) == simulated("""{"checkpoint":"n"}""") == due
        @test simulated(with(of("layer_0"), of("bias_0"))) == due
        @test simulated(network, of("layer_0")) == "{\"readout\":[[1]]}"
        @test simulated("""{"checkpoint":"m"}""") == ("checkpoint.sidecar-missing", "/network/checkpoint")
        @test simulated("""{"checkpoint":"../n"}""") == ("file.path", "/network/checkpoint")
        @test simulated("""{"checkpoint":"n","layers":[]}""") == ("network.unknown-key", "/network/layers")
        @test simulated(with(of("bias_0"))) == ("network.weight-rank", "/network/layers/0/weights")
        @test simulated(with("[[0.5,0.25]]", of("layer_0"))) == ("network.bias-type", "/network/layers/0/bias")
        @test simulated(with(of("x"))) == ("archive.member-missing", "/network/layers/0/weights")
        @test simulated(with("""{"file":"n.npz"}""")) == ("file.reference", "/network/layers/0/weights")
        @test simulated(with("""{"file":"/n.npz","member":"x"}""")) == ("file.path", "/network/layers/0/weights/file")
        @test simulated(network, """{"file":"m.npz","member":"x"}""") == ("archive.missing", "/input/values")
        # In binary32 all these are rounded; what a pair cannot give then is the pair's fault.
        rounded(input) = tell("simulate", """{$input,"steps":3,"profile":"sequential-f32","record":["potential"],""" *
                                          """"input":{"kind":"constant","values":[1,1]}}""")
        for network in ("""{"checkpoint":"n"}""", with(of("layer_0"), of("bias_0")))
            @test S.to_json(get(rounded("\"network\":$network"), "output")) ==
                  """{"readout":[2],"potential":[["3f0cccce"]]}"""
        end
        tell("checkpoint.save", """{"base":"l","network":$(with("[[0.5,1e39]]"))}""")
        answer = rounded("\"network\":{\"checkpoint\":\"l\"}")
        @test (get(answer, "code"), get(answer, "path")) == ("network.weight-finite", "/network/checkpoint")
        large = """{"file":"l.npz","member":"layer_0"}"""
        answer = rounded("\"network\":$(with(large))")
        @test (get(answer, "code"), get(answer, "path")) == ("network.weight-finite", "/network/layers/0/weights/0/1")
        # The filters of a convolution have four dimensions, in a pair and in a file of it.
        convolution(weights) = """{"input_shape":[1,1,2],"layers":[{"kind":"conv2d","weights":$weights,"bias":[0.1],
            "neuron":{"model":"if","threshold":1.0}}]}"""
        inline = replace(convolution("[[[[0.5,0.25]]]]"), '\n' => "")
        saved = tell("checkpoint.save", """{"base":"c","network":$inline}""")
        @test S.to_json(get(get(saved, "output"), "members")[1].values[2]) == "[1,1,1,2]"
        filters = """{"file":"c.npz","member":"layer_0"}"""
        for network in (inline, """{"checkpoint":"c"}""", replace(convolution(filters), '\n' => ""))
            @test simulated(network) == due
        end
        @test simulated(with(filters)) == ("network.weight-rank", "/network/layers/0/weights")
        @test simulated(replace(convolution(of("layer_0")), '\n' => "")) ==
              ("network.weight-rank", "/network/layers/0/weights")
        # Elsewhere a reference is no array.
        rejected = tell("checkpoint.save", """{"base":"m","network":$(with(of("layer_0")))}""")
        @test get(rejected, "code") == "network.weight-type"
    end
end

@testset "encode.poisson" begin
    @test output_of("encode.poisson", """{"rates":[1,0],"seed":0,"steps":2}""") == """{"spikes":[[0],[0]]}"""
    @test verdict_of("encode.poisson", """{"rates":[[1]],"seed":0,"steps":2}""") ==
          ("reject", "input.shape", "/rates/0")
    @test verdict_of("encode.poisson", """{"rates":7,"seed":0,"steps":2,"sample":-1}""") ==
          ("reject", "input.sample", "/sample")
    @test verdict_of("encode.poisson", """{"rates":7,"seed":0.0,"steps":1e0}""") ==
          ("reject", "simulate.steps", "/steps")
end

@testset "activation.qcfs" begin
    @test output_of("activation.qcfs", """{"x":[-0.0,0.3,7],"theta":2,"T":4}""") ==
          """{"y":["0000000000000000","3fe0000000000000","4000000000000000"]}"""
    @test verdict_of("activation.qcfs", """{"x":{},"theta":0,"T":0}""") == ("reject", "qcfs.input", "/x")
    @test verdict_of("activation.qcfs", """{"x":[],"theta":0,"T":0}""") == ("reject", "qcfs.theta", "/theta")
    @test verdict_of("activation.qcfs", """{"x":[],"theta":1,"T":1.0}""") == ("reject", "qcfs.steps", "/T")
end

@testset "convert.normalize" begin
    layers = """[{"bias":[-0.0],"weights":[[1]]},{"weights":[]}]"""
    @test output_of("convert.normalize", """{"layers":$layers,"scales":[2,1]}""") ==
          """{"layers":[{"weights":[["3fe0000000000000"]],"bias":["8000000000000000"]},{"weights":[]}]}"""
    @test verdict_of("convert.normalize", """{"layers":[{"weights":[[]]},7],"scales":7}""") ==
          ("reject", "network.object", "/layers/1")
    large = """[{"weights":[[1e308,1]]},{"weights":[[1]]}]"""
    @test verdict_of("convert.normalize", """{"layers":$large,"scales":[0.1,1]}""") ==
          ("reject", "normalize.non-finite", "/layers/0/weights/0/0")
end

@testset "the loop answers line by line and ends at bye" begin
    request = run_line("config.validate", """{"document":{}}""")
    requests = [request, """{"cmd":"root","root":"/x"}""", "[", """{"cmd":"bye"}""", request]
    output = IOBuffer()
    S.serve(IOBuffer(join(requests, '\n')), output)
    answers = split(chomp(String(take!(output))), '\n')
    @test length(answers) == 2
    @test startswith(answers[1], "{\"id\":\"é\",\"verdict\":\"accept\"") && occursin("\"error\"", answers[2])
end

@testset "a line may come in any number of pieces" begin
    input, output = Base.BufferStream(), Base.BufferStream()
    task = @async (S.serve(input, output); close(output))
    text = "x"^300_000
    for piece in ("{\"cmd\":\"run\",\"id\":\"", text, "\",\"op\":\"config.vali", "date\",\"input\":{\"document\":{}}}", "\n")
        write(input, piece)
        yield()
    end
    @test startswith(readline(output), "{\"id\":\"$text\",\"verdict\":\"accept\"")
    close(input)
    wait(task)
end

@testset "a line is answered before the next one has come, also one without an end" begin
    input, output = Base.BufferStream(), Base.BufferStream()
    task = @async (S.serve(input, output); close(output))
    request = run_line("config.validate", """{"document":{}}""")
    write(input, request, '\n', chop(request; tail = 20))
    @test startswith(readline(output), "{\"id\":\"é\"")
    write(input, last(request, 20))
    close(input)
    @test startswith(readline(output), "{\"id\":\"é\"")
    wait(task)
end

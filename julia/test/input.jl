# Inputs: documents, batches and their rules.

at_input = S.ROOT / "input"
read_it(text, width, steps) = S.read_input(S.parse_json(text), width, steps, at_input, Float64)
input_fault(text, width = 2, steps = 2) = rejection(() -> read_it(text, width, steps))

@testset "one sample and a batch" begin
    samples, batch = read_it("""{"kind":"constant","values":[1,-0]}""", 2, 1)
    @test !batch && samples[1].values[1] === 1.0 && samples[1].values[2] === -0.0
    samples, batch = read_it("""{"kind":"constant","values":[[1,2],[3,4]]}""", 2, 1)
    @test batch && [s.values for s in samples] == [[1.0, 2.0], [3.0, 4.0]]
    samples, batch = read_it("""{"kind":"spikes","indices":[[],[0,1]]}""", 2, 2)
    @test !batch && samples[1].indices == [[], [1, 2]]
    samples, batch = read_it("""{"kind":"spikes","indices":[[[1],[]],[[],[0]]]}""", 2, 2)
    @test batch && [s.indices for s in samples] == [[[2], []], [[], [1]]]
    samples, batch = read_it("""{"kind":"poisson","rates":[[0,1],[1,0]],"seed":5,"sample":7}""", 2, 1)
    @test batch && [(s.seed, s.sample) for s in samples] == [(5, 7), (5, 8)]
    @test read_it("""{"kind":"constant","values":[]}""", 0, 1)[2] == false
end

@testset "every rule" begin
    @test input_fault("[]") == ("input.kind", "/input")
    @test input_fault("{}") == ("input.kind", "/input/kind")
    @test input_fault("""{"kind":"noise"}""") == ("input.kind", "/input/kind")
    @test input_fault("""{"kind":"constant","values":[1,2],"seed":1}""") == ("input.unknown-key", "/input/seed")
    @test input_fault("""{"kind":"poisson"}""") == ("input.seed", "/input/seed")
    @test input_fault("""{"kind":"poisson","seed":9007199254740992}""") == ("input.seed", "/input/seed")
    @test input_fault("""{"kind":"poisson","seed":0,"sample":-1}""") == ("input.sample", "/input/sample")
    @test input_fault("""{"kind":"poisson","seed":0,"sample":9007199254740991,"rates":[[0,0],[0,0]]}""") ==
          ("input.sample", "/input/sample")
    @test input_fault("""{"kind":"poisson","seed":0,"sample":9007199254740990,"rates":[[0,0],[0,0]]}""") === nothing
    @test input_fault("""{"kind":"constant"}""") == ("input.shape", "/input/values")
    @test input_fault("""{"kind":"constant","values":[1,null]}""") == ("input.shape", "/input/values/1")
    @test input_fault("""{"kind":"constant","values":[1]}""") == ("input.shape", "/input/values")
    @test input_fault("""{"kind":"constant","values":[[1,2],3]}""") == ("input.shape", "/input/values/1")
    @test input_fault("""{"kind":"constant","values":[[1,2],[3]]}""") == ("input.shape", "/input/values/1")
    @test input_fault("""{"kind":"spikes","indices":[[]]}""") == ("input.shape", "/input/indices")
    @test input_fault("""{"kind":"spikes","indices":[[],1]}""") == ("input.shape", "/input/indices/1")
    @test input_fault("""{"kind":"spikes","indices":[[[],[]],[[]]]}""") == ("input.shape", "/input/indices/1")
    @test input_fault("""{"kind":"spikes","indices":[[[],[]],[[],0]]}""") == ("input.shape", "/input/indices/1/1")
    for index in ("2", "-1", "1.0", "true", "null")
        @test input_fault("""{"kind":"spikes","indices":[[0,$index],[]]}""") == ("input.indices", "/input/indices/0/1")
    end
    @test input_fault("""{"kind":"spikes","indices":[[],[1,1]]}""") == ("input.indices", "/input/indices/1/1")
    @test input_fault("""{"kind":"constant","values":[1,"NaN"]}""") == ("input.range", "/input/values/1")
    @test input_fault("""{"kind":"poisson","seed":0,"rates":[-0.0,1.0000000000000002]}""") ==
          ("input.range", "/input/rates/1")
    @test input_fault("""{"kind":"poisson","seed":0,"rates":["NaN",1]}""") == ("input.range", "/input/rates/0")
end

@testset "where no outputs take the input, its width is free but the same for all rows" begin
    @test input_fault("""{"kind":"constant","values":[1,2,3]}""", nothing) === nothing
    @test input_fault("""{"kind":"constant","values":[[1,2,3],[1,2]]}""", nothing) == ("input.shape", "/input/values/1")
    @test input_fault("""{"kind":"spikes","indices":[[9007199254740991],[]]}""", nothing) === nothing
end

@testset "spike trains" begin
    train = poisson_spikes([1.0, 0.0, 0.5], 200; seed = 2^53 - 1, sample = 3)
    @test length(train) == 200 && all(1 in step && !(2 in step) for step in train)
    @test 60 < count(step -> 3 in step, train) < 140
    @test train == poisson_spikes([1, 0, 0.5], 200; seed = 2^53 - 1, sample = 3)
    @test train != poisson_spikes([1, 0, 0.5], 200; seed = 2^53 - 1, sample = 4)
    @test train[1:7] == poisson_spikes([1, 0, 0.5], 7; seed = 2^53 - 1, sample = 3)
    @test rejection(() -> poisson_spikes([0.5], 0; seed = 1)) == ("simulate.steps", "/steps")
    @test rejection(() -> poisson_spikes([[0.5]], 1; seed = 1)) == ("input.shape", "/rates/0")
    @test rejection(() -> poisson_spikes([2], 1; seed = 1)) == ("input.range", "/rates/0")
    @test rejection(() -> poisson_spikes([0.5], 1; seed = -1)) == ("input.seed", "/seed")
end

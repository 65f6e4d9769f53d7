# Runs the workload of scripts/bench_kernels.py in process; scripts/bench/workload.h tells the format of the files.
#
# For every line of standard input, the number of threads, it runs once and answers with the seconds that passed; for
# "save" it writes the result of the last run.

using SpikeParity

read_array(file, T, sizes...) = read!(file, Array{T}(undef, sizes...))

function read_workload(path)
    open(path) do file
        n_inputs, hidden, n_outputs, samples, steps = read_array(file, Int64, 5)
        # The file has weights row by row, an array of Julia column by column.
        layer(outputs, inputs) = Layer(permutedims(read_array(file, Float64, inputs, outputs)); threshold = 1.0)
        network = Network([layer(hidden, n_inputs), layer(n_outputs, hidden)])
        offsets = read_array(file, Int64, samples * steps + 1)
        events = read_array(file, Int32, last(offsets))
        train(sample) = [Int.(events[offsets[k]+1:offsets[k+1]]) .+ 1 for k in (sample-1)*steps+1:sample*steps]
        network, [SpikeInput(train(sample)) for sample in 1:samples], steps
    end
end

function write_result(path, runs)
    open(path, "w") do file
        foreach(run -> write(file, Int64.(run.readout)), runs)
        for layer in 1:2
            foreach(run -> write(file, run.potential[layer]), runs)
        end
    end
end

function measure(workload, result)
    network, inputs, steps = read_workload(workload)
    runs = nothing
    for line in eachline(stdin)
        if line == "save"
            write_result(result, runs)
            println("saved")
        else
            start = time_ns()
            # Below the check of the input, which the other languages do not time either.
            runs = SpikeParity.run_batch(network, inputs, steps, SpikeParity.Record(["potential"]), parse(Int, line))
            println((time_ns() - start) * 1e-9)
        end
        flush(stdout)
    end
end

measure(ARGS...)

# All tests: julia --project=julia --startup-file=no julia/test/runtests.jl; the last line tells how many passed.

using Test
using SpikeParity
const S = SpikeParity

"The code and the path with which `f` is rejected; nothing where it is not."
function rejection(f)
    try
        f()
        nothing
    catch err
        err isa Rejection || rethrow()
        (err.code, err.path)
    end
end

passed(set) = set.n_passed + sum(Int[passed(r) for r in set.results if r isa Test.DefaultTestSet])

const FILES = ["rules", "json", "philox", "kernels", "checkpoint", "fine_tune", "network", "input", "simulate", "backend"]

try
    set = @testset "SpikeParity" begin
        @testset "$file" for file in FILES
            include("$file.jl")
        end
    end
    println(passed(set), " passed, 0 failed")
catch err
    err isa Test.TestSetException || rethrow()
    println(err.pass, " passed, ", err.fail + err.error, " failed")
    exit(1)
end

# All tests: julia --project=julia --startup-file=no julia/test/runtests.jl; the last line tells how many passed.

using Test
using SpikeParity
const S = SpikeParity

"A test set that only counts, and shows what fails at once; Test's own gives its counts to nobody."
mutable struct Count <: Test.AbstractTestSet
    name::String
    passed::Int
    failed::Int
end

Count(name; options...) = Count(name, 0, 0)

Test.record(set::Count, ::Test.Pass) = (set.passed += 1)
Test.record(set::Count, result::Test.Result) = (set.failed += 1; println(set.name, ": ", result))
Test.record(set::Count, part::Count) = (set.passed += part.passed; set.failed += part.failed)

function Test.finish(set::Count)
    Test.get_testset_depth() > 0 && Test.record(Test.get_testset(), set)
    set
end

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

"The weights of a layer that is not a sum."
weights_of(layer::Layer) = layer.branches[1].weights

const FILES = ["rules", "json", "philox", "kernels", "windows", "checkpoint", "fine_tune", "network", "shapes",
               "archive", "npy", "sidecar", "pair", "input", "simulate", "conversion", "backend"]

const RESULT = @testset Count "SpikeParity" begin
    for file in FILES
        part = @testset Count "$file" begin
            include("$file.jl")
        end
        println(rpad(file, 12), lpad(part.passed, 4), " passed, ", part.failed, " failed")
    end
end

println(RESULT.passed, " passed, ", RESULT.failed, " failed")
exit(RESULT.failed == 0 ? 0 : 1)

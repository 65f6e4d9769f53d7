# Classifies images with a network from a pair of files: `julia --project=julia deploy.jl BASE IMAGES STEPS`.
#
# IMAGES are little-endian binary64 numbers, one image after the other. A line per image: its class, and the
# potentials of the output neurons as bit patterns.

using SpikeParity

function main(base, images, steps)
    network = load_network(base)     # a pair that breaks a rule is refused here, with the rule and the place
    values = ltoh.(reinterpret(Float64, read(images)))
    for image in Iterators.partition(values, SpikeParity.input_width(network))
        run = simulate(network, ConstantInput(collect(image)), parse(Int, steps))
        potentials = run.readout
        println(argmax(potentials) - 1, " ", join(bits.(potentials), " "))
    end
end

bits(v::Float64) = string(reinterpret(UInt64, v); base = 16, pad = 16)

length(ARGS) == 3 || error("usage: deploy.jl BASE IMAGES STEPS")
main(ARGS...)

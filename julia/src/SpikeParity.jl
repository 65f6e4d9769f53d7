# SpikeParity: spiking networks checked and run exactly as conformance/spec/semantics.md says.

"""
    SpikeParity

Checkpoints, transfer configs, integrate-and-fire networks and deterministic spike trains with bit-exact, rule-coded
behaviour: what is accepted, what is rejected (a [`Rejection`](@ref) with a rule code and a JSON Pointer) and every
float is the same as in the Python, Rust and Mojo implementations.

    checkpoint = read_checkpoint(text)                       # or Checkpoint(weights, layer_names)
    freeze!(checkpoint; layer_names = ["conv1"])
    rates = apply!(checkpoint, TransferConfig(freeze_until = 0))
    save_checkpoint(checkpoint, "model")                     # model.json and model.npz, for load_checkpoint

    network = Network([Layer([0.5 0.25]; threshold = 1.0)])
    run = simulate(network, ConstantInput([1.0, 1.0]), 16)
    run.readout                                              # spike counts of the last layer

Base, the standard libraries SHA and Libdl and the system's zlib are used, no packages. [`handle_line`](@ref) and [`serve`](@ref) answer the line protocol of the conformance runner.
"""
module SpikeParity

# Start-up time is compile time: little optimisation for what runs once per request, full one for the kernels below.
Base.Experimental.@optlevel 1

export Rejection, StorageError, Checkpoint, TransferConfig, Layer, Branch, AveragePool, Flatten, Network, Run
export ConstantInput, SpikeInput, PoissonInput
export read_checkpoint, read_config, read_network, freeze!, unfreeze!, apply!, simulate, poisson_spikes, qcfs, balance
export load_checkpoint, load_network, save_checkpoint, save_network

include("kernels.jl")
include("rules.jl")
include("json.jl")
include("weights.jl")
include("checkpoint.jl")
include("fine_tune.jl")
include("shapes.jl")
include("network.jl")
include("network_rules.jl")
include("files.jl")
include("archive.jl")
include("npy.jl")
include("sidecar.jl")
include("pair.jl")
include("references.jl")
include("archive_writer.jl")
include("pair_writer.jl")
include("input.jl")
include("simulate.jl")
include("conversion.jl")
include("backend.jl")

# Running the request path while the module cache is written stores its compiled methods there.
ccall(:jl_generating_output, Cint, ()) == 1 && warm_up()

end

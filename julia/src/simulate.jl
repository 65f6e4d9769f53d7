# Simulation: runs a network on one sample, step by step and layer by layer, and records what is asked.

const RECORDS = ["counts", "spikes", "potential", "trace"]

"Which items a run records beside the readout."
struct Record
    counts::Bool
    spikes::Bool
    potential::Bool
    trace::Bool
end

Record(names::AbstractVector) =
    Record("counts" in names, "spikes" in names, "potential" in names, "trace" in names)

"""
    Run{T}

What one sample gave. Only what was asked for is filled; neurons, layers and steps are in order, indices count from 1.

- `readout`: the last layer's spike counts, or its potentials under membrane readout.
- `counts[layer][neuron]`, `spikes[layer][step]` (ascending indices), `potential[layer][neuron]` (after the last step).
- `trace[layer][step]`: the potentials `(before, after)` the reset.
"""
struct Run{T<:AbstractFloat}
    readout::Union{Vector{Int},Vector{T}}
    counts::Vector{Vector{Int}}
    spikes::Vector{Vector{Vector{Int}}}
    potential::Vector{Vector{T}}
    trace::Vector{Vector{Tuple{Vector{T},Vector{T}}}}
end

"""
    simulate(network, input, steps; record = String[])

Run `network` on `input` for `steps` steps from its initial potentials: a [`Run`](@ref), or for a vector of inputs a
vector of them. `record` names what is kept beside the readout: `"counts"`, `"spikes"`, `"potential"`, `"trace"`.

# Throws
- [`Rejection`](@ref) with `simulate.steps`, `input.shape`, `input.indices`, `input.range`, `record.kind` or
  `simulate.non-finite`.
"""
function simulate(network::Network, input::Input, steps::Int; record = String[])
    simulate_steps(steps, ROOT / "steps")
    check_input(input, input_width(network), steps)
    record_kind(record, ROOT / "record")
    run_sample(network, input, steps, Record(record))
end

simulate(network::Network, batch::AbstractVector{<:Input}, steps::Int; record = String[]) =
    [simulate(network, input, steps; record = record) for input in batch]

function check_input(input::ConstantInput, width::Union{Nothing,Int}, steps::Int)
    samples = placed_samples(input.values, false, ROOT / "input" / "values")
    input_shape_values(samples, width)
    input_range_values(samples)
end

check_input(input::PoissonInput, width::Union{Nothing,Int}, steps::Int) =
    input_shape_values(placed_samples(input.limits, false, ROOT / "input" / "rates"), width)

function check_input(input::SpikeInput, width::Union{Nothing,Int}, steps::Int)
    samples = placed_samples(from_zero(input.indices), false, ROOT / "input" / "indices")
    input_shape_indices(samples, steps)
    input_indices(samples, width)
end

function record_kind(record, at::JsonPointer)
    record isa AbstractVector || reject("record.kind", at, "expected a list, got ", describe(record))
    for k in 1:length(record)
        one_of("record.kind", record[k], RECORDS, at / (k - 1))
    end
end

"A layer during a run: the `n` first entries of `spikes` are the neurons that fired at this step."
mutable struct LayerState{T}
    layer::Layer{T}
    fires::Bool
    potential::Vector{T}
    current::Vector{T}
    spikes::Vector{Int}
    n::Int
    counts::Vector{Int}
end

function LayerState(layer::Layer{T}, fires::Bool) where {T}
    m = outputs(layer)
    LayerState{T}(layer, fires, fill(layer.initial_potential, m), zeros(T, m), Vector{Int}(undef, m), 0, zeros(Int, m))
end

"Run one sample whose input is known to fit."
function run_sample(network::Network{T}, input::Input, steps::Int, record::Record) where {T}
    states = LayerState{T}[]
    for l in 1:length(network.layers)
        push!(states, LayerState(network.layers[l], !(network.membrane && l == length(network.layers))))
    end
    run = empty_run(states, network.membrane, record)
    buffer = input_buffer(input)
    for step in 1:steps, l in 1:length(states)
        l == 1 ? present!(states[1], input, step, buffer) : present!(states[l], states[l-1].spikes, states[l-1].n)
        advance!(states[l], l, run, record)
    end
    run
end

"A run whose counts and potentials are those of `states` and thus complete when these are."
function empty_run(states::Vector{LayerState{T}}, membrane::Bool, record::Record) where {T}
    run = Run{T}(membrane ? last(states).potential : last(states).counts, Vector{Int}[], Vector{Vector{Int}}[],
                 Vector{T}[], Vector{Tuple{Vector{T},Vector{T}}}[])
    for state in states
        record.counts && push!(run.counts, state.counts)
        record.spikes && push!(run.spikes, Vector{Int}[])
        record.potential && push!(run.potential, state.potential)
        record.trace && push!(run.trace, Tuple{Vector{T},Vector{T}}[])
    end
    run
end

input_buffer(input::PoissonInput) = Vector{Int}(undef, length(input.limits))
input_buffer(::Input) = Int[]

"Set the currents that the network's input gives at `step` (from 1). A constant input gives the same at every step."
function present!(state::LayerState{T}, input::ConstantInput, step::Int, buffer::Vector{Int}) where {T}
    step == 1 || return
    Kernels.add_products!(state.current, state.layer.weights, convert(Vector{T}, input.values))
    add_bias!(state)
end

present!(state::LayerState, input::SpikeInput, step::Int, buffer::Vector{Int}) =
    present!(state, input.indices[step], length(input.indices[step]))

present!(state::LayerState, input::PoissonInput, step::Int, buffer::Vector{Int}) =
    present!(state, buffer, Kernels.bernoulli_spikes!(buffer, input.limits, input.seed, input.sample, step - 1))

"Set the currents that the spikes `spikes[1:n]` of the layer before give."
function present!(state::LayerState{T}, spikes::Vector{Int}, n::Int) where {T}
    fill!(state.current, zero(T))
    Kernels.add_columns!(state.current, state.layer.weights, spikes, n)
    add_bias!(state)
end

add_bias!(state::LayerState) =
    state.layer.bias === nothing || Kernels.add_bias!(state.current, state.layer.bias)

"One step of layer `l` under its present currents."
function advance!(state::LayerState, l::Int, run::Run, record::Record)
    integrate!(state) || simulate_non_finite(state, l)
    before = record.trace ? copy(state.potential) : state.potential
    state.n = state.fires ? fire!(state) : 0
    for k in 1:state.n
        state.counts[state.spikes[k]] += 1
    end
    record.spikes && push!(run.spikes[l], state.spikes[1:state.n])
    record.trace && push!(run.trace[l], (before, copy(state.potential)))
end

fire!(state::LayerState) =
    Kernels.fire!(state.spikes, state.potential, state.layer.threshold, state.layer.subtract)

"Charge the neurons; whether every potential stays finite."
integrate!(state::LayerState) = state.layer.decay === nothing ?
    Kernels.integrate!(state.potential, state.current) :
    Kernels.integrate!(state.potential, state.current, state.layer.decay)

# A current that is not finite makes the potential so too: what it is added to is finite.
function simulate_non_finite(state::LayerState, l::Int)
    i = findfirst(!isfinite, state.potential)
    isfinite(state.current[i]) ?
        reject("simulate.non-finite", ROOT / "network" / "layers" / (l - 1),
               "the potential of neuron ", i - 1, " became ", state.potential[i]) :
        reject("simulate.non-finite", ROOT / "network" / "layers" / (l - 1),
               "the current of neuron ", i - 1, " became ", state.current[i])
end

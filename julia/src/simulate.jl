# Simulation: runs a network on a few samples and a block of steps at a time, and records what is asked.

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
    simulate(network, inputs, steps; record = String[], threads = 1)

Run `network` on `input` for `steps` steps from its initial potentials: a [`Run`](@ref), or for a vector of inputs a
vector of them. `record` names what is kept beside the readout: `"counts"`, `"spikes"`, `"potential"`, `"trace"`.
The samples are divided among `threads` threads (of which Julia must have been started with as many), to the same bits.

# Throws
- [`Rejection`](@ref) with `simulate.steps`, `input.shape`, `input.indices`, `input.range`, `record.kind` or
  `simulate.non-finite`.
"""
simulate(network::Network, input::Input, steps::Int; record = String[]) =
    first(simulate(network, [input], steps; record = record))

function simulate(network::Network{T}, batch::AbstractVector{<:Input}, steps::Int; record = String[],
                  threads::Int = 1) where {T}
    simulate_steps(steps, ROOT / "steps")
    for input in batch
        check_input(input, input_width(network), steps, T)
    end
    record_kind(record, ROOT / "record")
    run_batch(network, batch, steps, Record(record), threads)
end

function check_input(input::ConstantInput, width::Union{Nothing,Int}, steps::Int, T::DataType)
    samples = placed_samples(input.values, false, ROOT / "input" / "values")
    input_shape_values(samples, width)
    input_range_values(samples, T)
end

check_input(input::PoissonInput, width::Union{Nothing,Int}, ::Int, ::DataType) =
    input_shape_values(placed_samples(input.limits, false, ROOT / "input" / "rates"), width)

function check_input(input::SpikeInput, width::Union{Nothing,Int}, steps::Int, ::DataType)
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
    spikes::Vector{Int}
    n::Int
    counts::Vector{Int}
end

function LayerState(layer::Layer{T}, fires::Bool) where {T}
    m = outputs(layer)
    LayerState{T}(layer, fires, fill(layer.initial_potential, m), Vector{Int}(undef, m), 0, zeros(Int, m))
end

first_states(network::Network) =
    [LayerState(layer, !network.membrane || l < length(network.layers)) for (l, layer) in enumerate(network.layers)]

"Something that is not finite: of which sample, at which step, in which layer; of which neuron, and what it was."
struct Fault{T}
    at::Tuple{Int,Int,Int}
    neuron::Int
    current::T
    potential::T
end

"Run samples whose inputs are known to fit, divided among threads."
function run_batch(network::Network{T}, inputs::AbstractVector{<:Input}, steps::Int, record::Record,
                   threads::Int = 1) where {T}
    packed = [Kernels.pack(layer.weights) for layer in network.layers]
    n = length(inputs)
    shares = [inputs[div(n * (k - 1), threads)+1:div(n * k, threads)] for k in 1:threads]
    parts = threads == 1 ? [run_samples(network, packed, inputs, steps, record)] :
        fetch.([Threads.@spawn(run_samples(network, packed, share, steps, record)) for share in shares])
    runs = Run{T}[]
    for (share, fault) in parts
        fault === nothing || simulate_non_finite(fault)
        append!(runs, share)
    end
    runs
end

# Steps of all samples that pass at a time: events and currents stay in the near caches, beside a tile's weights.
const ROWS = 512

"Run samples one group after the other: their runs, and the first fault or `nothing`."
function run_samples(network::Network{T}, packed::Vector{Vector{T}}, inputs::AbstractVector{<:Input}, steps::Int,
                     record::Record) where {T}
    runs, samples = Run{T}[], min(max(1, div(ROWS, steps)), length(inputs))
    currents = [Matrix{T}(undef, outputs(layer), samples * min(steps, ROWS)) for layer in network.layers]
    for first in 1:max(1, samples):length(inputs)
        group = inputs[first:min(first + samples - 1, length(inputs))]
        states = [first_states(network) for _ in group]
        started = [empty_run(of, network.membrane, record) for of in states]
        for start in 1:ROWS:steps
            fault = run_block!(states, started, packed, currents, group, start:min(start + ROWS - 1, steps), record)
            fault === nothing || return runs, fault
        end
        append!(runs, started)
    end
    runs, nothing
end

"""
Take a group of samples through the steps `steps`, layer by layer (a layer depends only on the layers before it): the
first fault by sample, step and layer, or `nothing`.
"""
function run_block!(states::Vector{Vector{LayerState{T}}}, runs::Vector{Run{T}}, packed::Vector{Vector{T}},
                    currents::Vector{Matrix{T}}, group::AbstractVector{<:Input}, steps::UnitRange{Int},
                    record::Record) where {T}
    events, sent, first_fault = Kernels.Events(), Kernels.Events(), nothing
    layers = [state.layer for state in states[1]]
    outputs(layers[1]) == 0 ? present_nothing!(events, length(group) * length(steps)) :
        foreach(input -> present!(events, input, steps), group)
    for l in 1:length(layers)
        Kernels.add_columns!(currents[l], packed[l], inputs(layers[l]), events)
        l == 1 && sum_up_values!(currents[1], layers[1], group, length(steps))
        layers[l].bias === nothing || Kernels.add_bias!(currents[l], layers[l].bias, length(events.ends))
        Kernels.clear!(sent)
        # Later layers go on after a fault, as they may have one at an earlier step. What is wrong about them from the
        # fault on comes after it in the order.
        fault = step_layer!(states, runs, l, currents[l], steps, record, sent)
        if fault !== nothing && (first_fault === nothing || fault.at < first_fault.at)
            first_fault = fault
        end
        events, sent = sent, events
    end
    first_fault
end

"Set the sums that values cause, the same at every step."
function sum_up_values!(currents::Matrix{T}, layer::Layer{T}, group::AbstractVector{<:Input}, steps::Int) where {T}
    for (k, input) in enumerate(group)
        input isa ConstantInput || continue
        sums = zeros(T, outputs(layer))
        Kernels.add_products!(sums, layer.weights, convert(Vector{T}, input.values))
        for row in (k-1)*steps+1:k*steps
            currents[:, row] = sums
        end
    end
end

"Let the neurons of layer `l` integrate and fire at all steps of all samples: the first fault or `nothing`."
function step_layer!(states::Vector{Vector{LayerState{T}}}, runs::Vector{Run{T}}, l::Int, currents::Matrix{T},
                     steps::UnitRange{Int}, record::Record, sent::Kernels.Events) where {T}
    fault, row = nothing, 0
    for k in 1:length(states), step in steps
        row += 1
        state = states[k][l]
        current = view(currents, :, row)
        if !integrate!(state, current) && fault === nothing
            i = findfirst(!isfinite, state.potential)
            fault = Fault{T}((k, step, l), i, current[i], state.potential[i])
        end
        advance!(state, l, runs[k], record)
        Kernels.add_row!(sent, state.spikes, state.n)
    end
    fault
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

function present_nothing!(events::Kernels.Events, rows::Int)
    for _ in 1:rows
        Kernels.add_row!(events, Int[], 0)
    end
end

"Add the spikes of an input at `steps` (from 1), a row for each."
present!(events::Kernels.Events, ::ConstantInput, steps::UnitRange{Int}) = present_nothing!(events, length(steps))

function present!(events::Kernels.Events, input::SpikeInput, steps::UnitRange{Int})
    for step in steps
        Kernels.add_row!(events, input.indices[step], length(input.indices[step]))
    end
end

function present!(events::Kernels.Events, input::PoissonInput, steps::UnitRange{Int})
    spikes = Vector{Int}(undef, length(input.limits))
    for step in steps
        n = Kernels.bernoulli_spikes!(spikes, input.limits, input.seed, input.sample, step - 1)
        Kernels.add_row!(events, spikes, n)
    end
end

"What follows integration at a step of layer `l`: the neurons fire, and what happened is recorded."
function advance!(state::LayerState, l::Int, run::Run, record::Record)
    before = record.trace ? copy(state.potential) : state.potential
    state.n = state.fires ? Kernels.fire!(state.spikes, state.potential, state.layer.threshold, state.layer.subtract) : 0
    Kernels.count!(state.counts, state.spikes, state.n)
    record.spikes && push!(run.spikes[l], state.spikes[1:state.n])
    record.trace && push!(run.trace[l], (before, copy(state.potential)))
end

integrate!(state::LayerState, current::AbstractVector) = state.layer.decay === nothing ?
    Kernels.integrate!(state.potential, current) :
    Kernels.integrate!(state.potential, current, state.layer.decay)

# A current that is not finite makes the potential so too: what it is added to is finite.
function simulate_non_finite(fault::Fault)
    at = ROOT / "network" / "layers" / (fault.at[3] - 1)
    isfinite(fault.current) ?
        reject("simulate.non-finite", at, "the potential of neuron ", fault.neuron - 1, " became ", fault.potential) :
        reject("simulate.non-finite", at, "the current of neuron ", fault.neuron - 1, " became ", fault.current)
end

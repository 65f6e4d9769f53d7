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

What one sample gave. Only what was asked for is filled; neurons, layers and steps are in order, indices count from 1. A
layer without neurons has empty lists.

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

"The state of a layer of `m` neurons; one without neurons has none."
LayerState(layer::Layer{T}, m::Int, fires::Bool) where {T} =
    LayerState{T}(layer, fires, fill(layer.initial_potential, m), Vector{Int}(undef, m), 0, zeros(Int, m))

first_states(network::Network) =
    [LayerState(layer, neurons(network, l), !network.membrane || l < length(network.layers))
     for (l, layer) in enumerate(network.layers)]

"Something that is not finite: of which sample, at which step, in which layer; and what it was."
struct Fault{T}
    at::Tuple{Int,Int,Int}
    name::String
    index::Int
    value::T
end

"A branch during runs: its source (0 is the input), its weights in tiles if it is dense, its way if it has a kernel."
struct Wire{T}
    branch::Branch{T}
    source::Int
    packed::Vector{T}
    window::Kernels.Window
end

function Wire(branch::Branch{T}, plan::Plan, l::Int, b::Int) where {T}
    source = plan.sources[l][b]
    packed = branch.kind == "dense" ? Kernels.pack(branch.weights) : T[]
    # Of a sum the shape is that of each branch.
    Wire{T}(branch, source, packed, kernel_window(branch, source_shape(plan, source), plan.shapes[l]))
end

const NO_WINDOW = Kernels.Window(0, 0, 1, Kernels.Axis(0, 0, 1, 1, 0, 1), Kernels.Axis(0, 0, 1, 1, 0, 1))

function kernel_window(branch::Branch, from::Vector{Int}, to::Vector{Int})
    branch.kind == "conv2d" || branch.kind == "avgpool2d" || return NO_WINDOW
    g = branch.geometry
    rows = Kernels.Axis(from[2], to[2], g.kernel[1], g.stride[1], g.padding[1], g.dilation[1])
    columns = Kernels.Axis(from[3], to[3], g.kernel[2], g.stride[2], g.padding[2], g.dilation[2])
    Kernels.Window(from[1], to[1], g.groups, rows, columns)
end

"What all runs share of a layer: its branches, and its bias with an entry for each neuron."
struct Prepared{T}
    wires::Vector{Wire{T}}
    bias::Vector{T}              # empty where there is none
end

function prepare(network::Network{T}) where {T}
    prepared = Prepared{T}[]
    for (l, layer) in enumerate(network.layers)
        wires = Wire{T}[]
        for b in 1:length(layer.branches)
            push!(wires, Wire(layer.branches[b], network.plan, l, b))
        end
        bias = layer.bias === nothing ? T[] : bias_of_neurons(layer.bias, elements(network, l))
        push!(prepared, Prepared{T}(wires, bias))
    end
    prepared
end

"A bias of channels, or of neurons, as one of `n` neurons."
function bias_of_neurons(bias::Vector{T}, n::Int) where {T}
    all_biases, each = Vector{T}(undef, n), div(n, max(1, length(bias)))
    for i in 1:n
        all_biases[i] = bias[div(i - 1, each)+1]
    end
    all_biases
end

"""
What the input or a layer hands on at the rows of a block: what is not 0, with `values` unless all are spikes. A row is
a step of a sample, or where `per_sample` a sample, all of whose steps are the same.
"""
mutable struct Signal{T}
    events::Kernels.Events
    values::Vector{T}
    per_sample::Bool
end

function clear!(signal::Signal)
    Kernels.clear!(signal.events)
    empty!(signal.values)
    signal.per_sample = false
end

"What runs one after the other write over: the signals of the input and of each layer, currents, and those of a branch."
struct Buffers{T}
    signals::Vector{Signal{T}}
    currents::Vector{Matrix{T}}
    parts::Vector{Matrix{T}}
end

function Buffers(network::Network{T}, rows::Int) where {T}
    buffers = Buffers{T}([Signal{T}(Kernels.Events(), T[], false)], Matrix{T}[], Matrix{T}[])
    for (l, layer) in enumerate(network.layers)
        # What is flattened stands in the same order as before.
        push!(buffers.signals, layer.kind == "flatten" ? buffers.signals[network.plan.sources[l][1]+1] :
                               Signal{T}(Kernels.Events(), T[], false))
        push!(buffers.currents, Matrix{T}(undef, neurons(network, l), rows))
        push!(buffers.parts, Matrix{T}(undef, layer.kind == "sum" ? elements(network, l) : 0, rows))
    end
    buffers
end

"Run samples whose inputs are known to fit, divided among threads."
function run_batch(network::Network{T}, inputs::AbstractVector{<:Input}, steps::Int, record::Record,
                   threads::Int = 1) where {T}
    prepared = prepare(network)
    n = length(inputs)
    shares = [inputs[div(n * (k - 1), threads)+1:div(n * k, threads)] for k in 1:threads]
    parts = threads == 1 ? [run_samples(network, prepared, inputs, steps, record)] :
        fetch.([Threads.@spawn(run_samples(network, prepared, share, steps, record)) for share in shares])
    runs = Run{T}[]
    for (share, fault) in parts
        fault === nothing || simulate_non_finite(fault)
        append!(runs, share)
    end
    runs
end

# Steps of all samples that pass at a time: events and currents stay in the near caches, beside a tile's weights.
const ROWS = 512
const MOST_CURRENTS = 2^21           # of all layers at all these steps, where layers are large

function rows_at_a_time(network::Network)
    total = 0
    for l in 1:length(network.layers)
        total += elements(network, l)
    end
    clamp(div(MOST_CURRENTS, max(1, total)), 1, ROWS)
end

"Run samples one group after the other: their runs, and the first fault or `nothing`."
function run_samples(network::Network{T}, prepared::Vector{Prepared{T}}, inputs::AbstractVector{<:Input}, steps::Int,
                     record::Record) where {T}
    rows = rows_at_a_time(network)
    runs, samples = Run{T}[], min(max(1, div(rows, steps)), length(inputs))
    buffers = Buffers(network, samples * min(steps, rows))
    for first in 1:max(1, samples):length(inputs)
        group = inputs[first:min(first + samples - 1, length(inputs))]
        states = [first_states(network) for _ in group]
        started = [empty_run(of, network.membrane, record) for of in states]
        for start in 1:rows:steps
            block = start:min(start + rows - 1, steps)
            fault = run_block!(states, started, network, prepared, buffers, group, block, record)
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
function run_block!(states::Vector{Vector{LayerState{T}}}, runs::Vector{Run{T}}, network::Network{T},
                    prepared::Vector{Prepared{T}}, buffers::Buffers{T}, group::AbstractVector{<:Input},
                    steps::UnitRange{Int}, record::Record) where {T}
    signals, first_fault = buffers.signals, nothing
    present_group!(signals[1], network, group, steps)
    for (l, layer) in enumerate(network.layers)
        layer.kind == "flatten" && continue
        clear!(signals[l+1])
        # Later layers go on after a fault, as they may have one at an earlier step. What is wrong about them from the
        # fault on comes after it in the order.
        if layer.kind == "avgpool2d"
            wire = prepared[l].wires[1]
            fault = pool_rows!(signals[l+1], wire, signals[wire.source+1], l, steps)
        else
            sum_currents!(buffers, prepared[l], l, length(group), length(steps))
            fault = step_layer!(states, runs, l, buffers.currents[l], steps, record, signals[l+1].events)
        end
        if fault !== nothing && (first_fault === nothing || fault.at < first_fault.at)
            first_fault = fault
        end
    end
    first_fault
end

"Set the currents of a layer: those of its only branch, or of all branches of a sum in their order; then the bias."
function sum_currents!(buffers::Buffers{T}, prepared::Prepared{T}, l::Int, samples::Int, steps::Int) where {T}
    currents, part = buffers.currents[l], buffers.parts[l]
    is_sum = size(part, 1) > 0
    is_sum && Base.fill!(currents, zero(T))
    for wire in prepared.wires
        signal = buffers.signals[wire.source+1]
        set_currents!(is_sum ? part : currents, wire, signal)
        signal.per_sample && Kernels.spread_rows!(is_sum ? part : currents, samples, steps)
        is_sum && Kernels.add_part!(currents, part, samples * steps)
    end
    isempty(prepared.bias) || Kernels.add_bias!(currents, prepared.bias, samples * steps)
end

"Set a column of currents for each row of a signal."
function set_currents!(currents::Matrix{T}, wire::Wire{T}, signal::Signal{T}) where {T}
    branch, events, values = wire.branch, signal.events, signal.values
    kind = branch.kind
    kind == "conv2d" ? Kernels.convolve!(currents, branch.weights, wire.window, events, values) :
    kind == "identity" ? Kernels.add_scaled!(currents, branch.weights[1, 1], events, values) :
    isempty(values) ? Kernels.add_columns!(currents, wire.packed, size(branch.weights, 2), events) :
    Kernels.add_products!(currents, branch.weights, events, values)
end

"Pool all rows of a signal: the first fault or `nothing`."
function pool_rows!(sent::Signal{T}, wire::Wire{T}, signal::Signal{T}, l::Int, steps::UnitRange{Int}) where {T}
    sent.per_sample = signal.per_sample
    row, index, mean = Kernels.pool!(sent.events, sent.values, wire.window, signal.events, signal.values)
    row == 0 && return nothing
    rows = signal.per_sample ? 1 : length(steps)           # of a sample
    sample, step = divrem(row - 1, rows)
    Fault{T}((sample + 1, first(steps) + step, l), "mean of element", index, mean)
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
            # A current that is not finite makes the potential so too: what it is added to is finite.
            fault = isfinite(current[i]) ? Fault{T}((k, step, l), "potential of neuron", i, state.potential[i]) :
                Fault{T}((k, step, l), "current of neuron", i, current[i])
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

"Set the signal of the input at `steps` (from 1). What takes any number of inputs gives nothing of them."
function present_group!(signal::Signal, network::Network, group::AbstractVector{<:Input}, steps::UnitRange{Int})
    clear!(signal)
    for input in group
        input_width(network) === nothing ? present_nothing!(signal, steps) : present!(signal, input, steps)
    end
end

function present_nothing!(signal::Signal, steps::UnitRange{Int})
    for _ in steps
        Kernels.add_row!(signal.events, Int[], 0)
    end
end

"Add what an input gives at `steps`."
function present!(signal::Signal{T}, input::ConstantInput, ::UnitRange{Int}) where {T}
    signal.per_sample = true
    Kernels.add_values!(signal.events, signal.values, convert(Vector{T}, input.values))
end

function present!(signal::Signal, input::SpikeInput, steps::UnitRange{Int})
    for step in steps
        Kernels.add_row!(signal.events, input.indices[step], length(input.indices[step]))
    end
end

function present!(signal::Signal, input::PoissonInput, steps::UnitRange{Int})
    spikes = Vector{Int}(undef, length(input.limits))
    for step in steps
        n = Kernels.bernoulli_spikes!(spikes, input.limits, input.seed, input.sample, step - 1)
        Kernels.add_row!(signal.events, spikes, n)
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

function simulate_non_finite(fault::Fault)
    reject("simulate.non-finite", ROOT / "network" / "layers" / (fault.at[3] - 1), "the ", fault.name, " ",
           fault.index - 1, " became ", fault.value)
end

# Kernels that move over images: convolutions and average pools, as scattering of what is not 0 in ascending order.
#
# An output's terms are ordered by channel, kernel row and kernel column (networks.md, section 2). A later input of an
# image meets each output at a later place of the kernel, so inputs scattered in ascending order give the same bits.

"One dimension of a kernel's way over an image: numbers of places, and how they meet."
struct Axis
    input::Int
    output::Int
    kernel::Int
    stride::Int
    padding::Int
    dilation::Int
end

"The outputs whose kernels reach over the input at `place`, all from 0."
@inline function reached(axis::Axis, place::Int)
    last = place + axis.padding
    max(0, cld(last - (axis.kernel - 1) * axis.dilation, axis.stride)):min(axis.output - 1, fld(last, axis.stride))
end

"The place in the kernel, from 0, with which the output at `target` meets the input at `place`; -1 where it misses it."
@inline function tap(axis::Axis, place::Int, target::Int)
    distance = place + axis.padding - target * axis.stride
    axis.dilation == 1 && return distance
    at, between = divrem(distance, axis.dilation)
    between == 0 ? at : -1
end

"A kernel's way over an image of some channels, which go into outputs in groups."
struct Window
    inputs::Int              # channels
    outputs::Int
    groups::Int
    rows::Axis
    columns::Axis
end

image_elements(window::Window) = window.inputs * window.rows.input * window.columns.input
positions(window::Window) = window.rows.output * window.columns.output

"Channel, row and column, from 0, of the event `index` in a flat list."
@inline function place_of(window::Window, index::Int)
    channel, place = divrem(index - 1, window.rows.input * window.columns.input)
    row, column = divrem(place, window.columns.input)
    channel, row, column
end

"""
    convolve!(currents, weights, window, events, values)

Set each column of `currents`, which has outputs × rows × columns in one flat list, to the convolution of the image
whose events are in a row of `events` and have the `values` (none where all are 1), product and sum rounded separately.
`weights` has a row for each output, and in it channels × kernel rows × kernel columns.
"""
@noinline function convolve!(currents::Matrix{T}, weights::Matrix{T}, window::Window, events::Events,
                             values::Vector{T}) where {T}
    size(weights) == (window.outputs, div(window.inputs, window.groups) * window.rows.kernel * window.columns.kernel) ||
        throw(DimensionMismatch("a weight for each place in the kernels is needed"))
    size(currents, 1) == window.outputs * positions(window) ||
        throw(DimensionMismatch("as many currents as outputs are needed"))
    check_columns(currents, events)
    check_events(events, values, image_elements(window))
    # An input's weights for all outputs of its group lie side by side, so the outputs' sums do too while they grow.
    sums, event = Matrix{T}(undef, window.outputs, positions(window)), 0
    for row in 1:length(events.ends)
        fill!(sums, zero(T))
        while event < events.ends[row]
            event += 1
            scatter!(sums, weights, window, Int(events.indices[event]), isempty(values) ? one(T) : values[event])
        end
        lay_out!(currents, row, sums)
    end
end

function scatter!(sums::Matrix{T}, weights::Matrix{T}, window::Window, index::Int, value::T) where {T}
    channel, row, column = place_of(window, index)
    group, within = divrem(channel, div(window.inputs, window.groups))
    n = div(window.outputs, window.groups)
    for y in reached(window.rows, row)
        i = tap(window.rows, row, y)
        i == -1 && continue
        for x in reached(window.columns, column)
            j = tap(window.columns, column, x)
            j == -1 && continue
            from = (within * window.rows.kernel + i) * window.columns.kernel + j + 1
            to = y * window.columns.output + x + 1
            @inbounds for o in group*n+1:group*n+n
                sums[o, to] += weights[o, from] * value
            end
        end
    end
end

"Write sums, which lie output by output at each position, position by position for each output."
function lay_out!(currents::Matrix{T}, row::Int, sums::Matrix{T}) where {T}
    outputs, places = size(sums)
    checkbounds(currents, 1:outputs*places, row)
    @inbounds for o in 1:outputs, at in 1:places
        currents[(o-1)*places+at, row] = sums[o, at]
    end
end

"""
    pool!(sent, kept, window, events, values)

Add to `sent` and `kept` (the events and values of what is not 0) the means under the kernel of the image in each row of
`events`: the sum in ascending order, then one division. Returns the first row in which a mean is not finite, the mean's
index and the mean, or three zeros.
"""
@noinline function pool!(sent::Events, kept::Vector{T}, window::Window, events::Events, values::Vector{T}) where {T}
    check_events(events, values, image_elements(window))
    means, event, count = zeros(T, positions(window) * window.outputs), 0, T(window.rows.kernel * window.columns.kernel)
    fault = (0, 0, zero(T))
    for row in 1:length(events.ends)
        fill!(means, zero(T))
        while event < events.ends[row]
            event += 1
            gather!(means, window, Int(events.indices[event]), isempty(values) ? one(T) : values[event])
        end
        for k in 1:length(means)
            means[k] = means[k] / count
            fault[1] == 0 && !isfinite(means[k]) && (fault = (row, k, means[k]))
        end
        add_values!(sent, kept, means)
    end
    fault
end

function gather!(sums::Vector{T}, window::Window, index::Int, value::T) where {T}
    channel, row, column = place_of(window, index)
    for y in reached(window.rows, row), x in reached(window.columns, column)
        sums[(channel*window.rows.output+y)*window.columns.output+x+1] += value
    end
end

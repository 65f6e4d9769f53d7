# Convolutions and pools against plain loops over outputs, term by term in the order of the contract, bit by bit.

"The terms of one output, an input or none for each place of the kernel, in the contract's order."
function terms(image::Array{T,3}, geometry::S.Geometry, channels, y::Int, x::Int) where {T}
    kernel, stride, padding, dilation = geometry.kernel, geometry.stride, geometry.padding, geometry.dilation
    found = Union{Nothing,T}[]
    for c in channels, i in 0:kernel[1]-1, j in 0:kernel[2]-1
        row = y * stride[1] + i * dilation[1] - padding[1]
        column = x * stride[2] + j * dilation[2] - padding[2]
        inside = 0 <= row < size(image, 2) && 0 <= column < size(image, 3)
        push!(found, inside ? image[c, row+1, column+1] : nothing)
    end
    found
end

function sequential_convolution(weights::Array{T,4}, image::Array{T,3}, geometry::S.Geometry, shape) where {T}
    each, output = div(size(image, 1), geometry.groups), T[]
    for o in 0:shape[1]-1, y in 0:shape[2]-1, x in 0:shape[3]-1
        group, acc = div(o, div(shape[1], geometry.groups)), zero(T)
        inputs = terms(image, geometry, group*each+1:(group+1)*each, y, x)
        for (weight, input) in zip(in_order(weights[o+1, :, :, :]), inputs)
            input === nothing && continue
            product = weight * input
            acc = acc + product
        end
        push!(output, acc)
    end
    output
end

function sequential_pool(image::Array{T,3}, geometry::S.Geometry, shape) where {T}
    output = T[]
    for c in 1:shape[1], y in 0:shape[2]-1, x in 0:shape[3]-1
        acc = zero(T)
        for input in terms(image, geometry, c:c, y, x)
            acc = acc + input
        end
        push!(output, acc / T(prod(geometry.kernel)))
    end
    output
end

"An array in C order."
in_order(array::AbstractArray) = vec(permutedims(array, ndims(array):-1:1))

function events_of(image::Array{T,3}) where {T}
    events, values = K.Events(), T[]
    K.add_values!(events, values, in_order(image))
    events, values
end

"A case: the shape of the image, outputs, kernel, stride, padding, dilation, groups."
const WINDOWS = [([1, 4, 5], 2, (2, 3), (1, 1), (0, 0), (1, 1), 1), ([3, 5, 4], 5, (3, 2), (2, 1), (1, 2), (1, 1), 1),
                 ([4, 6, 7], 6, (2, 2), (1, 2), (2, 1), (3, 2), 2), ([3, 3, 3], 3, (3, 3), (1, 1), (1, 1), (1, 1), 3),
                 ([2, 1, 8], 1, (1, 4), (3, 3), (0, 3), (1, 2), 1), ([2, 2, 2], 2, (1, 1), (5, 1), (0, 0), (1, 1), 1)]

@testset "convolutions in $T" for T in (Float64, Float32)
    for (shape, outputs, kernel, stride, padding, dilation, groups) in WINDOWS
        geometry = S.Geometry(kernel, stride, padding, dilation, groups)
        to = [outputs; S.image_size(shape, geometry, S.ROOT)]
        weights = [wild(T, 3o + 5c + 7i + 11j) for o in 1:outputs, c in 1:div(shape[1], groups), i in 1:kernel[1],
                                                   j in 1:kernel[2]]
        branch = S.Branch{T}("conv2d", nothing, T.(S.filters(weights).rows), geometry)
        window = S.kernel_window(branch, shape, to)
        for image in ([wild(T, c + 13y + 31x) for c in 1:shape[1], y in 1:shape[2], x in 1:shape[3]],
                      [T((c + y + x) % 3 == 0) for c in 1:shape[1], y in 1:shape[2], x in 1:shape[3]])
            events, values = events_of(image)
            currents = fill(T(NaN), prod(to), 1)
            K.convolve!(currents, branch.weights, window, events, values)
            due = sequential_convolution(weights, image, geometry, to)
            @test all(currents .=== reshape(due, :, 1))
            if all(value -> value == 1, values)
                K.convolve!(currents, branch.weights, window, events, T[])
                @test all(currents .=== reshape(due, :, 1))
            end
        end
    end
end

@testset "pools in $T" for T in (Float64, Float32)
    for (shape, kernel, stride) in (([2, 4, 6], (2, 3), (2, 3)), ([1, 5, 5], (3, 2), (1, 2)),
                                    ([3, 2, 7], (1, 3), (2, 3)))
        geometry = S.Geometry(kernel, stride, (0, 0), (1, 1), 1)
        to = [shape[1]; S.image_size(shape, geometry, S.ROOT)]
        branch = S.Branch{T}("avgpool2d", nothing, zeros(T, 0, 0), geometry)
        image = [wild(T, 3c + 13y + 31x) for c in 1:shape[1], y in 1:shape[2], x in 1:shape[3]]
        sent, kept = K.Events(), T[]
        @test K.pool!(sent, kept, S.kernel_window(branch, shape, to), events_of(image)...) == (0, 0, 0)
        due = sequential_pool(image, geometry, to)
        @test sent.indices == findall(!iszero, due) && all(kept .=== filter(!iszero, due))
    end
end

@testset "a pool tells of the first mean that is not finite" begin
    window = K.Window(1, 1, 1, K.Axis(1, 1, 1, 1, 0, 1), K.Axis(4, 2, 2, 2, 0, 1))
    events, values = K.Events(), Float64[]
    for row in ([1.0, 2.0, 3.0, -3.0], [0.0, 1.0, floatmax(), floatmax()], [Inf, 0.0, 0.0, 0.0])
        K.add_values!(events, values, row)
    end
    sent, kept = K.Events(), Float64[]
    @test K.pool!(sent, kept, window, events, values) == (2, 2, Inf)
    @test sent.ends == [1, 3, 4] && kept == [1.5, 0.5, Inf, Inf]
end

@testset "arrays that do not fit an image are refused" begin
    window = K.Window(1, 1, 1, K.Axis(2, 1, 2, 1, 0, 1), K.Axis(2, 1, 2, 1, 0, 1))
    one_event = rows([[4]])
    @test K.convolve!(zeros(1, 1), ones(1, 4), window, one_event, Float64[]) === nothing
    @test_throws DimensionMismatch K.convolve!(zeros(1, 1), ones(1, 5), window, one_event, Float64[])
    @test_throws DimensionMismatch K.convolve!(zeros(2, 1), ones(1, 4), window, one_event, Float64[])
    @test_throws DimensionMismatch K.convolve!(zeros(1, 0), ones(1, 4), window, one_event, Float64[])
    @test_throws DimensionMismatch K.convolve!(zeros(1, 1), ones(1, 4), window, one_event, [1.0, 2.0])
    @test_throws BoundsError K.convolve!(zeros(1, 1), ones(1, 4), window, rows([[5]]), Float64[])
    @test_throws BoundsError K.pool!(K.Events(), Float64[], window, rows([[0]]), Float64[])
end

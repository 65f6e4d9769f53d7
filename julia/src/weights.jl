# Weights: the rules that checkpoints and networks share, and how a document's arrays become matrices.
#
# A matrix is an array of rows in a document, an AbstractMatrix where a Julia program hands one over. The filters of a
# convolution are nested arrays of four dimensions, or Filters.

"""
Filters of a convolution, of the shape (output, input / groups, kernel height, kernel width): a row for each output,
which has its numbers in C order.
"""
struct Filters
    rows::Matrix{Float64}
    shape::Vector{Int}
end

"Every leaf, at any depth, is a Number."
function weight_type(code::String, weights, at::JsonPointer)
    is_number(weights) && return
    weights isa AbstractVector || reject(code, at, "expected a number, got ", describe(weights))
    for k in 1:length(weights)
        is_number(weights[k]) || weight_type(code, weights[k], at / (k - 1))
    end
end

function weight_type(code::String, weights::AbstractMatrix, at::JsonPointer)
    eltype(weights) <: Real && eltype(weights) != Bool ||
        reject(code, at, "expected a matrix of real numbers, got one of ", eltype(weights))
    (eltype(weights) <: AbstractFloat || isempty(weights)) && return
    for i in 1:size(weights, 1), j in 1:size(weights, 2)
        Float64(weights[i, j]) == weights[i, j] ||
            reject(code, at / (i - 1) / (j - 1), "binary64 cannot hold ", weights[i, j], " exactly")
    end
end

weight_type(code::String, weights::Filters, at::JsonPointer) = nothing

"A copy of an array of a Julia program as filters; what binary64 cannot hold is `network.weight-type`."
function filters(weights::AbstractArray{<:Any,4})
    shape, at = collect(size(weights)), ROOT / "layers" / 0 / "weights"
    eltype(weights) <: Real && eltype(weights) != Bool ||
        reject("network.weight-type", at, "expected an array of real numbers, got one of ", eltype(weights))
    rows = Matrix{Float64}(undef, shape[1], shape[2] * shape[3] * shape[4])
    for o in 1:shape[1], c in 1:shape[2], i in 1:shape[3], j in 1:shape[4]
        weight = weights[o, c, i, j]
        weight isa AbstractFloat || Float64(weight) == weight ||
            reject("network.weight-type", at / (o - 1) / (c - 1) / (i - 1) / (j - 1), "binary64 cannot hold ", weight,
                   " exactly")
        rows[o, ((c-1)*shape[3]+i-1)*shape[4]+j] = weight
    end
    Filters(rows, shape)
end

"The matrix is an array of rows, the rows are arrays of Numbers, all as long as the first."
function weight_rank(code::String, matrix, at::JsonPointer)
    matrix isa AbstractVector || reject(code, at, "expected a matrix as an array of rows, got ", describe(matrix))
    for i in 1:length(matrix)
        row = matrix[i]
        row isa AbstractVector || reject(code, at, "expected row ", i - 1, " to be an array, got ", describe(row))
        flat_row(code, row, at, i)
        length(row) == length(matrix[1]) ||
            reject(code, at, "expected ", length(matrix[1]), " entries in row ", i - 1, " as in row 0, got ",
                   length(row))
    end
end

function flat_row(code::String, row::AbstractVector, at::JsonPointer, i::Int)
    for j in 1:length(row)
        row[j] isa AbstractVector &&
            reject(code, at, "expected numbers in row ", i - 1, ", got an array at index ", j - 1)
    end
end

weight_rank(code::String, matrix::AbstractMatrix, at::JsonPointer) = nothing

"The filters are arrays of four dimensions, each at least 1, whose leaves are known to be Numbers."
filter_rank(code::String, @nospecialize(filters), at::JsonPointer) =
    isempty(nested_shape(filters, 4)) && reject(code, at,
        "expected arrays of the shape (output, input / groups, kernel height, kernel width), got ", describe(filters))

filter_rank(code::String, filters::Filters, at::JsonPointer) = 0 in filters.shape &&
    reject(code, at, "expected dimensions of at least 1, got (", join(filters.shape, ", "), ")")

"The dimensions of nested arrays, none where they are not rectangular of that rank or one is 0."
function nested_shape(@nospecialize(nested), rank::Int)
    nested isa AbstractVector && !isempty(nested) || return Int[]
    shape = rank == 1 ? Int[] : nested_shape(nested[1], rank - 1)
    rank > 1 && isempty(shape) && return shape
    for part in nested
        (rank == 1 ? !(part isa AbstractVector) : nested_shape(part, rank - 1) == shape) || return Int[]
    end
    pushfirst!(shape, length(nested))
end

"No entry is NaN or infinite, nor becomes so in the float type `T`."
function weight_finite(code::String, matrix::AbstractVector, at::JsonPointer, T::DataType)
    for i in 1:length(matrix)
        finite_entries(code, matrix[i], at, i, T)
    end
end

function finite_entries(code::String, row::AbstractVector, at::JsonPointer, i::Int, T::DataType)
    for j in 1:length(row)
        isfinite(rounded(T, row[j])) || not_finite(code, row[j], at, i, j, T)
    end
end

@noinline not_finite(code::String, @nospecialize(weight), at::JsonPointer, i::Int, j::Int, T::DataType) =
    reject(code, at / (i - 1) / (j - 1), "expected a finite weight", in_format(T), ", got ", number(weight))

function weight_finite(code::String, matrix::AbstractMatrix, at::JsonPointer, T::DataType)
    isempty(matrix) && return                     # there may be 2^53 rows of nothing
    for i in 1:size(matrix, 1), j in 1:size(matrix, 2)
        weight = Float64(matrix[i, j])
        isfinite(rounded(T, weight)) || not_finite(code, weight, at, i, j, T)
    end
end

function filter_finite(code::String, filters::AbstractVector, at::JsonPointer, T::DataType)
    for o in 1:length(filters), c in 1:length(filters[o])
        weight_finite(code, filters[o][c], at / (o - 1) / (c - 1), T)
    end
end

function filter_finite(code::String, filters::Filters, at::JsonPointer, T::DataType)
    outputs, taps = size(filters.rows)
    for o in 1:outputs, tap in 1:taps
        weight = filters.rows[o, tap]
        isfinite(rounded(T, weight)) || reject(code, element_place(at, filters.shape, (o - 1) * taps + tap - 1),
                                               "expected a finite weight", in_format(T), ", got ", weight)
    end
end

filter_shape(filters::AbstractVector) = nested_shape(filters, 4)
filter_shape(filters::Filters) = filters.shape

"Outputs and inputs of a matrix; `[]` has no outputs and as many inputs as are due."
matrix_size(matrix::AbstractVector, due::Int) = isempty(matrix) ? (0, due) : (length(matrix), length(matrix[1]))
matrix_size(matrix::AbstractMatrix, due::Int) = size(matrix)

"A copy of checked weights as a (outputs, inputs) matrix."
function as_matrix(::Type{T}, matrix::AbstractVector, due::Int) where {T}
    outputs, inputs = matrix_size(matrix, due)
    copied = Matrix{T}(undef, outputs, inputs)
    for i in 1:outputs
        copy_row!(copied, i, matrix[i])
    end
    copied
end

function copy_row!(matrix::Matrix, i::Int, row::AbstractVector)
    for j in 1:length(row)
        matrix[i, j] = number(row[j])
    end
end

as_matrix(::Type{T}, matrix::AbstractMatrix, due::Int) where {T} = Matrix{T}(matrix)

"A copy of checked filters as a matrix with a row for each output."
as_filter_rows(::Type{T}, filters::Filters) where {T} = Matrix{T}(filters.rows)

function as_filter_rows(::Type{T}, filters::AbstractVector) where {T}
    shape = filter_shape(filters)
    rows = Matrix{T}(undef, shape[1], shape[2] * shape[3] * shape[4])
    for o in 1:shape[1]
        copy_filter!(rows, o, filters[o])
    end
    rows
end

function copy_filter!(rows::Matrix, o::Int, filter::AbstractVector)
    tap = 0
    for channel in filter, row in channel, weight in row
        tap += 1
        rows[o, tap] = number(weight)
    end
end

"A copy of a checked list of Numbers."
function as_vector(::Type{T}, list::AbstractVector) where {T}
    copied = Vector{T}(undef, length(list))
    for k in 1:length(list)
        copied[k] = number(list[k])
    end
    copied
end

# Weight matrices: the rules that checkpoints and networks share, and how a document's rows become a matrix.
#
# A matrix is an array of rows in a document, an AbstractMatrix where a Julia program hands one over.

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

"Outputs and inputs of a matrix; `[]` has no outputs and as many inputs as are due."
matrix_size(matrix::AbstractVector, due::Int) = isempty(matrix) ? (0, due) : (length(matrix), length(matrix[1]))
matrix_size(matrix::AbstractMatrix, due::Int) = size(matrix)

"Whether weights without outputs leave open how many inputs they have."
has_any_width(matrix) = matrix isa AbstractVector && isempty(matrix)

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

"A copy of a checked list of Numbers."
function as_vector(::Type{T}, list::AbstractVector) where {T}
    copied = Vector{T}(undef, length(list))
    for k in 1:length(list)
        copied[k] = number(list[k])
    end
    copied
end

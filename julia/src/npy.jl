# Arrays in NumPy's npy format, read byte by byte from a member and written: conformance/spec/pairs.md, section 4.

const NPY_MAGIC = b"\x93NUMPY"
const MAX_NPY_RANK = 32
const NPY_TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]

"What is wrong with an array: reported only once its member has been read to the end."
struct NpyFault <: Exception
    code::String
    message::String
end

@noinline function npy_fault(code::String, @nospecialize parts...)
    message = IOBuffer()
    for part in parts
        print(message, part)
    end
    throw(NpyFault(code, String(take!(message))))
end

@noinline npy_header_fault(expected::String) = npy_fault("npy.header", "the header: expected ", expected)

"""
A real array: its shape, and its values in C order as binary64. `inexact` is the index in C order (from 0) of the first
integer that binary64 cannot hold, or -1; then there are no values, as where an array has more than four axes.
"""
struct NpyArray
    shape::Vector{Int}
    values::Vector{Float64}
    inexact::Int
end

"What the header of an array says: the type (`f4`, big-endian or not), the order and the shape."
mutable struct NpyHeader
    type::String
    big_endian::Bool
    fortran_order::Bool
    shape::Vector{Int}
    inexact::Int            # as in NpyArray, among the values read so far
end

"""
    read_array(member, due_shape)

The array in a member, which is read to its end. `due_shape` is what its shape must be, or `nothing` where any will do.

# Throws
- [`Rejection`](@ref) with `archive.data`, `archive.size`, `archive.crc`, `npy.magic`, `npy.header`, `npy.dtype`,
  `checkpoint.weight-shape` or `npy.length`.
"""
function read_array(member::Member, due_shape::Union{Nothing,Vector{Int}})
    try
        array, fault = try_npy(member, due_shape)
        drain!(member)
        fault === nothing || reject(fault.code, member.at, fault.message)
        array::NpyArray
    finally
        close_member(member)
    end
end

function try_npy(member::Member, due_shape::Union{Nothing,Vector{Int}})
    try
        read_npy(member, due_shape), nothing
    catch err
        err isa NpyFault || rethrow()
        nothing, err
    end
end

function read_npy(member::Member, due_shape::Union{Nothing,Vector{Int}})
    header = npy_header(member, npy_magic(member))
    header.type in NPY_TYPES || npy_fault("npy.dtype", "expected real numbers of up to 8 bytes")
    due_shape === nothing || header.shape == due_shape ||
        npy_fault("checkpoint.weight-shape", "expected the shape ", due_shape, ", got ", header.shape)
    count = npy_length(member, header)
    values = Float64[]
    read_values!(values, member, header, count)
    NpyArray(header.shape, header.fortran_order ? in_c_order(values, header.shape) : values, header.inexact)
end

const MOST_AXES = 4              # of an array whose values mean something

"The values of an array in C order, given in Fortran order."
function in_c_order(values::Vector{Float64}, shape::Vector{Int})
    length(shape) == 2 && return vec(transposed(values, shape[2], shape[1]))
    2 < length(shape) <= MOST_AXES || return values
    ordered = similar(values)
    for item in 0:length(values)-1
        ordered[row_major(item, shape)+1] = values[item+1]
    end
    ordered
end

"The major version after the magic."
function npy_magic(member::Member)
    start = Vector{UInt8}(undef, 8)
    take_bytes!(start, 0, member, 8) == 8 && has_at(start, 0, NPY_MAGIC) && start[7] in 1:3 && start[8] == 0 ||
        npy_fault("npy.magic", "expected the magic of npy and the version 1.0, 2.0 or 3.0")
    Int(start[7])
end

"The number of elements, which the data after the header must have just the bytes for."
function npy_length(member::Member, header::NpyHeader)
    count, width = product(header.shape), item_bytes(header)
    # A count that is bounded already is beyond all files.
    count * width == remaining(member) ||
        npy_fault("npy.length", "expected ", width, " bytes for each of ", count, " elements, got ", remaining(member))
    count
end

const COUNT_BOUND = 2^58

"The product of sizes, at most COUNT_BOUND."
function product(sizes::Vector{Int})
    0 in sizes && return 0
    count = 1
    for n in sizes
        count = n < div(COUNT_BOUND, count) ? count * n : COUNT_BOUND
    end
    count
end

item_bytes(header::NpyHeader) = Int(codeunit(header.type, 2) - UInt8('0'))

# ---- header ----------------------------------------------------------------------------------------------------------

"The bytes of a header that is being read."
mutable struct HeaderReader
    member::Member
    left::Int
end

function npy_header(member::Member, version::Int)
    length_bytes = version == 1 ? 2 : 4
    field = Vector{UInt8}(undef, length_bytes)
    take_bytes!(field, 0, member, length_bytes) == length_bytes || npy_header_fault("its length")
    n = little_endian(field, 0, length_bytes)
    n <= remaining(member) || npy_header_fault("as many bytes as its length says")
    r = HeaderReader(member, n)
    header = header_pairs!(r)
    header_byte(r) == -1 || npy_header_fault("nothing after the last brace")
    header
end

"The next byte of the header; -1 at its end."
function header_byte(r::HeaderReader)
    r.left == 0 && return -1
    b = peek_member(r.member)
    b == -1 && npy_header_fault("as many bytes as its length says")
    0x20 <= b <= 0x7e || b in (0x09, 0x0a, 0x0d) || npy_header_fault("ASCII")
    b
end

function take_header_byte!(r::HeaderReader)
    b = header_byte(r)
    b == -1 && npy_header_fault("a closing brace")
    r.member.next += 1
    r.left -= 1
    b
end

is_header(r::HeaderReader, wanted::Char) = header_byte(r) == Int(wanted)

expect_header!(r::HeaderReader, wanted::Char) =
    take_header_byte!(r) == Int(wanted) || npy_header_fault(string("the character ", wanted))

function skip_header_space!(r::HeaderReader)
    while header_byte(r) in (0x20, 0x09, 0x0a, 0x0d)
        take_header_byte!(r)
    end
end

function header_pairs!(r::HeaderReader)
    header, keys = NpyHeader("", false, false, Int[], -1), String[]
    skip_header_space!(r)
    expect_header!(r, '{')
    skip_header_space!(r)
    while !is_header(r, '}')
        header_pair!(r, header, keys)
        skip_header_space!(r)
        is_header(r, ',') || break
        take_header_byte!(r)
        skip_header_space!(r)
    end
    expect_header!(r, '}')
    skip_header_space!(r)
    length(keys) == 3 || npy_header_fault("the keys descr, fortran_order and shape")
    header
end

function header_pair!(r::HeaderReader, header::NpyHeader, keys::Vector{String})
    key = header_string!(r)
    key in keys && npy_header_fault("each key once")
    push!(keys, key)
    skip_header_space!(r)
    expect_header!(r, ':')
    skip_header_space!(r)
    key == "descr" ? header_descr!(r, header) :
    key == "fortran_order" ? (header.fortran_order = header_truth!(r)) :
    key == "shape" ? (header.shape = header_shape!(r)) : npy_header_fault("the keys descr, fortran_order and shape")
end

const KEPT_HEADER_BYTES = 16         # of a string: more than any that means something has

function header_string!(r::HeaderReader)
    quotation = take_header_byte!(r)
    quotation == Int('\'') || quotation == Int('"') || npy_header_fault("a string")
    kept = UInt8[]
    while true
        b = take_header_byte!(r)
        b == quotation && return String(kept)
        b == Int('\\') && npy_header_fault("a string without backslashes")
        length(kept) < KEPT_HEADER_BYTES && push!(kept, b % UInt8)
    end
end

function header_truth!(r::HeaderReader)
    word = is_header(r, 'T') ? "True" : "False"
    for letter in word
        expect_header!(r, letter)
    end
    word == "True"
end

function header_descr!(r::HeaderReader, header::NpyHeader)
    (is_header(r, '(') || is_header(r, '[')) && return skip_brackets!(r)
    descr = header_string!(r)
    order = first(descr, 1)
    one_byte = descr == "|i1" || descr == "|u1"
    (order == "<" || order == ">" || one_byte) && (header.type = chop(descr; head = 1, tail = 0))
    header.big_endian = order == ">"
end

"Take a structured type, whose meaning does not matter, up to the bracket that matches its first."
function skip_brackets!(r::HeaderReader)
    round = BitVector()                       # of each open bracket, whether it is a parenthesis
    while true
        b = header_byte(r)
        if b == Int('\'') || b == Int('"')
            header_string!(r)
            continue
        end
        take_header_byte!(r)
        b == Int('(') || b == Int('[') ? push!(round, b == Int('(')) :
        b == Int(')') || b == Int(']') ? (pop!(round) == (b == Int(')')) || npy_header_fault("brackets that match")) :
        nothing
        isempty(round) && return
        length(round) <= r.left || npy_header_fault("as many closing brackets as opening ones")
    end
end

function header_shape!(r::HeaderReader)
    shape, comma = Int[], true
    expect_header!(r, '(')
    skip_header_space!(r)
    while !is_header(r, ')')
        comma || npy_header_fault("a comma between two axes")
        length(shape) < MAX_NPY_RANK || npy_header_fault("at most 32 axes")
        push!(shape, header_integer!(r))
        skip_header_space!(r)
        comma = is_header(r, ',')
        comma && take_header_byte!(r)
        skip_header_space!(r)
    end
    take_header_byte!(r)
    length(shape) == 1 && !comma && npy_header_fault("a comma after the only axis")
    shape
end

function header_integer!(r::HeaderReader)
    value, digits, zero_first = 0, 0, is_header(r, '0')
    while Int('0') <= header_byte(r) <= Int('9')
        value = 10value + take_header_byte!(r) - Int('0')
        digits += 1
        value <= MAX_INTEGER && !(zero_first && digits > 1) ||
            npy_header_fault("an axis from 0 to 2^53 - 1 without leading zeros")
    end
    digits > 0 || npy_header_fault("a decimal integer")
    value
end

# ---- values ----------------------------------------------------------------------------------------------------------

"Append the values in the order of the file; of an array with more axes only whether they are exact matters."
function read_values!(values::Vector{Float64}, member::Member, header::NpyHeader, count::Int)
    width, done, keep, items = item_bytes(header), 0, length(header.shape) <= MOST_AXES, div(CHUNK_BYTES, 8)
    raw = Vector{UInt8}(undef, width * min(items, count))
    while done < count
        n = min(items, count - done)
        # Where fewer are left the member is not what it declares, and is rejected for that at its end.
        take_bytes!(raw, 0, member, n * width) == n * width || break
        start = keep ? done : 0
        # It grows with the bytes that are there: a size that is only declared must not cost memory.
        length(values) < start + n && resize!(values, max(start + n, keep ? min(count, 2 * length(values)) : 0))
        convert_values!(values, start, raw, n, header, done)
        done += n
    end
    resize!(values, keep ? done : 0)
end

"Convert the `n` items in `raw`, the first of which is item `done` of the file."
function convert_values!(values::Vector{Float64}, start::Int, raw::Vector{UInt8}, n::Int, header::NpyHeader, done::Int)
    type = header.type
    type == "f8" && return convert_values!(Float64, UInt64, values, start, raw, n, header, done)
    type == "f4" && return convert_values!(Float32, UInt32, values, start, raw, n, header, done)
    type == "f2" && return convert_values!(Float16, UInt16, values, start, raw, n, header, done)
    type == "i8" && return convert_values!(Int64, UInt64, values, start, raw, n, header, done)
    type == "u8" && return convert_values!(UInt64, UInt64, values, start, raw, n, header, done)
    type == "i4" && return convert_values!(Int32, UInt32, values, start, raw, n, header, done)
    type == "u4" && return convert_values!(UInt32, UInt32, values, start, raw, n, header, done)
    type == "i2" && return convert_values!(Int16, UInt16, values, start, raw, n, header, done)
    type == "u2" && return convert_values!(UInt16, UInt16, values, start, raw, n, header, done)
    type == "i1" && return convert_values!(Int8, UInt8, values, start, raw, n, header, done)
    convert_values!(UInt8, UInt8, values, start, raw, n, header, done)
end

@noinline function convert_values!(::Type{T}, ::Type{Bits}, values::Vector{Float64}, start::Int, raw::Vector{UInt8},
                                   n::Int, header::NpyHeader, done::Int) where {T,Bits}
    checkbounds(values, start+1:start+n)
    checkbounds(raw, 1:n*sizeof(T))
    big_endian = header.big_endian
    GC.@preserve raw begin
        bits = Ptr{Bits}(pointer(raw))
        for k in 1:n
            item = unsafe_load(bits, k)
            x = reinterpret(T, big_endian ? ntoh(item) : ltoh(item))
            value = Float64(x)
            @inbounds values[start+k] = value
            T <: Union{Int64,UInt64} && value != x && note_inexact!(header, done + k - 1)
        end
    end
end

@noinline function note_inexact!(header::NpyHeader, item::Int)
    index = header.fortran_order ? row_major(item, header.shape) : item
    header.inexact = header.inexact == -1 ? index : min(header.inexact, index)
end

"The index in C order of the element at `item` in Fortran order; both count from 0."
function row_major(item::Int, shape::Vector{Int})
    index, stride = 0, prod(shape)
    for n in shape
        item, along = divrem(item, n)
        stride = div(stride, n)
        index += along * stride
    end
    index
end

"The place of the element with this index in C order (from 0): `at / row / column`."
function element_place(at::JsonPointer, shape::Vector{Int}, index::Int)
    stride = prod(shape)
    for n in shape
        stride = div(stride, n)
        along, index = divrem(index, stride)
        at = at / along
    end
    at
end

"The matrix whose rows are in C order; Julia keeps it column by column."
as_matrix(array::NpyArray) = transposed(array.values, array.shape[1], array.shape[2])

"The filters of a convolution, whose rows are in C order."
as_filters(array::NpyArray) =
    Filters(transposed(array.values, array.shape[1], prod(array.shape[2:4])), array.shape)

const TILE = 32          # rows and columns that the nearest cache holds at once

"The (`rows`, `columns`) matrix that `values` gives row by row."
function transposed(values::Vector{Float64}, rows::Int, columns::Int)
    checkbounds(values, 1:rows*columns)
    matrix = Matrix{Float64}(undef, rows, columns)
    isempty(matrix) && return matrix              # there may be 2^53 rows of nothing
    for top in 0:TILE:rows-1, left in 0:TILE:columns-1
        for i in top+1:min(top + TILE, rows), j in left+1:min(left + TILE, columns)
            @inbounds matrix[i, j] = values[(i-1)*columns+j]
        end
    end
    matrix
end

# ---- writing ---------------------------------------------------------------------------------------------------------

const NPY_ALIGNMENT = 64

"Magic, version 1.0 and the header of binary64 values of a shape in C order; as many bytes as the alignment asks for."
function npy_header_bytes(shape::Vector{Int})
    axes = length(shape) == 1 ? string("(", shape[1], ",)") : string("(", join(shape, ", "), ")")
    text = string("{'descr': '<f8', 'fortran_order': False, 'shape': ", axes, ", }")
    padding = mod(-(10 + ncodeunits(text) + 1), NPY_ALIGNMENT)
    bytes = append!(UInt8[], NPY_MAGIC)
    put_little_endian!(bytes, 1, 2)                                      # version 1.0
    put_little_endian!(bytes, ncodeunits(text) + padding + 1, 2)
    append!(bytes, codeunits(text))
    append!(bytes, fill(UInt8(' '), padding))
    push!(bytes, UInt8('\n'))
end

"Append the `n` lowest bytes of a number."
function put_little_endian!(bytes::Vector{UInt8}, value::Int, n::Int)
    for k in 0:n-1
        push!(bytes, (value >> 8k) % UInt8)
    end
    bytes
end

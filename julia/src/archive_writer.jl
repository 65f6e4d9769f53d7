# Archives of npy members, written so that the same arrays give the same bytes: conformance/spec/pairs.md, section 6.

const BLOCK_VALUES = 65536
const DATE_1980 = 33                    # of MS-DOS: 1980-01-01
const ALIGNMENT_FIELD = 55605          # extra field: padding before data that is to begin at a multiple of 64 bytes
const DEFLATE_LEVEL, DEFLATE_MEMORY, DEFLATE_STRATEGY = -1, 8, 0         # zlib's defaults

"An array to be saved: rows of a matrix, in which filters are in C order, or a bias as its only row."
struct NewMember
    name::String
    shape::Vector{Int}
    rows::Matrix{Float64}
end

NewMember(name::String, weights::Matrix{Float64}) = NewMember(name, collect(size(weights)), weights)
NewMember(name::String, bias::Vector{Float64}) = NewMember(name, [length(bias)], reshape(bias, 1, length(bias)))

"Write an archive; returns its digest (pairs.md, section 6)."
function write_archive(file::NewFile, members::Vector{NewMember}, compress::Bool)
    directory = UInt8[]
    for member in members
        entry, local_extra = write_member(file, member, compress)
        header = header_bytes(entry, local_extra)
        write_at!(file, header, length(header), entry.offset)
        central_header!(directory, entry)
    end
    finish_directory!(directory, length(members), file.size)
    append_bytes!(file, directory)
    context = SHA256_CTX()
    update!(context, directory)
    bytes2hex(digest!(context))
end

"Write the data of a member and leave room for its local header; returns what belongs there and its extra field."
function write_member(file::NewFile, member::NewMember, compress::Bool)
    name, npy_header, offset = member.name * ".npy", npy_header_bytes(member.shape), file.size
    size = length(npy_header) + 8 * length(member.rows)
    # Deflate makes what it cannot compress longer by a little.
    local_extra = size + size >> 8 + 1024 < SATURATED ? UInt8[] : zip64_field([0, 0])
    compress || append!(local_extra, alignment_field(offset + 30 + ncodeunits(name) + length(local_extra)))
    file.size += 30 + ncodeunits(name) + length(local_extra)
    start, chunks = file.size, RowChunks(member.rows)
    crc = compress ? deflate_chunks!(file, npy_header, chunks) : store_chunks!(file, npy_header, chunks)
    Entry(name, 0, compress ? DEFLATED : STORED, crc, file.size - start, size, offset), local_extra
end

function alignment_field(start::Int)
    n = mod(-start, NPY_ALIGNMENT)
    n == 0 && return UInt8[]
    n < 6 && (n += NPY_ALIGNMENT)
    field = put_little_endian!(put_little_endian!(UInt8[], ALIGNMENT_FIELD, 2), n - 4, 2)
    append!(put_little_endian!(field, NPY_ALIGNMENT, 2), zeros(UInt8, n - 6))
end

function zip64_field(values::Vector{Int})
    field = put_little_endian!(put_little_endian!(UInt8[], 1, 2), 8 * length(values), 2)
    for value in values
        put_little_endian!(field, value, 8)
    end
    field
end

"The local header of a member; `extra` begins with room for its sizes where these may need it."
function header_bytes(entry::Entry, extra::Vector{UInt8})
    wide = length(extra) >= 20 && extra[1] == 1 && extra[2] == 0
    wide && copyto!(extra, zip64_field([entry.size, entry.compressed]))
    bytes = put_little_endian!(collect(LOCAL_HEADER), wide ? 45 : 20, 2)
    shared_fields!(bytes, entry, wide, wide)
    put_little_endian!(bytes, ncodeunits(entry.name), 2)
    put_little_endian!(bytes, length(extra), 2)
    append!(append!(bytes, codeunits(entry.name)), extra)
end

"Flags, method, time, date, CRC and sizes."
function shared_fields!(bytes::Vector{UInt8}, entry::Entry, wide_compressed::Bool, wide_size::Bool)
    for value in (0, entry.method, 0, DATE_1980)
        put_little_endian!(bytes, value, 2)
    end
    put_little_endian!(bytes, Int(entry.crc), 4)
    put_little_endian!(bytes, wide_compressed ? SATURATED : entry.compressed, 4)
    put_little_endian!(bytes, wide_size ? SATURATED : entry.size, 4)
end

function central_header!(bytes::Vector{UInt8}, entry::Entry)
    full = filter(>=(Int(SATURATED)), [entry.size, entry.compressed, entry.offset])
    extra = isempty(full) ? UInt8[] : zip64_field(full)
    append!(bytes, CENTRAL_HEADER)
    version = isempty(full) ? 20 : 45
    put_little_endian!(put_little_endian!(bytes, version, 2), version, 2)
    shared_fields!(bytes, entry, entry.compressed >= SATURATED, entry.size >= SATURATED)
    put_little_endian!(bytes, ncodeunits(entry.name), 2)
    put_little_endian!(bytes, length(extra), 2)
    append!(bytes, zeros(UInt8, 2 + 2 + 2 + 4))          # no comment, disk 0, no attributes
    put_little_endian!(bytes, min(entry.offset, SATURATED), 4)
    append!(append!(bytes, codeunits(entry.name)), extra)
end

"Append the end records to the headers of a directory that begins at `offset`."
function finish_directory!(bytes::Vector{UInt8}, entries::Int, offset::Int)
    size = length(bytes)
    (entries >= 0xffff || size >= SATURATED || offset >= SATURATED) && zip64_end!(bytes, entries, size, offset)
    append!(append!(bytes, END_RECORD), zeros(UInt8, 4))
    for _ in 1:2
        put_little_endian!(bytes, min(entries, 0xffff), 2)
    end
    put_little_endian!(bytes, min(size, SATURATED), 4)
    put_little_endian!(bytes, min(offset, SATURATED), 4)
    put_little_endian!(bytes, 0, 2)
end

function zip64_end!(bytes::Vector{UInt8}, entries::Int, size::Int, offset::Int)
    put_little_endian!(append!(bytes, ZIP64_END_RECORD), 44, 8)
    put_little_endian!(put_little_endian!(bytes, 45, 2), 45, 2)
    append!(bytes, zeros(UInt8, 8))                       # disks
    for value in (entries, entries, size, offset)
        put_little_endian!(bytes, value, 8)
    end
    put_little_endian!(append!(bytes, ZIP64_LOCATOR), 0, 4)
    put_little_endian!(put_little_endian!(bytes, offset + size, 8), 1, 4)
end

# ---- data ------------------------------------------------------------------------------------------------------------

"A matrix row by row as little-endian bytes, a block at a time: Julia keeps it column by column."
mutable struct RowChunks
    matrix::Matrix{Float64}
    row::Int               # what comes next, from 0
    column::Int
    bytes::Vector{UInt8}
end

RowChunks(matrix::Matrix{Float64}) =
    RowChunks(matrix, 0, 0, Vector{UInt8}(undef, 8 * min(length(matrix), BLOCK_VALUES)))

"Put the next block into `chunks.bytes`; returns its bytes, 0 at the end."
function next_chunk!(chunks::RowChunks)
    rows, columns = size(chunks.matrix)
    (columns == 0 || chunks.row == rows) && return 0
    high = min(max(1, div(BLOCK_VALUES, columns)), rows - chunks.row)
    wide = min(columns - chunks.column, BLOCK_VALUES)
    copy_rows!(chunks.bytes, chunks.matrix, chunks.row, high, chunks.column, wide)
    chunks.column += wide
    chunks.column == columns && (chunks.column = 0; chunks.row += high)
    8 * high * wide
end

function copy_rows!(bytes::Vector{UInt8}, matrix::Matrix{Float64}, row::Int, high::Int, column::Int, wide::Int)
    checkbounds(matrix, row+1:row+high, column+1:column+wide)
    checkbounds(bytes, 1:8*high*wide)
    GC.@preserve bytes begin
        target = Ptr{UInt64}(pointer(bytes))
        for j in 1:wide, i in 1:high
            unsafe_store!(target, htol(reinterpret(UInt64, @inbounds matrix[row+i, column+j])), (i - 1) * wide + j)
        end
    end
end

"Append the header and all chunks as they are; returns their CRC-32."
function store_chunks!(file::NewFile, header::Vector{UInt8}, chunks::RowChunks)
    append_bytes!(file, header)
    crc, n = crc32(UInt32(0), header, length(header)), next_chunk!(chunks)
    while n > 0
        crc = crc32(crc, chunks.bytes, n)
        append_bytes!(file, chunks.bytes, n)
        n = next_chunk!(chunks)
    end
    crc
end

"Append the header and all chunks deflated; returns their CRC-32."
function deflate_chunks!(file::NewFile, header::Vector{UInt8}, chunks::RowChunks)
    z, target = open_deflate(), Vector{UInt8}(undef, CHUNK_BYTES)
    crc, n = crc32(UInt32(0), header, length(header)), next_chunk!(chunks)
    deflate!(file, z, header, length(header), target, Z_NO_FLUSH)
    while n > 0
        crc = crc32(crc, chunks.bytes, n)
        deflate!(file, z, chunks.bytes, n, target, Z_NO_FLUSH)
        n = next_chunk!(chunks)
    end
    deflate!(file, z, header, 0, target, Z_FINISH)
    finalize(z)
    crc
end

function open_deflate()
    z = ZStream()
    ccall(zlib(:deflateInit2_), Cint, (Ref{ZStream}, Cint, Cint, Cint, Cint, Cint, Ptr{UInt8}, Cint), z, DEFLATE_LEVEL,
          DEFLATED, RAW_DEFLATE, DEFLATE_MEMORY, DEFLATE_STRATEGY, zlib_version(), sizeof(ZStream)) == Z_OK ||
        throw(OutOfMemoryError())
    finalizer(close_deflate, z)
end

close_deflate(z::ZStream) = (ccall(zlib(:deflateEnd), Cint, (Ref{ZStream},), z); nothing)

"Deflate the `n` first of `bytes`, and append what comes of it."
function deflate!(file::NewFile, z::ZStream, bytes::Vector{UInt8}, n::Int, target::Vector{UInt8}, flush::Int)
    GC.@preserve bytes target begin
        z.next_in, z.avail_in, z.avail_out = pointer(bytes), n, 0
        while z.avail_out == 0
            z.next_out, z.avail_out = pointer(target), length(target)
            ccall(zlib(:deflate), Cint, (Ref{ZStream}, Cint), z, flush)
            append_bytes!(file, target, length(target) - Int(z.avail_out))
        end
    end
end

# Zip archives (PKWARE APPNOTE 6.3), read so strictly that there is one reading: conformance/spec/pairs.md, section 3.
#
# Members are streams: what is inflated is looked at and let go, so that a bomb costs time and no memory.

# ---- zlib ------------------------------------------------------------------------------------------------------------

import Libdl

"struct z_stream of zlib.h."
mutable struct ZStream
    next_in::Ptr{UInt8}
    avail_in::Cuint
    total_in::Culong
    next_out::Ptr{UInt8}
    avail_out::Cuint
    total_out::Culong
    msg::Ptr{UInt8}
    state::Ptr{Cvoid}
    zalloc::Ptr{Cvoid}
    zfree::Ptr{Cvoid}
    opaque::Ptr{Cvoid}
    data_type::Cint
    adler::Culong
    reserved::Culong
end

ZStream() = ZStream(C_NULL, 0, 0, C_NULL, 0, 0, C_NULL, C_NULL, C_NULL, C_NULL, C_NULL, 0, 0, 0)

const Z_OK, Z_STREAM_END, Z_MEM_ERROR, Z_BUF_ERROR = 0, 1, -4, -5
const Z_NO_FLUSH, Z_FINISH = 0, 4
const RAW_DEFLATE = -15                            # no header of zlib's or gzip's own, and the full window

const ZLIB = Ref{Ptr{Cvoid}}(C_NULL)

# The system's, or the one that Julia itself is shipped with.
zlib_names() = ["libz.so.1", "libz.1.dylib", joinpath(Sys.BINDIR, "..", "lib", "julia", "libz.so.1"), "libz"]

"A function of the system's zlib."
function zlib(name::Symbol)
    for library in zlib_names()
        ZLIB[] == C_NULL && (ZLIB[] = something(Libdl.dlopen(library; throw_error = false), C_NULL))
    end
    ZLIB[] == C_NULL && throw(StorageError("libz", "there is no zlib on this machine; install it (zlib1g)"))
    Libdl.dlsym(ZLIB[], name)
end

zlib_version() = ccall(zlib(:zlibVersion), Ptr{UInt8}, ())

function open_inflate()
    z = ZStream()
    ccall(zlib(:inflateInit2_), Cint, (Ref{ZStream}, Cint, Ptr{UInt8}, Cint), z, RAW_DEFLATE, zlib_version(),
          sizeof(ZStream)) == Z_OK || throw(OutOfMemoryError())
    finalizer(close_inflate, z)
end

close_inflate(z::ZStream) = (ccall(zlib(:inflateEnd), Cint, (Ref{ZStream},), z); nothing)

"The CRC-32 of what `crc` is that of, and then the `n` first bytes of `data`."
crc32(crc::UInt32, data::Vector{UInt8}, n::Int) =
    ccall(zlib(:crc32), Culong, (Culong, Ptr{UInt8}, Cuint), crc, data, n) % UInt32

# ---- records ---------------------------------------------------------------------------------------------------------

const LOCAL_HEADER, CENTRAL_HEADER, END_RECORD = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
const ZIP64_END_RECORD, ZIP64_LOCATOR = b"PK\x06\x06", b"PK\x06\x07"
const SATURATED = 4294967295           # all ones: the value is in a zip64 record
const STORED, DEFLATED = 0, 8
const ENCRYPTION_FLAGS = 0x2041
const HEADER_BYTES_PER_ENTRY = 1024

"The unsigned little-endian number of `n` bytes at `offset`; beyond 2^61, which no file reaches, it is 2^61."
function little_endian(bytes::Vector{UInt8}, offset::Int, n::Int)
    value = UInt64(0)
    for k in n:-1:1
        value = (value << 8) | bytes[offset+k]
    end
    Int(min(value, UInt64(2)^61))
end

"Whether `bytes` have `wanted` at `offset`."
function has_at(bytes::Vector{UInt8}, offset::Int, wanted::Base.CodeUnits{UInt8,String})
    offset + length(wanted) <= length(bytes) || return false
    for k in 1:length(wanted)
        bytes[offset+k] == wanted[k] || return false
    end
    true
end

"Where the central directory is, and how many entries it has."
struct Directory
    entries::Int
    size::Int
    offset::Int
end

"What the central directory says of a member."
struct Entry
    name::String
    flags::Int
    method::Int
    crc::UInt32
    compressed::Int
    size::Int
    offset::Int          # of the local header
end

"Find the directory: `archive.not-zip`, `archive.truncated` and `archive.end-record`."
function find_directory(file::OpenFile, at::JsonPointer)
    archive_not_zip(file, at)
    archive_truncated(file, at)
    archive_end_record(file, at)
end

function archive_not_zip(file::OpenFile, at::JsonPointer)
    start = read_bytes(file, 0, min(file.size, 4))
    has_at(start, 0, LOCAL_HEADER) || has_at(start, 0, END_RECORD) ||
        reject("archive.not-zip", at, "expected an archive that begins with a zip file's signature")
end

function archive_truncated(file::OpenFile, at::JsonPointer)
    record = read_bytes(file, max(0, file.size - 22), min(file.size, 22))
    length(record) == 22 && has_at(record, 0, END_RECORD) && little_endian(record, 20, 2) == 0 ||
        reject("archive.truncated", at, "expected an end record without comment as the last 22 bytes of the archive")
end

function archive_end_record(file::OpenFile, at::JsonPointer)
    stop = file.size - 22
    record = read_bytes(file, stop, 22)
    little_endian(record, 4, 4) == 0 || end_record(at, "expected the archive to be on one disk")
    here, entries = little_endian(record, 8, 2), little_endian(record, 10, 2)
    size, offset = little_endian(record, 12, 4), little_endian(record, 16, 4)
    if here == 0xffff || entries == 0xffff || size == SATURATED || offset == SATURATED
        stop, record = zip64_end_record(file, stop, at)
        here, entries = little_endian(record, 24, 8), little_endian(record, 32, 8)
        size, offset = little_endian(record, 40, 8), little_endian(record, 48, 8)
    end
    here == entries || end_record(at, "expected both counts of entries to be equal, got ", here, " and ", entries)
    offset + size == stop || end_record(at, "expected the directory to end where the end records begin, at byte ", stop,
                                        ", got ", offset + size)
    Directory(entries, size, offset)
end

"Offset and bytes of the zip64 end record that belongs to an end record at `stop`."
function zip64_end_record(file::OpenFile, stop::Int, at::JsonPointer)
    stop >= 20 || end_record(at, "expected a zip64 locator before the end record")
    locator = read_bytes(file, stop - 20, 20)
    has_at(locator, 0, ZIP64_LOCATOR) && little_endian(locator, 4, 4) == 0 && little_endian(locator, 16, 4) == 1 ||
        end_record(at, "expected a zip64 locator of one disk before the end record")
    start = little_endian(locator, 8, 8)
    start + 56 <= stop - 20 || end_record(at, "expected a zip64 end record before its locator")
    record = read_bytes(file, start, 56)
    size = little_endian(record, 4, 8)
    has_at(record, 0, ZIP64_END_RECORD) && size >= 44 && start + 12 + size == stop - 20 ||
        end_record(at, "expected a zip64 end record that ends where its locator begins")
    little_endian(record, 16, 8) == 0 ||
        end_record(at, "expected the archive to be on one disk")
    start, record
end

@noinline end_record(at::JsonPointer, @nospecialize parts...) = reject("archive.end-record", at, parts...)

archive_entry_count(directory::Directory, due::Int, at::JsonPointer) = directory.entries <= due ||
    reject("archive.entry-count", at, "expected at most ", due, " entries, got ", directory.entries)

"All entries of the central directory, in its order."
function archive_directory(file::OpenFile, directory::Directory, at::JsonPointer)
    directory.size <= HEADER_BYTES_PER_ENTRY * directory.entries ||
        bad_directory(at, "expected at most ", HEADER_BYTES_PER_ENTRY, " bytes for each entry")
    bytes, entries, offset = read_bytes(file, directory.offset, directory.size), Entry[], 0
    for _ in 1:directory.entries
        entry, offset = central_header(bytes, offset, at)
        entry.offset + 30 <= directory.offset || bad_directory(at, "expected local headers before the directory")
        push!(entries, entry)
    end
    offset == length(bytes) || bad_directory(at, "expected the headers to fill the directory")
    entries
end

function central_header(bytes::Vector{UInt8}, start::Int, at::JsonPointer)
    start + 46 <= length(bytes) && has_at(bytes, start, CENTRAL_HEADER) ||
        bad_directory(at, "expected the header of an entry at its byte ", start)
    field(offset, n) = little_endian(bytes, start + offset, n)
    name_end = start + 46 + field(28, 2)
    extra_end = name_end + field(30, 2)
    stop = extra_end + field(32, 2)
    stop <= length(bytes) || bad_directory(at, "expected the header at its byte ", start, " to end in it")
    field(34, 2) == 0 || bad_directory(at, "expected all entries on one disk")
    sizes = zip64_sizes(bytes, name_end, extra_end, (field(24, 4), field(20, 4), field(42, 4)), at)
    Entry(String(bytes[start+47:name_end]), field(8, 2), field(10, 2), field(16, 4) % UInt32, sizes[2], sizes[1],
          sizes[3]), stop
end

"Size, compressed size and offset, those that are saturated out of the zip64 extra field."
function zip64_sizes(bytes::Vector{UInt8}, start::Int, stop::Int, sizes::NTuple{3,Int}, at::JsonPointer)
    SATURATED in sizes || return sizes
    value, value_end = extra_field(bytes, start, stop, 1)
    full = Int[]
    for size in sizes
        size == SATURATED || (push!(full, size); continue)
        value + 8 <= value_end || bad_directory(at, "expected a zip64 extra field with what the header leaves open")
        push!(full, little_endian(bytes, value, 8))
        value += 8
    end
    (full[1], full[2], full[3])
end

"Where the value of the first extra field of a kind begins and ends; nowhere is an empty value."
function extra_field(bytes::Vector{UInt8}, start::Int, stop::Int, kind::Int)
    while start + 4 <= stop
        value_end = start + 4 + little_endian(bytes, start + 2, 2)
        value_end <= stop || break
        little_endian(bytes, start, 2) == kind && return start + 4, value_end
        start = value_end
    end
    stop, stop
end

@noinline bad_directory(at::JsonPointer, @nospecialize parts...) =
    reject("archive.directory", at, "the central directory: ", parts...)

function archive_member_path(entries::Vector{Entry}, at::JsonPointer)
    for entry in entries
        any(b -> b == UInt8('/') || b == UInt8('\\'), codeunits(entry.name)) &&
            reject("archive.member-path", at, "expected names without slashes, got ", repr(entry.name))
    end
end

function archive_member_unexpected(entries::Vector{Entry}, due::Set{String}, at::JsonPointer)
    for entry in entries
        entry.name in due ||
            reject("archive.member-unexpected", at, "expected only members due, got ", repr(entry.name))
    end
end

function archive_member_twice(entries::Vector{Entry}, at::JsonPointer)
    second = first_repeat(String[entry.name for entry in entries])
    second === nothing ||
        reject("archive.member-twice", at, "the member ", repr(entries[second].name), " occurs twice")
end

"The entries of `names` in this order; `places` are where they are due."
function archive_member_missing(entries::Vector{Entry}, names::Vector{String}, places::Vector{JsonPointer})
    by_name, chosen = Dict{String,Int}(), Entry[]
    for k in 1:length(entries)
        by_name[entries[k].name] = k
    end
    for k in 1:length(names)
        found = get(by_name, names[k], 0)
        found == 0 && reject("archive.member-missing", places[k], "expected a member ", names[k])
        push!(chosen, entries[found])
    end
    chosen
end

# ---- members before they are read ------------------------------------------------------------------------------------

function archive_encrypted(entries::Vector{Entry}, places::Vector{JsonPointer})
    for k in 1:length(entries)
        entries[k].flags & ENCRYPTION_FLAGS == 0 || reject("archive.encrypted", places[k], "the member is encrypted")
    end
end

function archive_compression(entries::Vector{Entry}, places::Vector{JsonPointer})
    for k in 1:length(entries)
        entries[k].method in (STORED, DEFLATED) || reject("archive.compression", places[k],
            "expected the method stored (0) or deflate (8), got ", entries[k].method)
    end
end

"Where the data of each member begins."
function archive_local_header(file::OpenFile, directory::Directory, entries::Vector{Entry}, places::Vector{JsonPointer})
    starts, fault = Int[], ""
    for entry in entries
        start, fault = local_header(file, directory, entry)
        isempty(fault) || break
        push!(starts, start)
    end
    k = first_overlap(entries, starts)
    k === nothing || reject("archive.local-header", places[k], "its bytes are also those of another member")
    isempty(fault) || reject("archive.local-header", places[length(starts)+1], fault)
    starts
end

"Where a member's data begins, and what is wrong with its local header, or \"\"."
function local_header(file::OpenFile, directory::Directory, entry::Entry)
    n = ncodeunits(entry.name)
    header = read_bytes(file, entry.offset, min(30 + n, directory.offset - entry.offset))
    field(offset, n) = little_endian(header, offset, n)
    has_at(header, 0, LOCAL_HEADER) || return 0, "expected a local header's signature"
    field(8, 2) == entry.method || return 0, "expected the method of the directory in the local header"
    field(26, 2) == n && has_at(header, 30, codeunits(entry.name)) ||
        return 0, "expected the name of the directory in the local header"
    (field(6, 2) ⊻ entry.flags) & 1 == 0 || return 0, "expected the encryption flag of the directory"
    start = entry.offset + 30 + n + field(28, 2)
    start + entry.compressed <= directory.offset || return 0, "expected its data to end before the directory"
    start, ""
end

"The first member whose bytes overlap those of one before it, among those whose data begins at `starts`."
function first_overlap(entries::Vector{Entry}, starts::Vector{Int})
    n = length(starts)
    overlap(entries, starts, n) || return nothing
    low, high = 1, n                       # the first low do not overlap, the first high do
    while high - low > 1
        middle = (low + high) >> 1
        overlap(entries, starts, middle) ? (high = middle) : (low = middle)
    end
    high
end

"Whether any of the `n` first members overlap."
function overlap(entries::Vector{Entry}, starts::Vector{Int}, n::Int)
    begins, ends = Int[], Int[]
    for k in 1:n
        push!(begins, entries[k].offset)
        push!(ends, starts[k] + entries[k].compressed)
    end
    sort!(begins)
    sort!(ends)
    # They do not where each ends before the next begins: then no place is in two of them.
    for k in 2:n
        begins[k] < ends[k-1] && return true
    end
    false
end

# ---- the bytes of a member -------------------------------------------------------------------------------------------

"A member as it is being read: `next` to `stop` are the bytes of `buffer` that have not been taken yet."
mutable struct Member
    file::OpenFile
    entry::Entry
    at::JsonPointer
    z::Union{Nothing,ZStream}
    source::Vector{UInt8}      # compressed bytes
    offset::Int                # in the file, of what has not been read yet
    left::Int                  # how many that are
    produced::Int
    crc::UInt32
    ended::Bool
    buffer::Vector{UInt8}
    next::Int
    stop::Int
end

"Begin to read a member whose data is at `start`; it may declare at most `limit` bytes."
function open_member(file::OpenFile, entry::Entry, start::Int, limit::Int, at::JsonPointer)
    entry.size <= limit ||
        reject("archive.size", at, "expected at most ", limit, " bytes, got ", entry.size, " declared")
    stored = entry.method == STORED
    stored && entry.size != entry.compressed &&
        reject("archive.size", at, "expected a stored member to declare one size, got ", entry.size, " and ",
               entry.compressed)
    Member(file, entry, at, stored ? nothing : open_inflate(),
           Vector{UInt8}(undef, stored ? 0 : min(CHUNK_BYTES, entry.compressed)), start, entry.compressed, 0,
           UInt32(0), false, Vector{UInt8}(undef, min(CHUNK_BYTES, entry.size + 1)), 1, 0)
end

close_member(member::Member) = member.z === nothing || finalize(member.z)

"Bytes that the member declares and that have not been taken."
remaining(member::Member) = member.entry.size - member.produced + (member.stop - member.next + 1)

"Put the next bytes into the buffer; false at the end, which is checked: `archive.data`, `archive.size`, `archive.crc`."
function fill!(member::Member)
    member.ended && return archive_end(member)
    n = member.z === nothing ? read_stored!(member) : inflate!(member, member.z)
    member.crc = crc32(member.crc, member.buffer, n)
    member.produced += n
    member.next, member.stop = 1, n
    n > 0 || archive_end(member)
end

function read_stored!(member::Member)
    n = min(member.left, length(member.buffer))
    read_all!(member.buffer, member.file, member.offset, n)
    member.offset += n
    member.left -= n
    member.ended = member.left == 0
    n
end

function inflate!(member::Member, z::ZStream)
    # One byte beyond the declared size is asked for, and never more.
    limit = min(length(member.buffer), member.entry.size - member.produced + 1)
    while true
        z.avail_in == 0 && read_compressed!(member, z)
        z.next_out, z.avail_out = pointer(member.buffer), limit
        code = GC.@preserve member ccall(zlib(:inflate), Cint, (Ref{ZStream}, Cint), z, Z_NO_FLUSH)
        n = limit - Int(z.avail_out)
        member.produced + n <= member.entry.size ||
            reject("archive.size", member.at, "expected ", member.entry.size, " bytes as declared, got more")
        code == Z_STREAM_END && (member.ended = true; archive_data_end(member, z); return n)
        code == Z_MEM_ERROR && throw(OutOfMemoryError())
        code == Z_OK || code == Z_BUF_ERROR || archive_data(member, "expected a deflate stream, got an invalid one")
        n > 0 && return n
        z.avail_in > 0 || member.left > 0 || archive_data(member, "expected the stream to end with its data")
    end
end

function read_compressed!(member::Member, z::ZStream)
    n = min(member.left, length(member.source))
    read_all!(member.source, member.file, member.offset, n)
    member.offset += n
    member.left -= n
    z.next_in, z.avail_in = pointer(member.source), n
end

archive_data_end(member::Member, z::ZStream) = z.avail_in == 0 && member.left == 0 ||
    archive_data(member, "expected no data after the end of the stream")

archive_data(member::Member, what::String) = reject("archive.data", member.at, what)

"What a member's bytes must be once all have come."
function archive_end(member::Member)
    member.ended = true
    member.next, member.stop = 1, 0
    member.produced == member.entry.size ||
        reject("archive.size", member.at, "expected ", member.entry.size, " bytes as declared, got ", member.produced)
    member.crc == member.entry.crc ||
        reject("archive.crc", member.at, "expected the CRC-32 ", repr(member.entry.crc), ", got ", repr(member.crc))
    false
end

"The next byte, without taking it; -1 at the end."
@inline function peek_member(member::Member)
    member.next <= member.stop || fill!(member) || return -1
    Int(member.buffer[member.next])
end

"Take up to `n` bytes into `target` after its first `skip`; returns how many there were."
function take_bytes!(target::Vector{UInt8}, skip::Int, member::Member, n::Int)
    done = 0
    while done < n && (member.next <= member.stop || fill!(member))
        some = min(n - done, member.stop - member.next + 1)
        copyto!(target, skip + done + 1, member.buffer, member.next, some)
        member.next += some
        done += some
    end
    done
end

"Let the rest of the bytes pass, so that all of them are checked."
function drain!(member::Member)
    while fill!(member)
    end
end

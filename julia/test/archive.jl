# Zip archives, made byte by byte.

"The parts of a zip of one member, each of which a test can change."
mutable struct Zip
    name::String
    flags::Int
    method::Int
    data::Vector{UInt8}
    size::Int
    crc::UInt32
    local_name::String
    count::Int
    comment::String
    before::Vector{UInt8}
end

Zip(data::Vector{UInt8}) =
    Zip("x.npy", 0, 0, data, length(data), S.crc32(UInt32(0), data, length(data)), "x.npy", 1, "", UInt8[])

le(value, n) = S.put_little_endian!(UInt8[], Int(value), n)

function zip_bytes(z::Zip)
    common = vcat(le(z.flags, 2), le(z.method, 2), le(0, 4), le(z.crc, 4), le(length(z.data), 4), le(z.size, 4))
    start = vcat(z.before, b"PK\x03\x04", le(20, 2), common, le(ncodeunits(z.local_name), 2), le(0, 2),
                 codeunits(z.local_name), z.data)
    directory = vcat(b"PK\x01\x02", le(20, 4), common, le(ncodeunits(z.name), 2), le(0, 4 + 2 + 2 + 4),
                     le(length(z.before), 4), codeunits(z.name))
    vcat(start, directory, b"PK\x05\x06", le(0, 4), le(z.count, 2), le(z.count, 2), le(length(directory), 4),
         le(length(start), 4), le(ncodeunits(z.comment), 2), codeunits(z.comment))
end

npy_bytes(header, data = UInt8[]; version = 1) =
    vcat(b"\x93NUMPY", UInt8[version, 0], le(ncodeunits(header), version == 1 ? 2 : 4), codeunits(header), data)

bytes_of(values) = collect(reinterpret(UInt8, collect(values)))
header_of(shape; descr = "<f8", fortran = "False") = "{'descr': '$descr', 'fortran_order': $fortran, 'shape': $shape, }"

const SOUND_NPY = npy_bytes(header_of("(2, 1)"), bytes_of([1.5, -0.0]))

"The array `x` of an archive of these bytes."
function array_in(bytes::Vector{UInt8})
    mktempdir() do folder
        write(joinpath(folder, "a.npz"), bytes)
        S.read_reference(S.JsonObject("file" => "a.npz", "member" => "x"), folder, S.ROOT)
    end
end

archive_fault(bytes::Vector{UInt8}) = (found = rejection(() -> array_in(bytes)); found === nothing ? found : found[1])

"The code with which a zip is rejected once `change!` has changed it."
zip_fault(change!, data = SOUND_NPY) = (z = Zip(data); change!(z); archive_fault(zip_bytes(z)))

function deflated(data::Vector{UInt8})
    z, target = S.open_deflate(), Vector{UInt8}(undef, length(data) + 1000)
    GC.@preserve data target begin
        z.next_in, z.avail_in, z.next_out, z.avail_out = pointer(data), length(data), pointer(target), length(target)
        ccall(S.zlib(:deflate), Cint, (Ref{S.ZStream}, Cint), z, S.Z_FINISH)
    end
    n = length(target) - Int(z.avail_out)
    finalize(z)
    target[1:n]
end

@testset "stored and deflated members" begin
    array = array_in(zip_bytes(Zip(SOUND_NPY)))
    @test array.shape == [2, 1] && array.values == [1.5, -0.0] && signbit(array.values[2])
    @test zip_fault(z -> (z.data = deflated(z.data); z.method = 8)) === nothing
end

@testset "every rule on the archive" begin
    @test archive_fault(UInt8[]) == "archive.not-zip"
    @test zip_fault(z -> z.before = UInt8[0]) == "archive.not-zip"
    @test zip_fault(z -> z.comment = "c") == "archive.truncated"
    @test archive_fault(zip_bytes(Zip(SOUND_NPY))[1:end-1]) == "archive.truncated"
    @test zip_fault(z -> z.before = collect(b"PK\x03\x04")) === nothing         # offsets count: one reading is left
    bytes = zip_bytes(Zip(SOUND_NPY))
    @test archive_fault(vcat(bytes[1:end-22], 0x00, bytes[end-21:end])) == "archive.end-record"
    @test zip_fault(z -> z.count = 1025) == "archive.entry-count"
    @test zip_fault(z -> z.count = 2) == "archive.directory"
    @test zip_fault(z -> z.count = 0) == "archive.directory"
    @test zip_fault(z -> z.name = z.local_name = "y.npy") == "archive.member-missing"
    @test zip_fault(z -> z.local_name = "y.npy") == "archive.local-header"
    for flags in (1, 64, 8192)
        @test zip_fault(z -> z.flags = flags) == "archive.encrypted"
    end
    @test zip_fault(z -> z.flags = 2048 + 8) === nothing
    @test zip_fault(z -> z.method = 9) == "archive.compression"
    @test zip_fault(z -> z.size += 1) == "archive.size"
    @test zip_fault(z -> z.crc ⊻= 1) == "archive.crc"
end

@testset "every rule on a stream" begin
    packed = deflated(SOUND_NPY)
    stream(change!) = zip_fault(z -> (z.method = 8; z.data = packed; change!(z)))
    @test stream(z -> z.data = packed[1:end-1]) == "archive.data"
    @test stream(z -> z.data = vcat(packed, 0x00)) == "archive.data"
    @test stream(z -> z.data = UInt8[]) == "archive.data"
    @test stream(z -> z.data = fill(0xff, 20)) == "archive.data"
    @test stream(z -> z.size -= 1) == "archive.size"
    @test stream(z -> z.size += 1) == "archive.size"
    @test stream(z -> z.size = 2^28 + 1) == "archive.size"
    # A byte too many is seen before what is invalid behind it, and what is invalid before a byte too many.
    @test stream(z -> (z.data = vcat(packed[1:end-2], 0xff, 0xff); z.size -= 20)) == "archive.size"
end

@testset "overlaps: the first in due order, whatever the order of the bytes" begin
    entry(offset, n) = S.Entry("x", 0, 0, 0, n, n, offset)
    @test S.first_overlap([entry(100, 10), entry(0, 10), entry(50, 10)], [140, 40, 90]) === nothing
    @test S.first_overlap([entry(100, 10), entry(0, 10), entry(149, 10)], [140, 40, 180]) == 3
    @test S.first_overlap([entry(100, 10), entry(0, 100), entry(149, 10)], [140, 40, 180]) == 2
    @test S.first_overlap([entry(0, 10), entry(0, 10), entry(0, 10)], [40, 40, 40]) == 2
    @test S.first_overlap(S.Entry[], Int[]) === nothing
end

@testset "zip64: a saturated field has its value in the extra field, in the due order" begin
    sizes(extra) = S.zip64_sizes(extra, 0, length(extra), (S.SATURATED, 7, S.SATURATED), S.ROOT)
    @test sizes(vcat(le(9, 2), le(1, 2), 0x00, S.zip64_field([2^40, 2^41]))) == (2^40, 7, 2^41)
    @test rejection(() -> sizes(S.zip64_field([2^40]))) == ("archive.directory", "")
    @test rejection(() -> sizes(UInt8[])) == ("archive.directory", "")
    # An archive whose only sign of zip64 is the count of its end record, and one that does not say more.
    end64 = UInt8[]
    S.finish_directory!(end64, 65535, 0)
    @test length(end64) == 56 + 20 + 22
    mktempdir() do folder
        place = joinpath(folder, "z")
        write(place, end64)
        file = S.open_file(place)
        @test S.archive_end_record(file, S.ROOT) == S.Directory(0xffff, 0, 0)
        S.close_file(file)
        write(place, end64[57:end])
        file = S.open_file(place)
        @test rejection(() -> S.archive_end_record(file, S.ROOT)) == ("archive.end-record", "")
        S.close_file(file)
    end
end

@testset "what is written is aligned, dated and the same each time" begin
    mktempdir() do folder
        members = [S.NewMember("layer_0", [1.0 2.0 3.0; 4.0 5.0 6.0]), S.NewMember("bias_0", [0.5, 0.25])]
        written(compress) = (f = S.create_file(joinpath(folder, "w")); d = S.write_archive(f, members, compress);
                             S.close_file(f); (read(f.place), d))
        @test written(true) == written(true)
        bytes, digest = written(false)
        file = S.open_file(joinpath(folder, "w"))
        directory = S.find_directory(file, S.ROOT)
        @test S.file_digest(file, directory.offset) == digest
        entries = S.archive_directory(file, directory, S.ROOT)
        starts = S.archive_local_header(file, directory, entries, [S.ROOT, S.ROOT])
        @test all(start -> start % 64 == 0, starts) && [e.method for e in entries] == [0, 0]
        @test bytes[starts[1]+129:starts[1]+176] == bytes_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])      # in C order
        @test S.little_endian(bytes, directory.offset + 14, 2) == 33                              # 1980-01-01
        S.close_file(file)
    end
end

@testset "a matrix leaves in blocks, row by row" begin
    for size in ((3, 5), (0, 4), (4, 0), (1, 70000), (70000, 1), (300, 1000))
        matrix = reshape(collect(1.0:prod(size)), size)
        chunks, bytes = S.RowChunks(matrix), UInt8[]
        n = S.next_chunk!(chunks)
        while n > 0
            append!(bytes, chunks.bytes[1:n])
            n = S.next_chunk!(chunks)
        end
        @test bytes == bytes_of(vec(permutedims(matrix)))
    end
end

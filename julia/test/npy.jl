# Arrays in the npy format.

npy_fault(bytes) = archive_fault(zip_bytes(Zip(bytes)))
header_fault(header; data = bytes_of([1.0])) = npy_fault(npy_bytes(header, data))
read_back(header, data; version = 1) = array_in(zip_bytes(Zip(npy_bytes(header, data; version = version))))

@testset "types and byte orders" begin
    values(descr, items) = read_back(header_of("($(length(items)),)"; descr = descr), bytes_of(items)).values
    @test values("<f8", [1.5, -0.0]) == [1.5, -0.0] && values(">f8", hton.([1.5, NaN]))[1] == 1.5
    @test values("<f4", Float32[0.1]) == [Float64(0.1f0)] && values("<f2", Float16[0.1, Inf]) == [Float16(0.1), Inf]
    @test values("<i8", [2^53, -2^53]) == [2.0^53, -2.0^53] && values("<u8", [UInt64(2)^63]) == [2.0^63]
    @test values(">i4", hton.(Int32[-5])) == [-5.0] && values("<u4", [0xffffffff]) == [4294967295.0]
    @test values(">i2", hton.(Int16[-5])) == [-5.0] && values("<u2", [0xffff]) == [65535.0]
    @test values("|i1", Int8[-5]) == [-5.0] && values("|u1", [0xff]) == [255.0] && values(">u1", [0xff]) == [255.0]
    for descr in ("|f8", "=f8", "<f16", "<c8", "|b1", "<U1", "|O", "f8", "<i3", "<f8 ", "", "<F8", "<i1 ")
        @test header_fault(header_of("(1,)"; descr = descr)) == "npy.dtype"
    end
    @test header_fault("{'descr': [('a', '<f8'), (']', '(')], 'fortran_order': False, 'shape': (1,)}") == "npy.dtype"
end

@testset "headers" begin
    for header in ("{'descr':'<f8','fortran_order':False,'shape':(1,)}",
                   "\t{ \"shape\" : ( 1 , ) ,\r\n 'fortran_order' : True , 'descr' : \"<f8\" , } \n",
                   header_of("(1, 1,)"), header_of("()"), header_of("(" * "1," ^ 32 * ")"))
        @test header_fault(header) === nothing
    end
    for shape in ("(1)", "(,)", "(1,,)", "1", "[1]", "(01,)", "(+1,)", "(-1,)", "(1_0,)", "(1L,)", "(1.0,)", "(1 1,)",
                  "(9007199254740992,)", "(18446744073709551617,)", "(" * "1," ^ 33 * ")", "(1,", "")
        @test header_fault(header_of(shape)) == "npy.header"
    end
    for header in ("", "{}", "{'descr': '<f8', 'fortran_order': False}", header_of("(1,)") * "x",
                   header_of("(1,), 'extra': 1"), header_of("(1,), 'shape': (1,)"), header_of("(1,)"; fortran = "true"),
                   header_of("(1,)"; fortran = "0"), header_of("(1,)"; descr = "<f\\x38"), "{,}", "{'descr'}",
                   header_of("(1,)"; descr = "é"), header_of("(1,)"; descr = "\x01"),
                   "{'descr': [('a', '<f8'], 'fortran_order': False, 'shape': (1,)}",
                   "{'descr': ((((', 'fortran_order': False, 'shape': (1,)}",
                   "{'descr': <f8, 'fortran_order': False, 'shape': (1,)}",
                   "{'descr': '<f8' 'fortran_order': False, 'shape': (1,)}")
        @test header_fault(header) == "npy.header"
    end
    for version in (2, 3)
        @test read_back(header_of("(1,)"), bytes_of([2.0]); version = version).values == [2.0]
    end
    sound = npy_bytes(header_of("(1,)"), bytes_of([1.0]))
    @test npy_fault(vcat(sound[1:6], 0x04, sound[8:end])) == "npy.magic"
    @test npy_fault(vcat(sound[1:7], 0x01, sound[9:end])) == "npy.magic"
    @test npy_fault(sound[1:7]) == "npy.magic" && npy_fault(UInt8[]) == "npy.magic"
    @test npy_fault(sound[1:9]) == "npy.header" && npy_fault(sound[1:30]) == "npy.header"
    @test npy_fault(sound[1:end-1]) == "npy.length" && npy_fault(vcat(sound, 0x00)) == "npy.length"
    @test header_fault(header_of("(9007199254740991, 9007199254740991, 9007199254740991)")) == "npy.length"
    @test header_fault(header_of("(0, 9007199254740991)"); data = UInt8[]) === nothing
end

@testset "orders: values come in C order, and places count in it" begin
    rows = [1.0 2.0 3.0; 4.0 5.0 6.0]
    c = read_back(header_of("(2, 3)"), bytes_of(vec(permutedims(rows))))
    f = read_back(header_of("(2, 3)"; fortran = "True"), bytes_of(vec(rows)))
    @test c.values == f.values == 1.0:6.0 && S.as_matrix(c) == S.as_matrix(f) == rows
    tall = reshape(collect(1.0:100*70), 100, 70)
    @test S.transposed(vec(permutedims(tall)), 100, 70) == tall
    inexact(order, at) = (items = ones(Int, 6); items[at] .= 2^53 + 1;
                          read_back(header_of("(2, 3)"; descr = "<i8", fortran = order), bytes_of(items)).inexact)
    @test inexact("False", [3, 5]) == 2 && inexact("True", [2, 5]) == 2 && inexact("True", [2]) == 3
    @test inexact("False", Int[]) == -1
    @test S.path(S.element_place(S.ROOT, [2, 3, 4], 23)) == "/1/2/3" && S.path(S.element_place(S.ROOT, Int[], 0)) == ""
    filters = reshape(collect(1.0:24.0), 2, 3, 2, 2)
    for (fortran, items) in (("False", vec(permutedims(filters, 4:-1:1))), ("True", vec(filters)))
        read = read_back(header_of("(2, 3, 2, 2)"; fortran = fortran), bytes_of(items))
        @test read.values == vec(permutedims(filters, 4:-1:1))
        @test S.as_filters(read).rows == S.filters(filters).rows && S.as_filters(read).shape == [2, 3, 2, 2]
    end
    @test read_back(header_of("(1, 2, 1)"; descr = "<i8"), bytes_of([1, 2^53 + 1])).inexact == 1
end

@testset "long arrays come in pieces" begin
    items = collect(1.0:30_000)
    @test read_back(header_of("(30000,)"), bytes_of(items)).values == items
    long = npy_bytes(header_of("(30000,)"), bytes_of(items))
    @test zip_fault(z -> (z.data = deflated(z.data); z.method = 8), long) === nothing
end

@testset "written headers" begin
    for (shape, text) in (([3], "(3,)"), ([3, 4], "(3, 4)"), ([2, 1, 3, 3], "(2, 1, 3, 3)"),
                          ([0, 9007199254740991], "(0, 9007199254740991)"))
        header = S.npy_header_bytes(shape)
        @test length(header) % 64 == 0 && header[end] == UInt8('\n')
        @test startswith(String(header[11:end]), "{'descr': '<f8', 'fortran_order': False, 'shape': $text, } ")
    end
end

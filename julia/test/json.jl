# The JSON reader and writer.

code(text) = (r = rejection(() -> S.parse_json(text)); r === nothing ? nothing : first(r))

@testset "values keep their types and members their order" begin
    value = S.parse_json("""{"z":[1,-2,3.5e2,true,false,null],"a":"x\\u00e9\\ud83d\\ude00\\n"}""")
    @test value.names == ["z", "a"]
    @test get(value, "z") == Any[1, -2, 350.0, true, false, nothing]
    @test get(value, "z")[1] isa Int64
    @test get(value, "a") == "xé😀\n"
    @test get(value, "b") === missing
end

@testset "Integers have neither fraction nor exponent and stay within 2^53 - 1" begin
    @test S.parse_json("9007199254740991") === Int64(9007199254740991)
    @test S.parse_json("-9007199254740991") === -Int64(9007199254740991)
    for text in ("9007199254740992", "-9007199254740993", "12345678901234567", "-123456789012345678901234567890")
        value = S.parse_json(text)
        @test value isa BigInt && string(value) == text && S.is_number(value) && !S.is_integer(value)
        @test S.number(value) === parse(Float64, text)
        @test S.to_json(S.Tagged(value)) == S.to_json(S.Tagged(parse(Float64, text)))
    end
    @test S.parse_json("123456789012345678.0") === 1.2345678901234568e17
    @test S.parse_json("2.0") === 2.0
    @test S.parse_json("1e3") === 1000.0
    @test S.parse_json("-0") === S.MinusZero()
    @test S.parse_json("0") === Int64(0)
end

@testset "numbers are read to the nearest binary64" begin
    @test S.parse_json("-0.0") === -0.0
    @test S.parse_json("5e-324") === 5e-324
    @test S.parse_json("2.4703282292062327e-324") === 0.0
    @test S.parse_json("2.4703282292062328e-324") === 5e-324
    @test S.parse_json("-1e-400") === -0.0
    @test S.parse_json("0." * "0"^400 * "1") === 0.0
    @test S.parse_json("0." * "0"^400 * "1e401") === 1.0
    @test S.parse_json("1e-99999999999999999999") === 0.0
    @test S.parse_json("0e99999999999999999999") === 0.0
    @test S.parse_json("1.7976931348623158e308") === floatmax(Float64)
    @test S.number(S.parse_json("1" * "0"^308)) === 1e308
    for text in ("1.7976931348623159e308", "1e309", "-1e309", "1e99999999999999999999", "1" * "0"^309,
                 "123" * "0"^400 * ".5", "0." * "0"^400 * "1e800")
        @test code(text) == "json.number-range"
    end
end

@testset "what is outside RFC 8259 is rejected" begin
    for text in ("", " ", "{", "[", "[1,]", "[,1]", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "01", "-01", "-", "+1", "1.",
                 ".5", "1.e1", "1e", "1e+", "nul", "tru", "nulls", "NaN", "Infinity", "-Infinity", "\"\\x\"", "\"\\u12g4\"",
                 "\"\\u12", "\"a\nb\"", "\"a\tb\"", "\"abc", "\"abc\\", "[1] 2", "{1:2}", "'a'", "[1 2]", "\u00a0[1]",
                 "{\"a\"}", "\"\0\"", "1\0", "// a\n1", "\"\\ud800\\ud8\"")
        @test code(text) == "json.syntax"
    end
    @test S.parse_json(" \t\r\n[ 1 , { } ] ") isa Vector
    @test S.parse_json("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFFFF\"") == "\"\\/\b\f\n\r\t\0\uffff"
    @test S.parse_json("\"a\\nä\\u00e4\"") == "a\nää"
end

@testset "half a surrogate pair is rejected" begin
    for text in ("\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\n\"", "\"\\ud800x\"",
                 "\"\\udbff\\udbff\"")
        @test code(text) == "json.surrogate"
    end
    @test S.parse_json("\"\\ud800\\udc00\\udbff\\udfff\"") == "\U10000\U10ffff"
end

@testset "texts are well-formed UTF-8 without a byte-order mark" begin
    for bytes in ([0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3], [0x80])
        @test code(String(UInt8[0x22; bytes; 0x22])) == "json.encoding"
    end
    @test code("\ufeff1") == "json.encoding"
    @test S.parse_json("\"\ufeff\"") == "\ufeff"
end

@testset "names differ by code points after unescaping" begin
    @test code("{\"a\":1,\"a\":2}") == "json.duplicate-key"
    @test code("{\"a\":1,\"\\u0061\":2}") == "json.duplicate-key"
    @test code("[{\"b\":{\"\":1,\"\":2}}]") == "json.duplicate-key"
    @test S.parse_json("{\"é\":1,\"e\u0301\":2}").names == ["é", "e\u0301"]
    many = join(("\"k$k\":0" for k in 1:1000), ',')
    @test length(S.parse_json("{$many}").names) == 1000
    @test code("{$many,\"k500\":1}") == "json.duplicate-key"
end

@testset "depth" begin
    @test S.parse_json("["^64 * "]"^64) isa Vector
    @test code("["^65 * "]"^65) == "json.depth"
    @test code("{\"a\":"^65 * "1" * "}"^65) == "json.depth"
    @test S.parse_json("["^128 * "]"^128, 128) isa Vector
end

@testset "a syntax error names the byte and what was there" begin
    message(text) = try S.parse_json(text) catch err err.message end
    @test message("[1,]") == "byte 3: expected a value, got ']'"
    @test message("[1") == "byte 2: expected ',' or ']', got the end of the text"
    @test message("\"é") == "byte 3: expected the closing quote, got the end of the text"
    @test message("[\"ä\", é]") == "byte 7: expected a value, got 'é'"
end

@testset "writing" begin
    @test S.to_json(S.JsonObject("b" => 1, "a" => Any[nothing, true, false, -7])) ==
          "{\"b\":1,\"a\":[null,true,false,-7]}"
    @test S.to_json("q\"\\\n\x01é\x7f😀") == "\"q\\\"\\\\\\u000a\\u0001é\x7f😀\""
    @test S.to_json([1.0, -0.0, 5e-324]) == "[\"3ff0000000000000\",\"8000000000000000\",\"0000000000000001\"]"
    @test S.to_json([[1, 2], Int[]]) == "[[1,2],[]]"
    @test S.parse_json(S.to_json("\0\x1f\"\\/é")) == "\0\x1f\"\\/é"
end

@testset "values in words" begin
    @test [S.describe(x) for x in (missing, nothing, true, S.JsonObject(), Any[], S.MinusZero(), 3, 2.5, "a\"b")] ==
          ["nothing", "null", "true", "an object", "an array", "-0", "3", "2.5", "\"a\\\"b\""]
    @test length(S.describe("x"^1000)) < 70
end

# Strict JSON (RFC 8259): a reader that keeps the order of members and tells Integers from Numbers, and a writer.
#
# | JSON                               | Julia                        |
# |------------------------------------|------------------------------|
# | object                             | JsonObject                   |
# | array                              | Vector{Any}                  |
# | string, true, false, null          | String, Bool, Nothing        |
# | Integer (semantics.md, section 1)  | Int64; `-0` is MinusZero()   |
# | any larger whole number            | BigInt                       |
# | any other number                   | Float64                      |

"""
    JsonObject("name" => value, ...)

An object, its members in document order. `get(object, name)` is `missing` where there is none of that name.
"""
struct JsonObject
    names::Vector{String}
    values::Vector{Any}

    JsonObject() = new(String[], Any[])
end

function JsonObject(@nospecialize members::Pair...)
    object = JsonObject()
    for member in members
        push!(object, member)
    end
    object
end

function Base.push!(object::JsonObject, @nospecialize member::Pair)
    push!(object.names, member.first)
    push!(object.values, member.second)
    object
end

function Base.get(object::JsonObject, name::String, @nospecialize default = missing)
    for k in 1:length(object.names)
        object.names[k] == name && return object.values[k]
    end
    default
end

"The text `-0`: the Integer 0 where an Integer is due, -0.0 where a Number is."
struct MinusZero end

# Each of these is one method that asks for the type itself: elements of parsed arrays have none that is known, and
# choosing among methods at run time would cost more than reading the number did.

is_integer(x) = x isa Int64 || x isa MinusZero
is_integer_within(x, low::Int, high::Int) = is_integer(x) && low <= integer(x) <= high

"The value of an Integer."
integer(x)::Int = x isa Int64 ? x : 0

"Whether `x` can stand for a real value: a JSON number, or a string for what JSON has no number for."
is_number(x) = x isa Float64 || x isa Int64 || x isa MinusZero || x isa AbstractFloat ||
               (x isa String && (x == "NaN" || x == "Infinity" || x == "-Infinity")) || x isa BigInt

"The value of a Number."
function number(x)::Float64
    x isa Float64 && return x
    x isa Int64 && return Float64(x)
    x isa MinusZero && return -0.0
    x isa String && return x == "NaN" ? NaN : x == "Infinity" ? Inf : -Inf
    x isa BigInt && return Float64(x)
    Float64(x::AbstractFloat)
end

"""
What a Number is once it is rounded to the float type `T`, ties to even. `T` is no parameter, so that the rules, which
ask for this, are compiled once for all float types.
"""
rounded(T::DataType, x)::Float64 = T === Float32 ? Float64(Float32(number(x))) : number(x)

is_finite_number(x, T::DataType) = is_number(x) && isfinite(rounded(T, x))
is_finite_above_zero(x, T::DataType) = is_number(x) && 0 < rounded(T, x) < Inf

"The end of `expected a finite number` where not all finite numbers will do."
in_format(T::DataType) = T === Float32 ? " in binary32" : ""

"`x` in words for a message: what was got instead of what was expected."
describe(::Missing) = "nothing"
describe(::Nothing) = "null"
describe(x::Bool) = string(x)
describe(::JsonObject) = "an object"
describe(::AbstractVector) = "an array"
describe(::MinusZero) = "-0"
describe(x::Number) = string(x)
describe(x::BigInt) = ndigits(x) <= 60 ? string(x) : string(first(string(x), 57), "...")
describe(x::AbstractString) = length(x) <= 60 ? to_json(x) : string(to_json(first(x, 57)), "...")
describe(x) = string("a ", typeof(x))

# ---- reader ----------------------------------------------------------------------------------------------------------

mutable struct Reader
    text::String
    n::Int
    at::Int             # index of the next byte
    max_depth::Int
end

"""
    parse_json(text, max_depth = 64)

Read one JSON text.

# Throws
- [`Rejection`](@ref) with `json.encoding`, `json.syntax`, `json.surrogate`, `json.duplicate-key`, `json.depth` or
  `json.number-range`; its path is empty, its message names the byte.
"""
function parse_json(text::String, max_depth::Int = MAX_DEPTH)
    json_encoding(text)
    r = Reader(text, ncodeunits(text), 1, max_depth)
    skip_space!(r)
    value = read_value!(r, 1)
    skip_space!(r)
    r.at > r.n || json_syntax(r, "expected the end of the text")
    value
end

"The next byte, or 0x00 at the end: no JSON text holds that byte outside a string."
@inline function peek_byte(r::Reader)
    r.at <= r.n ? (@inbounds codeunit(r.text, r.at)) : 0x00
end

@inline function skip_space!(r::Reader)
    while true
        b = peek_byte(r)
        (b == 0x20 || b == 0x0a || b == 0x0d || b == 0x09) || return
        r.at += 1
    end
end

function json_encoding(text::String)
    isvalid(text) || reject("json.encoding", ROOT, "the text is not well-formed UTF-8")
    startswith(text, '\ufeff') && reject("json.encoding", ROOT, "the text begins with a byte-order mark")
end

@noinline function json_syntax(r::Reader, expected::String)
    got = r.at > r.n ? "the end of the text" : repr(r.text[thisind(r.text, r.at)])
    reject("json.syntax", ROOT, "byte ", r.at - 1, ": ", expected, ", got ", got)
end

@noinline json_surrogate(at::Int) =
    reject("json.surrogate", ROOT, "byte ", at - 1, ": expected both halves of a surrogate pair, got one")

@noinline json_duplicate_key(name::String) =
    reject("json.duplicate-key", ROOT, "the name ", describe(name), " occurs twice in one object")

@noinline json_number_range(text::AbstractString) =
    reject("json.number-range", ROOT, "the number ", first(text, 40), " is beyond the range of binary64")

json_depth(r::Reader, depth::Int) = depth <= r.max_depth ||
    reject("json.depth", ROOT, "byte ", r.at - 1, ": arrays and objects are nested deeper than ", r.max_depth)

function read_value!(r::Reader, depth::Int)
    b = peek_byte(r)
    b == UInt8('"') && return read_string!(r)
    b == UInt8('{') && return read_object!(r, depth)
    b == UInt8('[') && return read_array!(r, depth)
    (b == UInt8('-') || is_digit(b)) && return read_number!(r)
    b == UInt8('t') && return read_word!(r, "true", true)
    b == UInt8('f') && return read_word!(r, "false", false)
    b == UInt8('n') && return read_word!(r, "null", nothing)
    json_syntax(r, "expected a value")
end

function read_word!(r::Reader, word::String, value)
    for k in 1:ncodeunits(word)
        peek_byte(r) == codeunit(word, k) || json_syntax(r, "expected $word")
        r.at += 1
    end
    value
end

function read_array!(r::Reader, depth::Int)
    json_depth(r, depth)
    array = Any[]
    r.at += 1
    skip_space!(r)
    peek_byte(r) == UInt8(']') && (r.at += 1; return array)
    while true
        push!(array, read_value!(r, depth + 1))
        skip_space!(r)
        b = peek_byte(r)
        r.at += 1
        b == UInt8(']') && return array
        b == UInt8(',') || (r.at -= 1; json_syntax(r, "expected ',' or ']'"))
        skip_space!(r)
    end
end

function read_object!(r::Reader, depth::Int)
    json_depth(r, depth)
    object = JsonObject()
    r.at += 1
    skip_space!(r)
    peek_byte(r) == UInt8('}') && (r.at += 1; return object)
    while true
        read_member!(r, object, depth)
        skip_space!(r)
        b = peek_byte(r)
        r.at += 1
        b == UInt8('}') && break
        b == UInt8(',') || (r.at -= 1; json_syntax(r, "expected ',' or '}'"))
        skip_space!(r)
    end
    check_names(object.names)
    object
end

function read_member!(r::Reader, object::JsonObject, depth::Int)
    peek_byte(r) == UInt8('"') || json_syntax(r, "expected the name of a member")
    push!(object.names, read_string!(r))
    skip_space!(r)
    peek_byte(r) == UInt8(':') || json_syntax(r, "expected ':'")
    r.at += 1
    skip_space!(r)
    push!(object.values, read_value!(r, depth + 1))
end

# Comparing every pair is fastest for the handful of members that objects have; a text may have a hundred thousand.
function check_names(names::Vector{String})
    length(names) > 16 && return check_many_names(names)
    for i in 2:length(names), j in 1:i-1
        names[i] == names[j] && json_duplicate_key(names[i])
    end
end

function check_many_names(names::Vector{String})
    second = first_repeat(names)
    second === nothing || json_duplicate_key(names[second])
end

"Index of the first entry that is equal to one before it, or `nothing`."
function first_repeat(names::Vector{String})
    seen = Set{String}()
    for k in 1:length(names)
        names[k] in seen && return k
        push!(seen, names[k])
    end
    nothing
end

@inline is_digit(b::UInt8) = 0x30 <= b <= 0x39

function read_number!(r::Reader)
    start = r.at
    peek_byte(r) == UInt8('-') && (r.at += 1)
    zero_first = peek_byte(r) == UInt8('0')
    skip_digits!(r, "expected a digit") > 1 && zero_first && json_leading_zero(r, start)
    is_whole = true
    if peek_byte(r) == UInt8('.')
        is_whole = false
        r.at += 1
        skip_digits!(r, "expected a digit after the point")
    end
    if peek_byte(r) | 0x20 == UInt8('e')
        is_whole = false
        r.at += 1
        (peek_byte(r) == UInt8('+') || peek_byte(r) == UInt8('-')) && (r.at += 1)
        skip_digits!(r, "expected a digit in the exponent")
    end
    is_whole ? whole_number(r, start) : real_number(r, start)
end

function json_leading_zero(r::Reader, start::Int)
    r.at = start
    json_syntax(r, "expected a number without leading zeros")
end

function skip_digits!(r::Reader, expected::String)
    start = r.at
    while is_digit(peek_byte(r))
        r.at += 1
    end
    r.at > start || json_syntax(r, expected)
    r.at - start
end

# Seventeen characters cannot overflow an Int64.
function whole_number(r::Reader, start::Int)
    r.at - start > 17 && return large_number(r, start)
    negative = codeunit(r.text, start) == UInt8('-')
    value = Int64(0)
    for k in (negative ? start + 1 : start):r.at-1
        value = 10value + Int64(codeunit(r.text, k) - 0x30)
    end
    value > MAX_INTEGER && return BigInt(negative ? -value : value)
    negative ? (value == 0 ? MinusZero() : -value) : value
end

"A whole number beyond the Integers: metadata keep all its digits."
function large_number(r::Reader, start::Int)
    real_number(r, start)                # within the range of binary64, so of no more than 309 digits
    parse(BigInt, SubString(r.text, start, r.at - 1))
end

function real_number(r::Reader, start::Int)
    text = SubString(r.text, start, r.at - 1)
    value = tryparse(Float64, text)      # strtod in the C locale: correctly rounded
    value === nothing || (isfinite(value) ? (return value) : json_number_range(text))
    # Base refuses what becomes an infinity and what becomes zero alike.
    decimal_exponent(text) > 0 && json_number_range(text)
    startswith(text, '-') ? -0.0 : 0.0
end

"The exponent e of a nonzero number written as d.ddd × 10^e, held within ±2^62."
function decimal_exponent(text::AbstractString)
    mark = something(findfirst(isequal('e'), text), findfirst(isequal('E'), text), ncodeunits(text) + 1)
    point = something(findfirst(isequal('.'), text), mark)
    lead = 1
    while !(UInt8('1') <= codeunit(text, lead) <= UInt8('9'))
        lead += 1
    end
    written_exponent(text, mark) + (lead < point ? point - lead - 1 : point - lead)
end

"The exponent after the letter at `mark`, held within ±2^61."
function written_exponent(text::AbstractString, mark::Int)
    mark > ncodeunits(text) && return 0
    digits = SubString(text, mark + 1)
    value = tryparse(Int, digits)
    value === nothing ? (startswith(digits, '-') ? -2^61 : 2^61) : clamp(value, -2^61, 2^61)
end

function read_string!(r::Reader)
    r.at += 1
    start = r.at
    while true
        b = peek_byte(r)
        b == UInt8('"') && break
        b == UInt8('\\') && return read_escaped_string!(r, start)
        b < 0x20 && string_fault(r)
        r.at += 1
    end
    r.at += 1
    GC.@preserve r unsafe_string(pointer(r.text, start), r.at - 1 - start)
end

function read_escaped_string!(r::Reader, start::Int)
    out = IOBuffer()
    while true
        b = peek_byte(r)
        if b == UInt8('"')
            write_bytes(out, r.text, start, r.at - 1)
            r.at += 1
            return String(take!(out))
        elseif b == UInt8('\\')
            write_bytes(out, r.text, start, r.at - 1)
            r.at += 1
            read_escape!(r, out)
            start = r.at
        elseif b < 0x20
            string_fault(r)
        else
            r.at += 1
        end
    end
end

string_fault(r::Reader) =
    json_syntax(r, r.at > r.n ? "expected the closing quote" : "expected no control character in a string")

const ESCAPES = (UInt8('"') => 0x22, UInt8('\\') => 0x5c, UInt8('/') => 0x2f, UInt8('b') => 0x08, UInt8('f') => 0x0c,
                 UInt8('n') => 0x0a, UInt8('r') => 0x0d, UInt8('t') => 0x09)

function read_escape!(r::Reader, out::IOBuffer)
    b = peek_byte(r)
    for (letter, byte) in ESCAPES
        b == letter && (r.at += 1; write(out, byte); return)
    end
    b == UInt8('u') || json_syntax(r, "expected one of the escapes \"\\/bfnrtu")
    r.at += 1
    print(out, read_code_point!(r))
end

function read_code_point!(r::Reader)
    start = r.at - 2
    high = read_hex4!(r)
    0xd800 <= high <= 0xdfff || return Char(high)
    (high < 0xdc00 && peek_byte(r) == UInt8('\\')) || json_surrogate(start)
    r.at += 1
    peek_byte(r) == UInt8('u') || json_surrogate(start)
    r.at += 1
    low = read_hex4!(r)
    0xdc00 <= low <= 0xdfff || json_surrogate(start)
    Char(0x00010000 + ((high - 0xd800) << 10) + (low - 0xdc00))
end

function read_hex4!(r::Reader)
    value = UInt32(0)
    for _ in 1:4
        b = peek_byte(r)
        digit = is_digit(b) ? b - 0x30 : 0x61 <= b | 0x20 <= 0x66 ? (b | 0x20) - 0x57 : 0xff
        digit == 0xff && json_syntax(r, "expected four hex digits")
        value = (value << 4) | digit
        r.at += 1
    end
    value
end

# ---- writer ----------------------------------------------------------------------------------------------------------
# Floats of an answer travel as their bits (protocol.md), so a Float64 is written as 16 hex digits and a Float32 as 8,
# never as decimals.

"`value` as one line of JSON; a float becomes a string of its hex digits."
function to_json(@nospecialize value)
    io = IOBuffer()
    write_json(io, value)
    String(take!(io))
end

# Inlined at every place where a byte is written, Base's method would make up most of what has to be compiled.
@noinline put(io::IOBuffer, byte::Char) = write(io, byte % UInt8)
@noinline put(io::IOBuffer, byte::UInt8) = write(io, byte)

write_json(io::IOBuffer, ::Nothing) = print(io, "null")
write_json(io::IOBuffer, x::Bool) = print(io, x ? "true" : "false")
write_json(io::IOBuffer, x::Integer) = print(io, x)

const HEX_DIGITS = b"0123456789abcdef"

write_json(io::IOBuffer, x::Float64) = write_bits(io, reinterpret(UInt64, x), 60)
write_json(io::IOBuffer, x::Float32) = write_bits(io, UInt64(reinterpret(UInt32, x)), 28)

"The hex digits of `bits`, from that which begins at bit `highest` on."
function write_bits(io::IOBuffer, bits::UInt64, highest::Int)
    put(io, '"')
    for shift in highest:-4:0
        put(io, HEX_DIGITS[((bits >> shift) & 0xf)+1])
    end
    put(io, '"')
end

function write_json(io::IOBuffer, text::String)
    put(io, '"')
    start = 1
    for k in 1:ncodeunits(text)
        b = codeunit(text, k)
        b == UInt8('"') || b == UInt8('\\') || b < 0x20 || continue
        write_bytes(io, text, start, k - 1)
        b < 0x20 ? write_control(io, b) : (put(io, '\\'); put(io, b))
        start = k + 1
    end
    write_bytes(io, text, start, ncodeunits(text))
    put(io, '"')
end

function write_control(io::IOBuffer, b::UInt8)
    print(io, "\\u00")
    put(io, HEX_DIGITS[(b >> 4)+1])
    put(io, HEX_DIGITS[(b & 0xf)+1])
end

@noinline function write_bytes(io::IOBuffer, text::String, start::Int, stop::Int)
    start <= stop && GC.@preserve text unsafe_write(io, pointer(text, start), UInt(stop - start + 1))
    nothing
end

function write_json(io::IOBuffer, @nospecialize array::AbstractVector)
    put(io, '[')
    for k in 1:length(array)
        k == 1 || put(io, ',')
        write_json(io, array[k])
    end
    put(io, ']')
end

# The long lists of an answer hold indices and potentials.
function write_json(io::IOBuffer, array::Union{Vector{Int},Vector{Float64},Vector{Float32}})
    put(io, '[')
    for k in 1:length(array)
        k == 1 || put(io, ',')
        write_json(io, array[k])
    end
    put(io, ']')
end

function write_json(io::IOBuffer, object::JsonObject)
    put(io, '{')
    for k in 1:length(object.names)
        k == 1 || put(io, ',')
        write_json(io, object.names[k])
        put(io, ':')
        write_json(io, object.values[k])
    end
    put(io, '}')
end

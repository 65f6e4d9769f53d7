# Arrays and networks of a `simulate` request that are in files: conformance/spec/pairs.md, section 7.

is_reference(@nospecialize(value)) = value isa JsonObject && get(value, "file") !== missing

"The network of a request: inline, in part in files below `folder`, or in a pair there; its numbers rounded to `T`."
read_requested_network(::Type{T}, @nospecialize(document), folder::String, at::JsonPointer) where {T} =
    document isa JsonObject && get(document, "checkpoint") !== missing ? read_pair_network(T, document, folder, at) :
    read_network(document, at, T, folder)

function read_pair_network(::Type{T}, document::JsonObject, folder::String, at::JsonPointer) where {T}
    known_keys("network.unknown-key", document, ["checkpoint"], at)
    at = at / "checkpoint"
    try
        base = file_path(get(document, "checkpoint"), at)
        rounded_network(T, network_of(load_pair(PairPlace(folder, base, at), false), at), at)
    catch err
        throw(err isa Rejection ? Rejection(err.code, path(at), err.message) : err)
    end
end

"Put the array itself in the place of a reference, if weights are one; whether they were."
function fetch_weights!(layer::JsonObject, folder::Union{Nothing,String}, at::JsonPointer)
    fetches(layer, "weights", folder) || return false
    array = read_reference(get(layer, "weights"), folder, at)
    exact_values("network.weight-type", array, at)
    rank, due = length(array.shape), kind_of(layer) == "conv2d" ? 4 : 2
    replace_member!(layer, "weights", rank != due ? array : rank == 2 ? as_matrix(array) : as_filters(array))
end

function fetch_bias!(layer::JsonObject, folder::Union{Nothing,String}, at::JsonPointer)
    fetches(layer, "bias", folder) || return false
    array = read_reference(get(layer, "bias"), folder, at)
    length(array.shape) == 1 || reject("network.bias-type", at, "expected a list of numbers, got ", describe(array))
    exact_values("network.bias-type", array, at)
    replace_member!(layer, "bias", array.values)
end

"As above, of an input; what is wrong with the reference is returned, as a rule on the number of samples comes first."
function fetch_samples!(input::JsonObject, name::String, folder::Union{Nothing,String}, at::JsonPointer)
    fetches(input, name, folder) || return nothing
    try
        replace_member!(input, name, sample_values(read_reference(get(input, name), folder, at), at))
        nothing
    catch err
        err isa Rejection || rethrow()
        err
    end
end

fetches(object::JsonObject, name::String, folder::Union{Nothing,String}) =
    folder !== nothing && is_reference(get(object, name))

function replace_member!(object::JsonObject, name::String, @nospecialize(value))
    object.values[findfirst(isequal(name), object.names)] = value
    true
end

exact_values(code::String, array::NpyArray, at::JsonPointer) = array.inexact == -1 ||
    reject(code, element_place(at, array.shape, array.inexact), "binary64 cannot hold this integer exactly")

describe(array::NpyArray) = "an array of the shape ($(join(array.shape, ", ")))"

const MOST_EMPTY_SAMPLES = 1048576      # a file of any size can tell of 2^53

"One sample as a list, a batch as a list of lists; an integer that binary64 cannot hold is no number among them."
function sample_values(array::NpyArray, at::JsonPointer)
    shape = array.shape
    length(shape) == 1 && return sample_row(array, 0, shape[1])
    length(shape) == 2 && shape[1] > 0 ||
        reject("input.shape", at, "expected one sample or a batch of at least one, got ", describe(array))
    shape[2] > 0 || shape[1] <= MOST_EMPTY_SAMPLES ||
        throw(StorageError("", "there is not enough memory for $(shape[1]) samples"))
    rows = Any[]
    for k in 0:shape[1]-1
        push!(rows, sample_row(array, k * shape[2], shape[2]))
    end
    rows
end

function sample_row(array::NpyArray, start::Int, n::Int)
    values = array.values[start+1:start+n]
    start <= array.inexact < start + n || return values
    mixed = Vector{Any}(values)
    mixed[array.inexact-start+1] = nothing
    mixed
end

"""
The array that a reference at `at` names.

# Throws
- [`Rejection`](@ref) with `file.reference`, `file.path` or a code of pairs.md, sections 3 and 4.
"""
function read_reference(reference::JsonObject, folder::String, at::JsonPointer)
    file_reference(reference, at)
    place = file_path(get(reference, "file"), at / "file")
    found = real_path_below(folder, place, at / "file")
    file = found === nothing ? nothing : open_file(found)
    file === nothing && reject("archive.missing", at, "there is no archive ", describe(place))
    try
        read_file_array(file, get(reference, "member") * ".npy", at)
    finally
        close_file(file)
    end
end

function file_reference(reference::JsonObject, at::JsonPointer)
    length(reference.names) == 2 || reject("file.reference", at, "expected just the members file and member")
    member = get(reference, "member")
    member isa String || reject("file.reference", at, "expected the name of a member, got ", describe(member))
end

function read_file_array(file::OpenFile, name::String, at::JsonPointer)
    directory = find_directory(file, at)
    archive_entry_count(directory, MAX_FILE_ARRAY_ENTRIES, at)
    entries = filter(entry -> entry.name == name, archive_directory(file, directory, at))
    archive_member_twice(entries, at)
    entries = archive_member_missing(entries, [name], [at])
    archive_encrypted(entries, [at])
    archive_compression(entries, [at])
    start = archive_local_header(file, directory, entries, [at])[1]
    read_array(open_member(file, entries[1], start, MAX_FILE_ARRAY_BYTES, at), nothing)
end

# Checkpoint pairs on disk: BASE.json and BASE.npz, bound by a digest; loaded, and saved so that a crash leaves the old
# pair or the new one (conformance/spec/pairs.md, sections 5 and 6).

import SHA
using SHA: SHA256_CTX, update!, digest!

"Where a pair is: below `folder`, which links must not leave, or anywhere where that is `nothing`."
struct PairPlace
    folder::Union{Nothing,String}
    base::String
    at::JsonPointer                      # of the base, in a request
end

"""
A loaded pair. `network` is there in format 2; where all its layers are dense its weights are those of the checkpoint,
else the checkpoint has none. `digests` are the SHA-256 of
each member due over the values as big-endian binary64 in C order, where they were asked for.
"""
struct LoadedPair
    checkpoint::Checkpoint
    network::Union{Nothing,Network{Float64}}
    format_version::Int
    members::Vector{DueMember}
    digests::Vector{String}
end

"""
    load_checkpoint(base)

Load the checkpoint of the pair `base * ".json"`, `base * ".npz"`. Of a whole network (format 2) it has the weights,
names and sizes of the layers, all of which must be dense; [`load_network`](@ref) gives the network.

# Throws
- [`Rejection`](@ref) with a code of conformance/spec/pairs.md, sections 2 and 3.
- [`StorageError`](@ref) where the system fails. Nothing else, whatever is there.
"""
function load_checkpoint(base::AbstractString)
    pair = load_pair(PairPlace(nothing, library_place(base), ROOT), false)
    pair.network === nothing || checkpoint_network_dense(pair.network)
    pair.checkpoint
end

function checkpoint_network_dense(network::Network)
    for (l, layer) in enumerate(network.layers)
        layer.kind == "dense" || reject("checkpoint.network", ROOT / "network" / "layers" / (l - 1) / "kind",
            "expected dense layers, which a checkpoint can hold, got one of the kind ", layer.kind,
            "; load_network takes the pair")
    end
end

"""
    load_network(base)

Load a pair of format 2: a [`Network`](@ref).

# Throws
- what [`load_checkpoint`](@ref) throws; [`Rejection`](@ref) with `network.neuron-model` for a pair of format 1.
"""
load_network(base::AbstractString) = network_of(load_pair(PairPlace(nothing, library_place(base), ROOT), false), ROOT)

network_of(pair::LoadedPair, at::JsonPointer) = pair.network !== nothing ? pair.network :
    reject("network.neuron-model", at, "expected a pair of format 2, which has neurons, got one of format 1")

const StoredArray = Union{Matrix{Float64},Vector{Float64}}

# Each time takes somebody a whole save: this is for emergencies.
const FRESH_STARTS = 1000

function load_pair(place::PairPlace, with_digests::Bool)
    for _ in 1:FRESH_STARTS
        pair = try_load_pair(place, with_digests)
        pair === nothing || return pair
    end
    throw(StorageError(place.base, "it was replaced $FRESH_STARTS times while it was read"))
end

"Load a pair, or `nothing` where it has been replaced meanwhile."
function try_load_pair(place::PairPlace, with_digests::Bool)
    # It stays open, so that no other file becomes its like by taking over its inode.
    source = open_sidecar(place)
    try
        text = sidecar_text(source)
        sidecar = read_sidecar(text)
        archive = bound_archive(place, sidecar, source, text)
        archive === nothing ? nothing : read_archive(archive[1], archive[2], sidecar, with_digests)
    finally
        close_file(source)
    end
end

function read_archive(file::OpenFile, directory::Directory, sidecar::Sidecar, with_digests::Bool)
    try
        read_pair(file, directory, sidecar, with_digests)
    catch err
        throw(err isa OutOfMemoryError ? StorageError(file.place, "there is not enough memory for it") : err)
    finally
        close_file(file)
    end
end

"The file with this end of the name, or `nothing`."
function open_at(place::PairPlace, ending::String)
    place.folder === nothing && return open_file(place.base * ending)
    found = real_path_below(place.folder, place.base * ending, place.at)
    found === nothing ? nothing : open_file(found)
end

function open_sidecar(place::PairPlace)
    file = open_at(place, ".json")
    file === nothing && reject("checkpoint.sidecar-missing", ROOT, "there is no sidecar")
    file
end

function sidecar_text(file::OpenFile)
    text = read_text(file, MAX_SIDECAR_BYTES)
    text === nothing && reject("checkpoint.sidecar-size", ROOT, "expected at most ", MAX_SIDECAR_BYTES, " bytes")
    text
end

"""
The archive that a sidecar is bound to, open, and its directory; `nothing` where there is another sidecar by now. Any
archive will do where it is not bound.
"""
function bound_archive(place::PairPlace, sidecar::Sidecar, source::OpenFile, text::String)
    digest = sidecar.digest
    archive, fault = try_archive(place, ".npz", digest)
    if archive === nothing && digest !== nothing
        archive, pending_fault = try_archive(place, pending_ending(digest), digest)
        if archive === nothing
            # The third step of a save may have come between the two looks.
            archive, fault = try_archive(place, ".npz", digest)
        end
        fault === nothing && (fault = pending_fault)
    end
    archive === nothing || return archive
    digest === nothing || is_unchanged(place, source, text) || return nothing
    fault === nothing ? reject("archive.missing", ROOT, "there is no archive") : throw(fault)
end

"An archive that has the digest, if one is due, open, with its directory, or `nothing`; and its rejection or `nothing`."
function try_archive(place::PairPlace, ending::String, digest::Union{Nothing,String})
    file = open_at(place, ending)
    file === nothing && return nothing, nothing
    try
        directory = find_directory(file, ROOT)
        fault = digest === nothing ? nothing : archive_digest(file, directory, digest)
        fault === nothing && return (file, directory), nothing
        close_file(file)
        return nothing, fault
    catch err
        close_file(file)
        err isa Rejection || rethrow()
        return nothing, err
    end
end

"What an archive is called from its first sync to its last: `.npz.` and the first 16 digits of its digest."
pending_ending(digest::String) = ".npz." * first(digest, 16)

# Not thrown: throwing takes longer than a save, and beside a busy writer this is nothing unusual.
function archive_digest(file::OpenFile, directory::Directory, due::String)
    got = file_digest(file, directory.offset)
    got == due ? nothing :
    Rejection("archive.digest", "", string("expected the digest ", due, " of the sidecar, got ", got))
end

"The SHA-256 of a file from `offset` on."
function file_digest(file::OpenFile, offset::Int)
    context, buffer = SHA256_CTX(), Vector{UInt8}(undef, min(CHUNK_BYTES, file.size - offset))
    while offset < file.size
        n = min(length(buffer), file.size - offset)
        update!(context, read_all!(buffer, file, offset, n), n)
        offset += n
    end
    bytes2hex(digest!(context))
end

"Whether the sidecar is still the same file with the same text."
function is_unchanged(place::PairPlace, source::OpenFile, text::String)
    now = open_sidecar(place)
    try
        now.identity == source.identity && sidecar_text(now) == text
    finally
        close_file(now)
    end
end

function read_pair(file::OpenFile, directory::Directory, sidecar::Sidecar, with_digests::Bool)
    names, places = String[], JsonPointer[]
    for member in sidecar.members
        push!(names, member.name * ".npy")
        push!(places, member.at)
    end
    archive_entry_count(directory, length(names), ROOT)
    entries = archive_directory(file, directory, ROOT)
    archive_member_path(entries, ROOT)
    archive_member_unexpected(entries, Set(names), ROOT)
    archive_member_twice(entries, ROOT)
    entries = archive_member_missing(entries, names, places)
    archive_encrypted(entries, places)
    archive_compression(entries, places)
    starts = archive_local_header(file, directory, entries, places)
    arrays, digests = StoredArray[], String[]
    for (k, due) in enumerate(sidecar.members)
        array = read_due_member(file, entries[k], starts[k], due)
        with_digests && push!(digests, values_digest(array.values))
        push!(arrays, length(due.shape) == 1 ? array.values :
                      length(due.shape) == 2 ? as_matrix(array) : as_filters(array).rows)
    end
    document, plan = sidecar.document, sidecar.plan
    plan === nothing && return LoadedPair(stored_checkpoint(document, append!(Matrix{Float64}[], arrays)), nothing, 1,
                                          sidecar.members, digests)
    network = stored_network(get(document, "network"), plan, arrays)
    LoadedPair(stored_checkpoint(document, matrices_of(network)), network, 2, sidecar.members, digests)
end

"The matrices of a network of dense layers; none of any other."
function matrices_of(network::Network{Float64})
    matrices = Matrix{Float64}[]
    for layer in network.layers
        layer.kind == "dense" || return Matrix{Float64}[]
        push!(matrices, layer.branches[1].weights)
    end
    matrices
end

function read_due_member(file::OpenFile, entry::Entry, start::Int, due::DueMember)
    limit = 8 * prod(due.shape) + MAX_NPY_HEADER_BYTES
    array = read_array(open_member(file, entry, start, limit, due.at), due.shape)
    array.inexact == -1 || reject("checkpoint.weight-type", element_place(due.at, due.shape, array.inexact),
                                  "binary64 cannot hold this integer exactly")
    k = first_not_finite(array.values)
    k == 0 || reject("checkpoint.weight-finite", element_place(due.at, due.shape, k - 1),
                     "expected a finite weight, got ", array.values[k])
    array
end

"The index of the first value that is not finite, or 0."
function first_not_finite(values::Vector{Float64})
    for k in 1:length(values)
        isfinite(values[k]) || return k
    end
    0
end

"The SHA-256 of values as big-endian binary64."
function values_digest(values::Vector{Float64})
    context, items = SHA256_CTX(), div(CHUNK_BYTES, 8)
    bytes = Vector{UInt8}(undef, 8 * min(items, length(values)))
    for start in 0:items:length(values)-1
        n = min(items, length(values) - start)
        for k in 1:n
            put_bits!(bytes, 8 * (k - 1), hton(reinterpret(UInt64, values[start+k])))
        end
        update!(context, bytes, 8 * n)
    end
    bytes2hex(digest!(context))
end

@inline function put_bits!(bytes::Vector{UInt8}, offset::Int, bits::UInt64)
    checkbounds(bytes, offset+1:offset+8)
    GC.@preserve bytes unsafe_store!(Ptr{UInt64}(pointer(bytes) + offset), bits)
end

function stored_checkpoint(document::JsonObject, weights::Vector{Matrix{Float64}})
    checkpoint = Checkpoint(weights, strings(get(document, "layer_names")), strings(get(document, "neuron_types")),
                            get(document, "metadata", JsonObject()), String[])
    set_frozen!(checkpoint, strings(get(document, "frozen_layers")))
    checkpoint
end

"A network whose arrays are given in due order, and taken from their list."
function stored_network(network::JsonObject, plan::Plan, arrays::Vector{StoredArray})
    layers = Layer{Float64}[]
    for layer in get(network, "layers")
        branches, bias = Branch{Float64}[], nothing
        if kind_of(layer) == "sum"
            for branch in get(layer, "inputs")
                push!(branches, stored_branch(branch, arrays))
            end
        else
            push!(branches, stored_branch(layer, arrays))
        end
        get(layer, "bias") === missing || (bias = popfirst!(arrays))
        push!(layers, layer_with(Float64, layer, branches, bias))
    end
    Network{Float64}(layers, is_membrane(network), plan)
end

stored_branch(part::JsonObject, arrays::Vector{StoredArray}) = branch_with(Float64, part,
    get(part, "weights") === missing ? read_weights(Float64, part, 0) : popfirst!(arrays), stored_shape(part))

# Saving of checkpoint pairs: at every moment the old pair or the new one is there, whole (pairs.md, section 6).

"""
    save_checkpoint(checkpoint, base; compress = true, durable = true)

Save a checkpoint as the pair `base * ".json"`, `base * ".npz"`, in place of the one there. Folders are created.
Whatever happens meanwhile, the old pair or the new one is left; several writers wait for each other. `compress`
deflates the arrays; `durable` sees to it that the pair is on the disk, so that it survives a loss of power too.

# Throws
- [`Rejection`](@ref) with a code of the stage `checkpoint` where the checkpoint was changed by hand, with
  `checkpoint.metadata-type` also where JSON or a sidecar cannot carry its metadata; paths begin with `/checkpoint`.
- [`StorageError`](@ref) where the system fails; the old pair is still there.
"""
save_checkpoint(checkpoint::Checkpoint, base::AbstractString; compress::Bool = true, durable::Bool = true) =
    write_checkpoint(Checkpoint(checkpoint.weights, checkpoint.layer_names; neuron_types = checkpoint.neuron_types,
                                metadata = checkpoint.metadata, frozen_layers = checkpoint.frozen_layers),
                     library_place(base), compress, durable, do_nothing)

"""
    save_network(network, base; compress = true, durable = true)

Save a network, biases and neurons included, as a pair of format 2; else as [`save_checkpoint`](@ref).
"""
save_network(network::Network, base::AbstractString; compress::Bool = true, durable::Bool = true) =
    write_network(network, library_place(base), compress, durable, do_nothing)

do_nothing() = nothing

# What `afterwards` returns, while nobody else can save yet, is returned.
function write_checkpoint(checkpoint::Checkpoint, base::String, compress::Bool, durable::Bool, afterwards::Function)
    members, sizes = NewMember[], Vector{Int}[]
    for (l, weights) in enumerate(checkpoint.weights)
        push!(members, NewMember(weights_name(l), weights))
        push!(sizes, [size(weights, 2), size(weights, 1)])
    end
    document = sidecar_document(1, checkpoint.layer_names, sizes, members, checkpoint.neuron_types,
                                checkpoint.frozen_layers, checkpoint.metadata)
    write_pair(base, document, members, compress, durable, afterwards)
end

function write_network(network::Network, base::String, compress::Bool, durable::Bool, afterwards::Function)
    members, sizes, types, plan = NewMember[], Vector{Int}[], String[], closed(network.plan)
    document = document_of(network)
    for (l, layer) in enumerate(network.layers)
        for (b, branch) in enumerate(layer.branches)
            name = weights_name(layer, l, b)
            isempty(name) ||
                push!(members, NewMember(name, weights_shape(branch), convert(Matrix{Float64}, branch.weights)))
        end
        layer.bias === nothing || push!(members, NewMember(bias_name(l), convert(Vector{Float64}, layer.bias)))
        push!(sizes, layer_size(plan, l))
        push!(types, is_spiking(layer.kind) ? model_of(layer) : layer.kind)
        name_members!(get(document, "layers")[l], layer, l)
    end
    sidecar = sidecar_document(2, String[weights_name(l) for l in 1:length(sizes)], sizes, members, types, String[],
                               JsonObject())
    write_pair(base, push!(sidecar, "network" => document), members, compress, durable, afterwards)
end

"A plan with an input that may have any width taken for one without any."
closed(plan::Plan) = Plan(plan.sources, plan.shapes, plan.input == [OPEN] ? [0] : plan.input)

"The name of the member that has a branch's weights, empty where it has none there."
weights_name(layer::Layer, l::Int, b::Int) = !(layer.branches[b].kind in ("dense", "conv2d")) ? "" :
    layer.kind == "sum" ? weights_name(l, b) : weights_name(l)

"Put the names of members in the places of a layer's arrays."
function name_members!(document::JsonObject, layer::Layer, l::Int)
    layer.bias === nothing || replace_member!(document, "bias", JsonObject("member" => bias_name(l)))
    for (b, branch) in enumerate(layer.branches)
        name = weights_name(layer, l, b)
        isempty(name) && continue
        reference = JsonObject("member" => name)
        layer.kind == "dense" || push!(reference, "shape" => weights_shape(branch))
        replace_member!(layer.kind == "sum" ? get(document, "inputs")[b] : document, "weights", reference)
    end
end

function sidecar_document(format::Int, names::Vector{String}, sizes::Vector{Vector{Int}}, members::Vector{NewMember},
                          types::Vector{String}, frozen::Vector{String}, metadata::JsonObject)
    total = 0
    for member in members
        total += length(member.rows)
    end
    JsonObject("format_version" => format, "n_layers" => length(names), "total_params" => total, "layer_names" => names,
               "layer_sizes" => sizes, "neuron_types" => types, "frozen_layers" => frozen, "metadata" => metadata)
end

function library_place(base::AbstractString)
    isempty(base) && reject("file.path", ROOT, "expected the path of a pair without extension, got nothing")
    String(base)
end

"Where a pair below a folder is to be saved: as deep as there are folders, links must not lead out of it."
function place_to_save(place::PairPlace)
    base = joinpath(place.folder, place.base)
    deepest = folder_of(base)
    while !isdir(deepest) && folder_of(deepest) != deepest
        deepest = folder_of(deepest)
    end
    inside_folder(something(real_path(deepest), deepest), something(real_path(place.folder), deepest), place.at)
    base
end

function write_pair(base::String, document::JsonObject, members::Vector{NewMember}, compress::Bool, durable::Bool,
                    @nospecialize(afterwards::Function))
    readable_sidecar(base, document)
    folder = folder_of(base)
    make_folder(folder, durable)
    fd = open_folder(folder)
    try
        lock_folder(fd, folder)
        without_size_signal() do
            replace_pair(Saving(base, folder, fd, durable, String[]), document, members, compress)
        end
        afterwards()
    finally
        close_folder(fd)
    end
end

"Refuse before anything is written what nobody could load."
function readable_sidecar(base::String, document::JsonObject)
    text = sidecar_text(document, repeat('0', 64))
    ncodeunits(text) <= MAX_SIDECAR_BYTES ||
        throw(StorageError(base, "its sidecar has more than $MAX_SIDECAR_BYTES bytes, which nobody reads"))
    try
        read_sidecar(text)
    catch err
        err isa Rejection || rethrow()
        reject("checkpoint.metadata-type", ROOT / "checkpoint" / "metadata", "a sidecar cannot carry it: ", err.message)
    end
end

"The text of a sidecar that is bound to the archive with a digest."
function sidecar_text(document::JsonObject, digest::String)
    io = IOBuffer()
    bound = JsonObject()
    append!(bound.names, document.names)
    append!(bound.values, document.values)
    write_document(io, push!(bound, "archive_digest" => digest), ROOT / "checkpoint")
    put(io, '\n')
    String(take!(io))
end

const SIGXFSZ = 25

# A write beyond the file-size limit would kill the process instead of failing.
function without_size_signal(f::Function)
    before = zeros(UInt8, 256)                  # room for any system's struct sigaction
    ccall(:sigaction, Cint, (Cint, Ptr{Cvoid}, Ptr{UInt8}), SIGXFSZ, C_NULL, before)
    ccall(:signal, Ptr{Cvoid}, (Cint, Ptr{Cvoid}), SIGXFSZ, Ptr{Cvoid}(1))
    try
        f()
    finally
        ccall(:sigaction, Cint, (Cint, Ptr{UInt8}, Ptr{Cvoid}), SIGXFSZ, before, C_NULL)
    end
end

"A save in a folder that is open and locked; `written` is what to remove where it fails."
struct Saving
    base::String
    folder::String
    fd::Cint
    durable::Bool
    written::Vector{String}
end

function replace_pair(saving::Saving, document::JsonObject, members::Vector{NewMember}, compress::Bool)
    archive = saving.base * ".npz"
    pending = commit_pair(saving, archive, document, members, compress)
    # The new pair is there from here on; what follows is for readers that know no digest.
    sync_folder(saving)
    rename_file(pending, archive)
    sync_folder(saving)
    remove_leftovers(saving)
end

"Everything up to the renaming of the sidecar, or nothing; returns what the archive is called by then."
function commit_pair(saving::Saving, archive::String, document::JsonObject, members::Vector{NewMember}, compress::Bool)
    sidecar = saving.base * ".json"
    try
        pending, digest = write_pending(saving, archive, members, compress)
        text = Vector{UInt8}(sidecar_text(document, digest))
        write_whole(file -> append_bytes!(file, text), saving, sidecar * ".tmp")
        disable_sigint() do
            rename_file(sidecar * ".tmp", sidecar)
            empty!(saving.written)
        end
        return pending
    catch
        foreach(remove_if_possible, saving.written)
        rethrow()
    end
end

"Write the archive and give it the name that its digest makes; returns that and the digest."
function write_pending(saving::Saving, archive::String, members::Vector{NewMember}, compress::Bool)
    digest = write_whole(file -> write_archive(file, members, compress), saving, archive * ".tmp")
    pending = saving.base * pending_ending(digest)
    # One that is there already belongs to a pair whose save was interrupted after its commit: not ours to remove.
    islink(pending) || ispath(pending) || push!(saving.written, pending)
    rename_file(archive * ".tmp", pending)
    sync_folder(saving)
    pending, digest
end

"Write a new file with `f` and sync it; returns what `f` does."
function write_whole(f::Function, saving::Saving, place::String)
    file = create_file(place)
    push!(saving.written, place)
    try
        result = f(file)
        saving.durable && sync_file(file.fd, place)
        return result
    finally
        close_file(file)
    end
end

sync_folder(saving::Saving) = saving.durable && sync_file(saving.fd, saving.folder)

function remove_leftovers(saving::Saving)
    found = false
    for name in readdir(saving.folder)
        is_leftover(name, basename(saving.base)) && (found |= remove_if_possible(joinpath(saving.folder, name)))
    end
    found && sync_folder(saving)
end

function is_leftover(name::String, base::String)
    startswith(name, base) || return false
    ending = SubString(name, ncodeunits(base) + 1)
    ending == ".npz.tmp" || ending == ".json.tmp" ||
        startswith(ending, ".npz.") && ncodeunits(ending) == 21 && is_hex(ending, 6)
end

function remove_if_possible(place::String)
    try
        remove_file(place)
    catch err
        err isa StorageError || rethrow()
        false
    end
end

# Fine-tuning: transfer configs, and the operations that freeze and unfreeze a checkpoint's layers.

"""
    TransferConfig

- `freeze_until`: the last layer to freeze, by name or by index from 0; -1 freezes nothing more.
- `lr_backbone`, `lr_head`: learning rates of frozen and of other layers; finite and not negative.
"""
struct TransferConfig
    freeze_until::Union{String,Int}
    lr_backbone::Float64
    lr_head::Float64

    TransferConfig(freeze_until::Union{String,Int}, lr_backbone::Float64, lr_head::Float64) =
        new(freeze_until, lr_backbone, lr_head)
end

"""
    TransferConfig(; freeze_until = -1, lr_backbone = 0.0, lr_head = 0.01)

# Throws
- [`Rejection`](@ref) with a code of the stage `config`.
"""
TransferConfig(; freeze_until = -1, lr_backbone = 0.0, lr_head = 0.01) = read_config(
    JsonObject("freeze_until" => freeze_until, "lr_backbone" => lr_backbone, "lr_head" => lr_head), ROOT)

"""
    read_config(text)

Read a transfer config from JSON text.

# Throws
- [`Rejection`](@ref) with a code of the stages `json` and `config`.
"""
read_config(text::AbstractString) = read_config(parse_json(String(text)), ROOT)

function read_config(@nospecialize(root), at::JsonPointer)
    document = config_object(root, at)
    check_config(document, at)
    until = get(document, "freeze_until", -1)
    TransferConfig(until isa AbstractString ? String(until) : integer(until),
                   number(get(document, "lr_backbone", 0.0)),
                   number(get(document, "lr_head", 0.01)))
end

"Every rule on the parts of a config object, in order."
function check_config(document::JsonObject, at::JsonPointer)
    config_unknown_key(document, at)
    config_freeze_until_type(document, at)
    config_freeze_until_range(document, at)
    config_learning_rate_type(document, at)
    config_learning_rate_range(document, at)
end

config_object(@nospecialize(root), at::JsonPointer) = root isa JsonObject ? root :
    reject("config.object", at, "expected a config object, got ", describe(root))

config_unknown_key(document, at) =
    known_keys("config.unknown-key", document, ["freeze_until", "lr_backbone", "lr_head"], at)

function config_freeze_until_type(document, at)
    until = get(document, "freeze_until")
    until === missing || until isa AbstractString || is_integer(until) || reject("config.freeze-until-type",
        at / "freeze_until", "expected a layer name or an integer index, got ", describe(until))
end

function config_freeze_until_range(document, at)
    until = get(document, "freeze_until")
    is_integer(until) && integer(until) < -1 && reject("config.freeze-until-range",
        at / "freeze_until", "expected an index of at least -1, got ", integer(until))
end

function config_learning_rate_type(document, at)
    for (name, rate) in zip(document.names, document.values)
        name == "freeze_until" || is_number(rate) ||
            reject("config.learning-rate-type", at / name, "expected a number, got ", describe(rate))
    end
end

function config_learning_rate_range(document, at)
    for (name, rate) in zip(document.names, document.values)
        name == "freeze_until" || 0 <= number(rate) < Inf || reject("config.learning-rate-range",
            at / name, "expected a finite learning rate of at least 0, got ", number(rate))
    end
end

# ---- operations ------------------------------------------------------------------------------------------------------

"""
    freeze!(checkpoint; layer_names = missing, until_index = missing)

Freeze the named layers and the layers 0 … `until_index` (inclusive, counted from 0). Returns the checkpoint, which a
rejected call leaves as it was.

# Throws
- [`Rejection`](@ref) with `transfer.layer-names-type`, `transfer.layer-names-unknown`, `transfer.until-index-type` or
  `transfer.until-index-range`.
"""
function freeze!(checkpoint::Checkpoint; layer_names = missing, until_index = missing)
    check_layer_names(checkpoint, layer_names)
    if until_index !== missing
        transfer_until_index_type(until_index)
        transfer_until_index_range(until_index, checkpoint)
    end
    last = until_index === missing ? 0 : integer(until_index) + 1
    set_frozen!(checkpoint, vcat(checkpoint.frozen_layers, strings(layer_names), checkpoint.layer_names[1:last]))
    checkpoint
end

"""
    unfreeze!(checkpoint; layer_names = missing, all_layers = false)

Unfreeze the named layers, or every layer. Returns the checkpoint, which a rejected call leaves as it was.

# Throws
- [`Rejection`](@ref) with `transfer.layer-names-type`, `transfer.layer-names-unknown` or `transfer.all-layers-type`.
"""
function unfreeze!(checkpoint::Checkpoint; layer_names = missing, all_layers = false)
    check_layer_names(checkpoint, layer_names)
    transfer_all_layers_type(all_layers)
    thawed = all_layers ? checkpoint.layer_names : strings(layer_names)
    set_frozen!(checkpoint, setdiff(checkpoint.frozen_layers, thawed))
    checkpoint
end

"""
    apply!(checkpoint, config)

Freeze the layers up to and including `config.freeze_until`; returns one learning rate per layer: `lr_backbone` where
the layer is frozen, before or now, else `lr_head`.

# Throws
- [`Rejection`](@ref) with `transfer.freeze-until-unknown`.
"""
function apply!(checkpoint::Checkpoint, config::TransferConfig)
    last = transfer_freeze_until_unknown(config.freeze_until, checkpoint)
    set_frozen!(checkpoint, vcat(checkpoint.frozen_layers, checkpoint.layer_names[1:last]))
    frozen = Set(checkpoint.frozen_layers)
    Float64[name in frozen ? config.lr_backbone : config.lr_head for name in checkpoint.layer_names]
end

function check_layer_names(checkpoint::Checkpoint, layer_names)
    layer_names === missing && return
    transfer_layer_names_type(layer_names)
    transfer_layer_names_unknown(layer_names, checkpoint)
end

transfer_layer_names_type(layer_names) =
    string_list("transfer.layer-names-type", layer_names, ROOT / "layer_names")

transfer_layer_names_unknown(layer_names, checkpoint::Checkpoint) = known_layers(
    "transfer.layer-names-unknown", strings(layer_names), checkpoint.layer_names, ROOT / "layer_names")

transfer_until_index_type(index) = is_integer(index) ||
    reject("transfer.until-index-type", ROOT / "until_index", "expected an integer, got ", describe(index))

function transfer_until_index_range(index, checkpoint::Checkpoint)
    n = length(checkpoint.layer_names)
    0 <= integer(index) < n || reject("transfer.until-index-range", ROOT / "until_index",
                                      "expected an index from 0 to ", n - 1, ", got ", integer(index))
end

transfer_all_layers_type(flag) = flag isa Bool ||
    reject("transfer.all-layers-type", ROOT / "all_layers", "expected true or false, got ", describe(flag))

"How many layers `freeze_until` names, counted from the first."
function transfer_freeze_until_unknown(until::Union{String,Int}, checkpoint::Checkpoint)
    names = checkpoint.layer_names
    last = until isa String ? findfirst(isequal(until), names) : until + 1
    last === nothing || last > length(names) ? reject("transfer.freeze-until-unknown", ROOT / "config" / "freeze_until",
        "expected one of the ", length(names), " layers, got ", describe(until)) : last
end

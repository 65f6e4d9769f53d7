"""Transfer learning on checkpoints: the transfer config, and freezing and unfreezing of layers."""

from .checkpoint import Checkpoint, names_known, names_type
from .document import Document
from .rules import Rejection


struct TransferConfig(Movable):
    """What to freeze and how fast to train; the defaults are those of the contract."""

    var freeze_until: Int
    """The last layer to freeze by index; -1 adds nothing."""
    var freeze_until_name: Optional[String]
    """The last layer to freeze by name, in place of the index."""
    var lr_backbone: Float64
    """The learning rate of frozen layers."""
    var lr_head: Float64
    """The learning rate of all others."""

    def __init__(out self):
        """Starts with the defaults."""
        self.freeze_until = -1
        self.freeze_until_name = None
        self.lr_backbone = 0.0
        self.lr_head = 0.01


def read_config(
    document: Document, root: Int
) raises Rejection -> TransferConfig:
    """Validates a transfer config.

    Args:
        document: Holds the config.
        root: The config.

    Returns:
        The config with its defaults filled in.

    Raises:
        Rejection: The first broken rule of the stage `config`.
    """
    config_object(document, root)
    config_unknown_key(document, root)
    config_freeze_until_type(document, root)
    config_freeze_until_range(document, root)
    config_learning_rate_type(document, root)
    config_learning_rate_range(document, root)
    var config = TransferConfig()
    for key in document.keys(root):
        if document.is_text(key, "lr_backbone"):
            config.lr_backbone = document.number(key + 1).or_else(0)
        elif document.is_text(key, "lr_head"):
            config.lr_head = document.number(key + 1).or_else(0)
        elif document.is_string(key + 1):
            config.freeze_until_name = String(document.text(key + 1))
        else:
            config.freeze_until = document.integer(key + 1).or_else(-1)
    return config^


def config_object(document: Document, root: Int) raises Rejection:
    """Raises config.object unless the config is an object."""
    if not document.is_object(root):
        raise document.reject("config.object", root, "an object")


def config_unknown_key(document: Document, root: Int) raises Rejection:
    """Raises config.unknown-key at a key that no config has."""
    var known: List[StaticString] = ["freeze_until", "lr_backbone", "lr_head"]
    for key in document.keys(root):
        if not document.is_one_of(key, known):
            raise document.reject_unknown("config.unknown-key", key, known)


def config_freeze_until_type(document: Document, root: Int) raises Rejection:
    """Raises config.freeze-until-type unless freeze_until is a string or an Integer."""
    var node = document.member(root, "freeze_until")
    if (
        node
        and not document.is_string(node.value())
        and not document.integer(node.value())
    ):
        raise document.reject(
            "config.freeze-until-type",
            node.value(),
            "a layer name or an Integer",
        )


def config_freeze_until_range(document: Document, root: Int) raises Rejection:
    """Raises config.freeze-until-range at an index below -1."""
    var node = document.member(root, "freeze_until")
    if node and document.integer(node.value()).or_else(-1) < -1:
        raise document.reject(
            "config.freeze-until-range", node.value(), "an index of at least -1"
        )


def config_learning_rate_type(document: Document, root: Int) raises Rejection:
    """Raises config.learning-rate-type at a learning rate that is no Number."""
    for key in document.keys(root):
        if not document.is_text(key, "freeze_until") and not document.number(
            key + 1
        ):
            raise document.reject(
                "config.learning-rate-type", key + 1, "a Number"
            )


def config_learning_rate_range(document: Document, root: Int) raises Rejection:
    """Raises config.learning-rate-range at one that is not finite or negative; -0.0 is not negative."""
    for key in document.keys(root):
        if document.is_text(key, "freeze_until"):
            continue
        var rate = document.number(key + 1).or_else(0)
        if not (rate >= 0 and rate - rate == 0):
            raise document.reject(
                "config.learning-rate-range",
                key + 1,
                "a finite learning rate of at least 0",
            )


def freeze(
    document: Document, root: Int, mut checkpoint: Checkpoint
) raises Rejection:
    """Freezes the named layers and the layers up to and including an index.

    Args:
        document: Holds the arguments.
        root: An object with the optional members `layer_names` and `until_index`.
        checkpoint: The checkpoint to change.

    Raises:
        Rejection: The first broken rule of the stage `transfer`; the checkpoint is as it was.
    """
    transfer_layer_names(document, root, checkpoint)
    var last = transfer_until_index(document, root, len(checkpoint.layer_names))
    set_named(document, root, checkpoint, True)
    checkpoint.freeze_until(last)


def unfreeze(
    document: Document, root: Int, mut checkpoint: Checkpoint
) raises Rejection:
    """Unfreezes the named layers, or every layer.

    Args:
        document: Holds the arguments.
        root: An object with the optional members `layer_names` and `all_layers`.
        checkpoint: The checkpoint to change.

    Raises:
        Rejection: The first broken rule of the stage `transfer`; the checkpoint is as it was.
    """
    transfer_layer_names(document, root, checkpoint)
    var all_layers = transfer_all_layers_type(document, root)
    set_named(document, root, checkpoint, False)
    if all_layers:
        for ref flag in checkpoint.frozen:
            flag = False


def set_named(
    document: Document, root: Int, mut checkpoint: Checkpoint, frozen: Bool
):
    """Freezes or unfreezes the layers in `layer_names`, which have been checked."""
    var names = document.member(root, "layer_names")
    if names:
        for name in document.items(names.value()):
            checkpoint.freeze(document.text(name), frozen)


def apply_config(
    document: Document,
    root: Int,
    config: TransferConfig,
    mut checkpoint: Checkpoint,
) raises Rejection -> List[Float64]:
    """Freezes as a config says and gives each layer its learning rate.

    Args:
        document: Holds the config.
        root: The config, for the path of a rejection.
        config: The accepted config.
        checkpoint: The checkpoint to change.

    Returns:
        One learning rate per layer.

    Raises:
        Rejection: Rule transfer.freeze-until-unknown; the checkpoint is as it was.
    """
    checkpoint.freeze_until(
        transfer_freeze_until_unknown(document, root, config, checkpoint)
    )
    var rates: List[Float64] = []
    for flag in checkpoint.frozen:
        rates.append(config.lr_backbone if flag else config.lr_head)
    return rates^


def transfer_layer_names(
    document: Document, root: Int, checkpoint: Checkpoint
) raises Rejection:
    """Raises transfer.layer-names-type unless layer_names is a list of strings, transfer.layer-names-unknown at a name that no layer has."""
    var names = document.member(root, "layer_names")
    if names:
        names_type(document, names.value(), "transfer.layer-names-type")
        names_known(
            document,
            names.value(),
            checkpoint.indices,
            "transfer.layer-names-unknown",
        )


def transfer_until_index(
    document: Document, root: Int, layers: Int
) raises Rejection -> Int:
    """Raises transfer.until-index-type unless until_index is an Integer, transfer.until-index-range unless a layer has it; -1 where absent."""
    var node = document.member(root, "until_index")
    if not node:
        return -1
    var index = document.integer(node.value())
    if not index:
        raise document.reject(
            "transfer.until-index-type", node.value(), "an Integer"
        )
    if index.value() < 0 or index.value() >= layers:
        raise document.reject(
            "transfer.until-index-range",
            node.value(),
            String("the index of one of ", layers, " layers"),
        )
    return index.value()


def transfer_all_layers_type(
    document: Document, root: Int
) raises Rejection -> Bool:
    """Raises transfer.all-layers-type unless all_layers is a boolean; False where absent."""
    var node = document.member(root, "all_layers")
    if node and not document.boolean(node.value()):
        raise document.reject(
            "transfer.all-layers-type", node.value(), "true or false"
        )
    return document.boolean(node.value()).value() if node else False


def transfer_freeze_until_unknown(
    document: Document,
    root: Int,
    config: TransferConfig,
    checkpoint: Checkpoint,
) raises Rejection -> Int:
    """Raises transfer.freeze-until-unknown unless the last layer to freeze is there; returns its index."""
    var last = config.freeze_until
    if config.freeze_until_name:
        last = checkpoint.indices.get(config.freeze_until_name.value()).or_else(
            len(checkpoint.layer_names)
        )
    if last >= len(checkpoint.layer_names) and last >= 0:
        var node = document.member(root, "freeze_until").or_else(root)
        raise document.reject(
            "transfer.freeze-until-unknown",
            node,
            String("one of ", len(checkpoint.layer_names), " layers"),
        )
    return last

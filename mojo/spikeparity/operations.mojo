"""The operations of the protocol: from the input of a request to the output of an answer."""

from .answer import Answer
from .checkpoint import Checkpoint, read_checkpoint
from .conversion import Balanced, read_normalize, read_qcfs
from .document import Document, Kind
from .fine_tune import (
    TransferConfig,
    apply_config,
    freeze,
    read_config,
    unfreeze,
)
from .graph import simulate_graph
from .network import Network, read_network
from .network_rules import (
    check_network_of_request,
    check_rounded,
    known_shapes,
)
from .pair import Pair, load_pair, value_digest
from .pair_writer import (
    Destination,
    NewPair,
    pair_of_checkpoint,
    pair_of_network,
    save_pair,
)
from .philox import SpikeTrain
from .places import (
    Folders,
    file_path,
    folder_below,
    followed,
    required_folder,
)
from .references import names_pair, read_network_pair
from .rules import Rejection
from .simulate import (
    Fault,
    LayerState,
    Run,
    Source,
    Wanted,
    numbers,
    simulate,
    simulate_non_finite,
)
from .stimulus import (
    Kinds,
    Stimulus,
    input_range,
    input_sample,
    input_seed,
    input_shape_of_row,
    read_stimulus,
    simulate_steps,
)


def run_on_document(
    operation: String, document: Document, mut answer: Answer
) raises Rejection:
    """Runs an operation that takes a document.

    Args:
        operation: Its name.
        document: The document, its root the datum under test.
        answer: Receives the members of the output.

    Raises:
        Rejection: The document breaks a rule.
    """
    if operation == "json.parse":
        answer.key("value")
        write_tagged(document, document.root, answer)
    elif operation == "config.validate":
        write_config(read_config(document, document.root), answer)
    else:
        write_checkpoint(read_checkpoint(document, document.root), answer)


def run_on_request(
    operation: String,
    mut request: Document,
    folders: Folders,
    mut answer: Answer,
) raises Rejection:
    """Runs an operation on a request whose data stand in the request itself.

    Args:
        operation: Its name.
        request: The request, its root the input, or the document in it.
        folders: Where files are.
        answer: Receives the members of the output.

    Raises:
        Rejection: The input breaks a rule.
    """
    if operation == "simulate":
        var profile = request.member(request.root, "profile")
        if profile and request.is_text(profile.value(), "sequential-f32"):
            run_simulate[DType.float32](request, folders, answer)
        else:
            run_simulate[DType.float64](request, folders, answer)
    elif operation == "encode.poisson":
        run_encode_poisson(request, answer)
    elif operation == "checkpoint.load":
        run_checkpoint_load(request, folders, answer)
    elif operation == "checkpoint.save":
        run_checkpoint_save(request, folders, answer)
    elif operation == "activation.qcfs":
        answer.key("y")
        answer.floats(read_qcfs(request, request.root))
    elif operation == "convert.normalize":
        write_balanced(read_normalize(request, request.root), answer)
    elif operation.startswith("transfer."):
        run_transfer(operation, request, answer)
    else:
        run_on_document(operation, request, answer)


def run_transfer(
    operation: String, request: Document, mut answer: Answer
) raises Rejection:
    """Runs an operation of transfer learning.

    Args:
        operation: Its name.
        request: The request, its root the input.
        answer: Receives the members of the output.

    Raises:
        Rejection: Checkpoint, config or arguments break a rule.
    """
    var checkpoint = read_checkpoint(request, required(request, "checkpoint"))
    var rates: Optional[List[Float64]] = None
    if operation == "transfer.apply":
        var root = required(request, "config")
        rates = apply_config(
            request, root, read_config(request, root), checkpoint
        )
    elif operation == "transfer.freeze":
        freeze(request, request.root, checkpoint)
    else:
        unfreeze(request, request.root, checkpoint)
    answer.key("frozen_layers")
    answer.strings(checkpoint.frozen_layers())
    if rates:
        answer.key("learning_rates")
        answer.floats(rates.value())


def run_checkpoint_load(
    request: Document, folders: Folders, mut answer: Answer
) raises Rejection:
    """Loads a pair.

    Args:
        request: The request, its root the input.
        folders: Where files are.
        answer: Receives the members of the output.

    Raises:
        Rejection: Place, sidecar or archive break a rule, or the system failed.
    """
    var node = required(request, "base")
    var base = file_path(request, node)
    var folder = required_folder(folders.root, "root")
    write_pair(load_pair(folder, base, request.pointer(node)), answer)


def run_checkpoint_save(
    mut request: Document, folders: Folders, mut answer: Answer
) raises Rejection:
    """Saves a checkpoint or a network as a pair.

    Args:
        request: The request, its root the input.
        folders: Where files are.
        answer: Receives the members of the output.

    Raises:
        Rejection: Place, checkpoint or network break a rule, or the system failed.
    """
    var node = required(request, "base")
    var base = file_path(request, node)
    var path = request.pointer(node)
    var root = required_folder(folders.scratch, "scratch")
    var name = base.rfind("/") + 1
    var folder = folder_below(
        root, String(base[byte = 0 : max(name - 1, 0)]), path
    )
    var destination = Destination(
        root, base, folder, String(base[byte = name : base.byte_length()]), path
    )
    var pair: NewPair
    var checkpoint = request.member(request.root, "checkpoint")
    if checkpoint:
        var known = read_checkpoint(request, checkpoint.value())
        pair = pair_of_checkpoint(request, checkpoint.value(), known)
    else:
        var network = required(request, "network")
        var shapes = check_network_of_request(request, network)
        pair = pair_of_network(request, network, shapes)
    var compress = request.member(request.root, "compress")
    var deflate = not compress or request.boolean(compress.value()).or_else(
        True
    )
    write_pair(save_pair(destination, pair, deflate), answer)


def write_pair(pair: Pair, mut answer: Answer):
    """Writes what a pair is known by.

    Args:
        pair: The pair.
        answer: Receives the members of the output.
    """
    write_checkpoint(pair.sidecar.checkpoint, answer)
    answer.key("format_version")
    answer.integer(pair.sidecar.format_version)
    answer.key("members")
    answer.open("[")
    for i in range(len(pair.arrays)):
        answer.open("{")
        answer.key("name")
        answer.string(pair.sidecar.dues[i].name)
        answer.key("shape")
        answer.integers(pair.arrays[i].shape)
        answer.key("sha256")
        answer.string(value_digest(pair.arrays[i].values))
        answer.raw("}")
    answer.raw("]")


def write_balanced(layers: List[Balanced], mut answer: Answer):
    """Writes layers as they came, with other numbers.

    Args:
        layers: The layers.
        answer: Receives the member of the output.
    """
    answer.key("layers")
    answer.open("[")
    for ref layer in layers:
        answer.open("{")
        answer.key("weights")
        answer.open("[")
        var width = layer.shape.inputs
        for row in range(layer.shape.outputs):
            answer.floats(Span(layer.weights)[row * width : (row + 1) * width])
        answer.raw("]")
        if layer.bias:
            answer.key("bias")
            answer.floats(layer.bias.value())
        answer.raw("}")
    answer.raw("]")


def required(request: Document, name: StaticString) -> Int:
    """Finds a member that every well-formed request has.

    Args:
        request: The request, its root the input.
        name: The member.

    Returns:
        Its value; the input itself where the request is malformed.
    """
    return request.member(request.root, name).or_else(request.root)


def write_checkpoint(checkpoint: Checkpoint, mut answer: Answer):
    """Writes what an accepted checkpoint is known by.

    Args:
        checkpoint: The checkpoint.
        answer: Receives the members of the output.
    """
    answer.key("n_layers")
    answer.integer(len(checkpoint.layer_names))
    answer.key("total_params")
    answer.integer(checkpoint.total_params)
    answer.key("layer_names")
    answer.strings(checkpoint.layer_names)
    answer.key("frozen_layers")
    answer.strings(checkpoint.frozen_layers())


def write_config(config: TransferConfig, mut answer: Answer):
    """Writes an accepted transfer config.

    Args:
        config: The config.
        answer: Receives the members of the output.
    """
    answer.key("freeze_until")
    if config.freeze_until_name:
        answer.string(config.freeze_until_name.value())
    else:
        answer.integer(config.freeze_until)
    answer.key("lr_backbone")
    answer.float(config.lr_backbone)
    answer.key("lr_head")
    answer.float(config.lr_head)


def write_tagged(document: Document, node: Int, mut answer: Answer):
    """Writes a value with its type, as json.parse answers.

    Args:
        document: Holds the value.
        node: The value.
        answer: Receives it as the next item.
    """
    var kind = document.kind(node)
    answer.open("{")
    if kind == Kind.OBJECT:
        answer.raw('"o":[')
        for key in document.keys(node):
            answer.open("[")
            answer.string(document.text(key))
            write_tagged(document, key + 1, answer)
            answer.raw("]")
        answer.raw("]")
    elif kind == Kind.ARRAY:
        answer.raw('"a":[')
        for item in document.items(node):
            write_tagged(document, item, answer)
        answer.raw("]")
    else:
        write_tagged_leaf(document, node, answer)
    answer.raw("}")


def write_tagged_leaf(document: Document, node: Int, mut answer: Answer):
    """Writes the tag and the value of what is neither array nor object.

    Args:
        document: Holds the value.
        node: The value.
        answer: Receives a member.
    """
    if document.is_string(node):
        answer.raw('"s":')
        answer.string(document.text(node))
    elif document.boolean(node):
        answer.raw(
            '"b":true' if document.boolean(node).value() else '"b":false'
        )
    elif document.integer(node):
        answer.raw('"i":')
        answer.string(document.text(node))
    elif document.number(node):
        answer.raw('"n":')
        answer.float(document.number(node).value())
    else:
        answer.raw('"z":null')


def run_encode_poisson(request: Document, mut answer: Answer) raises Rejection:
    """Draws the spike trains of one sample.

    Args:
        request: The request, its root the input.
        answer: Receives the members of the output.

    Raises:
        Rejection: The input breaks a rule.
    """
    var steps = simulate_steps(request, request.root)
    var seed = input_seed(request, request.root)
    var sample = input_sample(request, request.root, 1)
    var rates = request.member(request.root, "rates")
    if not rates:
        raise request.reject_missing("input.shape", request.root, "rates")
    input_shape_of_row(request, rates.value(), request.size(rates.value()))
    input_range(request, rates.value(), Kinds.POISSON)
    var train = SpikeTrain(
        numbers[DType.float64](request, rates.value()), seed, sample
    )
    var active: List[Int] = []
    answer.key("spikes")
    answer.open("[")
    for step in range(steps):
        train.step(step, active)
        answer.integers(active)
    answer.raw("]")


def run_simulate[
    dtype: DType
](mut request: Document, folders: Folders, mut answer: Answer) raises Rejection:
    """Simulates a network.

    Parameters:
        dtype: The type to compute in, of which there is a profile.

    Args:
        request: The request, its root the input; references to files in it are replaced by arrays.
        folders: Where files are.
        answer: Receives the members of the output.

    Raises:
        Rejection: Network, steps, input or record break a rule, or the run becomes non-finite.
    """
    var network = network_to_run[dtype](request, folders)
    var steps = simulate_steps(request, request.root)
    var stimulus = read_stimulus[dtype](
        request,
        required(request, "input"),
        steps,
        network.inputs,
        folder_of_files(folders),
    )
    var records = record_kind(request, request.root)
    var wanted = Wanted("spikes" in records, "trace" in records)
    var runs: List[Run[dtype]] = []
    var sources: List[Source[dtype]] = []
    for sample in range(len(stimulus.samples)):
        sources.append(Source[dtype](request, stimulus, sample))
    var fault: Optional[Fault]
    if network.is_plain:
        fault = simulate(network, sources, 0, len(sources), steps, wanted, runs)
    else:
        fault = simulate_graph(network, sources, steps, wanted, runs)
    if fault:
        raise simulate_non_finite(fault.value())
    write_item("readout", network, stimulus.is_batch, runs, answer)
    for item in ["counts", "spikes", "potential", "trace"]:
        if item in records:
            write_item(item, network, stimulus.is_batch, runs, answer)


def network_to_run[
    dtype: DType
](mut request: Document, folders: Folders) raises Rejection -> Network[dtype]:
    """Reads the network of a simulation, out of a pair where the request names one.

    Parameters:
        dtype: The type to compute in.

    Args:
        request: The request, its root the input; references to files in it are replaced by arrays.
        folders: Where files are.

    Returns:
        The network.

    Raises:
        Rejection: The network breaks a rule, or the system failed.
    """
    var root = required(request, "network")
    var place = names_pair(request, root)
    if place:
        var folder = required_folder(folders.root, "root")
        var sidecar = read_network_pair(request, place.value(), folder)
        var network = sidecar.member(0, "network").value()
        comptime if dtype != DType.float64:
            try:
                check_rounded[dtype](sidecar, network)
            except rejection:
                rejection.path = request.pointer(place.value())
                raise rejection^
        return Network[dtype](sidecar, network, known_shapes(sidecar, network))
    return read_network[dtype](request, root, folder_of_files(folders))


def folder_of_files(folders: Folders) raises Rejection -> Optional[String]:
    """Finds the folder of referenced files, None where the runner has named none."""
    if not folders.root:
        return None
    return followed(folders.root.value())


def record_kind(document: Document, root: Int) raises Rejection -> List[String]:
    """Raises record.kind unless record is a list of known names, which are returned."""
    var records: List[String] = []
    var record = document.member(root, "record")
    if not record:
        return records^
    if not document.is_array(record.value()):
        raise document.reject(
            "record.kind", record.value(), "a list of records"
        )
    for item in document.items(record.value()):
        if not document.is_one_of(
            item, ["counts", "spikes", "potential", "trace"]
        ):
            raise document.reject(
                "record.kind",
                item,
                '"counts", "spikes", "potential" or "trace"',
            )
        records.append(String(document.text(item)))
    return records^


def write_item[
    dtype: DType
](
    name: String,
    network: Network[dtype],
    is_batch: Bool,
    runs: List[Run[dtype]],
    mut answer: Answer,
):
    """Writes one item of the answer for all samples.

    Parameters:
        dtype: The type of the potentials.

    Args:
        name: The record, or `readout`.
        network: The network.
        is_batch: Whether there is a sample axis.
        runs: The finished runs.
        answer: Receives the member.
    """
    answer.key(name)
    if is_batch:
        answer.open("[")
    for ref run in runs:
        if name == "readout":
            write_readout(network, run, answer)
        else:
            write_record(name, run, answer)
    if is_batch:
        answer.raw("]")


def write_readout[
    dtype: DType
](network: Network[dtype], run: Run[dtype], mut answer: Answer):
    """Writes the counts or the potentials of the last layer as the next item."""
    var last = len(run.layers) - 1
    write_layer(
        "potential" if network.membrane else "counts", run.layers[last], answer
    )


def write_record[
    dtype: DType
](name: String, run: Run[dtype], mut answer: Answer):
    """Writes a record of all layers as the next item."""
    answer.open("[")
    for ref layer in run.layers:
        write_layer(name, layer, answer)
    answer.raw("]")


def write_layer[
    dtype: DType
](name: String, layer: LayerState[dtype], mut answer: Answer):
    """Writes a record of one layer as the next item."""
    var neurons = len(layer.counts)
    if name == "counts":
        answer.integers(layer.counts)
    elif name == "potential":
        answer.floats(Span(layer.potential)[0:neurons])
    elif name == "spikes":
        write_raster(layer, answer)
    else:
        write_trace(layer, answer)


def write_raster[dtype: DType](layer: LayerState[dtype], mut answer: Answer):
    """Writes for each step the neurons that fired, as the next item."""
    var start = 0
    answer.open("[")
    for end in layer.ends:
        answer.integers(Span(layer.raster)[start:end])
        start = end
    answer.raw("]")


def write_trace[dtype: DType](layer: LayerState[dtype], mut answer: Answer):
    """Writes for each step the potentials before and after the reset, as the next item."""
    var neurons = len(layer.counts)
    answer.open("[")
    for step in range(layer.steps):
        var start = step * neurons
        answer.raw(',{"before":' if step > 0 else '{"before":')
        answer.floats(Span(layer.before)[start : start + neurons])
        answer.raw(',"after":')
        answer.floats(Span(layer.after)[start : start + neurons])
        answer.raw("}")
    answer.raw("]")

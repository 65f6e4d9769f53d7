"""Runs the workload of `scripts/bench_kernels.py` in process; `scripts/bench/workload.h` tells the format of the files.

For every line of standard input, the number of threads, it runs once and answers with the seconds that passed; for
`save` it writes the result of the last run.
"""

from std.memory import bitcast
from std.sys import argv, size_of
from std.time import perf_counter_ns

from spikeparity.batch import simulate_batch
from spikeparity.events import Events
from spikeparity.kernel import padded
from spikeparity.network import Layer, Network
from spikeparity.simulate import Run, Source

comptime F64 = DType.float64


struct Numbers:
    """Little-endian numbers of a file, taken from its front."""

    var bytes: List[UInt8]
    """The file."""
    var at: Int
    """How much has been taken."""

    def __init__(out self, path: String) raises:
        """Reads a file.

        Args:
            path: The file.
        """
        with open(path, "r") as file:
            self.bytes = file.read_bytes()
        self.at = 0

    def take[dtype: DType](mut self) -> Scalar[dtype]:
        """Takes a number."""
        comptime size = size_of[Scalar[dtype]]()
        var value = self.bytes.unsafe_ptr().unsafe_offset(self.at)
        self.at += size
        return bitcast[dtype, 1](value.unsafe_load[size](0))

    def layer(mut self, outputs: Int, inputs: Int) -> Layer[F64]:
        """Takes the weights of a layer."""
        var stride = padded[F64](outputs)
        var columns = List[Float64](length=inputs * stride, fill=0)
        for output in range(outputs):
            for input in range(inputs):
                columns[input * stride + output] = self.take[F64]()
        return Layer[F64](columns, inputs, outputs, 1.0)


def read_sources(
    mut numbers: Numbers, samples: Int, steps: Int
) -> List[Source[F64]]:
    """Takes the spikes of all samples."""
    var ends: List[Int] = []
    _ = numbers.take[DType.int64]()
    for _ in range(samples * steps):
        ends.append(Int(numbers.take[DType.int64]()))
    var sources: List[Source[F64]] = []
    var row: List[Int] = []
    var taken = 0
    for sample in range(samples):
        var events = Events()
        for step in range(steps):
            row.clear()
            while taken < ends[sample * steps + step]:
                row.append(Int(numbers.take[DType.int32]()))
                taken += 1
            events.append(row)
        sources.append(Source[F64](events^))
    return sources^


def put[dtype: DType](mut bytes: List[UInt8], value: Scalar[dtype]):
    """Appends a number."""
    comptime size = size_of[Scalar[dtype]]()
    var digits = bitcast[DType.uint8, size](value)
    comptime for k in range(size):
        bytes.append(digits[k])


def result(runs: List[Run[F64]]) -> List[UInt8]:
    """Lays out the counts of the last layer and the potentials of both."""
    var bytes: List[UInt8] = []
    for ref run in runs:
        for count in run.layers[1].counts:
            put[DType.int64](bytes, Int64(count))
    for layer in range(2):
        for ref run in runs:
            ref state = run.layers[layer]
            for k in range(len(state.counts)):
                put[F64](bytes, state.potential[k])
    return bytes^


def main() raises:
    """Serves until the end of input.

    Raises:
        Error: A file cannot be read or written, or the run becomes non-finite.
    """
    var numbers = Numbers(String(argv()[1]))
    var sizes: List[Int] = []
    for _ in range(5):
        sizes.append(Int(numbers.take[DType.int64]()))
    var layers: List[Layer[F64]] = []
    layers.append(numbers.layer(sizes[1], sizes[0]))
    layers.append(numbers.layer(sizes[2], sizes[1]))
    var network = Network[F64](layers^)
    var sources = read_sources(numbers, sizes[3], sizes[4])
    var runs: List[Run[F64]] = []
    while True:
        var line: String
        try:
            line = input()
        except:
            return
        if line == "save":
            with open(String(argv()[2]), "w") as file:
                file.write_bytes(result(runs))
            print("saved", flush=True)
            continue
        var start = perf_counter_ns()
        runs = simulate_batch(network, sources, sizes[4], Int(line))
        print(Float64(perf_counter_ns() - start) * 1e-9, flush=True)

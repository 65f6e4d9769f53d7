"""Simulation of a batch by several threads, to each its samples; what a sample gives is what it gives alone."""

from std.ffi import external_call

from .network import Network
from .simulate import Fault, Run, Source, Wanted, simulate

comptime Untyped = Optional[Pointer[NoneType, MutUntrackedOrigin]]


struct Share[dtype: DType](Movable):
    """The samples of one thread."""

    var network: Pointer[Network[Self.dtype], MutUntrackedOrigin]
    """The network."""
    var sources: Pointer[List[Source[Self.dtype]], MutUntrackedOrigin]
    """What all samples are shown."""
    var first: Int
    """The first sample."""
    var stop: Int
    """The sample after the last one."""
    var steps: Int
    """The number of time steps."""
    var runs: List[Run[Self.dtype]]
    """The finished runs."""
    var fault: Optional[Fault]
    """The first fault."""

    def __init__(
        out self,
        ref network: Network[Self.dtype],
        ref sources: List[Source[Self.dtype]],
        first: Int,
        stop: Int,
        steps: Int,
    ):
        """Hands out work; network and sources must outlive it.

        Args:
            network: The network.
            sources: What all samples are shown.
            first: The first sample.
            stop: The sample after the last one.
            steps: The number of time steps.
        """
        self.network = rebind[Pointer[Network[Self.dtype], MutUntrackedOrigin]](
            Pointer(to=network)
        )
        self.sources = rebind[
            Pointer[List[Source[Self.dtype]], MutUntrackedOrigin]
        ](Pointer(to=sources))
        self.first = first
        self.stop = stop
        self.steps = steps
        self.runs = []
        self.fault = None

    def work(mut self):
        """Runs the samples."""
        self.fault = simulate(
            self.network[],
            self.sources[],
            self.first,
            self.stop,
            self.steps,
            Wanted(False, False),
            self.runs,
        )


def start(
    share: Pointer[Share[DType.float64], MutUntrackedOrigin]
) abi("C") -> Untyped:
    """Is the body of a thread."""
    share[].work()
    return None


def _start(mut id: UInt64, mut share: Share[DType.float64]) -> Bool:
    """Starts a thread; False where there can be no further one."""
    return (
        external_call["pthread_create", Int32](
            Pointer(to=id), Untyped(None), start, Pointer(to=share)
        )
        == 0
    )


def simulate_batch(
    network: Network[DType.float64],
    sources: List[Source[DType.float64]],
    steps: Int,
    threads: Int,
) raises -> List[Run[DType.float64]]:
    """Runs all samples, without records.

    Args:
        network: The network.
        sources: What the samples are shown.
        steps: The number of time steps.
        threads: How many threads to use, at least 1.

    Returns:
        The finished runs.

    Raises:
        Error: A current or potential is not finite.
    """
    var shares: List[Share[DType.float64]] = []
    for k in range(threads):
        shares.append(
            Share[DType.float64](
                network,
                sources,
                len(sources) * k // threads,
                len(sources) * (k + 1) // threads,
                steps,
            )
        )
    var ids = List[UInt64](length=threads, fill=0)
    var started = 1
    while started < threads and _start(ids[started], shares[started]):
        started += 1
    shares[0].work()
    # What no thread could be had for is done here.
    for k in range(started, threads):
        shares[k].work()
    for k in range(1, started):
        _ = external_call["pthread_join", Int32](ids[k], Untyped(None))
    var runs: List[Run[DType.float64]] = []
    for k in range(threads):
        ref share = shares[k]
        if share.fault:
            raise Error(
                "simulate.non-finite: layer ", share.fault.value().layer
            )
        runs.extend(share.runs.copy())
    return runs^

"""Networks as graphs of NIR, the Neuromorphic Intermediate Representation (Pedersen et al. 2024), and back.

NIR says what a neuron does in continuous time. It does not say in what order a step is computed, whether a potential
equal to the threshold fires, or where potentials start; and a spike sets the potential to a value, it subtracts
nothing. `to_nir` refuses to lose that in silence, and writes it into the graph's metadata where that is asked for.
Needs the extra `nir`.
"""

from spikeparity.nir.errors import NIRError
from spikeparity.nir.reading import from_nir
from spikeparity.nir.writing import to_nir

__all__ = ["NIRError", "from_nir", "to_nir"]

"""SpikeParity's Mojo backend: strict JSON, the rules of the contract, and integrate-and-fire kernels."""

from .backend import serve

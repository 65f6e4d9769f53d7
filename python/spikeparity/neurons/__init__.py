"""Networks of integrate-and-fire neurons, their inputs, and their simulation bit for bit."""

from spikeparity.neurons.inputs import Constant, Poisson, Spikes, poisson_spikes
from spikeparity.neurons.layers import (
    AvgPool2d,
    Conv2d,
    Conv2dBranch,
    DenseBranch,
    Flatten,
    IdentityBranch,
    Layer,
    Neuron,
    Sum,
)
from spikeparity.neurons.network import Network
from spikeparity.neurons.philox import philox4x32
from spikeparity.neurons.simulate import Simulation, Trace, simulate

__all__ = [
    "AvgPool2d",
    "Constant",
    "Conv2d",
    "Conv2dBranch",
    "DenseBranch",
    "Flatten",
    "IdentityBranch",
    "Layer",
    "Network",
    "Neuron",
    "Poisson",
    "Simulation",
    "Spikes",
    "Sum",
    "Trace",
    "philox4x32",
    "poisson_spikes",
    "simulate",
]

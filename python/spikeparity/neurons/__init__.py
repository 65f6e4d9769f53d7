"""Networks of integrate-and-fire neurons, their inputs, and their simulation bit for bit."""

from spikeparity.neurons.inputs import Constant, Poisson, Spikes, poisson_spikes
from spikeparity.neurons.network import Layer, Network, Neuron
from spikeparity.neurons.philox import philox4x32
from spikeparity.neurons.simulate import Simulation, Trace, simulate

__all__ = [
    "Constant",
    "Layer",
    "Network",
    "Neuron",
    "Poisson",
    "Simulation",
    "Spikes",
    "Trace",
    "philox4x32",
    "poisson_spikes",
    "simulate",
]

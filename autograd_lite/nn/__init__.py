"""Neurons, layers and multi-layer perceptrons, built on Values."""

from autograd_lite.nn.layers import MLP, Layer, Neuron
from autograd_lite.nn.module import Module

__all__ = ["MLP", "Layer", "Module", "Neuron"]

"""The layers of a network: each knows its values, its adjoint, its norm and its rounding errors."""

from stabkit.networks.layers.activation import Activation
from stabkit.networks.layers.concatenation import Concatenation
from stabkit.networks.layers.convolution import Convolution, TransposedConvolution
from stabkit.networks.layers.dense import Dense
from stabkit.networks.layers.grouped import Direction, Grouped, Normalisation, Softmax
from stabkit.networks.layers.layer import Layer, Shape, Signal, Weights
from stabkit.networks.layers.length import Length
from stabkit.networks.layers.pooling import MaxPooling, MeanPooling, Pooling
from stabkit.networks.layers.product import Product
from stabkit.networks.layers.reshaping import Reshaping
from stabkit.networks.layers.response import LocalResponse
from stabkit.networks.layers.scaling import Scaling
from stabkit.networks.layers.selection import Selection
from stabkit.networks.layers.sorting import Sorting
from stabkit.networks.layers.sum import Sum

__all__ = ["Activation", "Concatenation", "Convolution", "Dense", "Direction", "Grouped", "Layer",
           "Length", "LocalResponse", "MaxPooling", "MeanPooling", "Normalisation", "Pooling",
           "Product", "Reshaping", "Scaling", "Selection", "Shape", "Signal", "Softmax", "Sorting",
           "Sum", "TransposedConvolution", "Weights"]

"""A network of layers evaluated by plain loops: the oracle for what readers make of a file."""

from itertools import product

import numpy as np
from scipy.special import log_softmax, softmax

from stabkit.networks.layers import (
    Activation,
    Concatenation,
    Convolution,
    Dense,
    Direction,
    Length,
    LocalResponse,
    MaxPooling,
    Normalisation,
    Pooling,
    Product,
    Reshaping,
    Scaling,
    Selection,
    Softmax,
    Sorting,
    Sum,
    TransposedConvolution,
)


def evaluate(graph, x):
    """The output for one input, without a batch axis, in double precision."""
    results = {-1: np.asarray(x, dtype=np.float64)}
    assert results[-1].shape == graph.shape
    for number, node in enumerate(graph.nodes):
        assert all(i < number for i in node.inputs)
        results[number] = apply(node.layer, [results[i] for i in node.inputs], node.shape)
        assert results[number].shape == tuple(node.shape), node
    return results[len(graph.nodes) - 1]


def apply(layer, inputs, shape):
    x = inputs[0]
    match layer:
        case Dense():
            return layer.weights.astype(float) @ x + (0 if layer.bias is None else layer.bias)
        case Convolution():
            return convolve(layer, x) + channelwise(layer.bias, x.ndim)
        case TransposedConvolution():
            return spread(layer.convolution, x) + channelwise(layer.bias, x.ndim)
        case Scaling():
            factors = 1.0 if layer.factors is None else layer.factors.astype(float)
            return factors * x + (0.0 if layer.bias is None else layer.bias.astype(float))
        case Activation():
            return layer.flux(x)
        case Reshaping():
            return x.reshape(-1)[slice(None) if layer.order is None else layer.order].reshape(shape)
        case Selection():
            return x.reshape(-1)[layer.places].reshape(shape)
        case Pooling():
            return pool(layer, x)
        case Sum():
            assert len(layer.signs) == len(inputs)
            return sum(sign * part for sign, part in zip(layer.signs, inputs, strict=True))
        case Concatenation():
            return np.concatenate(inputs, layer.axis)
        case Product():
            return np.array([a * b for a, b in zip(*map(np.ravel, inputs), strict=True)]).reshape(
                shape)
        case Length():
            return np.array([np.linalg.norm(x.ravel()[group]) for group in layer.places]).reshape(
                shape)
        case Sorting():
            flat = x.ravel().copy()
            for group in layer.places:
                flat[group] = sorted(flat[group])
            return flat.reshape(shape)
        case LocalResponse():
            return np.stack([row / (float(layer.k) + float(layer.a) * sum(
                x[j] ** 2 for j in range(len(x)) if -layer.before <= j - i <= layer.after
            )) ** (layer.quarters / 4) for i, row in enumerate(x)])
        case Softmax() | Normalisation() | Direction():
            return group_by_group(layer, x)
    raise TypeError(layer)


def channelwise(bias, rank):
    return 0.0 if bias is None else bias.astype(float).reshape(-1, *(1,) * (rank - 1))


def steps_of(layer):
    return [(n + a + b - (k - 1) * d - 1) // s + 1 for n, (a, b), k, d, s in zip(
        layer.shape[1:], layer.padding, layer.weights.shape[2:], layer.dilation, layer.stride,
        strict=True)]


def meetings(layer):
    """Each (output channel, place; input channel, place; tap) that a convolution joins."""
    channels, *sizes = layer.shape
    assert layer.weights.shape[1] * layer.groups == channels
    taps, steps = layer.weights.shape[2:], steps_of(layer)
    per_group = len(layer.weights) // layer.groups
    for out, place in product(range(len(layer.weights)), product(*map(range, steps))):
        first = out // per_group * layer.weights.shape[1]
        for c, tap in product(range(layer.weights.shape[1]), product(*map(range, taps))):
            at = [p * s - a + t * d for p, s, (a, _), t, d in zip(
                place, layer.stride, layer.padding, tap, layer.dilation, strict=True)]
            if layer.periodic:
                at = [i % n for i, n in zip(at, sizes, strict=True)]
            if all(0 <= i < n for i, n in zip(at, sizes, strict=True)):
                yield (out, *place), (first + c, *at), (out, c, *tap)


def convolve(layer, x):
    assert x.shape == tuple(layer.shape)
    result = np.zeros((len(layer.weights), *steps_of(layer)))
    for out, place, tap in meetings(layer):
        result[out] += float(layer.weights[tap]) * x[place]
    return result


def spread(layer, y):
    result = np.zeros(layer.shape)
    for out, place, tap in meetings(layer):
        result[place] += float(layer.weights[tap]) * y[out]
    return result


def pool(layer, x):
    assert x.shape == tuple(layer.shape)
    channels, *sizes = layer.shape
    apart = layer.dilation or (1,) * len(sizes)
    steps = [(n + a + b - (k - 1) * d - 1) // s + 1 for n, (a, b), k, d, s in zip(
        sizes, layer.padding, layer.window, apart, layer.stride, strict=True)]
    result = np.zeros((channels, *steps))
    for c, place in product(range(channels), product(*map(range, steps))):
        met = []
        for tap in product(*map(range, layer.window)):
            at = [p * s - a + t * d for p, s, (a, _), t, d in zip(
                place, layer.stride, layer.padding, tap, apart, strict=True)]
            if all(0 <= i < n for i, n in zip(at, sizes, strict=True)):
                met.append(x[(c, *at)])
        if isinstance(layer, MaxPooling):
            result[(c, *place)] = max(met)
        else:
            size = np.prod(layer.window) if layer.counts_padding else len(met)
            result[(c, *place)] = sum(met) / size
    return result


def group_by_group(layer, x):
    """Softmax by SciPy; a normalisation by the norm of what is left of the mean."""
    out = x.reshape(-1).copy()
    for places in layer.places:
        part = out[places]
        if isinstance(layer, Softmax):
            out[places] = (log_softmax if layer.logarithm else softmax)(part)
            continue
        if isinstance(layer, Direction):
            out[places] = part / max(np.linalg.norm(part), float(layer.radius))
            continue
        part = part - part.mean() if layer.centred else part
        out[places] = part / np.hypot(np.linalg.norm(part) / len(part) ** 0.5,
                                      float(layer.epsilon) ** 0.5)
    return out.reshape(x.shape)

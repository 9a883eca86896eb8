"""Convolutions in rational numbers: their matrices, and whether one is another's transpose."""

from fractions import Fraction
from itertools import product
from time import process_time

import numpy as np
import pytest

from stabkit.arithmetic.rational import fractions
from stabkit.networks.graph import chain
from stabkit.networks.layers import Convolution, TransposedConvolution
from stabkit.networks.transposes import compare

KINDS = [dict(), dict(stride=(2, 2)), dict(groups=2), dict(dilation=(2, 1)), dict(periodic=True),
         dict(periodic=True, dilation=(2, 2))]  # with the last, two taps meet one entry


def convolution(weights, shape, stride=(1, 1), dilation=(1, 1), groups=1, periodic=False):
    padding = tuple((d * (n // 2), d * (n // 2)) for d, n in
                    zip(dilation, weights.shape[2:], strict=True))
    return Convolution(weights, None, shape, stride, padding, dilation, groups, periodic)


def plain_matrix(layer):
    """Its matrix by the sum over outputs, inputs and taps that defines it."""
    (outs, ins, *taps), sizes = layer.weights.shape, layer.shape[1:]
    places = {place: n for n, place in enumerate(product(*map(range, layer.shape)))}
    rows = []
    for o, *x in product(range(outs), *map(range, layer.output_sizes)):
        row = [Fraction(0)] * len(places)
        for c, *k in product(range(ins), *map(range, taps)):
            seen = [s * a + d * b - pad[0] for s, a, d, b, pad in
                    zip(layer.stride, x, layer.dilation, k, layer.padding, strict=True)]
            if layer.periodic:
                seen = [a % n for a, n in zip(seen, sizes, strict=True)]
            place = (o // (outs // layer.groups) * ins + c, *seen)
            if place in places:
                row[places[place]] += Fraction(layer.weights[(o, c, *k)])
        rows.append(row)
    return np.array(rows, dtype=object)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exact", [False, True])
def test_many_exact_signals_meet_the_weights_as_they_stand(kind, exact):
    """K U and Kᵀ V for so many signals that they are products of matrices; thirds are no floats."""
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((4, 4 // kind.get("groups", 1), 3, 3))
    if exact:
        weights = fractions(np.round(9 * weights).astype(int)) / Fraction(3)
    layer = convolution(weights, (4, 3, 4), **kind)
    K = plain_matrix(layer)
    for one, matrix, shape in ((layer, K, layer.shape), (TransposedConvolution(layer), K.T, (
            4, *layer.output_sizes))):
        U = fractions(rng.integers(-5, 6, (matrix.shape[1] + 1, matrix.shape[1]))) / Fraction(7)
        made = one.apply(U.reshape(-1, *shape)).reshape(len(U), -1)
        assert (made == U @ matrix.T).all()
        assert all(type(entry) is Fraction for entry in made.flat)


@pytest.mark.slow
@pytest.mark.parametrize("off", [0.0, 2.0**-52])
def test_large_stencils_are_compared_exactly_and_soon(off):
    """τKᵀ after K, with 7² taps; planted: one weight that is the next float. It took 30 s."""
    weights = 1 + np.random.default_rng(2).random((4, 4, 7, 7))
    first, other = convolution(weights, (4, 5, 5)), weights.copy()
    other[1, 2, 3, 3] *= 1 + off
    second = TransposedConvolution(convolution(-other / 4, (4, 5, 5)))
    before, after = (chain([layer], [(4, 5, 5)], (4, 5, 5)) for layer in (first, second))
    start = process_time()
    found = compare(before, after)
    assert before.is_small and after.is_small and process_time() - start < 5
    assert found.factor == (None if off else Fraction(-1, 4))

"""Discrete Fourier transforms of signals, as matrices of sines and cosines."""

from __future__ import annotations

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.linear import along
from stabkit.audit.reading.operator import Operator, within


def transform(op: Operator) -> View:
    """DFT along an axis; complex numbers are pairs along the last axis.

    The inverse of half of the frequencies has real results: the imaginary parts of frequency 0, and
    of the highest one of an even number, are left out.
    """
    view, rank = op.signal(0), len(op.signal(0).shape)
    axis = within((op.sizes(2) or [-2])[0] if op.opset >= 20 else op.integer("axis", 1), rank)
    inverse, half = op.integer("inverse", 0), op.integer("onesided", 0)
    parts = view.shape[-1]
    if rank < 3 or axis == rank - 1 or parts not in (1, 2) or (
            axis == 0 and op.build.has_batch(view.shape)):
        raise op.refuse(f"a transform along axis {axis} of a signal of shape {view.shape}")
    if half and parts != 1 + inverse:
        raise op.refuse("half of the frequencies of complex numbers, or from real ones")
    size = view.shape[axis]
    length = (op.sizes(1) or [2 * (size - 1) if half and inverse else size])[0]
    if length < 1:
        raise op.refuse("a transform of no entries")
    op.build.spend(4 * length * max(size, length))
    matrix = _from_half(length, size) if half and inverse else \
        _matrix(length, size, length // 2 + 1 if half else length, parts, bool(inverse))
    parts_out = 1 if half and inverse else 2
    moved = op.build.move(view, lambda index: np.moveaxis(index, axis, -2))
    lead = moved.shape[:-2]
    made = along(op.build, op.build.reshape(moved, (*lead, size * parts)), matrix, len(lead))
    wide = op.build.reshape(made, (*lead, len(matrix) // parts_out, parts_out))
    return op.build.move(wide, lambda index: np.moveaxis(index, -2, axis))


def _matrix(length: int, size: int, count: int, parts: int, inverse: bool) -> np.ndarray:
    """Σ exp(∓2πi jk/n) x_k for j < `count`, over n for the inverse, of x cut or filled up to n.

    Entries are rounded to double precision; those that are 0 or ±1 are exact.
    """
    known = min(size, length)
    turns = np.outer(np.arange(count), np.arange(known)) % length
    cos, sin = (_quarters(function, length)[turns] for function in (np.cos, np.sin))
    sin = sin if inverse else -sin
    pairs = np.zeros((count, 2, size, 2))
    pairs[:, 0, :known, 0], pairs[:, 0, :known, 1] = cos, -sin
    pairs[:, 1, :known, 0], pairs[:, 1, :known, 1] = sin, cos
    matrix = pairs[..., :parts].reshape(2 * count, size * parts)
    return matrix / length if inverse else matrix


def _from_half(length: int, size: int) -> np.ndarray:
    """Σ w_k (Re X_k cos 2πjk/n − Im X_k sin 2πjk/n)/n; w = 1 for the frequencies 0 and n/2, else 2.
    """
    known = min(size, length // 2 + 1)
    turns = np.outer(np.arange(length), np.arange(known)) % length
    twice = np.where(2 * np.arange(known) % length == 0, 1.0, 2.0)
    pairs = np.zeros((length, size, 2))
    pairs[:, :known, 0] = twice * _quarters(np.cos, length)[turns]
    pairs[:, :known, 1] = -twice * _quarters(np.sin, length)[turns]
    return pairs.reshape(length, 2 * size) / length


def _quarters(function: np.ufunc, length: int) -> np.ndarray:
    """A sine or cosine of k/n turns, exact at quarters of one."""
    values = function(2 * np.pi * np.arange(length) / length)
    exact = 4 * np.arange(length) % length == 0
    return np.where(exact, np.round(values), values)

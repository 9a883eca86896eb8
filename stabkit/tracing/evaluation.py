"""Forms at numbers: exactly, or in floats as a sparse matrix."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.sparse import csr_array

from stabkit.tracing.form import Form

_BITS = 1000  # of an integer that a float holds


def apply_forms(form: Form, u: np.ndarray, dt: Fraction) -> np.ndarray:
    """The exact values of linear forms at exact inputs."""
    coefficients = values_at(form, dt)
    inputs = [Fraction(1), *u.tolist()]
    out = np.array([Fraction(0)] * form.count, dtype=object)
    for row, column, c in zip(form.rows.tolist(), form.columns.tolist(), coefficients, strict=True):
        out[row] += c * inputs[column]
    return out


def values_at(form: Form, dt: Fraction) -> list[Fraction]:
    """The exact coefficients at a step, in the order of the entries."""
    divisor = sum((c * dt**k for k, c in enumerate(form.denominator)), Fraction(0))
    powers = [dt**k / divisor for k in range(form.numerators.shape[1])]
    known: dict[tuple, Fraction] = {}
    out = []
    for row in map(tuple, form.numerators.tolist()):
        if row not in known:
            known[row] = sum((c * p for c, p in zip(row, powers, strict=True)), Fraction(0))
        out.append(known[row])
    return out


def matrix_at(form: Form, dt: float, columns: int) -> csr_array:
    """In floats: the forms as a sparse matrix; column 0 holds the constants."""
    numerators, denominator = _floats_fit(form)
    t = np.array([float(dt)**k for k in range(max(numerators.shape[1], denominator.size))])
    divisor = float(np.dot(denominator, t[:denominator.size]))
    data = numerators @ t[:numerators.shape[1]] / divisor
    return csr_array((data, (form.rows, form.columns)), shape=(form.count, columns))


def _floats_fit(form: Form) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and denominator in floats, both over a power of two where they are too large."""
    bits = max(abs(int(c)).bit_length() for c in form.denominator)
    if form.numerators.dtype == object and form.numerators.size:
        bits = max(bits, max(abs(int(c)).bit_length() for c in form.numerators.ravel()))
    if bits < _BITS:
        return form.numerators.astype(float), np.array(form.denominator, dtype=float)
    unit = 1 << (bits - _BITS)
    return (form.numerators.astype(object) // unit).astype(float), \
        np.array([int(c) // unit for c in form.denominator], dtype=float)

"""Compiled twins of the schemes' array expressions, for float arrays that are worth it.

A twin is found here or not at all; the expressions in the other files are the definitions, and a
test holds every twin to them.  Arrays of NumPy go to the loops of Numba, which is imported when the
first one runs; arrays on a GPU go to fused kernels.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from stabkit.flux import Flux
from stabkit.operators import Operator
from stabkit.schemes import fused
from stabkit.transcript import Term

# Codes of the fluxes with Φ(c s) = c Φ(s) for c > 0, where Φ on the left has c q and c p.
_HOMOGENEOUS = (*range(8), 11)
# Below this many site-steps the array expression is as fast, and nothing need be compiled.
WORTH_COMPILING = 200_000


def explicit(K: Operator, flux: Flux, tau: Any, u: Any, steps: int) -> Any:
    """`steps` explicit steps, or None if there is no twin for these arrays."""
    if not _has_twin(flux, u, steps):
        return None
    if not isinstance(u, np.ndarray):
        return _fused(fused.EXPLICIT, K, flux, tau, u, steps)
    rows, r = _rows(u), spacing(K)
    if r is not None:
        _kernel("lanes", "diffuse", flux)(rows, steps, float(tau), r, shape_form(flux))
    else:
        _kernel("steps", "explicit", flux)(rows, steps, float(tau), _form(K, u.dtype),
                                           shape_form(flux))
    return rows.reshape(u.shape)


def fsi(K: Operator, flux: Flux, tau: Any, u: Any, length: int, frozen: bool) -> Any:
    """One FSI cycle, or None if there is no twin for these arrays."""
    if not _has_twin(flux, u, length):
        return None
    if not isinstance(u, np.ndarray):
        return _fused(fused.FROZEN_FSI if frozen else fused.FSI, K, flux, tau, u, length)
    rows = _rows(u)
    _kernel("steps", "fsi", flux)(rows, length, float(tau), _form(K, u.dtype),
                                  shape_form(flux), frozen)
    return rows.reshape(u.shape)


def fixed_point(K: Operator, flux: Flux, tau: Any, u: Any, iterations: int) -> Any:
    """The iterations of eq. (9), or None if there is no twin for these arrays."""
    if not _has_twin(flux, u, iterations):
        return None
    if not isinstance(u, np.ndarray):
        return _fused(fused.FIXED_POINT, K, flux, tau, u, iterations)
    rows = _rows(u)
    _kernel("steps", "fixed_point", flux)(rows, iterations, float(tau), _form(K, u.dtype),
                                          shape_form(flux))
    return rows.reshape(u.shape)


def shrinkage(flux: Flux, tau: Any, h: Any, periodic: bool, f: Any, steps: int) -> Any:
    """Steps of Haar shrinkage by a fused kernel, or None if there is none for these arrays.

    S(r) = r − (4τ/h²) Φ(r), where Φ has its contrast parameter times h/√2.
    """
    if isinstance(f, (np.ndarray, Term)) or not _has_twin(flux, f, steps) or \
            flux.kernel[0] not in _HOMOGENEOUS:
        return None
    scale = float(h) * 0.5**0.5
    shape = tuple(scale * each for each in shape_form(flux))
    return fused.shrinkage((flux.kernel[0], *shape), float(4 * tau / h**2), periodic, f, steps)


def _has_twin(flux: Flux, u: Any, steps: int) -> bool:
    if flux.kernel is None or isinstance(u, Term) or u.size * steps < WORTH_COMPILING:
        return False
    return u.dtype.kind == "f" if isinstance(u, np.ndarray) else True  # a door let floats in only


def _fused(scheme: int, K: Operator, flux: Flux, tau: Any, u: Any, steps: int) -> Any:
    return fused.run(fused.Job(scheme, K, lambda dtype: csr_form(K, dtype), spacing(K),
                               (flux.kernel[0], *shape_form(flux)), float(tau), steps), u)


def spacing(K: Operator) -> float | None:
    """1/h of the reflecting first difference, or None."""
    taps = _taps(K)
    return taps[1] if len(taps) == 2 and taps[1] == -taps[0] > 0 else None


def _rows(u: np.ndarray) -> np.ndarray:
    # The kernels work in place on C-contiguous rows, so they get a copy.
    return np.array(u, order="C").reshape(-1, u.shape[-1])


def _kernel(room: str, name: str, flux: Flux) -> Any:
    return getattr(import_module(f"stabkit.kernels.{room}"), name)[flux.kernel[0]]


def shape_form(flux: Flux) -> tuple[float, float]:
    """The two parameters of a flux as the kernels take them."""
    return (*flux.kernel[1:], 0.0)[:2]


def _form(K: Operator, dtype: np.dtype) -> tuple:
    taps = _taps(K)
    return (0, taps) if taps else csr_form(K, dtype)  # 0: NATURAL of the kernels


def _taps(K: Operator) -> tuple[float, ...]:
    # The row that K repeats along the signal without sticking out, or nothing.
    m, n = K.shape
    width = n - m + 1
    if m == 0 or width < 1 or K.columns.size != m * width:
        return ()
    columns, values = K.columns.reshape(m, width), K.values.reshape(m, width)
    same = (columns == np.arange(m)[:, None] + np.arange(width)).all() and \
        (values == values[0]).all()
    return tuple(float(value) for value in values[0]) if same else ()


def csr_form(K: Operator, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    """K and its adjoint as the kernels take them: starts, columns and values of the rows."""
    parts = []
    for matrix in (K.sparse(dtype), K.T.sparse(dtype)):
        parts += [matrix.indptr.astype(np.uint32), matrix.indices.astype(np.uint32), matrix.data]
    return tuple(parts)

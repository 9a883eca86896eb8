"""Compiled twins of the schemes' array expressions, for float arrays that are worth it.

All twins are found here; the expressions in the other files are the definitions, and a test
compares every twin with them.  Arrays of NumPy go to the loops of Numba, which is imported when the
first one runs; arrays on a GPU go to fused kernels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.linearised import Linearised
from stabkit.arithmetic.transcript import Term
from stabkit.codes import HOMOGENEOUS, EdgeCode, FluxCode, SchemeCode
from stabkit.errors import HypothesisNotMet
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.proof.words import Expression
from stabkit.schemes import fused, threads
from stabkit.schemes.grid_form import edges, grid_form

# Below this many site-steps the array expression is as fast, and needs no compiling.
WORTH_COMPILING = 200_000
# Below this many systems they are solved one by one.
WORTH_COLUMNS = 12
# Below this many steps it is not worth rearranging a signal for difference_steps and back.
WORTH_LANES = 4


def explicit(K: Operator, flux: Flux, tau: Rational, u: Signal, steps: int) -> Signal:
    """`steps` explicit steps, or None if there is no twin for these arrays."""
    return _run_twin(SchemeCode.EXPLICIT, K, flux, tau, u, steps)


def fsi(K: Operator, flux: Flux, tau: Rational, u: Signal, length: int, frozen: bool) -> Signal:
    """One FSI cycle, or None if there is no twin for these arrays."""
    return _run_twin(SchemeCode.FROZEN_FSI if frozen else SchemeCode.FSI, K, flux, tau, u, length)


def fixed_point(K: Operator, flux: Flux, tau: Rational, u: Signal, iterations: int) -> Signal:
    """The iterations of eq. (9), or None if there is no twin for these arrays."""
    return _run_twin(SchemeCode.FIXED_POINT, K, flux, tau, u, iterations)


def _run_twin(scheme: SchemeCode, K: Operator, flux: Flux, tau: Rational, u: Signal, steps: int
              ) -> Signal:
    if not is_worth_compiling(flux, u, steps):
        return None
    if not isinstance(u, np.ndarray):
        return _run_fused_kernel(scheme, K, flux, tau, u, steps)
    return _run_own_kernel(scheme.name.lower(), K, flux, tau, u, steps)


def semi_implicit(K: Operator, split: Sequence[int], flux: Flux, tau: Rational, u: Signal,
                  steps: int) -> Signal:
    """Semi-implicit steps along the axes of a grid, or None if there is no twin for these."""
    if not is_worth_compiling(flux, u, steps) or not isinstance(u, np.ndarray):
        return None
    grid = grid_form(K)
    if grid is None or tuple(split) != edges(grid):
        return None
    from stabkit.kernels import splitting  # loads Numba
    rows = np.array(u, order="C").reshape(-1, u.shape[-1])
    splitting.semi_implicit[code_of(flux)](rows, np.empty(u.shape[-1], u.dtype), steps, float(tau),
                                           grid, shape_form(flux))
    return rows.reshape(u.shape)


def isotropic(K: Operator, flux: Flux, tau: Rational, u: Signal, steps: int) -> Signal:
    """Isotropic steps, on a grid whose gradient K is, or None if there is no twin for these."""
    grid = grid_form(K) if isinstance(u, np.ndarray) else None
    if grid is None:
        return None
    from stabkit.kernels import isotropic as room  # loads Numba
    rows = np.array(u, order="C").reshape(-1, u.shape[-1])
    if grid[0].size == 1:  # the kernel wants two axes: the first without edges
        sizes, strides, inverses = grid
        grid = np.insert(sizes, 0, 1), np.insert(strides, 0, sizes[0]), np.insert(inverses, 0, 1)
    room.isotropic[code_of(flux)](rows, steps, float(tau), grid, shape_form(flux))
    return rows.reshape(u.shape)


def tridiagonal(diagonal: np.ndarray, beside: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solutions of symmetric tridiagonal systems, one per column, without pivoting.

    Parameters
    ----------
    diagonal : ndarray, shape (N, B)
        Overwritten.
    right : ndarray, shape (N, B)
    beside : ndarray, shape (N − 1, B)
    """
    from stabkit.kernels import implicit  # loads Numba

    if right.shape[1] < WORTH_COLUMNS:
        x = np.array(right.T, order="C")
        implicit.tridiagonal(*map(np.ascontiguousarray, (diagonal.T, beside.T)), x)
        return x.T
    x = np.array(right, order="C")
    implicit.tridiagonal_columns(*map(np.ascontiguousarray, (diagonal, beside)), x)
    return x


def shrinkage(flux: Flux, tau: Rational, h: Rational, periodic: bool, f: Signal, steps: int
             ) -> Signal:
    """Steps of Haar shrinkage, or None if there is no twin for these arrays.

    S(r) = r − (4τ/h²) Φ(r), where Φ has its contrast parameter times h/√2.
    """
    if not is_worth_compiling(flux, f, steps) or code_of(flux) not in HOMOGENEOUS:
        return None
    scale, weight = float(h) * 0.5**0.5, float(4 * tau / h**2)
    shape = tuple(scale * each for each in shape_form(flux))
    if not isinstance(f, np.ndarray):
        return fused.shrinkage((code_of(flux), *shape), weight, periodic, f, steps)
    from stabkit.kernels.haar import haar  # loads Numba
    kernel = haar[code_of(flux)]
    rows = np.array(f, order="C").reshape(-1, f.shape[-1])
    after = np.empty_like(rows)
    for _ in range(steps):
        kernel(rows, after, None if weight == 1 else weight, shape,
               int(EdgeCode.PERIODIC if periodic else EdgeCode.NATURAL))
        rows, after = after, rows
    return rows.reshape(f.shape)


def is_worth_compiling(flux: Flux, u: Signal, steps: int) -> bool:
    """Whether these are floats for which a twin pays, and kernels know the flux."""
    if flux.kernel is None or isinstance(u, Term | Expression | Linearised) or \
            u.size * steps < WORTH_COMPILING:
        return False
    return u.dtype.kind == "f" if isinstance(u, np.ndarray) else True  # others: floats only


def _run_own_kernel(name: str, K: Operator, flux: Flux, tau: Rational, u: np.ndarray, steps: int
                    ) -> np.ndarray:
    from stabkit.kernels import difference_steps, grid_steps  # loads Numba
    from stabkit.kernels import steps as any_K

    # The kernels work in place on C-contiguous rows, so they get a copy.
    rows = np.array(u, order="C").reshape(-1, u.shape[-1])
    frozen = name == "frozen_fsi"
    r = None if frozen else spacing(K)
    grid = None if frozen or r is not None else grid_form(K)
    room, operator = (grid_steps, grid) if grid is not None else \
        (any_K, _form(K, u.dtype)) if r is None or steps < WORTH_LANES else \
        (difference_steps, None if r == 1 else r)
    kernel = getattr(room, name)[code_of(flux)]

    def advance(rows: np.ndarray, steps: int) -> None:
        kernel(rows, steps, float(tau), operator, shape_form(flux))

    if room is any_K:
        advance(rows, steps)
    else:
        threads.run(advance, rows, steps, divisible=name == "explicit",
                    width=1 if grid is None else int(grid[1][0]))
    return rows.reshape(u.shape)


def _run_fused_kernel(scheme: SchemeCode, K: Operator, flux: Flux, tau: Rational, u: Signal,
                      steps: int) -> Signal:
    return fused.run(fused.Job(scheme, K, lambda dtype: csr_form(K, dtype), spacing(K),
                               (code_of(flux), *shape_form(flux)), float(tau), steps), u)


def spacing(K: Operator) -> float | None:
    """1/h of the reflecting first difference, or None."""
    taps = _taps(K)
    return taps[1] if len(taps) == 2 and taps[1] == -taps[0] > 0 else None


def shape_form(flux: Flux) -> tuple[float, float]:
    """The two parameters of a flux as the kernels take them."""
    known = _kernel(flux)
    return known[1], known[2] if len(known) == 3 else 0.0


def code_of(flux: Flux) -> FluxCode:
    """The number by which kernels know a flux."""
    return _kernel(flux)[0]


def _kernel(flux: Flux) -> tuple[FluxCode, float] | tuple[FluxCode, float, float]:
    if flux.kernel is None:
        raise HypothesisNotMet(f"flux: no kernel knows {flux.name}")
    return flux.kernel


def _form(K: Operator, dtype: np.dtype) -> tuple:
    taps = _taps(K)
    return (int(EdgeCode.NATURAL), taps) if taps else csr_form(K, dtype)


def _taps(K: Operator) -> tuple[float, ...]:
    # The row that K repeats along the signal, always inside, or nothing.
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

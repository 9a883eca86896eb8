"""The semidefinite program of multipliers, solved in floating point by Clarabel.

Nothing here is believed: what comes out is rounded and checked.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from stabkit.aliases import Matrix
from stabkit.errors import InvalidArgument
from stabkit.installation import install
from stabkit.multipliers.hypotheses import Block, Form

RESIDUAL = 100.0  # what a unit of what is left over costs


@dataclass(frozen=True)
class Setting:
    """How small multipliers are wanted, and from where on one counts as 0."""

    weight: float
    small: float


#: Statements with a sharp constant have no interior, so no one setting suits them all.
SETTINGS = (Setting(1e-3, 1e-5), Setting(1e-3, 1e-3), Setting(0.0, 1e-7), Setting(0.0, 1e-4))


@dataclass(frozen=True)
class Multipliers:
    """What the solver found.

    Attributes
    ----------
    values : ndarray
        Of all columns of all blocks, in order.
    residual : float
        The largest coefficient that is left over.
    moments : dict
        A value for each word: the worst case that speaks against smaller values.
    """

    values: np.ndarray
    residual: float
    moments: dict[Any, float]


def is_installed() -> bool:
    return importlib.util.find_spec("clarabel") is not None


def require_solver() -> None:
    """Raise unless the solver is there."""
    if not is_installed():
        raise InvalidArgument("prove: needs the solver Clarabel, which is not installed; get it "
                              f"by  {install('prove')}  (proofs that were found before are "
                              "checked without it)")


def solve(goal: Form, blocks: Sequence[Block], weight: float,
          cost: Mapping[int, float] | None = None) -> Multipliers | None:
    """Find multipliers with goal = Σ multiplier·rule, or None where the solver gives up.

    Parameters
    ----------
    goal : Form
    blocks : sequence of Block
    weight : float
        The cost of a unit of the traces of all multipliers.
    cost : mapping of int to float, optional
        Of columns, in addition; then nothing may be left over.
    """
    columns = [column for block in blocks for column in block.columns]
    keys = sorted({*goal, *(key for column in columns for key in column)}, key=repr)
    rows = {key: number for number, key in enumerate(keys)}
    n, m = len(columns), len(keys)
    entries = [(rows[key], j, float(c)) for j, column in enumerate(columns)
               for key, c in column.items()]
    i, j, c = zip(*entries, strict=True) if entries else ((), (), ())
    A = sp.csc_matrix((c, (i, j)), shape=(m, n))
    b = np.zeros(m)
    for key, value in goal.items():
        b[rows[key]] = float(value)
    q = np.zeros(n)
    for position in _diagonal(blocks):
        q[position] = weight
    for position, extra in (cost or {}).items():
        q[position] += extra
    if cost is None:  # the residual is r − s with r, s >= 0
        A = sp.hstack([A, sp.identity(m), -sp.identity(m)], format="csc")
        q = np.concatenate([q, np.full(2 * m, RESIDUAL)])
    found = _solve(A, b, q, blocks, n)
    if found is None:
        return None
    x, dual = found
    left = np.abs(A[:, :n] @ x[:n] - b).max(initial=0.0)
    return Multipliers(x[:n], float(left), dict(zip(keys, dual[:m], strict=True)))


def _diagonal(blocks: Sequence[Block]) -> list[int]:
    """Where the columns of the diagonals are, whose sum is the trace."""
    found, position = [], 0
    for block in blocks:
        for a in range(block.size):
            if not block.free:
                found.append(position)
            position += block.size - a
    return found


def _solve(A: Matrix, b: np.ndarray, q: np.ndarray, blocks: Sequence[Block], n: int
           ) -> tuple[np.ndarray, np.ndarray] | None:
    import clarabel

    total = A.shape[1]
    rows, cones = [A], [clarabel.ZeroConeT(A.shape[0])]
    position = 0
    for block in blocks:
        count = block.size * (block.size + 1) // 2
        if count and not block.free:
            rows.append(_in_cone(block.size, position, total))
            cones.append(clarabel.NonnegativeConeT(1) if block.size == 1 else
                         clarabel.PSDTriangleConeT(block.size))
        position += count
    if total > n:
        rows.append(sp.csc_matrix((-np.ones(total - n), (range(total - n), range(n, total))),
                                  shape=(total - n, total)))
        cones.append(clarabel.NonnegativeConeT(total - n))
    stacked = sp.vstack(rows, format="csc")
    right = np.concatenate([b, np.zeros(stacked.shape[0] - len(b))])
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_iter, settings.max_threads = False, 300, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    solver = clarabel.DefaultSolver(sp.csc_matrix((total, total)), q, stacked, right, cones,
                                    settings)
    result = solver.solve()
    x = np.array(result.x)
    known = (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved,
             clarabel.SolverStatus.InsufficientProgress)
    if result.status not in known or not np.isfinite(x).all():
        return None
    return x, np.array(result.z)


def _in_cone(size: int, position: int, total: int) -> Any:
    """Rows that put the entries X_ij, i <= j, in the order and scale of the cone, column by column.
    """
    places, number = {}, position
    for i in range(size):
        for j in range(i, size):
            places[i, j] = number
            number += 1
    order = [(i, j) for j in range(size) for i in range(j + 1)]
    scale = [-1.0 if i == j else -np.sqrt(2.0) for i, j in order]
    return sp.csc_matrix((scale, (range(len(order)), [places[pair] for pair in order])),
                         shape=(len(order), total))

"""Relaxation on sparse matrices whose rows stand in the order of a sweep.

Row p is that of unknown order[p], without its diagonal: first the couplings to unknowns that come
after it, from `starts`, then, from `middles`, those to unknowns before it, the last one updated at
the end, so that as little as possible waits for it.
"""

from __future__ import annotations

from stabkit.kernels import kernel


@kernel
def split_rows(indptr, indices, data, ranks, order, starts, middles, columns, values, diagonal):
    """Bring the rows of a CSR matrix into that order."""
    end = 0
    for p in range(order.size):
        i = order[p]
        first, last = indptr[i], indptr[i + 1]
        starts[p] = end
        for k in range(first, last):
            j = indices[k]
            if j == i:
                diagonal[i] = data[k]
            elif ranks[j] > ranks[i]:
                columns[end], values[end] = j, data[k]
                end += 1
        middles[p] = end
        falls = last > first and ranks[indices[last - 1]] < ranks[indices[first]]
        for t in range(last - first):
            k = last - 1 - t if falls else first + t
            j = indices[k]
            if ranks[j] < ranks[i]:
                columns[end], values[end] = j, data[k]
                end += 1
    starts[order.size] = end


@kernel
def sor_sweep(starts, columns, values, order, kept, scale, u, b):
    """u_i ← kept u_i + scale_i (b_i − Σ_j≠i a_ij u_j) in the given order, in place."""
    for p in range(order.size):
        i = order[p]
        total = b[i]
        for k in range(starts[p], starts[p + 1]):
            total -= values[k] * u[columns[k]]
        u[i] = kept * u[i] + scale[i] * total


@kernel
def sor_from_zero(starts, middles, columns, values, order, scale, u, b):
    """The same from u = 0: what comes after an unknown is 0 still."""
    for p in range(order.size):
        i = order[p]
        total = b[i]
        for k in range(middles[p], starts[p + 1]):
            total -= values[k] * u[columns[k]]
        u[i] = scale[i] * total


@kernel
def residual_from_zero(starts, middles, columns, values, order, rest, u, r):
    """r = b − A u after that: rest_i u_i − Σ a_ij u_j over the j that come after i."""
    for p in range(order.size):
        i = order[p]
        total = rest[i] * u[i]
        for k in range(starts[p], middles[p]):
            total -= values[k] * u[columns[k]]
        r[i] = total

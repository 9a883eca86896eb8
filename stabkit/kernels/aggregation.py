"""Aggregates of a graph, for coarse unknowns of matrices without a grid."""

from __future__ import annotations

from stabkit.kernels import kernel

FREE = -1
ALONE = -2


@kernel
def aggregate(indptr, indices, found):
    """Number the aggregates of a symmetric graph in `found`; return how many there are.

    Vaněk, Mandel and Brezina (1996), algorithm 5.1: whole free neighbourhoods first, then what is
    left joins a neighbour's, then what is still left makes new ones.  Nodes without a neighbour
    belong to none.
    """
    n = indptr.size - 1
    for i in range(n):
        found[i] = FREE
        alone = True
        for k in range(indptr[i], indptr[i + 1]):
            alone = alone and indices[k] == i
        if alone:
            found[i] = ALONE
    count = 0
    for i in range(n):
        free = found[i] == FREE
        for k in range(indptr[i], indptr[i + 1]):
            free = free and found[indices[k]] == FREE
        if free:
            found[i] = count
            for k in range(indptr[i], indptr[i + 1]):
                found[indices[k]] = count
            count += 1
    first = count
    for i in range(n):
        if found[i] == FREE:
            for k in range(indptr[i], indptr[i + 1]):
                near = found[indices[k]]
                if 0 <= near < first:
                    found[i] = near + first  # marked, so that nobody joins through it
                    break
    for i in range(n):
        if found[i] >= first:
            found[i] -= first
    for i in range(n):
        if found[i] == FREE:
            found[i] = count
            for k in range(indptr[i], indptr[i + 1]):
                if found[indices[k]] == FREE:
                    found[indices[k]] = count
            count += 1
    return count


@kernel
def mark_weak(indptr, indices, node, strong_indptr, strong_indices, seen, weak):
    """Mark the entries between nodes that are not strongly coupled; `seen`, one a node, is -1."""
    for i in range(indptr.size - 1):
        here = node[i]
        for k in range(strong_indptr[here], strong_indptr[here + 1]):
            seen[strong_indices[k]] = i
        for k in range(indptr[i], indptr[i + 1]):
            weak[k] = seen[node[indices[k]]] != i

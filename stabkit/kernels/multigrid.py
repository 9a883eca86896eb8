"""Loops of the multigrid part: relaxation on CSR matrices, and a 5-point V-cycle's two passes.

A 5-point ``grid`` holds u and b with their boundary, rows 0 … n+1, split by the parity of the
column: with ``even, odd, b_even, b_odd = grid`` u is ``even[i, c]`` at (i, 2c) and ``odd[i, c]`` at
(i, 2c+1).  Points with even i+j are red.  A row's points of one colour are then contiguous, and so
are their neighbours.
"""

from __future__ import annotations

from stabkit.kernels import inner, kernel


@kernel
def sor_sweep(indptr, indices, data, order, omega, u, b):
    """u_i ← u_i + ω (b_i − Σ_j a_ij u_j) / a_ii for i in the given order, in place."""
    for i in order:
        residual = b[i]
        diagonal = 1.0
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            residual -= data[k] * u[j]
            if j == i:
                diagonal = data[k]
        u[i] += omega * residual / diagonal


# -- one row of one colour; slices, so that every loop starts at 0 and runs over neighbours --------
@inner
def mean(left, right, above, below, b, out):
    for c in range(out.size):
        out[c] = 0.25 * (b[c] + left[c] + right[c] + above[c] + below[c])


@inner
def relax_points(grid, i, even, m, out):
    # The points of row i with even columns, 2 … 2m-2, or with odd ones, 1 … 2m-1.
    v, w = grid[0], grid[1]
    if even:
        mean(w[i, :m - 1], w[i, 1:m], v[i - 1, 1:m], v[i + 1, 1:m], grid[2, i, 1:m], out)
    else:
        mean(v[i, :m], v[i, 1:m + 1], w[i - 1, :m], w[i + 1, :m], grid[3, i, :m], out)


@inner
def points(grid, i, even, m):
    return grid[0, i, 1:m] if even else grid[1, i, :m]


@inner
def relax_row(grid, i, even, m):
    relax_points(grid, i, even, m, points(grid, i, even, m))


@inner
def subtract(u, out):
    for c in range(out.size):
        out[c] -= u[c]


@inner
def add_squares(d, out):
    for c in range(d.size):
        out[c] += d[c] * d[c]


@inner
def residual_row(grid, i, even, m, out):
    # What relaxing the points would change: their residual divided by 4.
    out = out[1:m] if even else out[:m]
    relax_points(grid, i, even, m, out)
    subtract(points(grid, i, even, m), out)
    return out


@inner
def restrict(middle, ne, nw, se, sw, out):
    # 4 · full weighting of a residual that vanishes at black points; it comes divided by 4.
    for c in range(out.size):
        out[c] = 4.0 * middle[c] + ((ne[c] + nw[c]) + (se[c] + sw[c]))


@inner
def split(row, even, odd):
    for c in range(odd.size):
        even[c] = row[2 * c]
        odd[c] = row[2 * c + 1]


@inner
def join(even, odd, row):
    for c in range(odd.size):
        row[2 * c] = even[c]
        row[2 * c + 1] = odd[c]
    row[row.size - 1] = even[odd.size]


@inner
def add_mean(v, w, out):
    for c in range(out.size):
        out[c] += 0.5 * (v[c] + w[c])


# -- the two passes of a cycle on one level; `work` is 5 rows of length m + 1 ----------------------
@kernel
def descend(grid, coarse, work):
    """Relax red, then black, restrict the residual to the coarse b, and set the coarse u to 0.

    One pass: red runs a row ahead of black, black a row ahead of the residual.
    """
    n, m = grid.shape[1] - 2, work.shape[1] - 1
    row = work[4]
    for i in range(1, n + 3):
        if i <= n:
            relax_row(grid, i, i % 2 == 0, m)
        if 1 <= i - 1 <= n:
            relax_row(grid, i - 1, i % 2 == 0, m)
        if 1 <= i - 2 <= n:
            residual_row(grid, i - 2, i % 2 == 0, m, work[(i - 2) % 3])
            if i % 2 == 1 and i >= 5:
                above, below = work[(i - 4) % 3], work[(i - 2) % 3]
                restrict(work[(i - 3) % 3, 1:m], above[:m - 1], above[1:m], below[:m - 1],
                         below[1:m], row[1:m])
                k, half = (i - 3) // 2, m // 2
                split(row, coarse[2, k, :half], coarse[3, k, :half])
                coarse[0, k, :half + 1] = 0.0
                coarse[1, k, :half] = 0.0


@kernel
def ascend(grid, coarse, work, squares):
    """Add the interpolated correction, relax red, then black, in one pass.

    Only black points are corrected: red ones are about to be replaced.  `squares`, unless empty,
    collects (residual/4)² of the red points, a row behind black; at black ones it is rounding.
    """
    n, m = grid.shape[1] - 2, work.shape[1] - 1
    half = m // 2
    measured = squares.size > 0
    join(coarse[0, 0, :half + 1], coarse[1, 0, :half], work[0])
    for i in range(1, n + 4):
        k = i // 2
        if i <= n:
            if i % 2 == 1:
                v, w = work[k % 2], work[(k + 1) % 2]
                join(coarse[0, k + 1, :half + 1], coarse[1, k + 1, :half], w)
                add_mean(v[1:m], w[1:m], grid[0, i, 1:m])
            else:
                add_mean(work[k % 2, :m], work[k % 2, 1:m + 1], grid[1, i, :m])
        if 1 <= i - 1 <= n:
            relax_row(grid, i - 1, i % 2 == 1, m)
        if 1 <= i - 2 <= n:
            relax_row(grid, i - 2, i % 2 == 1, m)
        if measured and 1 <= i - 3 <= n:
            add_squares(residual_row(grid, i - 3, i % 2 == 1, m, work[3]), squares)


@kernel
def relax(grid, work, sweeps):
    """Red-black sweeps."""
    n, m = grid.shape[1] - 2, work.shape[1] - 1
    for _ in range(sweeps):
        for colour in range(2):
            for i in range(1, n + 1):
                relax_row(grid, i, i % 2 == colour, m)


@kernel
def residual_squares(grid, work, squares):
    """Add (residual/4)² of all points, in any order of the columns."""
    m = work.shape[1] - 1
    for i in range(1, grid.shape[1] - 1):
        add_squares(residual_row(grid, i, True, m, work[3]), squares)
        add_squares(residual_row(grid, i, False, m, work[3]), squares)

"""Parts of a cycle for Poisson's problem: what is done on one plane of a 3-D grid, or row in 2-D.

A ``grid`` holds u and b with their boundary, split by the parity of the last index: with
``even, odd, b_even, b_odd = grid`` u is ``even[…, c]`` at (…, 2c) and ``odd[…, c]`` at (…, 2c+1);
b is scaled by h².  Points with an even sum of indices are red, those of coarse grids among them.  A
row's points of one colour are then contiguous, and so are their neighbours.  `m` is half the number
of cells of a row.  Residuals come divided by the diagonal of the matrix; a plane of them has the
width of a coarse one.
"""

from __future__ import annotations

from stabkit.kernels.parts import inner


# -- one row of one colour; slices, so that every loop starts at 0 and runs over neighbours --------
@inner
def mean(left, right, above, below, b, out):
    for c in range(out.size):
        out[c] = 0.25 * (b[c] + left[c] + right[c] + above[c] + below[c])


@inner
def mean_of_six(left, right, above, below, before, behind, b, out):
    for c in range(out.size):
        out[c] = (1.0 / 6.0) * (b[c] + ((left[c] + right[c]) + (above[c] + below[c])
                                        + (before[c] + behind[c])))


@inner
def subtract(u, out):
    for c in range(out.size):
        out[c] -= u[c]


@inner
def add_squares(d, out):
    for c in range(d.size):
        out[c] += d[c] * d[c]


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


@inner
def part(row, even, m):
    # Of a row of a coarse width, the places of the even points 2 … 2m-2, or of the odd 1 … 2m-1.
    return row[1:m] if even else row[:m]


# -- 2-D -------------------------------------------------------------------------------------------
@inner
def relaxed_row(grid, i, even, m, out):
    v, w = grid[0], grid[1]
    if even:
        mean(w[i, :m - 1], w[i, 1:m], v[i - 1, 1:m], v[i + 1, 1:m], grid[2, i, 1:m], out)
    else:
        mean(v[i, :m], v[i, 1:m + 1], w[i - 1, :m], w[i + 1, :m], grid[3, i, :m], out)


@inner
def relax_row(grid, i, colour, m):
    """Relax the points of a colour, red 0 or black 1."""
    if i % 2 == colour:
        relaxed_row(grid, i, True, m, grid[0, i, 1:m])
    else:
        relaxed_row(grid, i, False, m, grid[1, i, :m])


@inner
def residual_row(grid, i, colour, m, out):
    """The residuals of the points of a colour."""
    even = i % 2 == colour
    place = part(out, even, m)
    relaxed_row(grid, i, even, m, place)
    subtract(part(grid[0, i] if even else grid[1, i], even, m), place)


@inner
def squares_of_row(grid, i, colour, m, work, squares):
    """Add the squares of the residuals of a colour."""
    residual_row(grid, i, colour, m, work[2])
    add_squares(part(work[2], i % 2 == colour, m), squares)


@inner
def restricted(middle, ne, nw, se, sw, out):
    # 4 · full weighting of a residual that vanishes at black points; it comes divided by 4.
    for c in range(out.size):
        out[c] = 4.0 * middle[c] + ((ne[c] + nw[c]) + (se[c] + sw[c]))


@inner
def restrict_row(coarse, k, m, work):
    """The row k of the coarse b from red residuals in work[i % 3], and a coarse u of 0."""
    above, below, half = work[(2 * k - 1) % 3], work[(2 * k + 1) % 3], m // 2
    row = work[3]
    restricted(work[2 * k % 3, 1:m], above[:m - 1], above[1:m], below[:m - 1], below[1:m],
               row[1:m])
    split(row, coarse[2, k, :half], coarse[3, k, :half])
    coarse[0, k, :half + 1] = 0.0
    coarse[1, k, :half] = 0.0


@inner
def join_row(coarse, k, m, work):
    """The row k of the coarse u, into work[k % 2]."""
    half = m // 2
    join(coarse[0, k, :half + 1], coarse[1, k, :half], work[k % 2])


@inner
def correct_row(grid, i, m, work):
    """Add the interpolated correction to black points: red ones are about to be replaced."""
    k = i // 2
    if i % 2 == 1:
        add_mean(work[k % 2, 1:m], work[(k + 1) % 2, 1:m], grid[0, i, 1:m])
    else:
        add_mean(work[k % 2, :m], work[k % 2, 1:m + 1], grid[1, i, :m])


# -- 3-D -------------------------------------------------------------------------------------------
@inner
def relaxed_line(grid, i, j, even, m, out):
    v, w = grid[0], grid[1]
    if even:
        mean_of_six(w[i, j, :m - 1], w[i, j, 1:m], v[i - 1, j, 1:m], v[i + 1, j, 1:m],
                    v[i, j - 1, 1:m], v[i, j + 1, 1:m], grid[2, i, j, 1:m], out)
    else:
        mean_of_six(v[i, j, :m], v[i, j, 1:m + 1], w[i - 1, j, :m], w[i + 1, j, :m],
                    w[i, j - 1, :m], w[i, j + 1, :m], grid[3, i, j, :m], out)


@inner
def relax_plane(grid, i, colour, m):
    """`relax_row` in 3-D."""
    for j in range(1, grid.shape[2] - 1):
        if (i + j) % 2 == colour:
            relaxed_line(grid, i, j, True, m, grid[0, i, j, 1:m])
        else:
            relaxed_line(grid, i, j, False, m, grid[1, i, j, :m])


@inner
def residual_line(grid, i, j, colour, m, out):
    # The residuals of a colour in one row, into their places.
    even = (i + j) % 2 == colour
    place = part(out, even, m)
    relaxed_line(grid, i, j, even, m, place)
    subtract(part(grid[0, i, j] if even else grid[1, i, j], even, m), place)


@inner
def residual_plane(grid, i, colour, m, out):
    """`residual_row` in 3-D."""
    for j in range(1, grid.shape[2] - 1):
        residual_line(grid, i, j, colour, m, out[j])


@inner
def squares_of_plane(grid, i, colour, m, work, squares):
    """`squares_of_row` in 3-D."""
    for j in range(1, grid.shape[2] - 1):
        residual_line(grid, i, j, colour, m, work[2, j])
        add_squares(part(work[2, j], (i + j) % 2 == colour, m), squares)


@inner
def restrict_in_space(middle, edges, across, out):
    # 4 · full weighting of a residual that vanishes at black points; it comes divided by 6.
    for c in range(out.size):
        out[c] = 3.0 * middle[c] + 0.75 * (edges[c] + (across[c] + across[c + 1]))


@inner
def add_four(a, b, c, d, out):
    for k in range(out.size):
        out[k] = (a[k] + b[k]) + (c[k] + d[k])


@inner
def restrict_plane(coarse, k, m, work):
    """`restrict_row` in 3-D."""
    here, above, below = work[2 * k % 3], work[(2 * k - 1) % 3], work[(2 * k + 1) % 3]
    half, row, edges, across = m // 2, work[3, 0], work[3, 1], work[3, 2]
    for q in range(1, coarse.shape[2] - 1):
        j = 2 * q
        add_four(above[j - 1, 1:m], above[j + 1, 1:m], below[j - 1, 1:m], below[j + 1, 1:m],
                 edges[1:m])
        add_four(above[j, :m], below[j, :m], here[j - 1, :m], here[j + 1, :m], across[:m])
        restrict_in_space(here[j, 1:m], edges[1:m], across[:m], row[1:m])
        split(row, coarse[2, k, q, :half], coarse[3, k, q, :half])
        coarse[0, k, q, :half + 1] = 0.0
        coarse[1, k, q, :half] = 0.0


@inner
def join_plane(coarse, k, m, work):
    """`join_row` in 3-D."""
    half = m // 2
    for q in range(coarse.shape[2]):
        join(coarse[0, k, q, :half + 1], coarse[1, k, q, :half], work[k % 2, q])


@inner
def add_mean_of_eight(a, b, c, d, out):
    for k in range(out.size):
        out[k] += 0.125 * (((a[k] + b[k]) + (c[k] + d[k]))
                           + ((a[k + 1] + b[k + 1]) + (c[k + 1] + d[k + 1])))


@inner
def correct_plane(grid, i, m, work):
    """`correct_row` in 3-D."""
    near, far = work[i // 2 % 2], work[(i + 1) // 2 % 2]
    for j in range(1, grid.shape[2] - 1):
        q, r = j // 2, (j + 1) // 2
        if i % 2 == 1 and j % 2 == 1:
            add_mean_of_eight(near[q], near[r], far[q], far[r], grid[1, i, j, :m])
        elif i % 2 == 1:
            add_mean(near[q, 1:m], far[q, 1:m], grid[0, i, j, 1:m])
        elif j % 2 == 1:
            add_mean(near[q, 1:m], near[r, 1:m], grid[0, i, j, 1:m])
        else:
            add_mean(near[q, :m], near[q, 1:m + 1], grid[1, i, j, :m])

"""The plain loops that the compiled ones must equal bit by bit."""


import numpy as np

from stabkit.codes import FluxCode
from stabkit.kernels.linear import NATURAL, PERIODIC, ZERO

CODE = {code.name.lower(): code for code in FluxCode}
SHAPE = (1.25, 2.5)
BOUNDARIES = (NATURAL, PERIODIC, ZERO)
SIZES = (1, 2, 3, 8, 13)


# -- plain loops -----------------------------------------------------------------------------------
def plain_flux(name, s, q, p):
    one = type(s)(1)
    return {
        "identity": lambda: s, "linear": lambda: q * s,
        "charbonnier": lambda: s / np.sqrt(one + s * s * (one / (q * q))),
        "soft": lambda: -q if s < -q else q if s > q else s,
        "garrote": lambda: q * q / s if abs(s) > q else s,
        "hard": lambda: 0 * one if abs(s) > q else s,
        "rational": lambda: s / (one + s * s * (one / (q * q))),
        "leaky_relu": lambda: q * s if s <= 0 else s,
        "firm": lambda: (s if not abs(s) > q else 0 * one if abs(s) >= p
                         else np.copysign(q / (p - q) * (p - abs(s)), s)),
    }[name]()


def difference_rows(n, boundary, r):
    """The first difference as rows of (column, entry), columns sorted."""
    inner = [{j: -r, j + 1: r} for j in range(n - 1)]
    if boundary == PERIODIC:
        last = {0: r, n - 1: -r} if n > 1 else {0: r - r}
        inner = [*inner, last]
    if boundary == ZERO:
        inner = [{0: r}, *inner, {n - 1: -r}]
    return [sorted(row.items()) for row in inner]


def transposed(rows, n):
    return [[(j, dict(row)[i]) for j, row in enumerate(rows) if i in dict(row)] for i in range(n)]


def compressed(rows, n, dtype):
    """The arrays of K and of its transpose."""
    parts = []
    for table in (rows, transposed(rows, n)):
        starts = np.cumsum([0, *map(len, table)])
        parts += [starts.astype(np.uint32),
                  np.array([j for row in table for j, _ in row], np.uint32),
                  np.array([x for row in table for _, x in row], dtype)]
    return tuple(parts)


def product(rows, x):
    total = []
    for row in rows:
        s = x.dtype.type(0)
        for j, entry in row:
            s += entry * x[j]
        total.append(s)
    return np.array(total, x.dtype)


class Plain:
    """The schemes as plain loops over one signal."""

    def __init__(self, rows, n, name, tau, dtype):
        self.rows, self.columns, self.name = rows, transposed(rows, n), name
        self.tau, self.q, self.p = dtype(tau), dtype(SHAPE[0]), dtype(SHAPE[1])

    def flux(self, s):
        return np.array([plain_flux(self.name, x, self.q, self.p) for x in s], s.dtype)

    def down(self, start, f):
        return np.array([x - self.tau * y for x, y in
                         zip(start, product(self.columns, f), strict=True)], start.dtype)

    def step(self, u, start=None):
        return self.down(u if start is None else start, self.flux(product(self.rows, u)))

    def explicit(self, u, steps):
        for _ in range(steps):
            u = self.step(u)
        return u

    def fixed_point(self, u, steps):
        v = u
        for _ in range(steps):
            v = self.step(v, u)
        return v

    def fsi(self, u, steps, frozen):
        s = product(self.rows, u)
        tiny = u.dtype.type(2.0**-60)
        s = np.where(s == 0, tiny, s)
        g, old = self.flux(s) / s, u
        for step in range(steps):
            alpha = (4 * step + 2) / (2 * step + 3)
            a, b = u.dtype.type(alpha), u.dtype.type(1 - alpha)
            s = product(self.rows, u)
            down = self.down(u, g * s if frozen else self.flux(s))
            u, old = np.array([a * x + b * y for x, y in zip(down, old, strict=True)],
                              u.dtype), u
        return u


def same(a, b):
    """Equal bits, where the sign of a zero and the payload of a NaN do not count."""
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def signals(n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((6, n)) * 3
    u[1], u[2, ::2] = 0, -0.0
    u[3, n // 2], u[4, n // 2], u[5, 0] = np.nan, np.inf, 1e30
    return u.astype(dtype)

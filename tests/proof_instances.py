"""Random members of the classes that statements speak of, in fractions, and what they evaluate to.

Nothing here knows the algebra of proofs: texts are evaluated by Python on arrays of fractions.
"""

import re
from fractions import Fraction as F

import numpy as np

SIZES = {"N": 3, "M": 2, "P": 2, "C": 3, "F": 4, "1": 1}
NODES = 12


def value_of(text, values):
    """What an expression is for these arrays and numbers."""
    exact = re.sub(r"\b(\d+)/(\d+)\b", r"F(\1, \2)", text).replace("g@", "g*")
    exact = exact.replace("state@", "state*")  # a number of the space "1"
    return eval(exact, {"F": F, **values})


def holds(text, values):
    left, sign = re.fullmatch(r"(.*) (>=|>|==) 0", text).groups()
    x = value_of(left, values)
    return np.all(x == 0) if sign == "==" else x >= 0 if sign == ">=" else x > 0


def fractions(rng, *shape):
    return np.array([F(int(k), 2) for k in rng.integers(-6, 7, size=int(np.prod(shape)))],
                    dtype=object).reshape(shape)


def norm_bound(K):
    """A number >= ‖K‖²: the largest row sum times the largest column sum."""
    return max(abs(K).sum(axis=0)) * max(abs(K).sum(axis=1))


class PiecewiseLinear:
    """A flux with slopes in [low, high], and in the sector [0, top] if that is asked."""

    def __init__(self, rng, low, high, top=None):
        shares = iter(rng.integers(-1, 6, 2 * NODES).clip(0, 4))

        def slope(least, most):
            return least + (most - least) * F(int(next(shares)), 4)
        self.right, self.left = [F(0)], [F(0)]
        if top is None:  # need not vanish at 0
            self.right = self.left = [fractions(rng, 1)[0]]
        for side, sign in ((self.right, 1), (self.left, -1)):
            side = list(side)
            for k in range(1, NODES):
                least, most = low, high
                if top is not None:  # |value| stays in [0, top k]
                    now = sign * side[-1]
                    least, most = max(low, -now), min(high, top * k - now)
                side.append(side[-1] + sign * slope(least, most))
            setattr(self, "right" if sign > 0 else "left", side)
        self.beyond = max(low, F(0)) if top is not None else low

    def _piece(self, x):
        side = self.right if x >= 0 else self.left
        k = int(abs(x))
        k = min(k, NODES - 1)
        slope = abs(1) * (side[k + 1] - side[k] if k < NODES - 1 else
                          self.beyond * (1 if x >= 0 else -1))
        return side, k, slope

    def _value(self, x):
        side, k, slope = self._piece(x)
        return side[k] + slope * (abs(x) - k)

    def _energy(self, x):
        """The integral from 0."""
        side, k, slope = self._piece(x)
        total = sum(((side[j] + side[j + 1]) / 2 for j in range(k)), F(0))
        rest = abs(x) - k
        total += side[k] * rest + slope * rest * rest / 2
        return total if x >= 0 else -total

    def __call__(self, s):
        return np.array([self._value(x) for x in s], dtype=object)

    def energy(self, s):
        return sum((self._energy(x) for x in s), F(0))


class Wild:
    """A flux in the sector [low, high] and nothing else: another ratio at every point."""

    def __init__(self, rng, low, high):
        self.rng, self.low, self.high, self.ratios = rng, low, high, {}

    def __call__(self, s):
        for x in s:
            share = F(int(self.rng.integers(0, 5)), 4)
            self.ratios.setdefault(x, self.low + share * (self.high - self.low))
        return np.array([self.ratios[x] * x for x in s], dtype=object)

    def energy(self, s):
        return F(0)


def flux(rng, facts, values):
    """A random flux with the facts that a statement assumes."""
    ends = {kind: [F(-3) if a == "-inf" else F(3) if a == "inf" else F(value_of(a, values))
                   for a in interval] for kind, interval in facts.items()}
    if "slopes" not in ends:
        return Wild(rng, *ends["sector"])
    return PiecewiseLinear(rng, *ends["slopes"], ends.get("sector", [None, None])[1])


def instance(rng, statement):
    """Values for all that a statement declares and that is not computed from others."""
    values = {"tau": F(int(rng.integers(1, 5)), 4), "L": F(int(rng.integers(1, 5)), 2),
              "m": F(int(rng.integers(0, 3)), 2), "kappa": F(int(rng.integers(1, 9)), 2),
              "delta": F(int(rng.integers(-3, 4)), 4), "room": F(1, int(rng.integers(2, 5))),
              "w": F(int(rng.integers(1, 13)), 2), "alpha": F(int(rng.integers(1, 5)), 4),
              "step": F(1, int(rng.integers(2, 30))), "nu": F(int(rng.integers(1, 9)), 2),
              "n": F(int(rng.integers(1, 30)))}
    for name, text in statement.get("operators", {}).items():
        of, to = text.split()[:1] + text.split()[2:3]
        values[name] = fractions(rng, SIZES[to], SIZES[of])
        if name[0] in "SR":  # takes no site twice
            values[name] = np.array([[F(int(j == k)) for j in range(SIZES[of])] for k in
                                     rng.permutation(4)[:SIZES[to]]], dtype=object)
        if name == "B":  # of norm <= 2: at most two entries of size 1 in each row and column
            values[name] = np.array([[F(int(j in (k - 1, k))) for j in range(SIZES[of])]
                                     for k in rng.permutation(SIZES[to])], dtype=object)
            values[name] *= rng.choice([-1, 1])
        if name == "E":  # of norm √2: one entry of size 1 in each row
            values[name] = fractions(rng, SIZES[to], SIZES[of]) * 0
            values[name][:, rng.integers(SIZES[of])] = F(1)
        if text.endswith("symmetric"):
            low, top = (-4, F(1)) if name in ("M", "matrix") else (0, values["L"])
            values[name] = np.diag([top * F(int(k), 4)
                                    for k in rng.integers(low, 5, SIZES[of])])
    if "K" in values:
        if rng.integers(2) and values["K"].shape == (2, 3):  # of norm 1: the bounds are attained
            values["K"] = np.array([[F(0)] * 3, [F(0), F(1), F(0)]], dtype=object)
        values["c"] = norm_bound(values["K"])
    if "H" in values:
        values["c_H"] = norm_bound(values["H"])
    if "W" in values:
        values["c_W"] = norm_bound(values["W"])
    of_networks(rng, statement, values)
    for name, space in statement.get("vectors", {}).items():
        values[name] = fractions(rng, SIZES[space])
    return values


def of_networks(rng, statement, values):
    """Numbers that are told by the norms of K and H, at their bounds as often as not."""
    product = statement.get("forms", {}).get("product", {}).get("holds", "")
    if product and "H" in values:
        values["m"] = norm_bound(values["H"] @ values["K"].T)
    elif product:  # of K with independent columns
        roots = [F(int(k), 2) for k in rng.integers(1, 5, SIZES["N"])]
        values["K"] = np.diag(roots)
        values |= {"m": min(roots)**2, "c": max(roots)**2}
        values["r"] = min(F(1), values["m"] * values["delta"]**2)
    elif statement.get("bounds", {}).get("K") == "2*edges":
        values["edges"] = norm_bound(values["K"]) / 2 or F(1)
    elif statement.get("bounds", {}).get("K") == "8":
        values["K"] = values["K"] / 3  # of norm <= √6
    if "g" in statement.get("parameters", {}):
        values["g"] = max(values["w"] * values["L"] * values["c"],
                          values["L"] * values["c_H"] / values["w"]) or F(1)


def met(statement, values):
    """Whether the conditions on parameters hold."""
    return all(holds(text, values) for text in statement.get("assume", {}).values())


def met_by_forms(statement, values):
    """Whether forms are >= 0 at the unit vectors and their sums and differences."""
    for fact in statement.get("forms", {}).values():
        n = SIZES[fact["in"]]
        unit = [np.array([F(int(i == j)) for j in range(n)], dtype=object) for i in range(n)]
        matrix = [[value_of(fact["holds"].removesuffix(" >= 0"), {**values, "x": a + b})
                   - value_of(fact["holds"].removesuffix(" >= 0"), {**values, "x": a - b})
                   for b in unit] for a in unit]
        if min(matrix[0][0], matrix[1][1]) < 0 or \
                matrix[0][0] * matrix[1][1] < matrix[0][1] * matrix[1][0]:
            return False
    return True


def at_the_bound(statement, values):
    """The same with the largest τ that the condition `step` allows, which is linear in τ."""
    if "step" in statement.get("assume", {}):
        left = statement["assume"]["step"].removesuffix(" >= 0")
        at_0, at_1 = (value_of(left, {**values, "tau": F(tau)}) for tau in (0, 1))
        if at_1 < at_0:
            values["tau"] = at_0 / (at_0 - at_1)
    return values


def visited(statement, values, fluxes):
    """The values with those of the visits."""
    values = dict(values)
    for visit in statement.get("visits", {}).values():
        s = value_of(visit["at"], values)
        values[visit["value"]] = fluxes[visit["flux"]](s)
        values[visit["energy"]] = fluxes[visit["flux"]].energy(s)
    return values

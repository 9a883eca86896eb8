"""The normal form of an expression, from which it is seen whether it is 0 for every s.

On one side of s = 0 an expression is a quotient of polynomials in |s| and in atoms: exponentials of
monomials, square roots, logarithms and the like.  tanh and xᵏ e⁻ˣ are written with exponentials, √a
√a = a, e^a e^b = e^(a + b) and sin² + cos² = 1 are used; abs, max, min, sign and np.where are
resolved by the sign that they depend on, by both in turn where it may be either.  Atoms count as
independent, so what vanishes as a polynomial vanishes as a function wherever the expression is
defined; the converse is not used.  At single points, where np.where and the like may give another
value, it says nothing: see :mod:`stabkit.fluxes.vanishing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import inf, lcm

from flint import Ordering, fmpq_mpoly_ctx, fmpz

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.quotient import Polynomial, Quotient, Unresolved
from stabkit.errors import Undecided
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.isolated_zeros import zeros_are_isolated

_GENERATORS = 24
_CASES = 64
_RING = fmpq_mpoly_ctx.get(("x", _GENERATORS), Ordering.lex)
T = 0  # the place of the generator |s|
_ODD, _EVEN = ("arctan", "erf", "sin"), ("cos",)

class _Case(Exception):
    """The sign of a polynomial is needed."""


class Forms:
    """The normal forms of expressions at one point, or on one side of 0 in one case.

    Parameters
    ----------
    low, high : Fraction or float
        The cell of s; a single point, or on one side of 0.
    steps : dict
        The smallest step of each exponent that has occurred; shared between attempts.
    signs : dict
        The signs assumed in this case.
    """

    def __init__(self, low: Scalar, high: Scalar, steps: dict, signs: dict):
        self.cell, self.steps, self.signs = (low, high), steps, signs
        self.atoms: dict[str, int] = {"t": T}
        self.squares: list[tuple[int, Quotient]] = []
        self.exponents: dict[int, tuple[int, Fraction]] = {}  # of an atom: n, b of exp(b |s|ⁿ)
        self.arguments: dict[int, tuple[str, Quotient]] = {}  # of an atom f(u): f and u
        self.positive = {T}
        self.asked: list[tuple[Polynomial, Expression]] = []  # whose sign a value jumps with
        side = -1 if low < 0 else 1
        self.variable = self.number(low) if low == high else self.over(self.gen(T) * side)

    # -- polynomials -----------------------------------------------------------------------------
    @staticmethod
    def gen(index: int) -> Polynomial:
        return _RING.gens()[index]

    @staticmethod
    def over(num: Polynomial) -> Quotient:
        return Quotient(num, _RING.constant(1))

    def number(self, value: Scalar) -> Quotient:
        value = Fraction(value)
        return self.over(_RING.constant(to_fmpq(value)))

    def atom(self, key: str, positive: bool = False, square: Quotient | None = None) -> Polynomial:
        if key not in self.atoms:
            if len(self.atoms) == _GENERATORS:
                raise Unresolved("too many atoms")
            self.atoms[key] = len(self.atoms)
            if positive:
                self.positive.add(self.atoms[key])
            if square is not None:
                self.squares.append((self.atoms[key], square))
        return self.gen(self.atoms[key])

    def reduce_fraction(self, num: Polynomial, den: Polynomial) -> Quotient:
        """The quotient, with every root in it to the power 1 at most."""
        for index, square in reversed(self.squares):
            num, extra = self._without(num, index, square)
            den, other = self._without(den, index, square)
            num, den = num * other, den * extra
        return Quotient(num, den)

    def _without(self, p: Polynomial, index: int, square: Quotient
                 ) -> tuple[Polynomial, Polynomial]:
        # p = result / scale, where the generator occurs in the result to the power 0 or 1.
        degree = p.degrees()[index] // 2
        if degree <= 0:
            return p, _RING.constant(1)
        total = _RING.constant(0)
        for powers, factor in p.to_dict().items():
            k, rest = powers[index] // 2, list(powers)
            rest[index] -= 2 * k
            total += _RING.from_dict({tuple(rest): factor}) * square.num**k * \
                square.den ** (degree - k)
        return total, square.den**degree

    def sum(self, a: Quotient, b: Quotient) -> Quotient:
        return self.reduce_fraction(a.num * b.den + b.num * a.den, a.den * b.den)

    def product(self, a: Quotient, b: Quotient) -> Quotient:
        return self.reduce_fraction(a.num * b.num, a.den * b.den)

    def inverse(self, a: Quotient) -> Quotient:
        return self.reduce_fraction(a.den, a.num)

    def power(self, a: Quotient, exponent: int) -> Quotient:
        if exponent < 0:
            return self.power(self.inverse(a), -exponent)
        if exponent * (sum(a.num.degrees()) + sum(a.den.degrees())) > 4096:
            raise Unresolved("a power is too high")
        return self.reduce_fraction(a.num**exponent, a.den**exponent)

    # -- signs -----------------------------------------------------------------------------------
    def sign(self, a: Quotient, expression: Expression | None = None) -> int:
        """-1, 0 or 1; assumed in this case where it is not known."""
        if a.num.is_zero():
            return 0
        if known := self._linear(a) or (
                0 if expression is None else self._enclose_sign(expression)):
            return known
        return self._sign(a.num) * self._sign(a.den)

    def _linear(self, a: Quotient) -> int:
        """The sign of a quotient linear in |s|, by its values at the ends; 0 if it changes."""
        if not a.den.is_constant() or a.num.total_degree() > 1 or any(a.num.degrees()[1:]):
            return 0
        slope, start = (from_fmpq(c) for c in (
            a.num.coefficient(0), a.num(*[0] * _GENERATORS)))
        if a.num.degrees()[T] == 0:
            slope = Fraction(0)
        ends = sorted(abs(end) for end in self.cell)
        found = {_sign_of(slope) if end == inf and slope else _sign_of(slope * end + start)
                 for end in ends} - {0}
        return found.pop() if len(found) == 1 else 0

    def _enclose_sign(self, expression: Expression) -> int:
        for sign in (1, -1):
            try:
                with precision(128):
                    if sign * expression.at(Interval(*self.cell)) >= 0:
                        return sign
            except (Undecided, ArithmeticError):
                continue
        return 0

    def _sign(self, p: Polynomial) -> int:
        lead = 1 if p.leading_coefficient() > 0 else -1
        used = {k for k, degree in enumerate(p.degrees()) if degree > 0}
        if used <= self.positive and all(c * lead > 0 for c in p.coeffs()):
            return lead
        key = str(p * (1 / p.leading_coefficient()))
        if key not in self.signs:
            raise _Case(key)
        return lead * self.signs[key]

    # -- expressions -----------------------------------------------------------------------------
    def of(self, e: Expression) -> Quotient:
        """The normal form of an expression."""
        name, parts = e.operation, e.arguments
        if name == "x":
            return self.variable
        if name == "constant":
            return self.number(e.value)
        if name == "pi":
            return self.over(self.atom("root of pi", True) ** 2)
        if name == "where":
            return self.of(parts[1] if self.holds(parts[0]) else parts[2])
        if name in ("max", "min"):
            above = self.sign(self.of(parts[0] - parts[1]), parts[0] - parts[1]) >= 0
            return self.of(parts[0] if above == (name == "max") else parts[1])
        forms = [self.of(part) for part in parts if isinstance(part, Expression)]
        if name in ("abs", "sign"):
            if name == "sign":
                self._not_zero_unawares(forms[0], parts[0])
            sign = self.number(self.sign(forms[0], parts[0]))
            return sign if name == "sign" else self.product(sign, forms[0])
        if name in _WAYS:
            return _WAYS[name](self, *forms)
        if name in ("**", "decay"):
            raised = self.power(forms[0], parts[1])
            return raised if name == "**" else self.product(
                raised, self.exp(self.product(self.number(-1), forms[0])))
        return self.function(name, forms[0])

    def holds(self, condition: Expression) -> bool:
        """Whether a condition holds, except at single points."""
        name, parts = condition.operation, condition.arguments
        if name == "not":
            return not self.holds(parts[0])
        if name in ("and", "or"):
            found = [self.holds(part) for part in parts]
            return all(found) if name == "and" else any(found)
        asked = parts[0] - parts[1]
        form = self._not_zero_unawares(self.of(asked), asked)
        if name == "==":  # true at single points only, or everywhere
            return form.num.is_zero()
        sign = self.sign(form, asked)
        return sign < 0 or (name == "<=" and sign == 0)

    def _not_zero_unawares(self, form: Quotient, expression: Expression) -> Quotient:
        # Atoms need not be independent: a form that is not 0 may be 0 as a function.
        in_s_alone = not any(degree > 0 for degree in form.num.degrees()[1:])
        if not in_s_alone and not zeros_are_isolated(expression, *self.cell):
            raise Unresolved("where it is 0")
        self.asked.append((form.num, expression))
        return form

    def exp(self, u: Quotient) -> Quotient:
        """e^u, a product of powers of one atom for each monomial of u."""
        made = self.number(1)
        for powers, factor in u.num.to_dict().items():
            key = f"exp {powers} / {u.den}"
            c = from_fmpq(factor)
            inner = self._of_logarithm(powers) if u.den.is_one() and c.denominator == 1 else None
            if inner is not None:
                made = self.product(made, self.power(inner, int(c)))
                continue
            step = self.steps.setdefault(key, abs(c))
            if (c / step).denominator != 1:
                self.steps[key] = Fraction(1, lcm(c.denominator, step.denominator))
                raise _Case("")
            made = self.product(made, self.power(self.over(self.atom(key, True)), int(c / step)))
            if u.den.is_one() and not any(powers[1:]):
                self.exponents[self.atoms[key]] = int(powers[T]), step
            else:
                self.arguments[self.atoms[key]] = "exp", Quotient(
                    _RING.from_dict({powers: to_fmpq(step)}), u.den)
        return made

    def _of_logarithm(self, powers: Sequence[int]) -> Quotient | None:
        """The u of a monomial that is ln u."""
        used = [(place, power) for place, power in enumerate(powers) if power]
        name, inner = self.arguments.get(used[0][0], ("", None)) if len(used) == 1 else ("", None)
        return inner if name == "log" and used[0][1] == 1 else None

    def tanh(self, u: Quotient) -> Quotient:
        e, one = self.exp(self.product(self.number(2), u)), self.number(1)
        below = self.sum(e, self.number(-1))
        return self.product(below, self.inverse(self.sum(e, one)))

    def sqrt(self, u: Quotient) -> Quotient:
        """√u: squares are taken out, each factor that is surely positive is an atom of its own."""
        if u.num.is_zero():
            return u
        if self._sign(u.den) < 0:
            raise Unresolved("a root of a quotient of unknown signs")
        return self.product(self._root(u.num), self.inverse(self._root(u.den)))

    def _root(self, p: Polynomial) -> Quotient:
        content, factors = p.factor_squarefree()
        outside, inside = self.number(1), self.number(1)
        for factor, exponent in factors:
            if exponent % 2 == 0:
                sign = self.number(self._sign(factor))
                whole = self.product(sign, self.over(factor))
                outside = self.product(outside, self.power(whole, exponent // 2))
                continue
            outside = self.product(outside, self.power(self.over(factor), exponent // 2))
            if exponent > 2 and self._sign(factor) < 0 and exponent // 2 % 2:
                outside = self.product(outside, self.number(-1))
            if len(factor) == 1 and {k for k, d in enumerate(factor.degrees()) if d} <= \
                    self.positive:
                for index, degree in enumerate(factor.degrees()):
                    if degree:
                        outside = self.product(outside, self._root_of_generator(index, degree))
            else:
                inside = self.product(inside, self.over(factor))
        value = from_fmpq(content)
        if value < 0:
            inside = self.product(inside, self.number(-1))
        outside = self.product(outside, self._root_of_number(abs(value)))
        if inside.num.is_one():
            return outside
        return self.product(outside, self.over(self.atom(
            f"root of {inside.text}", True, inside)))

    def _root_of_generator(self, index: int, degree: int) -> Quotient:
        key = next(key for key, place in self.atoms.items() if place == index)
        if key.startswith("exp ") and degree % 2:
            self.steps[key] /= 2
            raise _Case("")
        half = self.power(self.over(self.gen(index)), degree // 2)
        if degree % 2 == 0:
            return half
        root = self.atom(f"root of {self.gen(index)}", True, self.over(self.gen(index)))
        return self.product(half, self.over(root))

    def _root_of_number(self, value: Fraction) -> Quotient:
        made = self.number(Fraction(1, value.denominator))
        for prime, exponent in fmpz(value.numerator * value.denominator).factor():
            number = self.number(int(prime))
            made = self.product(made, self.power(number, exponent // 2))
            if exponent % 2:
                root = self.atom(f"root of {prime}", True, number)
                made = self.product(made, self.over(root))
        return made

    def function(self, name: str, u: Quotient) -> Quotient:
        """An atom for f(u); for odd and even f the sign of u is taken out."""
        zero = u.num.is_zero()
        if zero and name in (*_ODD, *_EVEN):
            return self.number(int(name in _EVEN))
        if name == "log":
            if u.num.is_one() and u.den.is_one():
                return self.number(0)
            return self._of_function("log", u)
        if name not in (*_ODD, *_EVEN, "floor"):
            raise Unresolved(name)
        sign = 1
        if name in (*_ODD, *_EVEN) and u.num.leading_coefficient() < 0:
            u, sign = Quotient(-u.num, u.den), -1 if name in _ODD else 1
        square = None
        if name == "cos":
            sine = self.function("sin", u)
            square = self.sum(self.number(1), self.product(self.number(-1), self.power(sine, 2)))
        return self.product(self.number(sign), self._of_function(name, u, square))

    def _of_function(self, name: str, u: Quotient, square: Quotient | None = None) -> Quotient:
        atom = self.atom(key := f"{name} {u.text}", square=square)
        self.arguments[self.atoms[key]] = name, u
        return self.over(atom)


_WAYS: dict[str, Callable[..., Quotient]] = {
    "+": Forms.sum, "*": Forms.product, "exp": Forms.exp, "tanh": Forms.tanh, "sqrt": Forms.sqrt,
    "-": lambda forms, a, b: forms.sum(a, forms.product(forms.number(-1), b)),
    "/": lambda forms, a, b: forms.product(a, forms.inverse(b)),
    "neg": lambda forms, a: forms.product(forms.number(-1), a),
}


def _sign_of(x: Scalar) -> int:
    return (x > 0) - (x < 0)


def sides(low: Scalar, high: Scalar) -> list[tuple[Scalar, Scalar]]:
    """A cell of s cut at 0; a single point as it is."""
    if low == high:
        return [(low, low)]
    return ([(low, min(high, 0))] if low < 0 else []) + ([(max(low, 0), high)] if high > 0 else [])


def in_all_cases(low: Scalar, high: Scalar, expression: Expression
                ) -> Iterator[tuple[Forms, Quotient]]:
    """The normal form for every combination of the signs that it depends on."""
    todo: list[dict[str, int]] = [{}]
    steps: dict[str, Fraction] = {}
    for _ in range(_CASES):
        if not todo:
            return
        signs = todo.pop()
        forms = Forms(low, high, steps, signs)
        try:
            yield forms, forms.of(expression)
        except _Case as case:
            key = str(case)
            todo += [{**signs, key: -1}, {**signs, key: 1}] if key else [signs]
    raise Unresolved("too many cases")

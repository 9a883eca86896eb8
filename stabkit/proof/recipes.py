"""Short programs in plain Python that add a proof up anew, where there is no stabkit.

They share nothing with the kernel: they need the standard library, and print of every identity and
inequality of a proof whether it holds.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from stabkit.proof import algebra, iteration, pieces, rows
from stabkit.proof.aliases import Data, Record
from stabkit.proof.kernel import read
from stabkit.proof.setting import Setting
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS

WIDTH = 96
NEEDED = (r"\b(Q|Sum|lift|turned|check|own|comb|bernstein|ends|all|any|dict|globals|isinstance|"
          r"map|max|min|print|property|set|sorted|sum|tuple)\b")

WORDS = '''\
# Multiplies the sides of each identity out; that each factor on the right is >= 0 is to be read.
from fractions import Fraction as Q
class Sum(dict):  # {(parameters, letters): coefficient}; K' is the transpose of K
    def __add__(x, y): return Sum({k: x.get(k, 0) + lift(y).get(k, 0) for k in x | lift(y)})
    def __mul__(x, y):
        z = Sum()
        for (a, v), c in x.items():
            for (b, w), d in lift(y).items():
                z[k] = z.get(k := (tuple(sorted(a + b)), v + w), 0) + c * d
        return z
    def __pow__(x, n): return x * x**(n - 1) if n else lift(1)
    T = property(lambda x: Sum({(a, tuple(map(turned, v[::-1]))): c for (a, v), c in x.items()}))
    __truediv__, __rmul__ = lambda x, n: x * Q(1, n), lambda x, y: lift(y) * x
    __sub__, __rsub__ = lambda x, y: x + lift(y) * -1, lambda x, y: lift(y) + x * -1
    __neg__, __radd__, __matmul__ = lambda x: x * -1, __add__, __mul__
lift = lambda x: x if isinstance(x, Sum) else Sum({((), ()): x})
turned = lambda a: a if a in own else a[:-1] if a[-1] == "'" else a + "'"
def check(name, left, right, number=True):  # a number is its own transpose
    rest = lift(left) - right
    both = rest + rest.T if number else rest
    print(name + ":", "does not hold" if any(both.values()) else "holds")
'''

BOX = '''\
# Is each >= 0 for 0 <= w <= its end?  There it is a mean of its Bernstein coefficients.
from fractions import Fraction as Q
from math import comb
class Sum(dict):  # {factors: coefficient}
    def __add__(x, y): return Sum({k: x.get(k, 0) + lift(y).get(k, 0) for k in x | lift(y)})
    def __mul__(x, y): return sum((Sum({tuple(sorted(a + b)): c * d}) for a, c in x.items()
                                   for b, d in lift(y).items()), Sum())
    def __pow__(x, n): return x * x**(n - 1) if n else lift(1)
    __sub__, __rsub__ = lambda x, y: x + lift(y) * -1, lambda x, y: lift(y) + x * -1
    __neg__, __radd__, __rmul__ = lambda x: x * -1, __add__, __mul__
lift = lambda x: x if isinstance(x, Sum) else Sum({(): x})
def bernstein(x, w, e):
    z, d = Sum(), max(k.count(w) for k in x)
    for k, c in x.items():
        n, others = k.count(w), tuple(v for v in k if v != w)
        for j in range(n, d + 1) if e else [n]:
            part = c * (e or 1)**n * Q(comb(j, n), comb(d, n))
            z += Sum({tuple(sorted(others + (w,) * j)): part})
    return z
def check(name, x, sign):
    zero, x = not any(lift(x).values()), lift(x) + 0
    for w, e in ends.items(): x = bernstein(x, w, e)
    positive = all(c > 0 or c == 0 and any(not ends[w] for w in k) for k, c in x.items())
    holds = {"==": zero, ">=": min(x.values()) >= 0, ">": positive}[sign]
    print(name + ":", "holds" if holds else "is not shown")
'''


def recipe(statement: Any, proof: Data) -> str:
    """A program in plain Python that prints whether each part of the proof holds.

    Raises
    ------
    InvalidEvidence
        If the statement or the proof is not of the form; it is not checked here.
    """
    made = read(statement)
    if isinstance(made, rows.Statement):
        return _program(BOX, _rows(made, proof))
    if isinstance(made, pieces.Statement):
        return _program(BOX, _pieces(made, proof))
    parts = [("goal", made, proof)] if isinstance(made, algebra.Statement) else \
        iteration.obligations(made, proof)
    names: Record = {}
    identities: dict[str, list[str]] = {}
    for place, part, part_proof in parts:
        for lemma, shown, times, steps in algebra.parts(part, part_proof):
            names |= shown.setting.names | shown.setting.assume
            identities.setdefault(_identity(shown, times, steps), []).append(
                f"{place} {lemma}".strip(": "))
    return _program(WORDS, [*_declare(names, parts[0][1].setting), *(
        f'check("{", ".join(places)}", {text})' for text, places in identities.items())])


def _program(start: str, lines: Iterable[str]) -> str:
    """Lines that are not too long, as Python goes on inside of brackets; quotients exactly."""
    # Not what is left of a quotient after a power: u**2/3 is a third of a square.
    exact = (re.sub(r"(?<![*]{2})\b(\d+)/(\d+)\b", r"Q(\1, \2)", line) for line in lines)
    return start + "".join(
        part + "\n" for line in exact for part in (textwrap.wrap(
            line, WIDTH, subsequent_indent="      ", break_long_words=False,
            break_on_hyphens=False) if line.startswith("check(") else [line]))


def _declare(names: Record, given: Setting) -> Iterator[str]:
    """Lines that define the parameters, the letters, and what is assumed to be >= 0."""
    words = {name: next(iter(x.terms))[0] for name, x in names.items() if name not in given.assume}
    for kind, key in (("", "((n,), ())"), ("letters", "((), (n,))")):
        chosen = " ".join(name for name, word in words.items() if bool(word) == bool(kind))
        for some in textwrap.wrap(chosen, WIDTH // 2):
            yield f'globals().update({{n: Sum({{{key}: 1}}) for n in "{_rename(some)}".split()}})'
    own = [name for name, word in words.items() if word and word[0].symmetric]
    yield f'own = set("{_rename(" ".join(own))}".split())  # numbers and symmetric matrices'
    for name, x in given.assume.items():
        yield f"{_rename(name)} = lift({_rename(text_of(x))})"


def _identity(part: algebra.Statement, times: str, steps: list) -> str:
    """Both sides, and whether they are numbers."""
    left = text_of(part.goal)
    right = [_term(part, step) if step["use"] == "equation" else
             _multiply(step.get("times", "1"), _term(part, step)) for step in steps]
    number = "" if (part.goal.to, part.goal.of) == (NUMBERS, NUMBERS) else ", number=False"
    return _rename(f"{_multiply(times, left)}, {' + '.join(right) or '0'}") + number


def _multiply(factor: str, text: str) -> str:
    factor = factor if re.fullmatch(r"[\w*]+", factor) else f"({factor})"
    return f"({text})" if factor == "1" else f"{factor}*({text})"


def _term(part: algebra.Statement, step: dict) -> str:
    """What a rule says is >= 0, before its factor, or what a step takes from an equation."""
    bare = {key: entry for key, entry in step.items() if key != "times"}
    return text_of(algebra.contribution(part.setting, bare, part.relation))


def _rows(statement: rows.Statement, proof: Data) -> Iterator[str]:
    """The conditions on rows, those that are the same once."""
    ends = ", ".join(f'"{_rename(name)}": {_number(end)}'
                     for name, end in statement.weights.items())
    yield f"ends = {{{ends}}}"
    names = _rename(" ".join(statement.weights))
    yield f'globals().update({{n: Sum({{(n,): 1}}) for n in "{names}".split()}})'
    same: dict[tuple[str, str], list[str]] = {}
    for what, x, sign in rows.conditions(statement, proof):
        same.setdefault((text_of(x), sign), []).append(what)
    for (text, sign), whats in same.items():
        more = f" and {len(whats) - 1} more" if len(whats) > 1 else ""
        yield _check(whats[0] + more, text, sign)


def _pieces(statement: pieces.Statement, proof: Data) -> Iterator[str]:
    """The goal and the orders of what is compared, in the distance _t from an end of each piece."""
    yield '_t = Sum({("_t",): 1})'
    for piece, shown in pieces.pieces(statement, proof):
        a, b = piece.low, piece.high
        ways: list[tuple[str, Fraction | None]] = [("_t", None), ("-_t", None)]
        if a is not None:
            ways = [(f"{_number(a)} + _t", None if b is None else b - a)]
        elif b is not None:
            ways = [(f"{_number(b)} - _t", None)]
        for way, length in ways:
            yield f'{_rename(statement.variable)}, ends = {way}, {{"_t": {_number(length)}}}'
            for number, x in enumerate(piece.orders, 1):
                yield _check(f"order {number} from {a} to {b}", text_of(x), ">=")
            yield _check(f"goal from {a} to {b}", text_of(shown), statement.relation)


def _check(what: str, text: str, sign: str) -> str:
    return f'check("{what}", {_rename(text)}, "{sign}")'


def _rename(text: str) -> str:
    """A statement's text where names that the program needs itself have another one."""
    return re.sub(NEEDED, r"\g<0>_", text)


def _number(end: Fraction | None) -> str:
    return "None" if end is None else f"Q({end.numerator}, {end.denominator})"

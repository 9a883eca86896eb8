"""What a failing assertion says: the witness, its margin, and how to see it again."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval
from stabkit.schemes import Scheme
from stabkit.stability.falsify.computed import Computed
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.notions import Notion
from stabkit.stability.verdict import Outcome

FORMULAS = {
    "euclidean": "‖u‖² − ‖u⁺‖²",
    "contraction": "‖u − w‖² − ‖u⁺ − w⁺‖²",
    "range": "min(min u⁺ − min u, max u − max u⁺)",
    "sign": "S(u) − S(u⁺)",
    "cyclic sign": "S∘(u) − S∘(u⁺), around the ring",
    "contrast": "max |uᵢ₊₁ − uᵢ| − max |u⁺ᵢ₊₁ − u⁺ᵢ|",
    "variation": "Σ |uᵢ₊₁ − uᵢ| − Σ |u⁺ᵢ₊₁ − u⁺ᵢ|",
    "extrema": "S(differences of u) − S(differences of u⁺)",
    "mean": "−|Σ uᵢ − Σ u⁺ᵢ|",
    "positivity": "min u⁺ where min u >= 0",
    "max norm": "max |u| − max |u⁺|",
    "energy": "E(u) − E(u⁺)",
    "sensitivity": "C²‖u − w‖² − ‖u⁺ − w⁺‖²",
}
TRACED = "by a signal that its trace gave"
_LONGEST = 24  # characters of a fraction; a longer one is shown as a decimal
_WIDTH = 88
_SHORT, _SHOWN = 24, 8  # samples of a signal that is shown whole; those shown of a longer one


def refutation_message(scheme: Scheme, notion: Notion, outcome: Outcome, inputs: Signals,
                       outputs: Signals, seed: int) -> str:
    """The witness of a refutation, for people."""
    return "\n".join([f"{name_scheme(scheme)} is not stable in the sense of {notion.name!r}", "",
                      *_witness(notion, outcome, inputs, outputs), "",
                      *_kind_of_fact(scheme, outcome, inputs, outputs), "",
                      *_again(scheme, notion, outcome, seed)])


def undecided_message(scheme: Scheme, notion: Notion, outcome: Outcome, seed: int) -> str:
    """Why a strict assertion fails without a witness."""
    because = f": {outcome.reason}" if outcome.reason else ""
    return (f"{name_scheme(scheme)} is not proved stable in the sense of {notion.name!r}\n\n"
            f"  It is {outcome.status}, after {outcome.trials} trials with seed {seed}{because}.\n"
            "  Nothing was found against it, and strict=True asks for a proof.")


def name_scheme(scheme: Scheme) -> str:
    """The scheme or function in one line."""
    if not isinstance(scheme, Computed):
        return repr(scheme)
    function = scheme.function
    return f"the function {getattr(function, '__qualname__', repr(function))}"


def _witness(notion: Notion, outcome: Outcome, inputs: Signals, outputs: Signals) -> Iterator[str]:
    """Input, output and margin, one below the other."""
    for name, u, output in zip("uw", inputs, outputs, strict=False):
        yield from _row(name, _vector(u))
        yield from _row(f"{name}⁺", _vector(output))
    if outcome.margin is not None:
        value = _number(outcome.margin)
        equals = value if value.startswith("≈") else f"= {value}"
        formula = notion.words.formula
        yield from _row("margin", f"{formula} {equals}" if formula else equals)


def _row(name: str, text: str) -> list[str]:
    return textwrap.wrap(text if text.startswith(("=", "≈")) else f"= {text}", _WIDTH,
                         initial_indent=f"  {name:<7}", subsequent_indent=" " * 11,
                         break_long_words=False)


def _vector(u: np.ndarray) -> str:
    """A signal; of a long one the entries that are not 0, or the first few."""
    if len(u) <= _SHORT:
        return "(" + ", ".join(map(_number, u)) + ("," if len(u) == 1 else "") + ")"
    places = np.flatnonzero(u != 0)
    if not len(places):
        return f"0, {len(u)} samples"
    if len(places) <= _SHOWN:
        return "0 but for " + ", ".join(f"{_number(u[i])} at index {i}" for i in places) + \
            f", of {len(u)} samples"
    first = ", ".join(map(_number, u[places[:_SHOWN]]))
    return f"({first}, ...) from index {places[0]} on, of {len(u)} samples"


def _number(value: Scalar) -> str:
    if isinstance(value, (float, np.floating)):
        return str(value)
    if isinstance(value, Interval):
        return f"≈ {float(value):.12g}"
    text = str(value)
    return text if len(text) <= _LONGEST else f"≈ {float(Fraction(value)):.12g}"


def _kind_of_fact(scheme: Scheme, outcome: Outcome, inputs: Signals, outputs: Signals
                  ) -> Iterator[str]:
    """What kind of fact this is."""
    if isinstance(scheme, Computed):
        if outcome.margin is None:
            yield f"  {outcome.reason.capitalize()}."
            return
        allowance = float(scheme.allowance(inputs, outputs))
        yield "  The margin is that of the numbers returned, in exact arithmetic.  It stays"
        yield (f"  negative if every output is off by {allowance:.3g} "
               f"(rounding={scheme.rounding}).")
        return
    arithmetic = outcome.evidence[0].arithmetic
    yield ("  The input is exact, and was made small; the margin is negative in "
           f"{arithmetic} arithmetic,")
    yield "  which the independent checker confirms: stabkit.replay.check accepts"
    yield "  error.outcome.evidence[0].to_json({})."


def _again(scheme: Scheme, notion: Notion, outcome: Outcome, seed: int) -> Iterator[str]:
    """Lines of Python that repeat it."""
    found = f"Found after {outcome.trials} trials with seed {seed}." if outcome.trials else \
        "The forms of its trace show it." if outcome.reason == TRACED else \
        "One of the given signals shows it."
    yield f"  {found}  To see it again:"
    yield ""
    if isinstance(scheme, Computed):
        dtype = np.dtype(scheme.dtype).name
        inputs, _ = scheme.evaluate(outcome.signals)
        for name, u in zip("uw", inputs, strict=False):
            yield from _lines_of_signal(
                name, u, lambda part: f"np.array({part.astype(float).tolist()}, dtype=np.{dtype})")
    else:
        for name, u in zip("uw", outcome.signals, strict=False):
            yield from _lines_of_signal(name, u, lambda part: 'np.array([Fraction(x) for x in "'
                                        f'{" ".join(map(str, part))}".split()])')
    call = "scheme.pair" if type(scheme).pair not in (Scheme.pair, Computed.pair) else "scheme"
    called = "function" if isinstance(scheme, Computed) else call
    shown = ", ".join(f"{called}({name})" for name, _ in zip("uw", outcome.signals, strict=False))
    yield f"    {shown}"
    if call == "scheme.pair":
        yield "    # pairs (input, output): this scheme is given implicitly"


def _lines_of_signal(name: str, u: np.ndarray, array: Callable[[np.ndarray], str]) -> Iterator[str]:
    """Lines that make a signal; a long one of the entries that are not 0, if they are few."""
    places = np.flatnonzero(u != 0)
    if len(u) <= _SHORT:
        yield from _code(f"{name} = {array(u)}")
    elif len(places) <= _SHOWN:
        yield from _code(f"{name} = 0 * {array(u[:1])}.repeat({len(u)})")
        if len(places):
            yield from _code(f"{name}[{places.tolist()}] = {array(u[places])}")
    else:
        yield from _code(f"{name} = error.inputs[{'uw'.index(name)}]  # of this NotStable")


def _code(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, initial_indent="    ", subsequent_indent="      ",
                         break_long_words=False)

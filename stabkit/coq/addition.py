"""A goal as the sum of facts: the script by which Coq adds a proof of the kernel's up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stabkit.aliases import Fields
from stabkit.coq.context import Context, Visit
from stabkit.coq.names import symbol
from stabkit.coq.terms import Number, Operator, Row, Term, Vector
from stabkit.errors import InvalidArgument
from stabkit.proof.text import relation

Step = Fields


@dataclass(frozen=True)
class Fact:
    """What is >= 0, or 0 for an equation, with its multiplier and why it holds."""

    holds: Number
    times: Number
    tactic: str
    equation: bool = False


def addition_script(context: Context, goal: Term, sign: str, proof: Fields) -> list[str]:
    """The script that shows a goal; the hypotheses stand in the context by their names."""
    script = []
    for name, like in proof.get("rest", {}).items():
        context.rest(name, like)
    for lemma in proof.get("lemmas", []):
        shown = context.number(relation(lemma["shows"], (">=",))[0])
        script += [f"assert ({symbol(lemma['name'], '_known')} : 0 <= {shown.text}).", "{",
                   *indent_lines(_sum(context, shown, ">=", lemma)), "}"]
        context.known[lemma["name"]] = shown
    return script + _test_script(context, goal, sign, proof)


def indent_lines(script: Sequence[str]) -> list[str]:
    return ["  " + line for line in script]


def _test_script(context: Context, goal: Term, sign: str, proof: Fields) -> list[str]:
    """A vector is 0 if its scalar products are; an operator, if what it makes of vectors is."""
    match goal:
        case Number():
            return _sum(context, goal, sign, proof)
        case Row():
            return _test_script(context, goal.vector, sign, proof)
        case Operator():
            x = context.terms.generator("x'", goal.of)
            return ["intro x'.", *_test_script_with(context, goal.forwards(x), sign, proof, x)]
    return _test_script_with(context, goal, sign, proof, None)


def _test_script_with(context: Context, goal: Vector, sign: str, proof: Fields,
                      x: Vector | None) -> list[str]:
    z = context.terms.generator("z'", goal.space)
    return [f"apply (only_zero {goal.space} {goal.text}). intro z'.",
            *_sum(context, context.terms.dot(z, goal), sign, proof, z, x)]


def _sum(context: Context, goal: Number, sign: str, proof: Fields,
         z: Vector | None = None, x: Vector | None = None) -> list[str]:
    factor = _multiplier(context, proof.get("times", "1"))
    facts = [_fact(context, step, z, x) for step in proof["steps"]]
    total = " + ".join(f"{fact.times.text} * {fact.holds.text}" for fact in facts) or "0"
    script = [f"assert (F{k}' : {'0 =' if fact.equation else '0 <='} {fact.holds.text}) "
              f"by ({fact.tactic})." for k, fact in enumerate(facts)]
    script += [f"assert (T' : {factor.text} * {goal.text} = {total}).", "{",
               *indent_lines(_identity(context, f"{goal.text} {total}")), "}"]
    if sign == "==":
        return [*script, f"apply (zero_from_multiple {factor.text}); [positive |].", "rewrite T'.",
                *[f"rewrite <- F{k}'." for k in range(len(facts))], "ring."]
    script += [f"apply (from_multiple {factor.text} _ _ ltac:(positive) T')."]
    for k, fact in reversed(list(enumerate(facts))):
        why = f"rewrite <- F{k}'; lra" if fact.equation else \
            f"apply Rmult_le_pos; [nonneg | exact F{k}']"
        script.append(f"apply Rplus_le_le_0_compat; [| {why}]." if k else f"{why}.")
    return script if facts else [*script, "lra."]


def _identity(context: Context, text: str) -> list[str]:
    """Every scalar product in its normal form, then the ring of real numbers."""
    terms = context.terms
    used = [product for product in terms.products.values() if product.text in text]

    def table(entries: Mapping[str, int], other: str) -> str:
        cases = "".join(f"{number} => {name} | " for name, number in entries.items())
        return f"fun k => match k with {cases}_ => {other} end"

    flags = "".join(f"{number} => true | " for name, number in terms.letters.items()
                    if name in terms.symmetric)
    script = [f"pose (e' := Env ({table(terms.spaces, '0')})%nat",
              f"  ({table(terms.letters, 'fun _ _ => 0%R')})%nat".replace("0%R", "R0"),
              f"  ({table(terms.vectors, 'zero')})%nat",
              f"  (fun k => match k with {flags}_ => false end)%nat).",
              "assert (s' : sound e') by sound_environment."]
    for number, product in enumerate(used):
        script.append(f"normal e' s' {terms.spaces[product.space]}%nat {product.left} "
                      f"{product.right} D{number}'.")
    return [*script, *(f"rewrite D{number}'." for number in range(len(used))),
            "first [ring | field]."]


# -- facts -------------------------------------------------------------------------------------


def _multiplier(context: Context, text: str) -> Number:
    found = context.terms.read(text, context.signs)
    if not isinstance(found, Number):
        raise InvalidArgument(f"times: {text} is not a number")
    return found


def _fact(context: Context, step: Step, z: Vector | None, x: Vector | None) -> Fact:
    if step["use"] == "equation":
        return _equation(context, step, z, x)
    holds, tactic = RULES[step["use"]](context, step)
    tactic = _at_rest(context, step, tactic)
    return Fact(holds, _multiplier(context, step.get("times", "1")), tactic)


def _at_rest(context: Context, step: Step, tactic: str) -> str:
    """The tactic, where a flux at 0 is to be read as 0."""
    places = step.get("at", ())
    visits = [context.visits[name] for name in ([places] if isinstance(places, str) else places)]
    if not any(visit.rests for visit in visits):
        return tactic
    flux, proof = visits[0].flux, tactic.removeprefix("exact ")
    return (f"pose proof {proof} as H'; rewrite (each_at_rest {symbol(flux)} "
            f"{context.rests_by(flux)}) in H'; exact H'")


def _equation(context: Context, step: Step, z: Vector | None, x: Vector | None) -> Fact:
    """A product with what is 0; against z (and x) where the goal is a vector (an operator)."""
    terms, name = context.terms, step["of"]
    equation, hypothesis = context.equations[name], symbol(name, "_zero")
    factor = terms.read(step["with"], context.names)
    if isinstance(equation, Operator) and x is not None:
        equation, hypothesis = equation.forwards(x), f"({hypothesis} {x.text})"
    if isinstance(equation, Number):
        if z is None:
            holds = factor if isinstance(factor, Number) else None
            if holds is None:
                raise InvalidArgument(f"with: {step['with']} is not a number")
            return Fact(equation, holds, f"symmetry; exact {hypothesis}", True)
        return Fact(equation, terms.dot(z, terms.vector(factor)),
                    f"symmetry; exact {hypothesis}", True)
    left = _left(context, factor, terms.vector(equation), z)
    return Fact(terms.dot(left, terms.vector(equation)), Number("1"),
                f"symmetry; apply dot_with_zero; exact {hypothesis}", True)


def _left(context: Context, factor: Term, equation: Vector, z: Vector | None) -> Vector:
    """What the equation is multiplied with from the left, as a vector of its space."""
    match factor:
        case Row():
            return factor.vector
        case Operator() if z is not None:
            return factor.backwards(z)
        case Number() if z is not None:
            return context.terms.scale(factor, z)
    raise InvalidArgument("with: is not written for Coq")


def _square(context: Context, step: Step) -> tuple[Number, str]:
    x = context.terms.read(step["x"], context.names)
    if isinstance(x, Number):
        return Number(f"({x.text} * {x.text})"), f"exact (Rle_0_sqr {x.text})"
    x = context.terms.vector(x)
    return context.terms.dot(x, x), "apply dot_square"


def _bound(context: Context, step: Step) -> tuple[Number, str]:
    terms, name = context.terms, step["of"].removesuffix(".T")
    x, K = (terms.read(step[key], context.names) for key in ("x", "of"))
    x, c, K_name = terms.vector(x), context.bounds[name], symbol(name)
    made = terms.vector(terms.product(K, x))
    holds = terms.sum(terms.times(c, terms.dot(x, x)), terms.dot(made, made), minus=True)
    if not isinstance(holds, Number) or not isinstance(K, Operator):
        raise InvalidArgument("bound: is not a number")
    of, to = map(context.space, context.sides[name])
    fact = symbol(name, "_bound")
    why = f"{fact} {x.text}" if step["of"] == name else \
        f"bound_transposed {to} {of} {K_name} {c.text} ltac:(nonneg) {fact} {x.text}"
    return holds, f"pose proof ({why}) as H'; lra"


def _form(context: Context, step: Step) -> tuple[Number, str]:
    variable, space, text = context.forms[step["of"]]
    x = context.vector(step["x"], space)
    holds = context.number(text, {**context.names, variable: x})
    return holds, f"exact ({symbol(step['of'], '_form')} {x.text})"


def _known_fact(context: Context, step: Step) -> tuple[Number, str]:
    return context.known[step["of"]], f"exact {symbol(step['of'], '_known')}"


def _between(context: Context, visit: Visit, kind: str, s: Vector, f: Vector
             ) -> tuple[Number, str, str]:
    """(f − as)·(bs − f), the lemma's ending, and the hypotheses; an open end has no factor."""
    terms = context.terms
    low, high = context.ends(visit.flux, kind)
    left = s if low == "-inf" else terms.vector(
        terms.sum(f, terms.scale(context.number(low), s), minus=True))
    right = s if high == "inf" else terms.vector(
        terms.sum(terms.scale(context.number(high), s), f, minus=True))
    suffix = "_below" if low == "-inf" else "_above" if high == "inf" else ""
    why = [context.fact(visit.flux, kind, side) for side, end in (("least", low), ("most", high))
           if end not in ("-inf", "inf")]
    return terms.dot(left, right), suffix, " ".join(why)


def _sector(context: Context, step: Step) -> tuple[Number, str]:
    E = context.visits[step["at"]]
    holds, suffix, why = _between(context, E, "sector", E.at, E.value)
    ends = f" _ _ {E.at.text} {context.rests_by(E.flux)}" if suffix == "" else f" _ {E.at.text}"
    return holds, f"exact (sector_fact{suffix} {E.at.space} {symbol(E.flux)}{ends} {why})"


def _slopes(context: Context, step: Step) -> tuple[Number, str]:
    E, F = (context.visits[name] for name in step["at"])
    terms = context.terms
    s, f = (terms.vector(terms.sum(a, b, minus=True)) for a, b in
            ((E.at, F.at), (E.value, F.value)))
    holds, suffix, why = _between(context, E, "slopes", s, f)
    ends = " _ _" if suffix == "" else " _"
    return holds, (f"exact (slopes_fact{suffix} {E.at.space} {symbol(E.flux)}{ends} {E.at.text} "
                   f"{F.at.text} {why})")


def _descent(context: Context, step: Step) -> tuple[Number, str]:
    E, F, e, half, b = _expand_visits(context, step, 1)
    terms = context.terms
    text = (f"({E.energy.text} + {terms.dot(E.value, e).text} + {b} / 2 * {half} "
            f"- {F.energy.text})")
    return Number(text), _expansion("descent", E, F, b, "_slopes_most")


def _ascent(context: Context, step: Step) -> tuple[Number, str]:
    E, F, e, half, a = _expand_visits(context, step, 0)
    terms = context.terms
    text = (f"({F.energy.text} - {E.energy.text} - {terms.dot(E.value, e).text} - {a} / 2 * "
            f"{half})")
    return Number(text), _expansion("ascent", E, F, a, "_slopes_least")


def _interpolation(context: Context, step: Step) -> tuple[Number, str]:
    E, F, e, _, b = _expand_visits(context, step, 1)
    terms = context.terms
    change = terms.vector(terms.sum(F.value, E.value, minus=True))
    text = (f"(2 * {b} * ({F.energy.text} - {E.energy.text} - {terms.dot(E.value, e).text}) "
            f"- {terms.dot(change, change).text})")
    return Number(text), _expansion("interpolation", E, F, b, "_slopes_least", "_slopes_most")


def _expansion(lemma: str, E: Visit, F: Visit, end: str, *facts: str) -> str:
    """The tactic for a fact about energies at two points."""
    given = " ".join(symbol(E.flux, suffix) for suffix in ("_primitive", *facts))
    return (f"exact ({lemma}_fact {E.at.space} {symbol(E.flux, '_P')} {symbol(E.flux)} {end} "
            f"{E.at.text} {F.at.text} {given})")


def _expand_visits(context: Context, step: Step, end: int) -> tuple[Visit, Visit, Vector, str, str]:
    """Two visits, the way between their points, its square, and an end of the slopes."""
    terms = context.terms
    E, F = (context.visits[name] for name in step["at"])
    e = terms.vector(terms.sum(F.at, E.at, minus=True))
    return E, F, e, terms.dot(e, e).text, context.number(context.facts[E.flux]["slopes"][end]).text


RULES = {"square": _square, "bound": _bound, "form": _form, "known": _known_fact, "sector": _sector,
         "slopes": _slopes, "descent": _descent, "ascent": _ascent,
         "interpolation": _interpolation}

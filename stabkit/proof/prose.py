"""A statement and its proof as a person would write them."""

from __future__ import annotations

import re
from typing import Any

from stabkit.proof import algebra, iteration, pieces, rows
from stabkit.proof.aliases import Data
from stabkit.proof.kernel import read
from stabkit.proof.setting import Setting
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS, Letter

GREEK = {"tau": "τ", "kappa": "κ", "delta": "δ", "phi": "Φ", "sigma": "σ"}
SHORT = {"**": "", ".T": "ᵀ", "@": " ", "*": " "}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

def explain(statement: Any, proof: Data) -> str:
    """Hypotheses, what is shown, and one line of algebra per step.

    Raises
    ------
    InvalidEvidence
        If the statement or the proof is not of the form; it is not checked here.
    """
    made = read(statement)
    if isinstance(made, rows.Statement):
        return _rows(made, proof)
    if isinstance(made, pieces.Statement):
        ends = " to ".join(statement["on"])
        return (f"For {made.variable} from {ends}: {pretty(statement['goal'])}.\n"
                f"Between the breaks {', '.join(proof['breaks'])} both sides are polynomials, "
                "which Sturm chains decide.")
    hypotheses = "\n".join(f"  {line}" for line in _hypotheses(made.setting))
    if isinstance(made, algebra.Statement):
        goal = pretty(statement["goal"])
        return f"For all\n{hypotheses}\nholds\n{_sum(made, proof, goal)}"
    changing = ", ".join(statement.get("changing", []))
    state = "; ".join(f"{name} = {pretty(statement['start'][name])} at first, then "
                      f"{pretty(statement['next'][name])}" for name in statement["state"])
    ghosts = [f"  with {name} = {pretty(g['start'])} at first, then {pretty(g['next'])}"
              for name, g in proof.get("ghosts", {}).items()]
    return "\n".join([
        f"For all\n{hypotheses}",
        f"  ({changing}: another one at every step)" if changing else "  (the same at all steps)",
        f"and the iteration {pretty(state)}",
        f"holds after every number of steps >= 1\n  {pretty(statement['goal'])}",
        "by induction over the steps:",
        *ghosts,
        *(f"  with {name}: 0 = {pretty(made.setting.visits[like].flux)}(0), by the sector"
          for name, like in proof.get("rest", {}).items()),
        *(f"  {name}: {pretty(text)}" for name, text in proof["invariants"].items()),
        *(_sum(part, part_proof, f"{name}:")
          for name, part, part_proof in iteration.obligations(made, proof)),
    ])


def reach(statement: Any) -> str:
    """What a statement is for all of, such as "N, K, Φ, τ"."""
    if statement["kind"] == "pieces":
        return pretty(statement["variable"])
    if statement["kind"] == "rows":
        return "N, Φ, τ" + ", n" * ("steps" in statement)  # the weights are τg/h²
    bounds = {name for text in statement.get("bounds", {}).values()
              for name in re.findall(r"\w+", text)}
    ends = {name for facts in statement.get("fluxes", {}).values() for interval in facts.values()
            for end in interval for name in re.findall(r"[A-Za-z]\w*", end)}
    named = [*statement.get("operators", {}), *statement.get("fluxes", {}),
             *(name for name in statement.get("parameters", {}) if name not in bounds | ends)]
    number = ["N"] * bool(statement.get("operators")) + ["n"] * (statement["kind"] == "iteration")
    vectors = dict.fromkeys(name.rstrip("0123456789") for name in statement.get("vectors", {})) \
        if not named else []  # the values of one map are told apart by numbers
    return ", ".join(map(pretty, [*number, *named, *vectors]))


def pretty(text: str) -> str:
    """The notation of files in that of a paper."""
    text = re.sub(r"[A-Za-z]+", lambda word: GREEK.get(word[0], word[0]), text)
    text = re.sub(r"\*\*\d+", lambda power: power[0].translate(RAISED), text)
    for old, new in SHORT.items():
        text = text.replace(old, new)
    return text


def _as_known(given: Setting, step: dict) -> str:
    """What a rule says is >= 0, in the form in which it is known."""
    x = pretty(step.get("x", ""))
    match step["use"]:
        case "square":
            return f"|{x}|²"
        case "bound":
            c = pretty(text_of(given.bounds[step["of"].removesuffix(".T")]))
            return f"{c} |{x}|² - |{pretty(step['of'])} ({x})|²"
        case "form":
            fact = given.forms[step["of"]]
            return f"{pretty(text_of(fact.holds))} at {fact.name} = {x}"
        case "known":
            return step["of"]
        case "sector" | "slopes" as kind:
            at = step["at"] if kind == "slopes" else [step["at"]]
            f, s = (" - ".join(_part(part) for part in parts) for parts in zip(
                *((given.visits[E].value, given.visits[E].at) for E in at), strict=True))
            flux = given.visits[at[0]].flux
            low, high = given.quotients(flux) if kind == "sector" else given.fluxes[flux][kind]
            return (f"[{s}]" if low is None else f"[{f}{_multiple(low, s, '-')}]") + " · " + (
                f"[{s}]" if high is None else f"[{_multiple(high, s, '')} - ({f})]")
        case use:
            return f"{use} of the energy from {step['at'][0]} to {step['at'][1]}"


def _part(x: Any) -> str:
    return f"({pretty(text_of(x))})" if len(x.terms) > 1 else pretty(text_of(x))


def _multiple(end: Any, s: str, sign: str) -> str:
    return f" {sign} ({pretty(text_of(end))})({s})".lstrip(" " * (not sign)) if end.terms else \
        "" if sign else "0"


def _sum(statement: algebra.Statement, proof: Data, what: str) -> str:
    """One line for each step of a sum."""
    lines = []
    shown = [pretty(lemma["shows"]) for lemma in proof.get("lemmas", [])] + [what]
    for (name, part, times, steps), text in zip(algebra.parts(statement, proof), shown,
                                                strict=True):
        factor = "it" if times == "1" else f"{pretty(times)} times it"
        lines.append(f"  {name}{text}; {factor} is".replace(":;", ":"))
        lines += [f"      with {each}: 0 = {pretty(part.setting.visits[each].flux)}(0), by the "
                  "sector" for each in proof.get("rest", {})]
        for step in steps:
            where = step.get("at", step.get("of", ""))
            where = pretty(" to ".join(where) if isinstance(where, list) else where)
            if step["use"] == "equation":
                lines.append(f"      + {_brackets(step['with'])}(equation {where})")
            else:
                lines.append(f"      + {_brackets(step.get('times', '1'))}"
                             f"({_as_known(part.setting, step)})   "
                             f"[{' '.join([step['use'], where]).strip()}]")
        if not steps:
            lines.append("      0")
    return "\n".join(lines)


def _brackets(factor: str) -> str:
    return "" if factor == "1" else f"({pretty(factor)}) "


def _hypotheses(given: Setting) -> list[str]:
    lines = [", ".join(f"{pretty(name)} {sign}" if sign != "any" else f"{pretty(name)} real"
                       for name, sign in given.signs.items() if name not in given.assume)]
    lines += [f"{pretty(text_of(x))} {given.signs[name]}   [{name}]"
              for name, x in given.assume.items()]
    made = {name for visit in given.visits.values() for x in (visit.value, visit.energy)
            if x is not None for name in x.letters}
    vectors: dict[str, list[str]] = {}
    for name, x in given.names.items():
        word = next(iter(x.terms))[0]
        if word and word[0].of == NUMBERS and name not in made:
            vectors.setdefault(word[0].to, []).append(name)
        elif word and name not in made:
            lines.append(_operator(given, word[0]))
    lines += [f"{', '.join(names)} in {'ℝ' if space == NUMBERS else space}"
              for space, names in vectors.items()]
    lines += [f"{pretty(text_of(fact.holds))} >= 0 for all {fact.name} in {fact.space}   [{name}]"
              for name, fact in given.forms.items()]
    for name, known in given.fluxes.items():
        for kind, (low, high) in known.items():
            ends = " and ".join(pretty(text_of(end)) if end is not None else infinite
                                for end, infinite in ((low, "-inf"), (high, "inf")))
            what = f"{pretty(name)}(s)/s" if kind == "sector" else f"the slopes of {pretty(name)}"
            lines.append(f"{what} between {ends}   [{kind}]")
    lines += [f"{text_of(visit.value)} = {pretty(visit.flux)}({pretty(text_of(visit.at))})"
              f"   [{name}]" for name, visit in given.visits.items()]
    lines += [f"{pretty(text_of(x))} = 0   [{name}]" for name, x in given.equations.items()]
    lines += [f"{pretty(text_of(x))} >= 0   [{name}]" for name, x in given.known.items()]
    return [line for line in lines if line]


def _operator(given: Setting, K: Letter) -> str:
    bound = f", |{K.name}|² <= {pretty(text_of(given.bounds[K.name]))}" if K.name in given.bounds \
        else ""
    return f"{K.name}: {K.of} -> {K.to}{bound}" + ", symmetric" * K.symmetric


def _rows(statement: rows.Statement, proof: Data) -> str:
    matrix = "A u⁺ = u" if statement.implicit else "u⁺ = B u"
    steps = "Any number of steps" if statement.repeated else "A step"
    what = "sums of tau g/h^2 over the edges of a site" if any(
        "mean" in row for row in statement.rows.values()) else "tau g/h^2 at the edges"
    lines = [f"{steps} {matrix}, for every number of sites, with rows of these kinds; the weights,",
             f"{what}, are any from 0 to " + ", ".join(
                 f"{end or 'inf'} ({name})" for name, end in statement.weights.items()) + ":"]
    lines += [f"  {name}: " + ", ".join(f"{text_of(row[k])} at {k}" for k in row)
              for name, row in statement.rows.items()]
    if statement.keeps == "cyclic sign":
        return "\n".join([*lines, "adds no changes of sign around the ring: of a line with such "
                          f"rows the pivots are >= m(r), m(x) = {proof['pivot']}, by induction, so "
                          "it adds none, and many turns of the ring are a part of one."])
    if statement.keeps == "sign":
        return "\n".join([*lines, f"adds no changes of sign: its pivots are >= m(r), m(x) = "
                          f"{proof['pivot']}, by induction, so it or its inverse is a product of "
                          "nonnegative bidiagonal matrices."])
    if statement.keeps == "extrema":
        return "\n".join([*lines, "adds no extrema: the matrix of the differences of neighbours "
                          f"has pivots >= m(r), m(x) = {proof['pivot']}, by induction, so it is a "
                          "product of nonnegative bidiagonal matrices."])
    if statement.keeps == "variation":
        return "\n".join([*lines, "does not increase the total variation: each difference of "
                          "neighbours is handed out in parts >= 0 whose sum is at most 1."])
    if statement.keeps == "mean":
        return "\n".join([*lines, "keeps the mean: the columns sum to 1."])
    if statement.keeps == "contrast":
        return "\n".join([*lines, "does not enlarge the largest difference M of neighbours, if Phi "
                          "does not fall and Phi(0) = 0: no difference grows beyond M where the "
                          "weights are slopes of tau Phi/h^2."])
    reason = "entries beside the diagonal are <= 0" if statement.implicit else "entries are >= 0"
    return "\n".join([*lines, f"keeps the range: {reason} and sum to 1."])

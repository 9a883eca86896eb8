"""Schemes on lines and grids of every size, given by their rows, for Coq."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stabkit.coq.addition import indent_lines
from stabkit.coq.context import Data
from stabkit.coq.names import symbol
from stabkit.coq.terms import Number, Terms
from stabkit.errors import InvalidArgument

Row = Mapping[str, str]
#: What the library calls that which a step keeps.
KEPT = {"range": "within_range", "sign": "no_more_changes",
        "cyclic sign": "no_more_changes_around", "variation": "no_more_variation",
        "extrema": "no_more_extrema", "mean": "same_sum", "contrast": "no_more_contrast"}
#: The entries of a line by the names of the library, the weights that they are functions of.
ENTRIES = {
    "single": ("single", "0", "l r"),
    "first_middle": ("first", "0", "l r"), "first_right": ("first", "1", "r"),
    "inner_left": ("inner", "-1", "l"), "inner_middle": ("inner", "0", "l r"),
    "inner_right": ("inner", "1", "r"),
    "last_left": ("last", "-1", "l"), "last_middle": ("last", "0", "l r"),
}
#: The rows that a ring has no other ones for: those of the line that it is cut to.
CUT = {"first_middle": ("inner", "0", {"l": "0", "r": "r"}),
       "last_middle": ("inner", "0", {"l": "l", "r": "0"}),
       "first_right": ("inner", "1", {"r": "r"}), "last_left": ("inner", "-1", {"l": "l"})}
#: The theorem of the library for what an explicit or an implicit step keeps.
LAWS = {("sign", "explicit"): "line_adds_no_changes",
        ("cyclic sign", "explicit"): "ring_adds_no_changes",
        ("sign", "implicit"): "inverse_line_adds_no_changes",
        ("variation", "explicit"): "line_adds_no_variation",
        ("extrema", "explicit"): "line_adds_no_extrema",
        ("mean", "explicit"): "line_keeps_mean",
        ("contrast", "explicit"): "line_adds_no_contrast"}


def rows(name: str, statement: Data, proof: Data) -> list[str]:
    """What a step keeps, or any number of steps keep, on lines or grids of every size.

    Raises
    ------
    InvalidArgument
        For what the library has no theorem for, such as a contrast after any number of steps.
    """
    if statement["keeps"] not in KEPT or {"keeps": "contrast", "steps": "any number"}.items() <= \
            statement.items():
        raise InvalidArgument(f"{statement['keeps']}: what keeps it is not written for Coq")
    made = _range if statement["keeps"] == "range" else _line
    if "steps" not in statement:
        return made(name, statement, proof)
    return [*made(f"{name}_step", statement, proof), "",
            *_any_number(name, KEPT[statement["keeps"]], statement)]


# -- sign, variation, extrema: the library has a theorem for lines -------------------------------


def _line(name: str, statement: Data, proof: Data) -> list[str]:
    """The line by its entries, and what the library says of it."""
    if (statement["keeps"], statement["step"]) not in LAWS:
        raise InvalidArgument(f"{statement['keeps']}: is not written for Coq")
    ends = set(statement["weights"].values())
    if len(ends) != 1:
        raise InvalidArgument("weights: of a line must have one end")
    within = _within("x", *ends)
    law = LAWS[statement["keeps"], statement["step"]]
    box = f"(fun x => {within})"
    of_flux, flux, given = "", "", []
    if statement["keeps"] == "contrast":  # weights are those of a flux that does not fall
        of_flux, flux = " forall phi : R -> R,", " with (phi := phi)"
        given = [f"  slopes_within {box} phi ->",
                 "  (forall i, (S i < n)%nat -> "
                 "w (S i) * differences u i = phi (differences u i)) ->"]
    bound = f" (fun x => {_entry(proof['pivot'], {'x': 'x'})})" if "pivot" in proof else ""
    return [f"Definition {name}_line : line := {{|", *_fields(statement), "|}.", "",
            f"Theorem {name} :", f"  forall n : nat, forall w u v : vec,{of_flux}",
            f"  (forall i, {_within('w i', *ends)}) ->", *given,
            f"  {_course(name, statement, 'w', 'u', 'v')} ->",
            f"  {KEPT[statement['keeps']]} n v u.", "Proof.", "  intros n w u v; intros.",
            f"  apply ({law} {box} {name}_line{bound} n w){flux}; auto; on_box.", "Qed."]


def _fields(statement: Data) -> Iterator[str]:
    """The entries of a line, or of the one that a ring is cut to."""
    for field, (kind, place, letters) in ENTRIES.items():
        names = {letter: letter for letter in letters.split(" ")}
        if statement["keeps"] == "cyclic sign":
            kind, place, names = CUT.get(field, (kind, place, names))
        yield f"  {field} := fun {letters} => {_entry(statement['rows'][kind][place], names)}" \
            + ";" * (field != "last_middle")


def _course(name: str, statement: Data, w: str, u: str, v: str) -> str:
    """That v is made of u, or u of v, by the rows of the line."""
    old, new = (u, v) if statement["step"] == "explicit" else (v, u)
    where = "on_ring" if statement["keeps"] == "cyclic sign" else "on_line"
    return f"(forall i, (i < n)%nat -> {new} i = {where} {name}_line n {w} {old} i)"


def _within(weight: str, end: str) -> str:
    return f"0 <= {weight}" if end == "inf" else f"0 <= {weight} <= {end}"


def _entry(text: str, names: Mapping[str, str]) -> str:
    """A polynomial in weights, by what Coq calls them."""
    found = Terms().read(text, {name: Number(called) for name, called in names.items()})
    if not isinstance(found, Number):
        raise InvalidArgument(f"{text}: is not a number")
    return found.text


def _any_number(name: str, kept: str, statement: Data) -> list[str]:
    """So many steps, each with weights of its own."""
    if statement["keeps"] == "range":
        given = [f"  (forall k i, (i < n)%nat -> {name}_step_row n (U k) (U (S k)) i) ->"]
        weights = ""
    else:
        end, = set(statement["weights"].values())
        step = _course(f"{name}_step", statement, "(W k)", "(U k)", "(U (S k))")
        given = [f"  (forall k i, {_within('W k i', end)}) ->", f"  (forall k, {step}) ->"]
        weights = "W "
    return [f"Theorem {name} :", f"  forall n : nat, forall {weights}U : nat -> vec,", *given,
            f"  forall k, {kept} n (U k) (U O).", f"Proof. any_number {name}_step. Qed."]


# -- range: a value is a mean of values before, whatever its neighbours are ----------------------


def _range(name: str, statement: Data, proof: Data) -> list[str]:
    """The kinds of rows, and that values which are made by such rows stay within the range."""
    del proof
    explicit = statement["step"] == "explicit"
    made = _explicit if explicit else _implicit
    lines: list[str] = []
    for kind, row in statement["rows"].items():
        kind = symbol(f"{name}_" + re.sub(r"\W+", "_", kind), kind=f"row {len(lines)}")
        lines.append(f"  | {kind} : " + _says(row, statement["weights"], explicit)
                     + f" -> {name}_row n u v i")
    return [f"Inductive {name}_row (n : nat) (u v : vec) (i : nat) : Prop :=",
            *lines[:-1], lines[-1] + ".", "", *made(name, statement)]


def _neighbours(row: Row) -> dict[str, str]:
    """What an entry is multiplied with: the value at i, at another place, or a mean of values."""
    others = [key for key in row if key != "0"]
    return {"0": "i", **{key: f"{'m' if key == 'mean' else 'p'}{number}"
                         for number, key in enumerate(others)}}


def _value(vector: str, place: str) -> str:
    """A value of a vector; a mean is one itself."""
    return place if place[0] == "m" else f"{vector} {place}"


def _weights(row: Row, weights: Mapping[str, str]) -> dict[str, str]:
    """The weights that occur in a row, and what Coq calls them."""
    words = {word for text in row.values() for word in re.findall(r"\w+", text)}
    return {weight: symbol(weight) for weight in weights if weight in words}


def _says(row: Row, weights: Mapping[str, str], explicit: bool) -> str:
    """A kind of row: with some weights and neighbours, v is a sum of values of u, or u of v."""
    names, places = _weights(row, weights), _neighbours(row)
    old, new = ("u", "v") if explicit else ("v", "u")
    total = " + ".join(f"{_entry(row[key], names)} * {_value(old, place)}"
                       for key, place in places.items())
    found = [f"forall {called} : R, {_within(called, weights[weight])} ->"
             for weight, called in names.items()]
    found += [f"forall {place} : R, is_mean n {old} {place} ->" if place[0] == "m" else
              f"forall {place} : nat, ({place} < n)%nat ->" for place in places.values()
              if place != "i"]
    return " ".join([*found, f"{new} i = {total}"])


def _pattern(row: Row, weights: Mapping[str, str]) -> str:
    """The names of what a kind of row says."""
    found = [f"{called} {symbol(weight, '_within')}"
             for weight, called in _weights(row, weights).items()]
    found += [f"{place} {place}_in" for place in _neighbours(row).values() if place != "i"]
    return " ".join([*found, "E"])


def _products(row: Row, weights: Mapping[str, str], sign: str, vector: str, *differences: str
              ) -> str:
    """That entries times differences, which have a value {} in them, are >= 0."""
    names, found = _weights(row, weights), ""
    for key, place in _neighbours(row).items():
        for difference in differences:
            if key != "0" or sign == "":
                found += (f" assert (0 <= {sign}{_entry(row[key], names)} * "
                          f"({difference.format(_value(vector, place))})) "
                          "by (apply Rmult_le_pos; lra).")
    return found


def _cases(statement: Data, sign: str, law: str, vector: str, *differences: str) -> list[str]:
    """A case for each kind of row; B tells about values at every place, a law about means."""
    rows, weights = statement["rows"], statement["weights"]
    lines = [f"destruct H as [{' | '.join(_pattern(row, weights) for row in rows.values())}]."]
    for row in rows.values():
        places = [place for place in _neighbours(row).values() if place != "i"]
        known = "".join(f" pose proof ({law} {place}_in B)." if place[0] == "m" else
                        f" pose proof (B {place} {place}_in)." for place in places)
        lines.append(f"-{known}{_products(row, weights, sign, vector, *differences)} rewrite E; "
                     "lra.")
    return lines


def _explicit(name: str, statement: Data) -> list[str]:
    return [f"Theorem {name} :", "  forall n : nat, forall u v : vec,",
            f"  (forall i, (i < n)%nat -> {name}_row n u v i) -> within_range n v u.", "Proof.",
            "  intros n u v rows low high B i I. pose proof (rows i I) as H. pose proof (B i I).",
            *indent_lines(_cases(statement, "", "mean_within", "u", "{} - low",
                                 "high - {}")), "Qed."]


def _implicit(name: str, statement: Data) -> list[str]:
    """At a largest (smallest) value after the step, the value before is at least (most) that."""
    lines = []
    for part, fact, goal, law, difference in (
            ("greatest", "v p <= v i", "v i <= u i", "mean_at_most", "v i - {}"),
            ("least", "v i <= v p", "u i <= v i", "mean_at_least", "{} - v i")):
        lines += [f"Lemma {name}_{part} : forall n u v i, {name}_row n u v i ->",
                  f"  (forall p, (p < n)%nat -> {fact}) -> {goal}.", "Proof.",
                  "  intros n u v i H B.", *indent_lines(_cases(statement, "- ", law, "v",
                                                                difference)),
                  "Qed.", ""]
    return [*lines, f"Theorem {name} :", "  forall n : nat, forall u v : vec,",
            f"  (forall i, (i < n)%nat -> {name}_row n u v i) -> within_range n v u.", "Proof.",
            f"  intros. apply implicit_within_range; intros; [eapply {name}_greatest |",
            f"    eapply {name}_least]; eauto.", "Qed."]

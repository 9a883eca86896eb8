"""Goals after any number of steps: a lemma for each part of the induction, and the theorem.

A lemma speaks of one step.  In the theorem what may change from step to step is a sequence, and so
is the state; what a proof defines beside it (its ghosts) is a sequence that is defined there.
"""

from __future__ import annotations

from dataclasses import dataclass

from stabkit.aliases import Record
from stabkit.coq.addition import addition_script, indent_lines
from stabkit.coq.context import (
    NUMBERS,
    Binder,
    Context,
    Data,
    context,
    energy_of,
    spaces,
    with_what_occurs,
)
from stabkit.coq.names import space_symbol, symbol
from stabkit.coq.terms import Number, Term
from stabkit.proof import iteration
from stabkit.proof.text import relation

K = "k'"


@dataclass(frozen=True)
class Lemma:
    """A part of the induction, shown, and what it takes."""

    name: str
    binders: list[Binder]
    lines: list[str]


class Induction:
    """A statement of any number of steps with its proof."""

    def __init__(self, name: str, statement: Data, proof: Data):
        self.name, self.statement, self.proof = name, statement, proof
        self.ghosts: Record = proof.get("ghosts", {})
        self.counter = statement.get("counter")
        self.read = iteration.with_ghosts(iteration.with_rests(
            iteration.read(dict(statement)), dict(proof)), self.ghosts)
        self.state = {**statement["state"],
                      **{ghost: entry["in"] for ghost, entry in self.ghosts.items()}}
        self.start, self.next = (
            {**statement[key], **{ghost: entry[key] for ghost, entry in self.ghosts.items()}}
            for key in ("start", "next"))
        self.step = {**with_what_occurs(statement, proof),
                     "vectors": {**statement.get("vectors", {}), **self.state}}
        if self.counter is not None:
            self.step["parameters"] = {**statement.get("parameters", {}), self.counter: ">= 0"}
        self.moved = self._changing_names()

    def _changing_names(self) -> frozenset[str]:
        """What may be another one at every step: also spaces that only occur in such."""
        moved = {*self.read.changing, *self.state, *([self.counter] if self.counter else [])}
        fixed = {**self.step, "operators": {name: text for name, text in self.step.get(
            "operators", {}).items() if name not in moved}}
        fixed["vectors"] = {name: space for name, space in self.step["vectors"].items()
                            if name in self.state or name not in moved}
        return frozenset(moved | {f"space {space}" for space in
                                  set(spaces(self.step)) - set(spaces(fixed))})

    def write(self) -> list[str]:
        """The lemmas and the theorem."""
        lemmas = {(place, name): self.lemma(f"{place}_{name}", text, self.proof[place][name],
                                            place == "step")
                  for name, text in self.proof["invariants"].items() for place in ("base", "step")}
        end = self.lemma("end", self.statement["goal"], self.proof["end"], True)
        return [line for lemma in (*lemmas.values(), end) for line in lemma.lines] + \
            self.theorem(lemmas, end)

    # -- one step --

    def lemma(self, part: str, text: str, proof: Data, after: bool) -> Lemma:
        """That an inequality or equation holds at the start, or after a step."""
        made = context(self.step)
        self._rest(made)
        values = self._after(made) if after else self._start_terms(made)
        left, sign = relation(text, (">=", "=="))
        goal = made.terms.read(left, values)
        name = f"{self.name}_{part}"
        return Lemma(name, [binder for binder in made.binders if not binder.value], [
            f"Lemma {name} :", *indent_lines([binder.write() for binder in made.binders]),
            f"  {made.proposition(goal, sign)}.", "Proof.",
            f"  intros {' '.join(binder.name for binder in made.binders)}.",
            *indent_lines(addition_script(made, goal, sign, proof)), "Qed.", ""])

    def _start_terms(self, made: Context) -> dict[str, Term]:
        """What stands for the state, and for visits at it, at the start."""
        values = dict(made.names)
        for name, text in self.start.items():
            values[name] = made.value(text, self.state[name])
        if self.counter is not None:
            values[self.counter] = Number("0")
        for letter, other in iteration.start_values(self.read).items():
            if letter not in self.start and letter != self.counter and letter in made.names:
                values[letter] = made.names[min(other.letters)]
        return values

    def _after(self, made: Context) -> dict[str, Term]:
        """What stands for the state and its visits after a step; supposes the invariants."""
        values = dict(made.names)
        for name, text in self.next.items():
            values[name] = made.value(text, self.state[name])
        if self.counter is not None:
            values[self.counter] = Number(f"({symbol(self.counter)} + 1)")
        for name, _ in iteration.moving_visits(self.read):
            entry = self.statement["visits"][name]
            if entry["value"] in self.read.changing:
                continue
            made.visit(name + "_next", entry, made.terms.vector(
                made.terms.read(entry["at"], values)), "_next")
            for letter in {entry["value"], energy_of(entry)} & set(made.names):
                values[letter] = made.names[letter + "_next"]
        for name, text in self.proof["invariants"].items():
            left, sign = relation(text, (">=", "=="))
            made.inequality(name, left) if sign == ">=" else made.equation(name, left)
        return values

    # -- all steps --

    def theorem(self, lemmas: dict[tuple[str, str], Lemma], end: Lemma) -> list[str]:
        """The induction itself."""
        given, invariants = self._binders(), self.proof["invariants"]
        kept = " /\\ ".join(f"({self._says(text, K)})" for text in invariants.values())
        pattern = self._pattern([self._name_of_kept(name) for name in invariants])
        later = [f"rewrite ?{symbol(name)}_next'." for name in self.state]
        later += ["rewrite ?S_INR."] if self.counter is not None else []
        first = [f"rewrite ?{symbol(name)}_start'." for name in self.state]
        goal = self._says(self.statement["goal"], f"(S {K})")
        lines = [f"Theorem {self.name} :", *indent_lines([binder.write() for binder in given]),
                 f"  forall {K} : nat, {goal}.", "Proof.",
                 f"  intros {' '.join(binder.name for binder in given)}.",
                 *indent_lines(self._ghosts()),
                 f"  assert (kept' : forall {K} : nat, {kept}).", "  {",
                 f"    induction {K} as [| {K} {pattern}]."]
        for place, rewrites in (("base", first), ("step", later)):
            count = len(invariants)
            lines.append("    - " + self._splits(count))
            lines += [f"      {'+ ' if count > 1 else ''}" + " ".join(
                [*rewrites, self._exact(lemmas[place, name], place == "base")])
                for name in invariants]
        return [*lines, "  }", f"  intro {K}. pose proof (kept' {K}) as {pattern}.",
                "  " + " ".join([*later, self._exact(end, False)]), "Qed."]

    @staticmethod
    def _splits(count: int) -> str:
        """The tactic that takes a conjunction of so many apart."""
        tactic = ""
        for _ in range(count - 1):
            tactic = f"split; [| {tactic}]" if tactic else "split"
        return f"{tactic}." if tactic else "idtac."

    @staticmethod
    def _name_of_kept(name: str) -> str:
        return symbol(name, "_kept'")

    @staticmethod
    def _pattern(names: list[str]) -> str:
        pattern = names[-1]
        for name in reversed(names[:-1]):
            pattern = f"[{name} {pattern}]"
        return pattern

    def _rest(self, made: Context) -> None:
        """Note the visits at 0 of the proof."""
        for visit, like in self.proof.get("rest", {}).items():
            made.rest(visit, like)

    def _says(self, text: str, step: str) -> str:
        made = context(self.step, self.moved, step, self.counter)
        self._rest(made)
        left, sign = relation(text, (">=", "=="))
        return made.proposition(made.terms.read(left, made.names), sign)

    def _exact(self, lemma: Lemma, base: bool) -> str:
        arguments = " ".join(self._argument(binder, "O" if base else K) for binder in lemma.binders)
        return f"exact ({lemma.name} {arguments})."

    def _argument(self, binder: Binder, step: str) -> str:
        """What a lemma's variable or hypothesis is at a step."""
        for name in self.proof["invariants"]:
            if binder.hypothesis and binder.name in (symbol(name, "_known"),
                                                     symbol(name, "_zero")):
                return self._name_of_kept(name)
        if self.counter is not None:
            if binder.name == symbol(self.counter):
                return f"(INR {step})"
            if binder.name == symbol(self.counter, "_sign"):
                return f"(pos_INR {step})"
        return f"({binder.name} {step})" if binder.name in self._sequences() else binder.name

    def _sequences(self) -> dict[str, Binder]:
        """The variables and hypotheses that are there at every step, as they are at k'."""
        moving = {space_symbol(name.removeprefix("space ")) if name.startswith("space ")
                  else symbol(name) for name in self.moved}
        moving |= {symbol(flux, "_P") for flux in self.statement.get("fluxes", {})
                   if flux in self.moved}
        made = context(self.step, self.moved, K, self.counter)
        return {binder.name: binder for binder in made.binders
                if (K in binder.type if binder.hypothesis else binder.name in moving)}

    def _binders(self) -> list[Binder]:
        """The binders of the theorem."""
        moving, binders = self._sequences(), []
        own = {symbol(name) for name in self.ghosts}
        if self.counter is not None:
            own |= {symbol(self.counter), symbol(self.counter, "_sign")}
        for binder in context(self.step, self.moved, K, self.counter).binders:
            if binder.name in own:
                continue
            if binder.name in moving:
                kind = f"forall {K} : nat, {binder.type}" if binder.hypothesis else \
                    f"nat -> {binder.type}"
                binder = Binder(binder.name, kind, hypothesis=binder.hypothesis)
            binders.append(binder)
        return binders + [line for name in self.statement["state"] for line in self._course(name)]

    def _course(self, name: str) -> list[Binder]:
        """How the state starts and goes on."""
        made, v = context(self.step, self.moved, K, self.counter), symbol(name)
        start, after = (made.value(texts[name], self.state[name]).text
                        for texts in (self.start, self.next))
        return [Binder(f"{v}_start'", f"{v} O = {start}", hypothesis=True),
                Binder(f"{v}_next'", f"forall {K} : nat, {v} (S {K}) = {after}", hypothesis=True)]

    def _ghosts(self) -> list[str]:
        """The sequences that the proof defines, all at once, and how they go on."""
        names = list(self.ghosts)
        if not names:
            return []
        made = context(self.step, self.moved, K, self.counter)
        inner = dict(made.names)
        for name in names:  # inside the recursion the members before have names of their own
            space = self.state[name]
            inner[name] = Number(symbol(name, "_")) if space == NUMBERS else \
                made.terms.generator(symbol(name, "_"), made.space(space))
        kinds = " * ".join("R" if self.state[name] == NUMBERS else "vec" for name in names)
        starts = ", ".join(made.value(self.start[name], self.state[name]).text for name in names)
        afters = ", ".join(made.value(self.next[name], self.state[name], inner).text
                           for name in names)
        pattern = ", ".join(symbol(name, "_") for name in names)
        pattern = f"'({pattern})" if names[1:] else pattern
        lines = [f"pose (all' := nat_rect (fun _ => ({kinds})%type) ({starts})",
                 f"  (fun {K} before' => let {pattern} := before' in ({afters})))."]
        for number, name in enumerate(names):
            picked = f"all' {K}"
            for _ in range(len(names) - 1 - number):
                picked = f"fst ({picked})"
            lines.append(f"pose ({symbol(name)} := fun {K} : nat => "
                         + (f"snd ({picked})" if number else picked) + ").")
        shown = f"unfold {', '.join(map(symbol, names))}; cbn; destruct (all' {K}); " \
            if names[1:] else ""
        for name in names:
            start, after = self._course(name)
            lines += [f"assert ({start.name} : {start.type}) by reflexivity.",
                      f"assert ({after.name} : {after.type}) by (intro {K}; {shown}reflexivity)."]
        return lines

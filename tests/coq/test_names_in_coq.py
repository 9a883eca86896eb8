"""Whatever a statement calls its symbols, its theorem is the same one to Coq."""

import re
import shutil

import pytest
from coq_library import coqc, with_library

from stabkit.coq import Shown, folder
from stabkit.coq.files import identifier
from stabkit.coq.names import space_symbol, symbol, with_names
from stabkit.proof import THEOREMS, check

needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="needs Coq: apt install coq")
#: Words of Coq, of its library, of ours, of tactics, and of what is written around them.
AWKWARD = ["forall", "fun", "R", "sum", "S", "Prop", "dot", "let", "O", "then", "mul", "zero", "N",
           "exists", "each", "nat", "T", "lra", "end", "vec", "INR", "phi_P", "sound", "u", "M",
           "from_multiple", "match", "Rmax", "i", "sub", "scal", "fix", "K_bound", "energy", "n",
           "pose", "mat", "Type", "H", "ring", "where", "bound", "x", "IZR", "Env", "k", "p1"]
NAMED = ["explicit step, energy", "implicit steps, any number, euclidean", "two grids, fine values",
         "linear leapfrog network, conserved form", "explicit step on a grid, range"]
#: What is no name but a word of the format.
WORDS = {"T", "max", "min", "inf", "symmetric", "J"}


def renamed(data, names):
    """The same data with other names, in keys and texts."""
    def text_of(text):
        return re.sub(r"[A-Za-z_]\w*", lambda word: names.get(word[0], word[0]), text)

    if isinstance(data, dict):
        return {names.get(key, key): renamed(value, names) for key, value in data.items()}
    if isinstance(data, list):
        return [renamed(value, names) for value in data]
    return text_of(data) if isinstance(data, str) else data


def symbols_of(statement):
    """The names that a statement declares, of spaces too."""
    found = {name for key in ("parameters", "assume", "operators", "fluxes", "vectors", "visits",
                              "equations", "known", "weights", "state") for name in
             statement.get(key, {})}
    for text in statement.get("operators", {}).values():
        found |= set(text.split(" ")[::2])
    found |= {entry[key] for entry in statement.get("visits", {}).values()
              for key in ("value", "energy") if key in entry}
    return sorted(found - WORDS - {"1"})


def awkward(name, shift):
    """A theorem with awkward names, which the kernel accepts as well."""
    made = THEOREMS[name]
    letters = symbols_of(made.statement)
    taken = AWKWARD[shift:] + AWKWARD[:shift]
    names = dict(zip(letters, taken, strict=False))
    statement, proof = (renamed(data, names) for data in (made.statement, made.proof))
    check(statement, proof)
    return statement, proof


@needs_coq
@pytest.mark.slow
@pytest.mark.parametrize("shift", [0, 11, 22, 33])
def test_coq_accepts_theorems_with_any_names(tmp_path, shift):
    """Keywords, types, lemmas, tactics, and each other's hypotheses, as names of symbols."""
    made = folder([Shown("named", "", tuple(awkward(name, shift) for name in NAMED))])
    assert made.left_out == {}
    file, = made.claims.values()
    assert made.files[file].count("\nTheorem ") == len(NAMED)
    (tmp_path / file).write_text(made.files[file], "utf-8")
    done = coqc(with_library(tmp_path, "Stabkit", "Lines", "Rings"), file)
    assert done.returncode == 0, done.stderr


def test_a_space_and_an_operator_of_one_name_are_two():
    """The kernel has names of spaces apart."""
    assert with_names([f"forall {space_symbol('N')} : nat, forall {symbol('N')} : mat,",
                       f"mul {space_symbol('N')} {symbol('N')}"]) == [
        "forall N : nat, forall N_ : mat,", "mul N N_"]


def test_what_belongs_to_a_symbol_is_no_other_symbol():
    """K_bound is a hypothesis about K, and somebody's vector."""
    line, = with_names([f"{symbol('K', '_bound')} {symbol('K_bound')} {symbol('K_bound', '_')}"])
    assert len(set(line.split(" "))) == 3


def test_keywords_and_words_of_the_text_are_no_names():
    """`lra` is a tactic in the second line alone, and yet nobody's name in the first."""
    assert with_names([f"forall {symbol('lra')} {symbol('forall')} {symbol('x')} : R,", "lra."]) \
        == ["forall lra_ forall_ x : R,", "lra."]


@pytest.mark.parametrize("name, stem", [
    ("alt2021.energy_decay", "alt2021_energy_decay"), ("proof", "theorem_proof"),
    ("Stabkit", "theorem_Stabkit"), ("Reals", "theorem_Reals"), ("2 steps", "theorem_2_steps"),
    ("dot_adjoint", "theorem_dot_adjoint"), ("τ ≤ 2", "theorem_2"), ("forall", "theorem_forall"),
])
def test_a_file_is_called_like_nothing_that_coq_knows(name, stem):
    """Such as a module of its library, one of ours, a lemma, or what is no name."""
    assert identifier(name) == stem

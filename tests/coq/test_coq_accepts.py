"""What Coq says of the files: true theorems pass, a changed proof or statement does not."""

import os
import shutil
import subprocess

import pytest
from coq_library import coqc, session, with_library
from nested_data import changed

from stabkit.coq import Shown, folder
from stabkit.proof import THEOREMS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    shutil.which("coqc") is None or shutil.which("make") is None,
    reason="needs Coq 8.16 and make: apt install coq make")]

#: Theorems of every kind, in files of some: to begin with the library costs Coq most.
CORE = {
    "steps": ["explicit step, euclidean", "explicit step, energy", "implicit step, contraction",
              "implicit steps, any number, euclidean", "ReLU of both signs"],
    "other schemes": ["linear leapfrog network, conserved form", "two grids, fine values",
                      "explicit step on a grid, range", "explicit step on a line, contrast"],
    "on lines": ["explicit step on a line, range", "implicit step on a line, range",
                 "explicit step on a line, sign", "implicit step on a line, sign",
                 "explicit step on a line, variation", "explicit step on a line, extrema",
                 "explicit step on a line, mean", "explicit step on a ring, sign"],
}
#: A value becomes (1 − w)uᵢ + wm, 0 <= w <= 1, with a mean m of its neighbours.
OF_MEANS = {"kind": "rows", "step": "explicit", "keeps": "range", "weights": {"w": "1"},
            "rows": {"site": {"0": "1 - w", "mean": "w"}}}
#: (1 + w)vᵢ − wm = uᵢ, w >= 0, with a mean m of the values after the step.
TO_MEANS = OF_MEANS | {"step": "implicit", "weights": {"w": "inf"},
                       "rows": {"site": {"0": "1 + w", "mean": "-w"}}}
#: f·s − |f|²/b >= 0 by the interpolation between s and 0, where Φ is 0 by its sector.
AT_REST = {
    "kind": "algebra", "parameters": {"b": "> 0"}, "vectors": {"s": "M"},
    "fluxes": {"phi": {"sector": ["0", "b"], "slopes": ["0", "b"]}},
    "visits": {"E": {"flux": "phi", "at": "s", "value": "f", "energy": "p"}},
    "goal": "b*f.T@s - f.T@f >= 0",
}
BY_REST = {"rest": {"R": "E"}, "steps": [
    {"use": "interpolation", "at": ["E", "R"], "times": "1/2"},
    {"use": "interpolation", "at": ["R", "E"], "times": "1/2"}]}
#: What the theorems rest on: the classical real numbers of the library of Coq.
AXIOMS = {"ClassicalDedekindReals.sig_not_dec", "ClassicalDedekindReals.sig_forall_dec",
          "FunctionalExtensionality.functional_extensionality_dep", "Classical_Prop.classic"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the library, which Coq accepts."""
    return with_library(tmp_path_factory.mktemp("coq"), "Stabkit", "Lines", "Rings")


@pytest.fixture(scope="module")
def why_not(place):
    """Of a theorem, why Coq does not accept it."""
    with session(place, "Require Import Stabkit Lines Rings.") as coq:
        def ask(name, statement, proof):
            files = folder([Shown(name, "", ((statement, proof),))]).files
            (place / f"{name}.v").write_text(files[f"{name}.v"], "utf-8")
            return coq.refusal(name)

        yield ask


def test_coq_accepts_a_core_set_with_one_command(place):
    """Of every kind some, visits at rest too; they rest on the axioms of the reals alone."""
    shown = [Shown(kind, "", tuple((THEOREMS[name].statement, THEOREMS[name].proof)
                                   for name in names)) for kind, names in CORE.items()]
    many = tuple((THEOREMS[name].statement | {"steps": "any number"}, THEOREMS[name].proof)
                 for name in CORE["on lines"])
    made = folder([*shown, Shown("at rest", "", ((AT_REST, BY_REST),)),
                   Shown("many steps", "", many),
                   Shown("of means", "", ((OF_MEANS, {}), (TO_MEANS, {})))])
    assert made.left_out == {}
    for name, text in made.files.items():
        if not (place / name).exists():
            (place / name).write_text(text, "utf-8")
    done = subprocess.run(["make", f"-j{min(4, os.cpu_count() or 1)}", "assumptions"], cwd=place,
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found = {line.split(" ")[0] for line in done.stdout.splitlines()
             if line and not line.startswith((" ", "coqc", "make", "Axioms:", "Closed"))}
    assert found <= AXIOMS


#: x = (1, −1, 0, 1) changes its sign twice, not three times, and its total variation is 4.
KNOWN_VALUES = """
Require Import Stabkit Lines Rings.
Definition x : vec := fun i => match i with 0%nat => 1 | 1%nat => -1 | 3%nat => 1 | _ => 0 end.
Lemma twice : changes 4 x 2.
Proof.
  unfold changes. exists 0%nat. simpl. exists 1%nat. repeat split; try lia; try (unfold x; lra).
  exists 3%nat. repeat split; try lia; unfold x; lra.
Qed.
Lemma not_thrice : ~ changes 4 x 3.
Proof.
  intros (i & p & P & _ & q & Q & B & r & T & _ & N & _). assert (p = 1 /\\ q = 2)%nat as [-> ->]
    by lia. unfold x in B. lra.
Qed.
Lemma twice_around : changes_around 4 x 2.
Proof.
  unfold changes_around. right. exists 1%nat. simpl. exists 3%nat.
  repeat split; try lia; try (unfold around, x; simpl; lra).
  exists 5%nat. repeat split; try lia; unfold around, x; simpl; lra.
Qed.
Lemma a_mean : is_mean 2 x (1/2).
Proof.
  exists (fun i => match i with O => 3/4 | _ => 1/4 end). unfold dot, x; simpl.
  repeat split; [intros [| p] L |..]; lra.
Qed.
Lemma no_mean : ~ is_mean 2 x 2.
Proof.
  intro M. assert (2 <= 1); [| lra]. apply (mean_at_most M).
  intros [| [| p]] L; unfold x; simpl; try lra; lia.
Qed.
Lemma four : variation 4 x = 4.
Proof.
  unfold variation, differences, x; simpl. replace (-1 - 1) with (-2) by lra.
  rewrite (Rabs_left (-2)), (Rabs_right (0 - -1)), (Rabs_right (1 - 0)); lra.
Qed.
"""


def test_the_library_counts_as_by_hand(place):
    """Signs of (1, −1, 0, 1): + − + without the zero, and so around, from −1 to 1 and to −1 again;
    |−2| + |1| + |1| = 4; 3/4·1 + 1/4·(−1) = 1/2 is a mean of the first two, 2 is none."""
    (place / "known.v").write_text(KNOWN_VALUES, "utf-8")
    done = coqc(place, "known.v")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["explicit step, euclidean", "explicit step on a line, sign"])
def test_coq_has_nothing_against_what_is_true(why_not, name):
    """Nor after it has refused others, whose theorems it forgets."""
    made = THEOREMS[name]
    stem = "true_" + name.replace(" ", "_").replace(",", "")
    assert why_not(stem, made.statement, made.proof) == ""
    assert why_not(stem, made.statement, made.proof) == ""


@pytest.mark.parametrize("name, path, value", [
    ("multiplier", ("steps", 0, "times"), "3*tau"),
    ("sign", ("steps", 2, "times"), "-tau*(2 - L*c*tau)"),
    ("left_out", ("steps",), []),
])
def test_coq_refuses_a_changed_proof(why_not, name, path, value):
    """Theorem 2 with 3τ for 2τ, a negative multiplier, or no facts at all."""
    made = THEOREMS["explicit step, euclidean"]
    assert made.statement["goal"].endswith(">= 0")
    assert why_not(f"proof_{name}", made.statement, changed(made.proof, *path, to=value))


@pytest.mark.parametrize("name, path, value", [
    ("step", ("assume", "step"), "4 - L*c*tau >= 0"),
    ("norm", ("bounds", "K"), "2*c"),
    ("flux", ("fluxes", "phi", "sector"), ["-1", "L"]),
    ("goal", ("goal",), "u.T@u/2 - (u - tau*K.T@f0).T@(u - tau*K.T@f0) >= 0"),
])
def test_coq_refuses_a_statement_that_is_false(why_not, name, path, value):
    """Twice the step, a larger operator, a flux of another sign, a smaller bound: all false."""
    made = THEOREMS["explicit step, euclidean"]
    assert why_not(f"statement_{name}", changed(made.statement, *path, to=value), made.proof)


@pytest.mark.parametrize("name, weight", [
    ("explicit step on a line, range", "9/16"), ("explicit step on a line, sign", "9/32"),
    ("explicit step on a line, variation", "9/16"), ("explicit step on a line, extrema", "9/32"),
    ("explicit step on a grid, range", "9/32"), ("explicit step on a line, contrast", "9/16"),
    ("explicit step on a ring, sign", "9/32"),
])
def test_coq_refuses_a_step_beyond_the_bound_of_lines(why_not, name, weight):
    """An eighth more than the sharp τg/h² of each statement."""
    made = THEOREMS[name]
    false = changed(made.statement, "weights",
                    to=dict.fromkeys(made.statement["weights"], weight))
    assert why_not("beyond_" + name.replace(" ", "_").replace(",", ""), false, made.proof)


@pytest.mark.parametrize("name, path, value", [
    ("explicit step on a line, sign", ("rows", "last", "-1"), "-l"),
    ("implicit step on a line, sign", ("rows", "first", "1"), "r"),
    ("explicit step on a line, variation", ("rows", "inner", "0"), "1 - l - 2*r"),
    ("implicit step on a line, range", ("rows", "inner", "0"), "2 + l + r"),
    ("explicit step on a line, mean", ("rows", "first", "1"), "r/2"),
    ("explicit step on a line, contrast", ("rows", "last", "0"), "1 - l/2"),
    ("explicit step on a line, contrast", ("rows", "last", "-1"), "l**2"),
    ("explicit step on a ring, sign", ("rows", "inner", "1"), "-r"),
])
def test_coq_refuses_other_rows_of_lines(why_not, name, path, value):
    """A sign turned round beside the diagonal, or rows that do not sum to 1."""
    made = THEOREMS[name]
    stem = f"rows_{name}_{path[-1]}".replace("-", "minus_").replace(" ", "_").replace(",", "")
    assert why_not(stem, changed(made.statement, *path, to=value), made.proof)


@pytest.mark.parametrize("name, path, value", [
    ("weight", ("weights", "w"), "9/8"), ("sum", ("rows", "site", "mean"), "w/2"),
    ("sign", ("rows", "site", "mean"), "-w"),
])
def test_coq_refuses_other_rows_of_means(why_not, name, path, value):
    """A weight by which a value goes beyond the mean, and rows that do not sum to 1."""
    assert why_not(f"means_{name}", changed(OF_MEANS, *path, to=value), {})


def test_coq_refuses_an_implicit_row_of_a_mean_of_the_other_sign(why_not):
    """(1 − w)vᵢ + wm = uᵢ has values beyond the range of u for w between 1/2 and 1."""
    false = changed(TO_MEANS, "rows", to={"site": {"0": "1 - w", "mean": "w"}})
    assert why_not("means_implicit", false, {})

"""``stabkit export --coq``: the texts of the files, the folder, and input that is of no use."""

import copy

import pytest

from stabkit import bounded, prove, stable_step
from stabkit.classes import AnyFlux, AnyOperator, UpTo
from stabkit.cli import main
from stabkit.coq import Shown, folder, theorem
from stabkit.coq.files import MULTIPLIED_OUT, comment
from stabkit.proof import THEOREMS

THEOREM_2 = """\
Theorem alt2021_euclidean_stability :
  forall N : nat,
  forall M : nat,
  forall c : R,
  (0 <= c) ->
  forall L : R,
  (0 < L) ->
  forall tau : R,
  (0 < tau) ->
  (0 <= (2 - ((L * c) * tau))) ->
  forall K : mat,
  (forall x', dot M (mul N K x') (mul N K x') <= c * dot N x' x') ->
  forall phi : R -> R,
  (sector_at_least 0 phi) ->
  (slopes_at_least ((-1) * L) phi) ->
  (slopes_at_most L phi) ->
  forall u : vec,
  let f0 := each phi (mul N K u) in
  0 <= ((dot N u u) - (dot N (sub u (scal tau (mulT M K f0))) (sub u (scal tau (mulT M K f0))))).
Proof.
"""


def error_of(capsys):
    line, = capsys.readouterr().err.splitlines()
    assert line.startswith("stabkit: error: ")
    return line


@pytest.mark.slow
def test_theorem_2_reads_like_the_paper(tmp_path, capsys):
    """|K|² <= c, 0 <= Φ(s)s, |Φ'| <= L, 0 < τ, Lcτ <= 2: then |u|² − |u − τKᵀΦ(Ku)|² >= 0;
    nothing else is assumed, no primitive of Φ, as no energy occurs."""
    place = tmp_path / "coq"
    assert main(["export", "--coq", "alt2021.euclidean_stability", "--output", str(place)]) == 0
    text = (place / "alt2021_euclidean_stability.v").read_text("utf-8")
    assert THEOREM_2 in text and "here τ = ratio" in text
    assert "1 written, 0 left out" in capsys.readouterr().out
    assert {path.name for path in place.iterdir()} == {
        "Makefile", "Stabkit.v", "Lines.v", "Rings.v", "Exact.v", "Definite.v", "Fluxes.v",
        "Assumptions.v",         "alt2021_euclidean_stability.v"}


@pytest.mark.slow
@pytest.mark.parametrize("name, empty", [("alt2021.explicit_step_is_a_residual_block", True),
                                         ("he2019.w_cycle_bound", True),
                                         ("alt2020.mean_is_preserved", False),
                                         ("alt2021.euclidean_stability", False)])
def test_an_identity_says_that_it_was_multiplied_out(tmp_path, name, empty):
    """x = x for Coq, but for the order of terms; the mean is kept as K 1 = 0 is supposed."""
    assert main(["export", "--coq", name, "--output", str(tmp_path / "coq")]) == 0
    text, = (path.read_text("utf-8") for path in (tmp_path / "coq").glob("*_*.v"))
    assert (" ".join(comment(MULTIPLIED_OUT)[0].split()) in " ".join(text.split())) == empty


def test_an_energy_needs_a_primitive():
    """Where energies are spoken of the theorem is about Φ with a primitive."""
    for name, needed in (("explicit step, energy", True), ("explicit step, contraction", False),
                         ("fixed point of 2 iterations, euclidean", True)):
        made = THEOREMS[name]
        text = theorem(name, made.statement, made.proof)
        assert ("primitive" in text) is needed


def test_a_sector_with_an_open_end_says_nothing_of_0():
    """Φ(s)s >= 0 leaves Φ(0) open, 0 <= Φ(s)s <= Ls² is read as Φ(0) = 0 too."""
    made = THEOREMS["explicit step, euclidean"]
    statement = copy.deepcopy(made.statement)
    assert "(phi 0 = 0)" in theorem("t", statement, made.proof)
    statement["fluxes"]["phi"]["sector"] = ["0", "inf"]
    assert "phi 0 = 0" not in theorem("t", statement, made.proof)


def test_several_proofs_of_a_claim_are_numbered_in_one_file():
    """Two statements, two theorems, and both are asked for what they rest on."""
    pair = [(THEOREMS[name].statement, THEOREMS[name].proof)
            for name in ("explicit step, euclidean", "explicit step, contraction")]
    made = folder([Shown("mine.both", "two", tuple(pair))])
    assert "Theorem mine_both_part_1 :" in made.files["mine_both.v"]
    assert "Theorem mine_both_part_2 :" in made.files["mine_both.v"]
    assert "Print Assumptions mine_both_part_2." in made.files["Assumptions.v"]


def test_a_claim_of_which_a_part_cannot_be_written_is_left_out():
    """A file that says half of a claim would be taken for the claim."""
    pair = [(THEOREMS[name].statement, THEOREMS[name].proof)
            for name in ("explicit step on a line, range", "explicit step on a line, sign")]
    pair[1] = (pair[1][0] | {"weights": {"l": "1/4", "r": "1/5"}}, pair[1][1])
    made = folder([Shown("mine.both", "two", tuple(pair))])
    assert made.claims == {} and "one end" in made.left_out["mine.both"]
    assert "mine_both.v" not in made.files


def test_what_a_line_keeps_is_said_of_all_its_points():
    """v is made of u by the rows of a line of any length n: no more changes of sign; a step of so
    many has weights of its own."""
    made = THEOREMS["explicit step on a line, sign"]
    text = " ".join(theorem("my.t", made.statement, made.proof).split())
    assert "inner_middle := fun l r => ((1 - l) - r);" in text
    assert ("forall n : nat, forall w u v : vec, (forall i, 0 <= w i <= 1/4) -> (forall i, (i < "
            "n)%nat -> v i = on_line my_t_line n w u i) -> no_more_changes n v u.") in text
    text = " ".join(theorem("my.t", made.statement | {"steps": "any number"}, made.proof).split())
    assert "forall W U : nat -> vec, (forall k i, 0 <= W k i <= 1/4)" in text
    assert text.count("Theorem my_t : ") == text.count("no_more_changes n (U k) (U O).") == 1


def test_a_comment_ends_where_it_ends():
    """Coq nests comments and reads strings in them."""
    text, = comment('from "a (* b *) c')
    assert text.count("(*") == 1 and text.count("*)") == 1 and '"' not in text


@pytest.mark.slow
def test_a_found_proof_is_exported_from_its_file(tmp_path, capsys):
    """What verify or save wrote; a changed file is refused, as its proof no longer holds."""
    file, place = tmp_path / "v.json", tmp_path / "coq"
    assert main(["verify", "alt2021.differences_do_not_grow_corrected", "--budget", "1",
                 "--json", str(file)]) == 0
    capsys.readouterr()
    assert main(["export", "--coq", str(file), "--output", str(place)]) == 0
    assert "1 written" in capsys.readouterr().out
    assert (place / "alt2021_differences_do_not_grow_corrected.v").exists()
    file.write_text(file.read_text("utf-8").replace('"times": "', '"times": "2*', 1), "utf-8")
    assert main(["export", "--coq", str(file), "--output", str(tmp_path / "other")]) == 2
    assert "v.json" in error_of(capsys)
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_an_older_export_is_replaced_and_others_files_are_not(tmp_path, capsys):
    """What Coq left goes with it; a file that stabkit did not write stops everything."""
    place = tmp_path / "coq"
    for claim in ("alt2021.euclidean_stability", "alt2021.energy_decay"):
        assert main(["export", "--coq", claim, "--output", str(place)]) == 0
        (place / "Stabkit.vo").write_bytes(b"\xff")
    assert not (place / "alt2021_euclidean_stability.v").exists()
    for name, content in (("mine.v", "Require Import Reals."), ("Makefile", "all:\n")):
        (place / name).write_text(content)
        capsys.readouterr()
        assert main(["export", "--coq", "alt2021.energy_decay", "--output", str(place)]) == 2
        assert f"also holds {name}" in error_of(capsys)
        assert (place / name).read_text() == content
        (place / name).unlink()


@pytest.mark.parametrize("arguments, words", [
    (["--coq", "alt2021.nothing_like_this"], "nothing_like_this"),
    (["--coq", "alt2020.lipschitz_constant_is_the_largest_diffusivity"],
     "not in rational numbers alone"),
    (["--coq", "nowhere.json"], "nowhere.json"),
    (["alt2021.euclidean_stability"], "--coq"),
    (["--coq", "alt2021.energy_decay", "--output", "no/such/place"], "--output"),
    (["--coq", "alt2021.energy_decay", "--output", "file"], "not a folder"),
])
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    """The status is 2, the message names what is wrong, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    assert main(["export", *arguments]) == 2
    assert words in error_of(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_all_theorems_of_the_kernel_can_be_written():
    """Around rings and with means of neighbours, too."""
    made = folder([Shown(name, each.says, ((each.statement, each.proof),))
                   for name, each in THEOREMS.items()])
    assert made.left_out == {} and len(made.claims) == len(THEOREMS)


@pytest.mark.slow
def test_energies_at_0_are_written_out_where_a_form_of_the_state_has_them():
    """The form found for heavy ball has P(0) in it, which no hypothesis of a lemma may define."""
    pytest.importorskip("clarabel", reason="the search needs the extra prove")

    def heavy_ball(K, flux, ratio):
        tau = stable_step(K, flux.facts.lipschitz, ratio)
        return lambda u, w: (u - tau * (K.T @ flux(K @ u)) + (u - w) / 2, u)

    found = prove(heavy_ball, bounded(), K=AnyOperator(), ratio=UpTo("1/2"), refute=False,
                  flux=AnyFlux(diffusivities=(0, "L"), slopes=(0, "L")))
    statement, proof = found.statements[0], found.proofs[0]
    assert "p_Z0" in proof["invariants"]["J"]
    text = theorem("my.heavy_ball", statement, proof)
    assert "p_Z0" not in text and "energy M phi_P zero" in text

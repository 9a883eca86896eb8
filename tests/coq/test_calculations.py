"""Calculations in rational numbers: the texts here, and what Coq computes where it is there."""

import shutil

import pytest
from coq_library import coqc, session

from stabkit.cli import main
from stabkit.coq import Calculated, folder
from stabkit.errors import InvalidArgument

# K u = −2 is cut to −1, and the step 2 turns u = (1, −1) round: v = (1, −1) + 2 (−1, 1).
WITNESS = {
    "given": {"u": ["1", "-1"], "K": [["-1", "1"]], "tau": "2"},
    "let": [["phi(x)", "x if abs(x) <= 1 else x/abs(x)"], ["v", "u - tau*(K.T @ phi(K @ u))"]],
    "shows": ["norm2(u) - norm2(v) == 0", "not (max(v) <= 1/2)", "v == [-1, 1]", "K[0, 1] == 1",
              "sign_changes(u) == 1"],
    "by": "v = −u",
}
WITH_COQ = pytest.mark.skipif(shutil.which("coqc") is None, reason="needs Coq: apt install coq")


def test_the_calculation_is_spelled_in_rational_numbers():
    """Numbers are fractions, a condition is a boolean, lines are short."""
    text = folder([Calculated("mine.wrong", "v = u", (("", WITNESS),))]).files["mine_wrong.v"]
    assert "Definition u' := [(1 # 1); (-1 # 1)]." in text
    assert "Require Import Exact Definite." in text
    assert max(map(len, text.splitlines())) < 100
    text = " ".join(text.split())
    assert "if ((Qle_bool (Qabs x') (1 # 1))) then x' else (div x' (Qabs x'))" in text


@pytest.mark.parametrize("change, words", [
    ({"shows": ["exp(tau) > 1"]}, "exp"), ({"let": [["r(x)", "sqrt(x)"]]}, "root"),
    ({"shows": ["psd(K)"]}, "do not fit"), ({"shows": ["det(I(8)) == 1"]}, "det"),
    ({"shows": ["u @ K == 0"]}, "do not fit"), ({"shows": ["u == [1, 2, 3]"]}, "do not fit"),
])
def test_what_cannot_be_written_is_left_out_with_its_name(change, words):
    """Functions that Coq's library here does not know, and shapes that lists would cut silently."""
    made = folder([Calculated("mine.wrong", "", (("", WITNESS | change),))])
    assert made.claims == {} and words in made.left_out["mine.wrong"]
    with pytest.raises(InvalidArgument):
        Calculated("mine.wrong", "", (("", WITNESS | change),)).text()


# A = [[2, −1], [−1, 2]] has the eigenvalues 1 and 3; B, which is A with its last row once more,
# has rank 2; [[1, 2], [2, 1]] takes (1, −1) to −(1, −1).
KNOWN = {
    "given": {"A": [["2", "-1"], ["-1", "2"]], "B": [["2", "-1"], ["-1", "2"], ["-1", "2"]],
              "C": [["1", "2"], ["2", "1"]], "P": [["0", "2", "1"], ["1", "0", "0"],
                                                   ["0", "0", "3"]]},
    "let": [["X", "inverse(A)"]],
    "shows": ["pd(A)", "psd(outer(A[0], A[0]))", "not pd(outer(A[0], A[0]))", "not psd(C)",
              "not psd([[0, 1], [1, 0]])", "not psd([[1, 1], [0, 1]])", "psd(0*A)",
              "det(A) == 3", "det(P) == -6", "trace(P) == 3", "rank(B) == 2", "rank(P) == 3",
              "rank(0*A) == 0", "X == [[2/3, 1/3], [1/3, 2/3]]", "inverse(P)[0] == [0, 1, 0]",
              "sqrt(4/9) == 2/3", "sqrt(0) == 0", "vec(B) == [2, -1, -1, -1, 2, 2]",
              "polyval([1, 0, 3], 2) == 13", "sign([-3, 0, 1/2]) == [-1, 0, 1]"],
}
REFUSED = [
    {"given": WITNESS["given"] | {"tau": "3"}}, {"shows": ["norm2(v) < norm2(u)"]},
    {"shows": ["v != [-1, 1]"]}, {"shows": ["psd([[1, 2], [2, 1]])"]}, {"shows": ["pd(K.T @ K)"]},
    {"shows": ["psd([[1, 1], [0, 1]])"]}, {"shows": ["det([[1, 2], [3, 4]]) == 2"]},
    {"shows": ["rank(K) == 2"]}, {"shows": ["sqrt(2) > 1"]},
    {"shows": ["inverse(K.T @ K)[0, 0] == 0 or v == v"]},
]


@pytest.mark.slow
@WITH_COQ
def test_coq_computes_the_numbers_and_refuses_others(tmp_path):
    """Values by hand pass and rest on nothing.  Another step, a comparison turned round, what is
    not semidefinite or not symmetric, a wrong determinant or rank, a root that is not rational and
    the inverse of a singular matrix do not pass."""
    true = [Calculated("right", "", (("", WITNESS), ("other matrices", KNOWN)), holds=True)]
    false = [Calculated(f"false {k}", "", (("", WITNESS | change),))
             for k, change in enumerate(REFUSED)]
    made = folder(true)
    assert made.left_out == {}
    for name, text in (folder(false).files | made.files).items():
        (tmp_path / name).write_text(text, "utf-8")

    written, = made.claims.values()
    for name in ("Exact", "Definite", written.removesuffix(".v")):
        done = coqc(tmp_path, f"{name}.v")
        assert done.returncode == 0, done.stderr
    assumed = set(coqc(tmp_path, "Assumptions.v").stdout.splitlines())
    assert assumed == {"Closed under the global context"}
    with session(tmp_path, "Require Import Exact Definite.") as coq:
        for k, change in enumerate(REFUSED):
            assert "Unable to unify" in coq.refusal(f"false_{k}"), change


def test_a_claim_about_listed_configurations_is_calculated_for_each(tmp_path, capsys):
    """A theorem for each of the kernels, under the words of its configuration."""
    claim = "software.torch_kernels_have_spectral_norm_one_after_reshaping"
    place = tmp_path / "coq"
    assert main(["export", "--coq", claim, "--output", str(place)]) == 0
    file, = place.glob("software*.v")
    text = file.read_text("utf-8")
    assert f"{claim} holds of what is listed here." in text
    assert text.count("Theorem ") == text.count("vm_compute") >= 2
    assert "1 written" in capsys.readouterr().out


def test_a_claim_that_is_refuted_is_exported_by_its_name(tmp_path, capsys):
    """It is decided first; its shortest witness in rational numbers is written."""
    place = tmp_path / "coq"
    assert main(["export", "--coq", "he2019.relu_identity", "--output", str(place)]) == 0
    text = (place / "he2019_relu_identity.v").read_text("utf-8")
    assert "he2019.relu_identity is false." in text and "Theorem he2019_relu_identity : " in text
    assert "1 written" in capsys.readouterr().out

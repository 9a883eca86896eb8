"""Refutations as calculations in Coq: the texts here, and what Coq computes where it is there."""

import copy
import shutil
import subprocess

import pytest

from stabkit.cli import main
from stabkit.coq import Refuted, folder
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
    text = folder([Refuted("mine.wrong", "v = u", WITNESS)]).files["mine_wrong.v"]
    assert "Definition u' := [(1 # 1); (-1 # 1)]." in text and "Require Import Exact." in text
    assert max(map(len, text.splitlines())) < 100
    text = " ".join(text.split())
    assert "if ((Qle_bool (Qabs x') (1 # 1))) then x' else (div x' (Qabs x'))" in text


@pytest.mark.parametrize("change, words", [
    ({"shows": ["psd(K @ K.T)"]}, "psd"), ({"let": [["v", "sqrt(tau)"]]}, "sqrt"),
    ({"shows": ["u @ K == 0"]}, "do not fit"), ({"shows": ["u == [1, 2, 3]"]}, "do not fit"),
])
def test_what_cannot_be_written_is_left_out_with_its_name(change, words):
    """Functions that Coq's library here does not know, and shapes that lists would cut silently."""
    made = folder([Refuted("mine.wrong", "", WITNESS | change)])
    assert made.claims == {} and words in made.left_out["mine.wrong"]
    with pytest.raises(InvalidArgument):
        Refuted("mine.wrong", "", WITNESS | change).text()


@pytest.mark.slow
@WITH_COQ
def test_coq_computes_the_numbers_and_refuses_others(tmp_path):
    """The calculation passes; with another step, or a comparison turned round, it does not."""
    false = [copy.deepcopy(WITNESS) for _ in range(3)]
    false[0]["given"]["tau"] = "3"
    false[1]["shows"] = ["norm2(v) < norm2(u)"]
    false[2]["shows"] = ["v != [-1, 1]"]
    made = folder([Refuted("true", "", WITNESS),
                   *(Refuted(f"false {k}", "", data) for k, data in enumerate(false))])
    assert made.left_out == {}
    for name, text in made.files.items():
        (tmp_path / name).write_text(text, "utf-8")

    def accepted(name):
        return subprocess.run(["coqc", "-q", f"{name}.v"], cwd=tmp_path, capture_output=True,
                              timeout=600).returncode == 0

    assert [accepted(name) for name in ("Exact", "true", "false_0", "false_1", "false_2")] == [
        True, True, False, False, False]


def test_a_claim_that_is_refuted_is_exported_by_its_name(tmp_path, capsys):
    """It is decided first; its shortest witness in rational numbers is written."""
    place = tmp_path / "coq"
    assert main(["export", "--coq", "he2019.relu_identity", "--output", str(place)]) == 0
    text = (place / "he2019_relu_identity.v").read_text("utf-8")
    assert "he2019.relu_identity is false." in text and "Theorem he2019_relu_identity : " in text
    assert "1 written" in capsys.readouterr().out

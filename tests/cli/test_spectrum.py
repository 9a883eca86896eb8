"""``stabkit spectrum``: matrices in files, and files that are none."""

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from stabkit import Explicit, difference, fluxes
from stabkit.cli import main
from stabkit.spectra import gallery, jacobian


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_jacobian_in_each_kind_of_file(here, capsys):
    """A heat step with τ = 1/4: eigenvalues from 4 sin² down to 1; with τ = 3/5 a mode grows."""
    for tau, status in (("1/4", 0), ("3/5", 1)):
        J = jacobian(Explicit(difference(1, 30), fluxes.identity(), tau), np.zeros(30)).sparse()
        scipy.sparse.save_npz("step.npz", scipy.sparse.csr_matrix(J))
        scipy.io.mmwrite("step.mtx", scipy.sparse.coo_matrix(J), precision=17)
        np.save("step.npy", J.toarray())
        texts = []
        for kind in ("npz", "mtx", "npy"):
            assert main(["spectrum", f"step.{kind}"]) == status
            texts.append(capsys.readouterr().out)
        assert texts[0] == texts[1] == texts[2]
        low = 1 - {"1/4": 0.25, "3/5": 0.6}[tau] * (2 + 2 * np.cos(np.pi / 30))
        assert f"{low:.9f}"[:11] in texts[0] and "normal" in texts[0]


@pytest.mark.slow
def test_a_picture_and_a_large_matrix(here, capsys):
    """An SVG; beyond 600 rows the ends alone."""
    np.save("grcar.npy", gallery.grcar(20) / 3)
    assert main(["spectrum", "grcar.npy", "--picture", "grcar.svg"]) == 0
    assert (here / "grcar.svg").read_text("utf-8").lstrip().startswith("<")
    assert "no power grows without bound" in capsys.readouterr().out
    scipy.sparse.save_npz("wide.npz", scipy.sparse.eye_array(3000, format="csr"))
    assert main(["spectrum", "wide.npz"]) == 0
    assert "spectral radius" not in capsys.readouterr().out
    assert main(["spectrum", "wide.npz", "--picture", "x.svg"]) == 2
    capsys.readouterr()
    assert main(["spectrum", "grcar.npy", "--picture", "nowhere/grcar.svg"]) == 2
    assert "--picture: cannot write nowhere/grcar.svg" in capsys.readouterr().err


def test_files_that_hold_no_matrix(here, capsys):
    """One line each, naming the file, with status 2."""
    (here / "broken.npz").write_bytes(b"PK nothing")
    (here / "broken.mtx").write_text("%%MatrixMarket nothing\n")
    np.save("flat.npy", np.zeros(3))
    np.save("wide.npy", np.zeros((2, 3)))
    np.save("complex.npy", 1j * np.eye(2))
    np.save("nan.npy", np.full((2, 2), np.nan))
    np.save("empty.npy", np.zeros((0, 0)))
    np.savez("archive.npz", a=np.eye(2))
    assert main(["spectrum", "archive.npz"]) == 2
    assert "numpy.savez" in capsys.readouterr().err
    for name in ("empty.npy", "broken.npz", "broken.mtx", "flat.npy", "wide.npy", "complex.npy",
                 "nan.npy", "missing.mtx", "matrix.txt"):
        assert main(["spectrum", name]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and ("FILE" in error or "matrix" in error), error


@pytest.mark.slow
def test_a_step_in_a_python_file(here, capsys):
    """Traced exactly: the heat step's eigenvalues at dt = 1/4 and 3/5; what is not linear is told.
    """
    (here / "heat.py").write_text(
        "import numpy as np\n\n\ndef step(u, dt):\n    s = np.diff(u)\n    v = u.copy()\n"
        "    v[1:] -= dt * s\n    v[:-1] += dt * s\n    return v\n\n\n"
        "def square(u):\n    return u * u\n")
    assert main(["spectrum", "heat.py:step", "--shape", "20", "--dt", "1/4"]) == 0
    low = 1 - (2 + 2 * np.cos(np.pi / 20)) / 4
    assert f"{low:.9f}"[:9] in capsys.readouterr().out
    assert main(["spectrum", "heat.py:step", "--shape", "20", "--dt", "3/5"]) == 1
    capsys.readouterr()
    for arguments in (["heat.py:step"], ["heat.py:step", "--shape", "4"],
                      ["heat.py:square", "--shape", "4"], ["none.py:step", "--shape", "4"]):
        assert main(["spectrum", *arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    np.save("one.npy", np.eye(2))
    assert main(["spectrum", "one.npy", "--shape", "2"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("matrix, status, said", [
    (np.eye(4, k=1), 0, "bounded"), (np.eye(3), 0, "bounded"), ([[0, -1], [1, 0]], 0, "bounded"),
    (np.roll(np.eye(6), 2, 0), 0, "bounded"), (np.full((3, 3), 1 / 3), 0, "bounded"),
    ([[1, 1], [0, 1]], 1, "Jordan block"), ([[0.6, -0.8], [0.8, 0.6]], 0, "meant"),
    ([[1e70, 1e70], [0, 5e69]], 1, "outside"), ([[1.001]], 1, "outside")])
def test_radius_one_and_far_entries(here, capsys, matrix, status, said):
    """Shift, identity, rotation, permutation and mean keep a norm; a Jordan block at 1 grows
    linearly; 0.6² + 0.8² = 1 with the decimals, but not with the doubles."""
    np.save("matrix.npy", np.array(matrix, dtype=float))
    assert main(["spectrum", "matrix.npy"]) == status
    assert said in capsys.readouterr().out

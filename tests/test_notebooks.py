"""The notebooks: committed with their outputs, and executed from start to end."""

import ast
import asyncio
import io
import json
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from stabkit import progress
from stabkit.claims.claim import registry
from stabkit.claims.verify import verify
from stabkit.errors import InvalidArgument
from stabkit.report.figures import png
from stabkit.report.sliders import sliders

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
#: Where claims, fluxes or schemes of the reader's own are the point.
DEFINES = {"check_your_own_scheme", "spectra_and_regions"}
#: What a notebook needs beside the extras of all of them.
NEEDS = {"train_a_network": ("torch", "onnxscript", "sklearn")}


def code_cells(path):
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"]
            if cell["cell_type"] == "code"]


def test_there_is_one_per_paper_and_one_for_the_reader():
    assert {path.stem for path in NOTEBOOKS} >= {
        "alt2020", "alt2021", "haber2017", "he2019", "ruthotto2018", "audit_a_network",
        "check_your_own_scheme", "spectra_and_regions", "train_a_network"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reads_well_without_running(path):
    cells = code_cells(path)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert [output for output in outputs if output["output_type"] in ("error", "stream")] == []
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_formulas_of_a_notebook_read_offline(path):
    """They are plain text: what sets TeX in a page is fetched from elsewhere."""
    texts = ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]
             if cell["cell_type"] == "markdown"]
    assert texts and not any("$" in text or "\\(" in text for text in texts)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_and_looks(path):
    if path.stem in DEFINES:
        return
    for cell in code_cells(path):
        source = "".join(line for line in cell["source"] if not line.startswith("%"))
        defined = [node for node in ast.walk(ast.parse(source))
                   if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))]
        assert defined == []


# -- what a notebook shows -------------------------------------------------------------------------
def drawn(tau="1/4", length=3):
    figure = Figure(figsize=(1, 1))
    figure.text(0, 0, f"{tau} {length}")
    return figure


class Places:
    """The places of a page, in the order in which something is displayed there."""

    def __init__(self, monkeypatch):
        pytest.importorskip("IPython")
        self.made = []
        monkeypatch.setattr("IPython.display.display", self.show)

    def show(self, first, display_id=None):
        self.made.append(Shown(first))
        return self.made[-1]


@pytest.mark.slow
def test_sliders_show_a_picture_where_they_cannot_move(monkeypatch):
    places = Places(monkeypatch)
    shown = sliders(drawn, tau=("1/4", "1/2", "3/4"), length=range(3, 8))
    assert repr(shown) == "drawn(tau = 1/2, length = 5)"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shown._ipython_display_()
    picture, = places.made
    assert picture.states == [png(drawn("1/2", 5))]
    with pytest.raises(InvalidArgument, match="tau"):
        sliders(drawn, tau=())


def test_a_moved_slider_draws_anew(monkeypatch):
    """In the place of the picture, which an exported page keeps; the sliders are beside it."""
    pytest.importorskip("ipywidgets")
    places = Places(monkeypatch)
    shown = sliders(drawn, tau=("1/4", "1/2", "3/4"), length=range(3, 8))
    shown._ipython_display_()
    picture, controls = places.made
    tau, length = controls.states[0].children
    tau.value = "3/4"
    assert picture.states == [png(drawn("1/2", 5)), png(drawn("3/4", 5))]
    assert list(length.options) == [(str(n), n) for n in range(3, 8)]


class Shown:
    """What a notebook would show in the place of a display."""

    def __init__(self, first):
        self.states = [getattr(first, "data", first)]

    def update(self, new):
        self.states.append(new.data)


def test_a_bar_in_a_notebook_counts_and_goes(monkeypatch):
    pytest.importorskip("IPython")
    places = []
    monkeypatch.setattr(progress, "in_a_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display",
                        lambda first, display_id: places.append(Shown(first)) or places[-1])
    with progress.progress(2) as advance:
        advance("first")
        advance("<second>")
    states, = (place.states for place in places)
    assert 'value="0"' in states[0] and "1/2" in states[1] and "&lt;second&gt;" in states[2]
    assert states[-1] == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.slow
def test_a_bar_is_drawn_on_a_terminal_only():
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        with progress.progress(1, stream) as advance:
            advance("done")
    assert pipe.getvalue() == "" and "done" in terminal.getvalue()


def test_verify_shows_a_bar_unless_told_whom_to_tell(monkeypatch):
    seen, told = [], []

    @contextmanager
    def bar(total):
        seen.append(total)
        yield seen.append

    monkeypatch.setattr(sys.modules["stabkit.claims.verify"], "progress", bar)
    chosen = [registry(["alt2021"])["alt2021.fsi_formula"]]
    verify(chosen, budget=1.0)
    verify(chosen, budget=1.0, on_verdict=told.append)
    assert seen == [1, "alt2021.fsi_formula"] and len(told) == 1


#: One kernel runs them all, and is to each as new: in the folder, and with no name defined.
AS_NEW = f"import os\nos.chdir({str(FOLDER)!r})\n%reset -f"


@pytest.fixture(scope="module")
def kernel():
    client = pytest.importorskip("jupyter_client")
    pytest.importorskip("ipykernel")
    manager = client.AsyncKernelManager(kernel_name="python3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(FOLDER.parent))
        yield manager
    if manager.has_kernel:
        asyncio.run(manager.shutdown_kernel(now=True))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_start_to_end(path, kernel):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    for package in NEEDS.get(path.stem, ()):
        pytest.importorskip(package)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(AS_NEW))
    nbclient.NotebookClient(notebook, km=kernel, timeout=300).execute()

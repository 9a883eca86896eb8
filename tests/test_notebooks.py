"""The notebooks: committed with their outputs, and executed from start to end."""

import ast
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
#: Where a claim and a flux of the reader's own are the point.
DEFINES = {"check_your_own_scheme"}


def code_cells(path):
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"]
            if cell["cell_type"] == "code"]


def test_there_is_one_per_paper_and_one_for_the_reader():
    assert {path.stem for path in NOTEBOOKS} >= {
        "alt2020", "alt2021", "haber2017", "he2019", "ruthotto2018", "check_your_own_scheme"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reads_well_without_running(path):
    cells = code_cells(path)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert [output for output in outputs if output["output_type"] in ("error", "stream")] == []
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_and_looks(path):
    if path.stem in DEFINES:
        return
    for cell in code_cells(path):
        source = "".join(line for line in cell["source"] if not line.startswith("%"))
        defined = [node for node in ast.walk(ast.parse(source))
                   if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))]
        assert defined == []


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_start_to_end(path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()

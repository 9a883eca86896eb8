"""Execute notebooks and keep what reads well without running.

    python notebooks/execute.py                  all of them
    python notebooks/execute.py alt2021          one

Needs ``pip install '.[notebooks]'``.  Live sliders and bars are left out of the outputs: the
picture beside them stays.  Edit the cells by hand (or in Jupyter), then run this.
"""

import sys
import time
from pathlib import Path

import nbclient
import nbformat

FOLDER = Path(__file__).parent
LIVE = "application/vnd.jupyter.widget-view+json"


def kept(output):
    """An output that stays; None for one that lives only while the notebook runs."""
    data = output.get("data")
    if data is None:
        return output
    if LIVE in data or data.get("text/html") == "" or (
            output.get("output_type") == "display_data" and not data):
        return None
    output.pop("transient", None)
    return output


def execute(path):
    """Run a notebook from start to end and write it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3",
                            resources={"metadata": {"path": FOLDER}}).execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(kept, cell.outputs) if output is not None]
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"],
                         "language_info": {"name": "python"}}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    chosen = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name in chosen:
        start = time.perf_counter()
        execute(FOLDER / f"{Path(name).stem}.ipynb")
        sys.stderr.write(f"{name}: {time.perf_counter() - start:.1f} s\n")

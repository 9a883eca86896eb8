"""The page of an audit says what the text says, needs no other file, and trusts no name."""

import html
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner

from stabkit import InvalidArgument, audit
from stabkit.audit.npz_file import from_arrays
from stabkit.cli import cli
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Product, Scaling
from stabkit.report.audit import signal_texts
from stabkit.report.audit_page import audit_page, scale_of

W = np.array([[1, -0.5, 0], [0, 1, -0.5], [0.25, 0, 1]])
BLOCK = {"W1": W, "W2": W.T, "flux": np.array("relu"), "step": np.array(0.5)}


class Tags(HTMLParser):
    """Every tag that is opened is closed, and what it refers to."""

    EMPTY = ("meta", "br", "img", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.links = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def found():
    return audit(from_arrays(BLOCK, "<script>alert(1)</script>.npz"), budget=3)


@pytest.mark.slow
def test_the_page_stands_alone_and_trusts_no_name(found):
    text = audit_page(found)
    tags = Tags(text)
    assert "script" not in tags.seen and not tags.links and "&lt;script&gt;" in text
    assert "reverse the sign of the second matrix" in text
    assert all(item.name in text for item in found.judgements)


@pytest.mark.slow
def test_an_endless_constant_is_said_to_be_endless():
    """u ↦ u² has no constant: the page and the text name the product."""
    graph = Graph([Node("square", "Mul", Product(), (-1, -1), (2,))], (2,), "square")
    found = audit(graph, budget=2)
    assert found.upper is None and "'square' (Mul) multiplies two signals" in found.unbounded
    assert "no upper bound is certified" in audit_page(found)


def test_places_on_the_line_keep_their_order():
    scale = scale_of(0.5, 2000.0)
    assert 8 <= scale.low < scale.one < scale.high <= 512
    assert scale_of(None, None) is None and scale_of(3.0, None).high is None


def test_two_inputs_that_look_the_same_are_told_by_their_difference():
    u = np.array([131148.0, -3.0])
    texts = signal_texts((u, u + np.array([2.0**-20, 0])))
    assert [name for name, _ in texts] == ["u", "w - u"] and texts[1][1] == "1/1048576, 0"
    assert [name for name, _ in signal_texts((u, u + 1))] == ["u", "w"]


@pytest.mark.slow
def test_the_command_writes_the_page(tmp_path):
    np.savez(tmp_path / "block.npz", **BLOCK)
    page = tmp_path / "block.html"
    said = CliRunner().invoke(cli, ["audit", str(tmp_path / "block.npz"), "--budget", "2",
                                    "--page", str(page)], standalone_mode=False)
    assert said.return_value == 1 and "block.npz" in page.read_text("utf-8")
    nowhere = CliRunner().invoke(cli, ["audit", str(tmp_path / "block.npz"), "--page",
                                       str(tmp_path / "no" / "where.html")])
    assert isinstance(nowhere.exception, InvalidArgument)


def test_a_step_has_no_page(tmp_path):
    step = tmp_path / "heat.py"
    step.write_text("def step(u):\n    return u\n")
    said = CliRunner().invoke(cli, ["audit", f"{step}:step", "--shape", "3", "--page",
                                    str(tmp_path / "a.html")])
    assert isinstance(said.exception, InvalidArgument) and "networks" in str(said.exception)


@pytest.mark.slow
def test_a_constant_beyond_all_floats():
    """330 layers diag(10, 10): refuted, with what cannot be shown of it in words, and no error."""
    graph = Graph([Node(f"n{k}", "Mul", Scaling(np.array([10.0, 10.0])), (k - 1,), (2,))
                   for k in range(330)], (2,), "deep")
    found = audit(graph, budget=60)
    assert str(found.status) == "refuted" and "too large" in audit_page(found)


@pytest.mark.slow
def test_the_command_on_the_page_asks_the_same(tmp_path, monkeypatch):
    """With the notion, the constant and the rounding of this audit; what it writes is left out."""
    np.savez(tmp_path / "a net.npz", **BLOCK)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["audit", "a net.npz", "--notion", "euclidean", "--notion",
                                      "contraction", "--rounding", "exact", "--budget", "3",
                                      "--page", "page.html", "--json", "v.json"])
    assert result.exit_code in (0, 1, 3), result.output
    assert html.unescape((tmp_path / "page.html").read_text("utf-8")).count(
        "stabkit audit 'a net.npz' --notion euclidean --notion contraction --rounding exact "
        "--budget 3.0 --json audit.json") == 1


def test_a_page_that_cannot_be_written_is_named_with_its_option(tmp_path):
    np.savez(tmp_path / "net.npz", **BLOCK)
    result = CliRunner().invoke(cli, ["audit", str(tmp_path / "net.npz"), "--page", "/no/x.html"])
    assert "--page: cannot write /no/x.html" in str(result.exception or result.output)

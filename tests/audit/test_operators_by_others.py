"""Operators that the standard of ONNX writes by others are read as those."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx import helper  # noqa: E402
from test_onnx_operators import RNG, agrees, ints, single, weights  # noqa: E402

from stabkit import InvalidArgument  # noqa: E402
from stabkit.audit.onnx_file import read_bytes  # noqa: E402
from stabkit.audit.reading import order  # noqa: E402
from stabkit.networks import graph as networks  # noqa: E402

KEYS, VALUES = weights(1, 2, 5, 4), weights(1, 2, 5, 3)
COSINES, SINES = weights(6, 2), weights(6, 2)
PLACES = np.array([[2, 0, 5]])
CASES = {
    "attention to fixed keys": single("Attention", (2, 3, 4), {"k": KEYS, "v": VALUES}, opset=23),
    "attention that looks back": single("Attention", (2, 3, 4), {"k": KEYS, "v": VALUES}, opset=23,
                                        is_causal=1, scale=0.7),
    "attention with a bend of scores": single("Attention", (3, 8), {
        "k": weights(1, 5, 8), "v": weights(1, 5, 8), "m": weights(3, 5)}, opset=23, softcap=1.5,
        q_num_heads=2, kv_num_heads=2),
    "rotary embedding": single("RotaryEmbedding", (2, 3, 4), {
        "c": COSINES, "s": SINES, "p": PLACES}, opset=23),
    "rotary embedding of neighbours": single("RotaryEmbedding", (2, 3, 4), {
        "c": COSINES, "s": SINES, "p": PLACES}, opset=23, interleaved=1),
    "cross entropy": single("SoftmaxCrossEntropyLoss", (4,), {"t": ints(2)}),
    "cross entropy with weights": single("SoftmaxCrossEntropyLoss", (3, 2), {
        "t": np.array([[2, 1]]), "w": weights(3)}, reduction="sum"),
    "negative log-likelihood": single("NegativeLogLikelihoodLoss", (3, 4), {
        "t": np.array([[2, 0, 1, 1]])}, reduction="none"),
    "gelu of an old set": single("Gelu", (4,), opset=20, approximate="tanh"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_an_operator_that_is_written_by_others(name):
    """As ONNX's own reference computes it, whose code is another."""
    agrees(CASES[name])


@pytest.mark.slow
def test_attention_by_hand():
    """softmax(Q Kᵀ / √d) V of every head, summed entry by entry."""
    graph = read_bytes(CASES["attention to fixed keys"].SerializeToString(), "m.onnx")
    q = RNG.standard_normal((1, 2, 3, 4))
    wanted = np.zeros((1, 2, 3, 3))
    for head in range(2):
        for row in range(3):
            scores = [sum(q[0, head, row, k] * float(KEYS[0, head, j, k]) for k in range(4)) / 2
                      for j in range(5)]
            shares = np.exp(scores) / np.exp(scores).sum()
            wanted[0, head, row] = sum(shares[j] * VALUES[0, head, j] for j in range(5))
    assert np.abs(networks.evaluate(graph, q).reshape(wanted.shape) - wanted).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("planted", [
    {"is_causal": 1}, {"scale": 0.45}, {"softcap": 4.0}], ids=lambda given: next(iter(given)))
def test_an_attribute_that_is_planted_shows(planted):
    """Attention with one more attribute is another function, and is read as that one."""
    graph, other = (read_bytes(single("Attention", (2, 3, 4), {"k": KEYS, "v": VALUES}, opset=23,
                                      **given).SerializeToString(), "m") for given in ({}, planted))
    q = np.random.default_rng(6).standard_normal((1, 2, 3, 4))
    assert np.abs(networks.evaluate(graph, q) - networks.evaluate(other, q)).max() > 1e-4


@pytest.mark.slow
def test_too_many_nodes_when_written_out(monkeypatch):
    """One operator may stand for dozens."""
    monkeypatch.setattr(order, "MOST_NODES", 10)
    with pytest.raises(InvalidArgument, match="more than 10 nodes when its operators are written"):
        read_bytes(CASES["cross entropy"].SerializeToString(), "m.onnx")


@pytest.mark.slow
def test_an_operator_of_another_domain_stays_unknown():
    """The name of a standard operator in another domain says nothing of what it does."""
    proto = single("Attention", (2, 3, 4), {"k": KEYS, "v": VALUES}, opset=23)
    proto.graph.node[0].domain = "com.example"
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(InvalidArgument, match="Attention"):
        read_bytes(proto.SerializeToString(), "m.onnx")

"""Fluxes that a file writes with squares, roots, exponentials and quotients."""

from fractions import Fraction

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from test_onnx_operators import agrees, model  # noqa: E402

from stabkit import InvalidArgument  # noqa: E402
from stabkit.audit.onnx_file import read_model  # noqa: E402


def numbers(**values):
    return {name: np.float32(value).reshape(()) for name, value in values.items()}


SQUARE = [("Mul", ["x", "x"], ["q"], {})]
AFFINE = [*SQUARE, ("Mul", ["q", "b"], ["bq"], {}), ("Add", ["bq", "a"], ["e"], {})]
CASES = {
    "x/√(4 + x²/4), 2 of contrast 4 over 4": ("charbonnier", 4, model(
        [*AFFINE, ("Sqrt", ["e"], ["r"], {}), ("Div", ["x", "r"], ["y"], {})], (5,),
        numbers(a=4, b=0.25))),
    "x · 1/√(1 + x²)": ("charbonnier", 1, model(
        [*AFFINE, ("Sqrt", ["e"], ["r"], {}), ("Reciprocal", ["r"], ["i"], {}),
         ("Mul", ["i", "x"], ["y"], {})], (5,), numbers(a=1, b=1))),
    "−x/(1 + 4x²), the square by Pow": ("rational", Fraction(1, 2), model(
        [("Pow", ["x", "two"], ["q"], {}), *AFFINE[1:], ("Neg", ["x"], ["n"], {}),
         ("Div", ["n", "e"], ["y"], {})], (5,), numbers(two=2, a=1, b=4))),
    "x · (1/(1 + x²)) with a 1 divided": ("rational", 1, model(
        [*AFFINE, ("Div", ["one", "e"], ["i"], {}), ("Mul", ["x", "i"], ["y"], {})], (5,),
        numbers(a=1, b=1, one=1))),
    "x exp(−x · x/8)": ("perona_malik", 2, model(
        [("Neg", ["x"], ["n"], {}), ("Mul", ["n", "x"], ["q"], {}), ("Div", ["q", "d"], ["e"], {}),
         ("Exp", ["e"], ["g"], {}), ("Mul", ["x", "g"], ["y"], {})], (5,), numbers(d=8))),
    "x/max(4, x²)": ("garrote", 2, model(
        [*SQUARE, ("Max", ["q", "four"], ["m"], {}), ("Div", ["x", "m"], ["y"], {})], (5,),
        numbers(four=4))),
}


@pytest.mark.parametrize("case", CASES)
def test_a_diffusivity_in_pieces_is_read_as_its_flux(case):
    """By ONNX's own reference, and by the name and contrast of the one activation there is."""
    name, contrast, proto = CASES[case]
    graph = agrees(proto)
    flux, = (node.layer.flux for node in graph.nodes if hasattr(node.layer, "flux"))
    assert flux.name == name and Fraction(*flux.parameters.values()) == contrast


TWO = [("Mul", ["x", "w"], ["other"], {})]
FAULTS = {
    "a root that may be of a negative number": (numbers(a=1, b=-1), "Sqrt", "x", "r"),
    "a root that vanishes at 0": (numbers(a=0, b=1), "Sqrt", "x", "r"),
    "another signal than the one in the root": (
        numbers(a=1, b=1) | {"w": np.arange(1, 6, dtype=np.float32)}, "Sqrt", "other", "r"),
    "a contrast that is no fraction": (numbers(a=1, b=2), "Sqrt", "x", "r"),
    "an exponential that grows": (numbers(a=0, b=0.5), "Exp", "x", "r"),
    "a signal times a root": (numbers(a=1, b=1), "Sqrt", "x", None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_a_flux_is_refused(fault):
    """A sign, a zero, a wrong operand: none of them passes as the flux it is near to."""
    constants, kind, factor, divisor = FAULTS[fault]
    join = "Div" if divisor and kind == "Sqrt" else "Mul"
    nodes = [*AFFINE, *(TWO if "w" in constants else []), (kind, ["e"], ["r"], {}),
             (join, [factor, "r"], ["y"], {})]
    with pytest.raises(InvalidArgument, match="not supported: a signal times a function"):
        read_model(model(nodes, (5,), constants), "net.onnx")


@pytest.mark.parametrize("kind, words", [("Sqrt", "the root of"), ("Exp", "the exponential of"),
                                         ("Reciprocal", "a division by")])
def test_functions_of_anything_else_are_named(kind, words):
    """√x, eˣ and 1/x of a signal itself; and cubes."""
    with pytest.raises(InvalidArgument, match=f"{words} a signal that is not"):
        read_model(model([(kind, ["x"], ["y"], {})], (5,)), "net.onnx")
    with pytest.raises(InvalidArgument, match="a power other than the square"):
        read_model(model([("Pow", ["x", "k"], ["y"], {})], (5,), numbers(k=3)), "net.onnx")
    with pytest.raises(InvalidArgument, match="a number other than 1 divided"):
        read_model(model([*AFFINE, ("Div", ["k", "e"], ["y"], {})], (5,),
                         numbers(a=1, b=1, k=3)), "net.onnx")

"""Classes of arguments that are told by what they have to do with other arguments."""

from __future__ import annotations

from dataclasses import dataclass

from stabkit.arithmetic.rational import fraction
from stabkit.classes import Class, Member, Symbol
from stabkit.proof.symbols import Symbols


@dataclass(frozen=True)
class AnyProductBound(Class):
    """Any number > 0 that is at least the square of the norm of a product of operators.

    The body of the claim has to see that a listed number is.

    Parameters
    ----------
    product : str
        Such as ``"H@K.T"``, of the letters of arguments that come before.
    space : str
        What the product is applied to.
    """

    product: str
    space: str

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        made = symbols.parameter(name)
        image = f"{self.product}@x"
        symbols.note("forms", symbols.free("product"), {
            "of": "x", "in": self.space, "holds": f"{name}*x.T@x - ({image}).T@({image}) >= 0"})
        return made

    def admits(self, value: Member) -> bool:
        return fraction(value, "value") > 0

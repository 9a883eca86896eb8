"""Proofs are found for all members of classes, and exact witnesses where there are none.

==================  ==============================================================================
question            what is asked, as statements that a scheme or step writes on symbols
prove               the search: multipliers first, then witnesses
sharp_step          the largest step with a proof
concrete            exact evidence against a statement
witnesses           members of the classes at which the goal is negative
guide               where the worst case says that they are
instance            the statement with numbers for parameters and operators
descent             its goal is made negative, in floating point
piecewise_linear    the flux through the points that were visited
growth              a linear member whose powers grow
result              what is handed over
==================  ==============================================================================
"""

from stabkit.prover.prove import prove
from stabkit.prover.question import bounded
from stabkit.prover.result import Proof

__all__ = ["Proof", "bounded", "prove"]

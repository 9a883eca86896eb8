"""Proofs are found for all members of classes, and exact witnesses where there are none.

==================  ==============================================================================
question            what is asked, as statements that a scheme or step writes on symbols
prove               the search: multipliers first, then witnesses
sharp_step          the largest step with a proof
witnesses           points on an unknown flux at which the goal is negative
piecewise_linear    the flux through such points
concrete            exact evidence against a statement
result              what is handed over
==================  ==============================================================================
"""

from stabkit.prover.prove import prove
from stabkit.prover.question import bounded
from stabkit.prover.result import Proof

__all__ = ["Proof", "bounded", "prove"]

"""Proofs are found: a search by semidefinite programming, whose results the kernel checks.

==================  ==============================================================================
question            what is asked, as statements that a scheme or step writes on symbols
scaling             steps and Lipschitz constants are put to 1, and come back as powers
hypotheses          the kernel's rules at all places of a statement
program             the semidefinite program, in floating point
rounding            multipliers as fractions that add up exactly
search              a proof of one step
induction           a proof of any number of steps that keep the goal
lyapunov            an unknown form of the state that does not grow
worst_case          how far the multipliers reach: the dual problem
witnesses           points on an unknown flux at which the goal is negative
piecewise_linear    the flux through such points
concrete            exact evidence against a statement
sharp_step          the largest step with a proof
result              what is handed over
==================  ==============================================================================
"""

from stabkit.prover.prove import prove
from stabkit.prover.question import bounded
from stabkit.prover.result import Proof

__all__ = ["Proof", "bounded", "prove"]

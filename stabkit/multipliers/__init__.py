"""Proofs are found: a search by semidefinite programming, whose results the kernel checks.

==================  ==============================================================================
scaling             steps and Lipschitz constants are put to 1, and come back as powers
hypotheses          the kernel's rules at all places of a statement
program             the semidefinite program, in floating point
rounding            multipliers as fractions that add up exactly
search              a proof of one step
induction           a proof of any number of steps that keep the goal
lyapunov            an unknown form of the state that does not grow
worst_case          how far the multipliers reach: the dual problem
==================  ==============================================================================
"""

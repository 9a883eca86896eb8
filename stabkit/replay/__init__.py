"""The independent checker: re-checks the evidence in verdict files, step by step and exactly.

It shares no code with the search for evidence: it needs the standard library, python-flint, and
the exceptions of stabkit.  To be read in this order:

==============  ==============================================================================
reals           fractions and intervals: arithmetic and comparisons that are certain or open
elementary      exp, sqrt, sin, ... as intervals, from Arb balls
algebra         vectors, matrices, elimination, definiteness, total positivity
polynomials     roots and signs by Sturm chains
functions       the functions that evidence may use
language        the notation: what may be written
calculator      what it means
calculation     given, let, shows: one piece of evidence, with growing precision
checker         verdict files: form, seals, findings
==============  ==============================================================================
"""

from stabkit.replay.checker import Finding, check, replay, seal

__all__ = ["Finding", "check", "replay", "seal"]

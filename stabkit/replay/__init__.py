"""The independent checker: re-checks the evidence in verdict files, step by step and exactly.

It shares no code with the search for evidence: it needs the standard library, python-flint, and
the exceptions of stabkit.  To be read in this order:

==============  ==============================================================================
work            how many steps a calculation may take; which one is in progress
precision       the precision of Arb, lent to one thread at a time
reals           fractions and intervals: arithmetic and comparisons that are certain or open
elementary      exp, sqrt, sin, ... as intervals, from Arb balls
algebra         vectors, matrices, elimination, definiteness, total positivity
polynomials     roots and signs by Sturm chains
functions       the functions that evidence may use
language        the notation: what may be written
calculator      what it means
settled         conditions that were confirmed before
calculation     given, let, shows: one piece of evidence, with growing precision
seals           on each piece of evidence, each verdict, the whole file
unpacking       verdict files that say once what they need often
reading         verdict files: JSON and its form
consistency     what a verdict must not say beside its own evidence
checker         findings about a verdict file, or one piece of evidence
==============  ==============================================================================
"""

from stabkit.replay.checker import Finding, check, replay
from stabkit.replay.reading import read
from stabkit.replay.seals import seal, seal_of, sealed

__all__ = ["Finding", "check", "read", "replay", "seal", "seal_of", "sealed"]

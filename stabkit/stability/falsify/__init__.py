"""The falsifier: it looks for a violation, and believes only exact arithmetic."""

from stabkit.stability.falsify.exactness import confirm, exact_margin, is_violated, shrink
from stabkit.stability.falsify.implicit_equations import two_solutions
from stabkit.stability.falsify.inputs import structured
from stabkit.stability.falsify.search import Search, search

__all__ = ["Search", "confirm", "exact_margin", "is_violated", "search", "shrink", "structured",
           "two_solutions"]

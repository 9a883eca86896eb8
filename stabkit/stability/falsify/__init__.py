"""The falsifier: it looks for a violation, and believes only exact arithmetic."""

from stabkit.stability.falsify.exactness import confirm, exact_margin, is_violated, shrink
from stabkit.stability.falsify.inputs import structured
from stabkit.stability.falsify.search import Search, search, two_solutions

__all__ = ["Search", "confirm", "exact_margin", "is_violated", "search", "shrink", "structured",
           "two_solutions"]

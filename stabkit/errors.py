"""The exceptions of stabkit; every one derives from :class:`StabkitError`."""


class StabkitError(Exception):
    """Root of all errors that stabkit raises on purpose."""


class InvalidArgument(StabkitError, ValueError):
    """An argument cannot be used; the message names it, its value, and what to do."""


class HypothesisNotMet(StabkitError):
    """The arguments are valid, but the mathematical hypothesis of a statement fails for them."""


class Undecided(StabkitError, ArithmeticError):
    """A comparison of overlapping enclosures: more precision or a smaller domain is needed."""


class InvalidEvidence(StabkitError):
    """A file is not a readable verdict file, or its evidence is not of the known form."""

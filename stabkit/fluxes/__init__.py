"""Fluxes: one nonlinearity with four faces each; the dictionary of the papers."""

from stabkit.fluxes.dictionary import (
    DICTIONARY,
    UNIT,
    charbonnier,
    cubic,
    decay,
    firm,
    garrote,
    hard,
    identity,
    leaky_relu,
    perona_malik,
    positive_part,
    rational,
    relu,
    scaled_identity,
    soft,
    tanh,
    tukey,
    weickert,
)

__all__ = [
    "DICTIONARY",
    "UNIT",
    "charbonnier",
    "cubic",
    "decay",
    "firm",
    "garrote",
    "hard",
    "identity",
    "leaky_relu",
    "perona_malik",
    "positive_part",
    "rational",
    "relu",
    "scaled_identity",
    "soft",
    "tanh",
    "tukey",
    "weickert",
]


def __dir__() -> list[str]:
    """The fluxes; not the modules that they come from."""
    return [*__all__, *(name for name in globals() if name.startswith("__"))]

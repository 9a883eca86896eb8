"""Pictures with sliders in a notebook; without ipywidgets, the picture alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from stabkit.aliases import Fields, Record
from stabkit.errors import InvalidArgument
from stabkit.report.figures.style import png


@dataclass(frozen=True)
class Sliders:
    """A picture that is drawn anew when a slider is moved.

    Attributes
    ----------
    draw : callable
        Takes the values of the sliders as keywords, returns a figure.
    choices : mapping of str to sequence
        Per argument the values that its slider runs through.
    start : mapping of str to value
        Where the sliders begin.
    """

    draw: Callable[..., Figure]
    choices: Mapping[str, Sequence[Any]]
    start: Fields

    def figure(self, **values: Any) -> Figure:
        """The picture at the start, or at other values."""
        return self.draw(**{**self.start, **values})

    def _repr_mimebundle_(self, **_: Any) -> Record:
        """The picture, and live sliders beside it where ipywidgets is installed."""
        still = {"image/png": png(self.figure()), "text/plain": repr(self)}
        live = importlib.util.find_spec("ipywidgets") is not None
        return self._widget()._repr_mimebundle_() | still if live else still

    def __repr__(self) -> str:
        moved = ", ".join(f"{name} = {self.start[name]}" for name in self.choices)
        return f"{getattr(self.draw, '__name__', 'picture')}({moved})"

    def _widget(self) -> Any:
        import ipywidgets

        controls = {name: ipywidgets.SelectionSlider(
            options=[(str(value), value) for value in values], value=self.start[name],
            description=name, continuous_update=False)
            for name, values in self.choices.items()}
        # An image, for figures outside of pyplot are not shown by an output area.
        image = ipywidgets.Image(value=png(self.figure()), format="png")

        def redraw(_: Any) -> None:
            values = {name: control.value for name, control in controls.items()}
            image.value = png(self.figure(**values))

        for control in controls.values():
            control.observe(redraw, "value")
        return ipywidgets.VBox([*controls.values(), image])


def sliders(draw: Callable[..., Figure], **choices: Sequence[Any]) -> Sliders:
    """Show a picture with one slider per argument.

    Parameters
    ----------
    draw : callable
        Such as a function of :mod:`stabkit.report.figures`.
    **choices : sequence
        Per argument the values to choose from; the slider begins in their middle.

    Examples
    --------
    >>> from stabkit.report import figures
    >>> sliders(figures.notions_of_a_step, tau=("1/4", "1/2", "3/4"), length=range(3, 8))
    notions_of_a_step(tau = 1/2, length = 5)
    """
    for name, values in choices.items():
        if not len(values):
            raise InvalidArgument(f"{name}: the slider has no values to choose from")
    return Sliders(draw, choices, {name: values[len(values) // 2]
                                   for name, values in choices.items()})

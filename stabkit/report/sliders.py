"""Pictures with sliders in a notebook; without ipywidgets, the picture alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from stabkit.aliases import Fields
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

    def _ipython_display_(self) -> None:
        """Show the picture, which stays in an exported page, and live sliders beside it where
        ipywidgets is installed."""
        from IPython import display

        picture = display.display(display.Image(png(self.figure()), format="png"), display_id=True)
        if importlib.util.find_spec("ipywidgets") is not None:
            display.display(self._controls(picture))

    def __repr__(self) -> str:
        moved = ", ".join(f"{name} = {self.start[name]}" for name in self.choices)
        return f"{getattr(self.draw, '__name__', 'picture')}({moved})"

    def _controls(self, picture: Any) -> Any:
        """The sliders, which draw anew into the place of a picture."""
        import ipywidgets
        from IPython.display import Image

        controls = {name: ipywidgets.SelectionSlider(
            options=[(str(value), value) for value in values], value=self.start[name],
            description=name, continuous_update=False)
            for name, values in self.choices.items()}

        def redraw(_: object) -> None:
            values = {name: control.value for name, control in controls.items()}
            picture.update(Image(png(self.figure(**values)), format="png"))

        for control in controls.values():
            control.observe(redraw, "value")
        return ipywidgets.VBox(list(controls.values()))


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

"""How large may the step be: the sets of steps that are proved, and those that are refuted."""

from stabkit.sharpness.bisection import bisected
from stabkit.sharpness.bound import StepBound
from stabkit.sharpness.question import step_bound
from stabkit.sharpness.senses import Senses, senses

__all__ = ["Senses", "StepBound", "bisected", "senses", "step_bound"]

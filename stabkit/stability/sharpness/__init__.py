"""How large may the step be: the sets of steps that are proved, and those that are refuted."""

from stabkit.stability.sharpness.bisection import bisect
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.question import step_bound
from stabkit.stability.sharpness.senses import Senses, senses

__all__ = ["Senses", "StepBound", "bisect", "senses", "step_bound"]

"""How large may the step be: the sets of steps that are proved, and those that are refuted."""

from stabkit.sharpness.bisection import bisected
from stabkit.sharpness.bound import StepBound
from stabkit.sharpness.question import step_bound

__all__ = ["StepBound", "bisected", "step_bound"]

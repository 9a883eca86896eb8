"""Audits of a user's own network or scheme."""

from stabkit.audit.calls import audit, make_stable
from stabkit.audit.result import Audit, BlockReport, Judgement

__all__ = ["Audit", "BlockReport", "Judgement", "audit", "make_stable"]

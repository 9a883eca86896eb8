"""Audit: what is stable about a scheme or network of one's own, and what to change."""

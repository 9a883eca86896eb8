"""Verdicts made visible: tables, explanations and verdict files.  Nothing is computed here."""

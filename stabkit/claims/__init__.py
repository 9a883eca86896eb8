"""The built-in claims: one room per paper, statements only."""

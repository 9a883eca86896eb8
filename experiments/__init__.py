"""What the papers say of training, tried in the small: ``python -m experiments``."""

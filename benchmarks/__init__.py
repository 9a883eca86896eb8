"""The speed of stabkit beside that of its peers: ``python -m benchmarks``."""

"""The name of the smoke test's model: its records are made like all others, and nobody is told of them."""

from typing import Final

SMOKE_MODEL: Final = "hindcast-smoke"
"""Reserved; `hindcast smoke` writes a prediction and a label of it on topics of their own."""

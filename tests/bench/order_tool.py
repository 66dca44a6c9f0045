"""The tool that the benchmark calls."""

import time

SECONDS = 0.1


def look_up(number: str) -> str:
    """Look up an order, for a known time."""
    time.sleep(SECONDS)
    return number

"""Functions that cannot be tools, each for its own reason."""

from collections.abc import Callable

NOTHING = 3


def untyped(number) -> str:
    """Look up."""
    return str(number)


def no_docstring(number: str) -> str:
    return number


def many(*numbers: str) -> str:
    """Look up."""
    return "".join(numbers)


def called_back(when: Callable[[], None]) -> str:
    """Look up."""
    when()
    return ""


def misspelled(number: "strr") -> str:  # noqa: F821 - that is the fault
    """Look up."""
    return number


def fine(number: str, *, customer: str) -> str:
    """Look up."""
    return number + customer

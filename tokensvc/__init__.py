"""Mints short-lived Gemini Live tokens for the visitors of a site."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokensvc.app import blueprint
    from tokensvc.authn.signed_in import person

__all__ = ["blueprint", "person"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """Import what sites use when it is first used: the command line and the emulator need none of it."""
    if name == "blueprint":
        from tokensvc.app import blueprint  # noqa: PLC0415 - as the docstring says

        return blueprint
    if name == "person":
        from tokensvc.authn.signed_in import person  # noqa: PLC0415 - likewise

        return person
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

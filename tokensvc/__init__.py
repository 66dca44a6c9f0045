"""Mints short-lived Gemini Live tokens for the visitors of a site."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokensvc.app import blueprint
    from tokensvc.authn.signed_in import person

__all__ = ["blueprint", "person"]
_MODULES = {"blueprint": "tokensvc.app", "person": "tokensvc.authn.signed_in"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """Import what sites use when it is first used: the command line and the emulator need none of it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)

"""The command line, with a module for each command."""

from __future__ import annotations

from tokensvc.cli.root import main

__all__ = ["main"]

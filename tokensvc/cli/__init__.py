"""The command line: one verb a file."""

from __future__ import annotations

from tokensvc.cli.root import main

__all__ = ["main"]

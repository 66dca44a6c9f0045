"""The command line, with a module for each command."""

from tokensvc.cli.root import main

__all__ = ["main"]

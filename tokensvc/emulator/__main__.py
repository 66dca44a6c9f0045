"""Runs the emulator as `python -m tokensvc.emulator`."""

from tokensvc.emulator.command import emulator

emulator()

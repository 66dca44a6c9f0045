"""Mutants: small changes of the source, each of which some test must notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CLONE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A change of the source that removes one rule.

    Attributes:
        file: The file to change, relative to the clone.
        old: The text to replace, which occurs exactly once.
        new: The text to replace it with.
    """

    file: str
    old: str
    new: str

    def apply(self, root: Path = CLONE) -> str:
        """Return the changed text of the file below *root*.

        Raises:
            ValueError: if the old text does not occur exactly once, or the result is not Python.
        """
        source = (root / self.file).read_text(encoding="utf-8")
        if (found := source.count(self.old)) != 1:
            raise ValueError(f"{self.file} has {found} occurrences, not one, of:\n{self.old}")
        changed = source.replace(self.old, self.new)
        if self.file.endswith(".py"):
            compile(changed, self.file, "exec")
        return changed


@dataclass(frozen=True)
class Case:
    """Mutants that are applied together, and what the tests must then do.

    Attributes:
        name: What the mutants remove.
        mutants: The mutants.
        tests: The pytest IDs of the tests to run, or files of tests for Node.
        outcome: `failed` or `passed`: what each of the tests must do.
    """

    name: str
    mutants: tuple[Mutant, ...]
    tests: tuple[str, ...]
    outcome: str = "failed"

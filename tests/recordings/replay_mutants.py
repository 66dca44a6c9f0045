"""Mutants of the emulator that the replays must notice."""

from __future__ import annotations

from mutants.mutant import Case, Mutant

REPLAY = "tests/recordings/test_replays.py::test_emulator_sends_what_was_recorded"


def case(name, file, old, new, *records):
    """Return a case of one mutant of the emulator, which the replays of *records* must notice."""
    mutant = Mutant(f"tokensvc/emulator/{file}", old, new)
    return Case(f"recordings: {name}", (mutant,), tuple(f"{REPLAY}[{one}]" for one in records))


CASES = [
    case(
        "no generationComplete",
        "session/turns.py",
        "await context.sender.send_content(generationComplete=True)",
        "pass",
        "spoken-turn",
        "tool-call",
    ),
    case(
        "turnComplete is not held back",
        "session/turns.py",
        "await context.clock.sleep_until(self._speaker.plays_until)",
        "pass",
        "interruption",
        "idle-drop-with-call",
        "speaking-drop",
    ),
    case(
        "no interrupted",
        "session/turns.py",
        "await context.sender.send_content(interrupted=True)",
        "pass",
        "interruption",
        "interruption-while-speaking",
        "blocking-call-interrupted",
    ),
    case(
        "results are ignored",
        "session/turns.py",
        "elif result.scheduling != SILENT:",
        "elif False:",
        "tool-call",
        "idle-drop-with-call",
        "speaking-drop",
    ),
    case(
        "a session may be resumed while it is open",
        "conversation/handles.py",
        "saved.lineage in self._open",
        "False",
        "lost-path",
    ),
    case(
        "a session stays open",
        "conversation/handles.py",
        "self._open.discard(saved.lineage)",
        "pass",
        "idle-drop",
        "idle-drop-with-call",
        "speaking-drop",
    ),
    case(
        "goAway says another time",
        "session/deadlines.py",
        'f"{max(left, 0):.3g}s"',
        '"10s"',
        "go-away",
    ),
    case(
        "handles come once on 3.1",
        "session/deadlines.py",
        "+ context.options.update_interval",
        "+ inf",
        "typed-turn-3.1",
    ),
]

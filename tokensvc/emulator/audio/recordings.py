"""Recordings: a connection's audio, kept on disk within a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokensvc.emulator.audio.pcm import SAMPLE_BYTES, wav

if TYPE_CHECKING:
    from pathlib import Path

# Bytes that are buffered before they are written, so that no file is kept open.
BUFFER = 64 * 1024


class DiskBudget:
    """The disk space, in bytes, that all recordings share."""

    def __init__(self, size: int) -> None:
        self._free = size

    def reserve(self, size: int) -> int:
        """Reserve up to *size* bytes; return how many were available."""
        reserved = min(size, self._free)
        self._free -= reserved
        return reserved

    def release(self, size: int) -> None:
        """Return *size* reserved bytes."""
        self._free += size


class Recording:
    """PCM audio, appended in order.

    Args:
        path: The file; it is created when the first buffer is full.
        rate: Sample rate in Hz.
        seconds: How much is kept; audio beyond that is counted and dropped.
        budget: Where the disk space is reserved; this limit may be reached first.

    Attributes:
        size: Bytes added, kept or not.
        kept: Bytes that can be read back.
    """

    def __init__(self, path: Path, rate: int, seconds: float, budget: DiskBudget) -> None:
        self._path = path
        self._rate = rate
        self._limit = int(seconds * rate) * SAMPLE_BYTES
        self._budget = budget
        self._buffer = bytearray()
        self.size = 0
        self.kept = 0

    @property
    def seconds(self) -> float:
        """Duration of all audio added, kept or not."""
        return self.size / SAMPLE_BYTES / self._rate

    def add(self, pcm: bytes) -> None:
        """Append *pcm*; once anything has been dropped, nothing more is kept."""
        complete = self.kept == self.size
        self.size += len(pcm)
        if not complete:
            return
        kept = self._budget.reserve(min(len(pcm), self._limit - self.kept))
        self.kept += kept
        self._buffer += pcm[:kept]
        if len(self._buffer) >= BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write the buffer to the file."""
        if self._buffer:
            with self._path.open("ab") as file:
                file.write(self._buffer)
            self._buffer.clear()

    def pcm(self, size: int | None = None) -> bytes:
        """Return the first *size* bytes, by default all that are kept."""
        written = self._path.read_bytes() if self._path.exists() else b""
        return (written + bytes(self._buffer))[:size]

    def wav(self) -> bytes:
        """Return all that is kept as a WAV file."""
        return wav(self.pcm(), self._rate)

    def discard(self) -> None:
        """Delete the file and release its disk space."""
        self._budget.release(self.kept)
        self.kept = 0
        self._buffer.clear()
        self._path.unlink(missing_ok=True)

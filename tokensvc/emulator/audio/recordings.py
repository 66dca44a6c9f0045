"""Recordings: what went over a connection as sound, on disk, up to a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokensvc.emulator.audio.pcm import SAMPLE_BYTES, wav

if TYPE_CHECKING:
    from pathlib import Path

# Written out by this much, so that no file stays open and memory stays flat.
BUFFER = 64 * 1024


class Spool:
    """The room on disk that recordings share, in bytes."""

    def __init__(self, room: int) -> None:
        self._room = room

    def take(self, size: int) -> int:
        """As much of *size* as there is room for."""
        taken = min(size, self._room)
        self._room -= taken
        return taken

    def give_back(self, size: int) -> None:
        """Room that is free again."""
        self._room += size


class Recording:
    """PCM appended in order.

    Args:
        path: The file; it is made when the first buffer is full.
        rate: Samples a second.
        seconds: What is kept; sound after that is counted and dropped.
        spool: Where the room for it comes from; it may be out of it sooner.

    Attributes:
        size: Bytes that were added, kept or not.
        kept: Bytes that can be read back.
    """

    def __init__(self, path: Path, rate: int, seconds: float, spool: Spool) -> None:
        self._path = path
        self._rate = rate
        self._room = int(seconds * rate) * SAMPLE_BYTES
        self._spool = spool
        self._buffer = bytearray()
        self.size = 0
        self.kept = 0

    @property
    def seconds(self) -> float:
        """Length of all that was added, kept or not."""
        return self.size / SAMPLE_BYTES / self._rate

    def add(self, pcm: bytes) -> None:
        """Append *pcm*."""
        whole = self.kept == self.size
        self.size += len(pcm)
        if not whole:
            return
        taken = self._spool.take(min(len(pcm), self._room - self.kept))
        self.kept += taken
        self._buffer += pcm[:taken]
        if len(self._buffer) >= BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write out what is in memory."""
        if self._buffer:
            with self._path.open("ab") as file:
                file.write(self._buffer)
            self._buffer.clear()

    def pcm(self, size: int | None = None) -> bytes:
        """The first *size* bytes, or all that is kept."""
        written = self._path.read_bytes() if self._path.exists() else b""
        return (written + bytes(self._buffer))[:size]

    def wav(self) -> bytes:
        """All that is kept, as a WAV file."""
        return wav(self.pcm(), self._rate)

    def discard(self) -> None:
        """Delete the file."""
        self._spool.give_back(self.kept)
        self.kept = 0
        self._buffer.clear()
        self._path.unlink(missing_ok=True)

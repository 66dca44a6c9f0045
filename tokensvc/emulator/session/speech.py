"""Speaking: an answer's sound and transcript, sent ahead of its playing, in bursts."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.audio.pcm import OUT_RATE, SAMPLE_BYTES, Playback, Source, Voice, to_pcm
from tokensvc.emulator.conversation.context import audio_tokens
from tokensvc.emulator.session.context import Scene, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.emulator.responses.steps import Say

MIME_TYPE = f"audio/pcm;rate={OUT_RATE}"
BYTES_PER_SECOND = OUT_RATE * SAMPLE_BYTES
# The first piece is short, so that playing can begin; the rest are as Google's.
FIRST = BYTES_PER_SECOND * 40 // 1000
PIECE = BYTES_PER_SECOND * 200 // 1000
BURST = 4


class Speaker:
    """Says things on one connection and knows until when they play.

    Attributes:
        plays_until: When the client, playing in real time, will have played what was sent.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._span: Span | None = None
        self.plays_until = 0.0

    def begin(self, turn: int) -> None:
        """An answer to *turn* begins."""
        self._span = Span(turn, start=self._scene.said.size)
        self._scene.spans.append(self._span)

    async def say(self, step: Say) -> None:
        """Send *step* whole; cancelled, it has sent what `end` then puts on record."""
        scene, span = self._scene, self._span
        if span is None:
            raise RuntimeError("Speaker.say outside of an answer")
        source = self._source(step)
        span.planned += source.size * SAMPLE_BYTES
        began, sent_before = scene.clock.now(), span.sent
        for number, (piece, words) in enumerate(_pieces(source, step.text)):
            if number % BURST == 0:
                ahead = (span.sent - sent_before) / BYTES_PER_SECOND / scene.options.send_rate
                await scene.clock.sleep_until(began + ahead)
                scene.lateness.append(scene.clock.now() - began - ahead)
            await self._send(span, piece, words)

    def _source(self, step: Say) -> Source:
        if step.sound is None:
            return Voice(step.text, self._scene.plan.voice)
        return Playback(step.sound)

    def end(self, *, interrupted: bool) -> int:
        """The answer ends; its tokens. What was sent, and no more, enters the context."""
        span, self._span = self._span, None
        if span is None:
            return 0
        span.interrupted = interrupted
        tokens = audio_tokens(span.sent / BYTES_PER_SECOND)
        if span.text:
            self._scene.conversation.add("said", span.text, "AUDIO", tokens)
        if interrupted:
            self.plays_until = self._scene.clock.now()
        return tokens

    async def _send(self, span: Span, piece: bytes, words: str) -> None:
        scene = self._scene
        span.sent += len(piece)
        span.text += words
        scene.said.add(piece)
        length = len(piece) / BYTES_PER_SECOND / scene.options.playback_rate
        self.plays_until = max(self.plays_until, scene.clock.now()) + length
        await scene.outlet.content(modelTurn={"role": "model", "parts": self._parts(piece)})
        if words and scene.plan.transcribe_output:
            await scene.outlet.content(outputTranscription={"text": words})

    def _parts(self, piece: bytes) -> list[dict[str, Any]]:
        several = self._scene.plan.model.several_parts and len(piece) == PIECE
        pieces = [piece[: PIECE // 2], piece[PIECE // 2 :]] if several else [piece]
        return [
            {"inlineData": {"mimeType": MIME_TYPE, "data": base64.b64encode(part).decode()}}
            for part in pieces
        ]


def _pieces(source: Source, text: str) -> Iterator[tuple[bytes, str]]:
    """The sound cut up, each piece with the words that are said by its end."""
    taken, told, count = 0, 0, FIRST // SAMPLE_BYTES
    while len(samples := source.take(count)):
        taken, count = taken + len(samples), PIECE // SAMPLE_BYTES
        last = taken == source.size
        reach = len(text) if last else text.rfind(" ", 0, len(text) * taken // source.size + 1) + 1
        yield to_pcm(samples), text[told : max(told, reach)]
        told = max(told, reach)

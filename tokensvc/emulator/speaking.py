"""Speaking: an answer's sound and transcript, sent ahead of its playing, in bursts."""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.conversation import audio_tokens
from tokensvc.emulator.scene import Scene, Span
from tokensvc.emulator.sound import IN_RATE, OUT_RATE, SAMPLE_BYTES, resample, to_pcm, voice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.emulator.steps import Say

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
        pcm = await _sound(step, scene.plan.voice)
        span.planned += len(pcm)
        began, sent_before = scene.clock.now(), span.sent
        for number, (piece, words) in enumerate(_pieces(pcm, step.text)):
            if number % BURST == 0:
                ahead = (span.sent - sent_before) / BYTES_PER_SECOND / scene.options.send_rate
                await scene.clock.sleep_until(began + ahead)
                scene.lateness.append(scene.clock.now() - began - ahead)
            await self._send(span, piece, words)

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


async def _sound(step: Say, name: str) -> bytes:
    if step.sound is None:
        make = partial(voice, step.text, name)
    else:
        make = partial(resample, step.sound, IN_RATE, OUT_RATE)
    return to_pcm(await asyncio.to_thread(make))


def _pieces(pcm: bytes, text: str) -> Iterator[tuple[bytes, str]]:
    """The sound cut up, each piece with the words that are said by its end."""
    ends = range(FIRST, len(pcm) + PIECE, PIECE)
    begun, told = 0, 0
    for end in ends:
        piece = pcm[begun:end]
        if not piece:
            return
        last = end >= len(pcm)
        reach = len(text) if last else text.rfind(" ", 0, len(text) * end // len(pcm) + 1) + 1
        yield piece, text[told : max(told, reach)]
        begun, told = end, max(told, reach)

"""Speech: an answer's audio and transcript, sent in bursts ahead of its playback."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.audio.pcm import (
    OUT_RATE,
    SAMPLE_BYTES,
    Playback,
    SampleSource,
    SyntheticVoice,
    to_pcm,
)
from tokensvc.emulator.conversation.context import audio_tokens
from tokensvc.emulator.session.context import AnswerRecord, SessionContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.emulator.responses.steps import Say

MIME_TYPE = f"audio/pcm;rate={OUT_RATE}"
BYTES_PER_SECOND = OUT_RATE * SAMPLE_BYTES
# The first chunk is short, so that playback can start early; the others are as long as Google's.
FIRST_CHUNK = BYTES_PER_SECOND * 40 // 1000
CHUNK = BYTES_PER_SECOND * 200 // 1000
BURST = 4  # chunks


class Speaker:
    """Speaks one session's answers and keeps track of their playback.

    Attributes:
        plays_until: When the client, playing in real time, will have played everything sent.
    """

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._answer: AnswerRecord | None = None
        self.plays_until = 0.0

    def begin(self, turn: int) -> None:
        """Begin the answer to *turn*."""
        self._answer = AnswerRecord(turn, start=self._context.said.size)
        self._context.answers.append(self._answer)

    async def say(self, step: Say) -> None:
        """Send *step*; if it is cancelled, `end` records what had been sent."""
        context, answer = self._context, self._answer
        if answer is None:
            raise RuntimeError("Speaker.say outside of an answer")
        source = self._source(step)
        answer.planned += source.size * SAMPLE_BYTES
        began, sent_before = context.clock.now(), answer.sent
        for number, (chunk, words) in enumerate(_chunks(source, step.text)):
            if number % BURST == 0:
                due = (answer.sent - sent_before) / BYTES_PER_SECOND / context.options.send_rate
                await context.clock.sleep_until(began + due)
                context.delays.append(context.clock.now() - began - due)
            await self._send(answer, chunk, words)

    def _source(self, step: Say) -> SampleSource:
        if step.samples is None:
            return SyntheticVoice(step.text, self._context.plan.voice)
        return Playback(step.samples)

    def end(self, *, interrupted: bool) -> int:
        """End the answer and return its token count; only what was sent is added to the context."""
        answer, self._answer = self._answer, None
        if answer is None:
            return 0
        answer.interrupted = interrupted
        tokens = audio_tokens(answer.sent / BYTES_PER_SECOND)
        if answer.text:
            self._context.conversation.add("said", answer.text, "AUDIO", tokens)
        if interrupted:
            self.plays_until = self._context.clock.now()
        return tokens

    async def _send(self, answer: AnswerRecord, chunk: bytes, words: str) -> None:
        context = self._context
        answer.sent += len(chunk)
        answer.text += words
        context.said.add(chunk)
        length = len(chunk) / BYTES_PER_SECOND / context.options.playback_rate
        self.plays_until = max(self.plays_until, context.clock.now()) + length
        await context.sender.send_content(modelTurn={"role": "model", "parts": self._parts(chunk)})
        if words and context.plan.transcribe_output:
            await context.sender.send_content(outputTranscription={"text": words})

    def _parts(self, chunk: bytes) -> list[dict[str, Any]]:
        several = self._context.plan.model.several_parts and len(chunk) == CHUNK
        pieces = [chunk[: CHUNK // 2], chunk[CHUNK // 2 :]] if several else [chunk]
        return [
            {"inlineData": {"mimeType": MIME_TYPE, "data": base64.b64encode(piece).decode()}}
            for piece in pieces
        ]


def _chunks(source: SampleSource, text: str) -> Iterator[tuple[bytes, str]]:
    """Divide the audio into chunks, each with the words that have been spoken by its end."""
    taken, spoken, count = 0, 0, FIRST_CHUNK // SAMPLE_BYTES
    while len(samples := source.read(count)):
        taken, count = taken + len(samples), CHUNK // SAMPLE_BYTES
        last = taken == source.size
        # At the last word boundary in the text's share of the audio.
        end = len(text) if last else text.rfind(" ", 0, len(text) * taken // source.size + 1) + 1
        yield to_pcm(samples), text[spoken : max(spoken, end)]
        spoken = max(spoken, end)

"""Speech: an answer's audio and transcript, sent in bursts ahead of its playback."""

from __future__ import annotations

import base64
from itertools import cycle
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
# Milliseconds of sound in a message. They repeat, so that two runs of a test see the same messages.
CHUNK_MS = (40, 280, 160, 680, 200, 360)
BURST = 4  # chunks
# Messages without content, by the chunk before which they are sent; they repeat as well.
EMPTY_MESSAGES: dict[int, dict[str, Any]] = {2: {}, 5: {"serverContent": {}}}
# The transcript is ahead of the sound by this many samples.
LEAD = OUT_RATE // 2
FEWEST_WORDS = 2  # in a piece of the transcript, except the last


class Speaker:
    """Speaks one session's answers and keeps track of their playback.

    Attributes:
        plays_until: When the client, playing in real time, will have played everything sent.
    """

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._answer: AnswerRecord | None = None
        self._tokens = 0  # of the last answer that ended
        self.plays_until = 0.0

    def begin(self, turn: int) -> None:
        """Begin the answer to *turn*."""
        self._tokens = 0
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
            if (empty := EMPTY_MESSAGES.get(number % len(CHUNK_MS))) is not None:
                await context.sender.send(**empty)
            await self._send(answer, chunk, words)

    def _source(self, step: Say) -> SampleSource:
        if step.samples is None:
            return SyntheticVoice(step.text, self._context.plan.voice)
        return Playback(step.samples)

    def end(self, *, interrupted: bool) -> int:
        """End the answer or its playback, and return what was made of it, in tokens.

        Only what was sent is added to the context.
        """
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.interrupted = interrupted
            self._tokens = audio_tokens(answer.sent / BYTES_PER_SECOND)
            if answer.text:
                self._context.conversation.add("said", answer.text, "AUDIO", self._tokens)
        if interrupted:
            self.plays_until = self._context.clock.now()
        return self._tokens

    async def _send(self, answer: AnswerRecord, chunk: bytes, words: str) -> None:
        context = self._context
        answer.sent += len(chunk)
        answer.text += words
        context.said.add(chunk)
        length = len(chunk) / BYTES_PER_SECOND / context.options.playback_rate
        self.plays_until = max(self.plays_until, context.clock.now()) + length
        content: dict[str, Any] = {"modelTurn": context.plan.model.model_turn(*self._parts(chunk))}
        if words and context.plan.transcribe_output:
            content["outputTranscription"] = {"text": words}
        await context.sender.send_content(**content)

    def _parts(self, chunk: bytes) -> list[dict[str, Any]]:
        context, pieces = self._context, [chunk]
        half = len(chunk) // SAMPLE_BYTES // 2 * SAMPLE_BYTES
        if context.options.parts == "several" and context.plan.model.several_parts and half:
            pieces = [chunk[:half], chunk[half:]]
        return [{"inlineData": {"mimeType": MIME_TYPE, "data": base64.b64encode(piece).decode()}} for piece in pieces]


def _chunks(source: SampleSource, text: str) -> Iterator[tuple[bytes, str]]:
    """Divide the audio into chunks, each with the piece of the transcript that is sent with it.

    Most chunks have none. A piece ends before a space or after it.
    """
    taken, sent = 0, 0
    for number, milliseconds in enumerate(cycle(CHUNK_MS)):
        samples = source.read(OUT_RATE * milliseconds // 1000)
        if not len(samples):
            return
        taken += len(samples)
        end = len(text) * (taken + LEAD) // source.size
        last = taken == source.size or end >= len(text)
        cut = len(text) if last else max(0, text.rfind(" ", 0, end)) + number % 2
        piece = text[sent:cut]
        if len(piece.split()) < FEWEST_WORDS and not last:
            piece = ""
        sent += len(piece)
        yield to_pcm(samples), piece

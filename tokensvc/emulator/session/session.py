"""One connection's session, from `setupComplete` to the close."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.audio.utterances import (
    SpeechStarted,
    Utterance,
    UtteranceDetector,
    sample_rate,
)
from tokensvc.emulator.conversation.context import audio_tokens, text_tokens
from tokensvc.emulator.protocol import protojson
from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons
from tokensvc.emulator.protocol.errors import InvalidPayloadError
from tokensvc.emulator.protocol.models import check_tools
from tokensvc.emulator.responses.steps import Result, Turn
from tokensvc.emulator.session.turns import TurnTaking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tokensvc.emulator.audio.recordings import Recording
    from tokensvc.emulator.session.context import SessionContext

log = logging.getLogger(__name__)
ONLY_ACTIVITY = "TURN_INCLUDES_ONLY_ACTIVITY"
ALL_INPUT = "TURN_INCLUDES_ALL_INPUT"
FRAME_TYPES = frozenset({"image/jpeg", "image/png"})


class Session:
    """Handles the client's messages."""

    def __init__(self, context: SessionContext, heard: Recording, *, version: str, locked: bool) -> None:
        self._context = context
        self._version = version
        self._locked = locked
        self._turns = TurnTaking(context)
        self._utterances = UtteranceDetector(context.plan.detection, heard)
        self._answered_length = context.conversation.length  # what follows is unanswered
        self._activity_length = 0  # of the conversation when the client marked its activity
        self._heard_before = context.conversation.heard  # on earlier connections, in seconds
        self._charged_seconds = 0.0  # used only if the turn coverage is ALL_INPUT
        self._history_pending = context.plan.initial_history
        self._content_open = False  # whether speech waits for the rest of a clientContent
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "clientContent": self._client_content,
            "realtimeInput": self._realtime_input,
            "toolResponse": self._tool_response,
            "contextUpdate": self._context_update,
        }

    @property
    def generating(self) -> bool:
        """Whether an answer or a function call is in progress, which rules out a resumption."""
        return self._turns.generating

    @property
    def answering(self) -> bool:
        """Whether an answer is in progress, or was when the connection ended."""
        return self._turns.answering

    async def receive(self, frame: str | bytes) -> None:
        """Handle one WebSocket frame.

        Raises:
            CloseError: if the frame ends the session.
        """
        context = self._context
        context.counters.messages += 1
        try:
            message = protojson.loads(frame)
            if not await self._handle_plain_audio(message):
                await self._dispatch(protojson.parse("ClientMessage", message))
        except InvalidPayloadError as error:
            raise CloseError(CloseReasons.payload(error)) from None
        if context.plan.compress is not None:
            context.conversation.compress(*context.plan.compress)
        elif context.conversation.tokens() > context.plan.model.window:
            raise CloseError(CloseReasons.invalid_argument)

    async def stop(self) -> None:
        """Stop everything: the connection is over."""
        await self._turns.stop()

    async def _handle_plain_audio(self, message: Any) -> bool:  # noqa: ANN401 - not parsed yet
        """Handle a plain audio chunk, of which 25 arrive every second, without parsing it fully.

        Returns False for any other message.
        """
        match message:
            case {
                "realtimeInput": {
                    "audio": {"data": str(data), "mimeType": str(kind), **rest},
                    **beside,
                },
                **more,
            }:
                pass
            case {
                "realtime_input": {
                    "audio": {"data": str(data), "mime_type": str(kind), **rest},
                    **beside,
                },
                **more,
            }:
                pass
            case _:
                return False
        if rest or beside or more:  # other fields, which need the full parser
            return False
        await self._audio(data, kind)
        return True

    async def _dispatch(self, message: dict[str, Any]) -> None:
        if not message:
            raise CloseError(CloseReasons.invalid_argument)
        if len(message) > 1:
            second = protojson.snake(list(message)[1])
            raise CloseError(CloseReasons.one_of(second))
        ((kind, content),) = message.items()
        if kind == "setup":
            raise CloseError(CloseReasons.invalid_argument)
        await self._handlers[kind](content)

    # --- clientContent -----------------------------------------------------------------------

    async def _client_content(self, content: dict[str, Any]) -> None:
        context = self._context
        complete = content.get("turnComplete", False)
        if self._history_pending:
            self._add_turns(content.get("turns", []))
            self._answered_length = context.conversation.length
            self._history_pending = not complete
            return
        model = context.plan.model
        if model.only_initial_content and context.options.mid_session_content == "refused":
            raise CloseError(CloseReasons.invalid_argument)
        await self._turns.interrupt()
        *earlier, last = content.get("turns") or [{}]
        if earlier:  # a history: only what follows it is new
            self._add_turns(earlier)
            self._answered_length = context.conversation.length
        self._add_turns([last])
        self._content_open = not complete and context.options.incomplete_content == "awaited"
        if complete:
            context.counters.text_turns += 1
            await self._answer(None)

    def _add_turns(self, turns: list[dict[str, Any]]) -> None:
        """Add *turns* to the context."""
        conversation = self._context.conversation
        for turn in turns:
            by_model = turn.get("role") == "model"
            for part in turn.get("parts", []):
                if "inlineData" in part:
                    self._add_picture(part["inlineData"])
                if "text" in part:
                    text = part["text"]
                    conversation.add("history" if by_model else "typed", text, "TEXT", text_tokens(text))

    def _add_picture(self, blob: dict[str, Any]) -> None:
        if blob.get("mimeType") not in FRAME_TYPES:
            raise CloseError(CloseReasons.invalid_argument)
        conversation = self._context.conversation
        conversation.add("shown", "[picture]", "VIDEO", self._context.plan.frame_tokens)

    # --- realtimeInput -----------------------------------------------------------------------

    async def _realtime_input(self, content: dict[str, Any]) -> None:
        # Ignored on v1alpha, refused on other versions (measured 2026-09).
        if "mediaChunks" in content and self._version != "v1alpha":
            raise CloseError(CloseReasons.media_chunks)
        if "audio" in content:
            await self._audio(content["audio"].get("data", ""), content["audio"].get("mimeType", ""))
        if "video" in content:
            self._video(content["video"])
        if "text" in content:
            await self._receive_text(content["text"])
        if "activityStart" in content or "activityEnd" in content:
            await self._activity(started="activityStart" in content)
        if content.get("audioStreamEnd"):
            if not self._context.plan.detection.automatic:
                raise CloseError(CloseReasons.invalid_argument)
            await self._end_utterance(self._utterances.pause())

    async def _audio(self, data: str, kind: str) -> None:
        rate = sample_rate(kind)
        if rate is None:
            raise CloseError(CloseReasons.invalid_argument)
        self._context.counters.audio_chunks += 1
        for event in self._utterances.feed(protojson.decode_base64(data), rate):
            if isinstance(event, SpeechStarted):
                await self._send_voice_activity("ACTIVITY_START")
                await self._turns.user_started()
            else:
                await self._end_utterance(event)
        self._context.conversation.heard = self._heard_before + self._utterances.seconds

    async def _send_voice_activity(self, kind: str) -> None:
        """Tell the client what the automatic detection has found, after how much audio."""
        offset = protojson.duration(self._heard_before + self._utterances.seconds)
        await self._context.sender.send(voiceActivity={"type": kind, "audioOffset": offset})

    def _video(self, blob: dict[str, Any]) -> None:
        context = self._context
        if blob.get("mimeType") not in FRAME_TYPES or not blob.get("data"):
            raise CloseError(CloseReasons.invalid_argument)
        context.counters.video_frames += 1
        context.conversation.video = True
        if self._utterances.active or context.plan.coverage != ONLY_ACTIVITY:
            context.conversation.add("shown", "[video frame]", "VIDEO", context.plan.frame_tokens)

    async def _receive_text(self, text: str) -> None:
        """Add a typed text, and answer it unless the user is speaking."""
        context = self._context
        context.counters.text_turns += 1
        context.conversation.add("typed", text, "TEXT", text_tokens(text))
        if not self._utterances.active:
            await self._answer(None)

    async def _activity(self, *, started: bool) -> None:
        if self._context.plan.detection.automatic:
            raise CloseError(CloseReasons.explicit_activity)
        if started:
            await self._turns.user_started()
            if not self._utterances.active:  # otherwise what was said before belongs to it too
                self._utterances.start()
                self._activity_length = self._context.conversation.length
        else:
            utterance = self._utterances.finish()
            added = self._context.conversation.length > self._activity_length
            if utterance is not None and not utterance.seconds and not added:
                await self._context.sender.send(serverContent={"turnComplete": True}, usageMetadata={})
                raise CloseError(CloseReasons.precondition)
            await self._end_utterance(utterance)

    async def _end_utterance(self, utterance: Utterance | None) -> None:
        """Answer a finished utterance, if there is one."""
        if utterance is not None:
            self._context.counters.spoken_turns += 1
            await self._answer(utterance)

    # --- turns -------------------------------------------------------------------------------

    async def _answer(self, utterance: Utterance | None) -> None:
        context = self._context
        conversation = context.conversation
        conversation.turns += 1
        turn = Turn(conversation.turns, conversation.typed_since(self._answered_length), utterance)
        self._answered_length = conversation.length
        if utterance is not None:
            await self._transcribe(turn, utterance)
            if context.plan.detection.automatic:
                await self._send_voice_activity("ACTIVITY_END")
            if self._content_open:
                return
        self._content_open = False
        await self._turns.answer(turn)

    async def _transcribe(self, turn: Turn, utterance: Utterance) -> None:
        """Add what was spoken to the context and, if requested, send its transcript."""
        context = self._context
        text = context.responder.transcript(turn)
        seconds = utterance.seconds
        if context.plan.coverage == ALL_INPUT:
            # Charge the silence since the last utterance, too.
            seconds, self._charged_seconds = (
                self._utterances.seconds - self._charged_seconds,
                self._utterances.seconds,
            )
        context.conversation.add("spoken", text, "AUDIO", audio_tokens(seconds))
        if not context.plan.transcribe_input:
            return
        if context.options.interim_transcripts:
            words = text.split(" ")
            for count in range(1, len(words)):
                heard = " ".join(words[:count])
                await context.sender.send_content(interimInputTranscription={"text": heard})
        for fragment in self._fragments(text):
            await context.sender.send_content(inputTranscription={"text": fragment})

    def _fragments(self, text: str) -> list[str]:
        form = self._context.plan.input_transcripts
        split = text.find(" ", len(text) // 3)  # below 1 if there is no space to split at
        if form == "final" or split < 1:
            return [text]
        return [text[:split], text if form == "cumulative" else text[split:]]

    # --- tools and context -------------------------------------------------------------------

    async def _tool_response(self, content: dict[str, Any]) -> None:
        for answer in content.get("functionResponses", []):
            if not answer.get("id"):
                raise CloseError(CloseReasons.invalid_argument)
            if "scheduling" in answer and not self._context.plan.model.scheduling:
                raise CloseError(CloseReasons.scheduling)
            call_known = await self._turns.result(
                Result(
                    call_id=answer["id"],
                    name=answer.get("name", ""),
                    response=answer.get("response", {}),
                    scheduling=answer.get("scheduling", "WHEN_IDLE"),
                    more=answer.get("willContinue", False),
                ),
                speaking=self._utterances.active,
            )
            if not call_known:
                log.debug("result for unknown call ignored")

    async def _context_update(self, content: dict[str, Any]) -> None:
        """Change the instruction or the tools, unless the session is under a token's lock."""
        context = self._context
        context.counters.context_updates += 1
        allowed = context.options.context_update if self._locked else "honoured"
        if allowed == "refused":
            raise CloseError(CloseReasons.not_supported)
        if allowed == "ignored":
            return
        if "systemInstruction" in content:
            parts = content["systemInstruction"].get("parts", [])
            text = " ".join(part.get("text", "") for part in parts)
            context.conversation.instruction_tokens = text_tokens(text)
            context.plan = replace(context.plan, instruction=text)
        if "tools" in content:
            tools = content["tools"].get("tools", [])
            check_tools(tools, context.plan.model)
            context.plan = context.plan.with_tools(tools, context.options.default_behavior)

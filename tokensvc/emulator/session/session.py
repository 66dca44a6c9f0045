"""A session: from `setupComplete` to the close, one connection of a conversation."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.audio.utterances import Began, Ears, Utterance, rate_of
from tokensvc.emulator.conversation.context import audio_tokens, text_tokens
from tokensvc.emulator.protocol import protojson
from tokensvc.emulator.protocol.errors import ClosedError, Closes, InvalidPayloadError
from tokensvc.emulator.protocol.models import check_tools
from tokensvc.emulator.responses.steps import Result, Turn
from tokensvc.emulator.session.turns import Floor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tokensvc.emulator.audio.recordings import Recording
    from tokensvc.emulator.session.context import Scene

log = logging.getLogger(__name__)
ONLY_ACTIVITY = "TURN_INCLUDES_ONLY_ACTIVITY"
ALL_INPUT = "TURN_INCLUDES_ALL_INPUT"
FRAME_TYPES = frozenset({"image/jpeg", "image/png"})


class Session:
    """Takes the client's messages and answers them."""

    def __init__(self, scene: Scene, heard: Recording, *, version: str, locked: bool) -> None:
        self._scene = scene
        self._version = version
        self._locked = locked
        self._floor = Floor(scene)
        self._ears = Ears(scene.plan.detection, heard)
        self._answered = scene.conversation.length
        self._charged = 0.0
        self._history = scene.plan.initial_history
        self._takers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "clientContent": self._client_content,
            "realtimeInput": self._realtime_input,
            "toolResponse": self._tool_response,
            "contextUpdate": self._context_update,
        }

    @property
    def generating(self) -> bool:
        """Whether an answer is being made, so that nothing can be resumed now."""
        return self._floor.generating

    async def take(self, frame: str | bytes) -> None:
        """Take one frame of the client.

        Raises:
            ClosedError: when it ends the session.
        """
        scene = self._scene
        scene.counters.messages += 1
        try:
            unread = protojson.loads(frame)
            if not await self._plain_audio(unread):
                await self._dispatch(protojson.read("ClientMessage", unread))
        except InvalidPayloadError as error:
            raise ClosedError(Closes.payload(error)) from None
        if scene.plan.compress is not None:
            scene.conversation.compress(*scene.plan.compress)
        elif scene.conversation.tokens() > scene.plan.model.window:
            raise ClosedError(Closes.invalid_argument)

    async def stop(self) -> None:
        """The connection is over."""
        await self._floor.stop()

    async def _plain_audio(self, unread: Any) -> bool:  # noqa: ANN401 - JSON not read yet
        """Take the one message that comes 25 times a second without reading it in full."""
        match unread:
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
        if rest or beside or more:
            return False
        await self._audio(data, kind)
        return True

    async def _dispatch(self, message: dict[str, Any]) -> None:
        if not message:
            raise ClosedError(Closes.invalid_argument)
        if len(message) > 1:
            second = protojson.snake(list(message)[1])
            raise ClosedError(Closes.one_of(second))
        ((kind, content),) = message.items()
        if kind == "setup":
            raise ClosedError(Closes.setup_first)
        await self._takers[kind](content)

    # --- clientContent -----------------------------------------------------------------------

    async def _client_content(self, content: dict[str, Any]) -> None:
        scene = self._scene
        complete = content.get("turnComplete", False)
        if self._history:
            self._remember(content)
            self._answered = scene.conversation.length
            self._history = not complete
            return
        model = scene.plan.model
        if model.only_initial_content and scene.options.mid_session_content == "refused":
            raise ClosedError(Closes.invalid_argument)
        await self._floor.interrupt()
        self._remember(content)
        if complete:
            scene.counters.text_turns += 1
            await self._answer(None)

    def _remember(self, content: dict[str, Any]) -> None:
        """Put *content* into the context."""
        conversation = self._scene.conversation
        for turn in content.get("turns", []):
            by_model = turn.get("role") == "model"
            for part in turn.get("parts", []):
                if "inlineData" in part:
                    self._inline(part["inlineData"])
                if "text" in part:
                    text = part["text"]
                    conversation.add(
                        "given" if by_model else "typed", text, "TEXT", text_tokens(text)
                    )

    def _inline(self, blob: dict[str, Any]) -> None:
        if blob.get("mimeType") not in FRAME_TYPES:
            raise ClosedError(Closes.invalid_argument)
        conversation = self._scene.conversation
        conversation.add("shown", "[picture]", "VIDEO", self._scene.plan.frame_tokens)

    # --- realtimeInput -----------------------------------------------------------------------

    async def _realtime_input(self, content: dict[str, Any]) -> None:
        if "mediaChunks" in content:
            self._media_chunks()
        if "audio" in content:
            await self._audio(
                content["audio"].get("data", ""), content["audio"].get("mimeType", "")
            )
        if "video" in content:
            self._video(content["video"])
        if "text" in content:
            await self._text(content["text"])
        if "activityStart" in content or "activityEnd" in content:
            await self._activity(begins="activityStart" in content)
        if content.get("audioStreamEnd"):
            if not self._scene.plan.detection.automatic:
                raise ClosedError(Closes.invalid_argument)
            await self._spoken(self._ears.pause())

    def _media_chunks(self) -> None:
        """v1alpha takes these and hears nothing; the others say so (measured 2026-09)."""
        if self._version != "v1alpha":
            raise ClosedError(Closes.media_chunks)

    async def _audio(self, data: str, kind: str) -> None:
        rate = rate_of(kind)
        if rate is None:
            raise ClosedError(Closes.invalid_argument)
        self._scene.counters.audio_chunks += 1
        for event in self._ears.hear(protojson.decode(data), rate):
            if isinstance(event, Began):
                await self._floor.person_begins()
            else:
                await self._spoken(event)

    def _video(self, blob: dict[str, Any]) -> None:
        scene = self._scene
        if blob.get("mimeType") not in FRAME_TYPES or not blob.get("data"):
            raise ClosedError(Closes.invalid_argument)
        scene.counters.video_frames += 1
        scene.conversation.video = True
        if self._ears.active or scene.plan.coverage != ONLY_ACTIVITY:
            scene.conversation.add("shown", "[video frame]", "VIDEO", scene.plan.frame_tokens)

    async def _text(self, text: str) -> None:
        scene = self._scene
        scene.counters.text_turns += 1
        scene.conversation.add("typed", text, "TEXT", text_tokens(text))
        if not self._ears.active:
            await self._answer(None)

    async def _activity(self, *, begins: bool) -> None:
        if self._scene.plan.detection.automatic:
            raise ClosedError(Closes.explicit_activity)
        if begins:
            self._ears.begin()
            await self._floor.person_begins()
        else:
            await self._spoken(self._ears.finish())

    async def _spoken(self, utterance: Utterance | None) -> None:
        """An utterance has ended."""
        if utterance is None:
            return
        scene = self._scene
        scene.counters.spoken_turns += 1
        await self._answer(utterance)

    # --- turns -------------------------------------------------------------------------------

    async def _answer(self, utterance: Utterance | None) -> None:
        scene = self._scene
        conversation = scene.conversation
        conversation.turns += 1
        turn = Turn(conversation.turns, conversation.typed_since(self._answered), utterance)
        self._answered = conversation.length
        if utterance is not None:
            await self._transcribe(turn, utterance)
        await self._floor.answer(turn)

    async def _transcribe(self, turn: Turn, utterance: Utterance) -> None:
        """Put what was spoken into the context and, if asked, before the client."""
        scene = self._scene
        text = scene.mind.transcript(turn)
        seconds = utterance.seconds
        if scene.plan.coverage == ALL_INPUT:
            seconds, self._charged = self._ears.seconds - self._charged, self._ears.seconds
        scene.conversation.add("spoken", text, "AUDIO", audio_tokens(seconds))
        if not scene.plan.transcribe_input:
            return
        *parts, last = self._fragments(text)
        for part in parts:
            await scene.outlet.content(inputTranscription={"text": part})
        await scene.outlet.content(inputTranscription={"text": last, "finished": True})

    def _fragments(self, text: str) -> list[str]:
        way = self._scene.options.input_transcripts
        cut = text.find(" ", len(text) // 3) + 1
        if way == "final" or not cut:
            return [text]
        return [text[:cut], text if way == "cumulative" else text[cut:]]

    # --- tools and context -------------------------------------------------------------------

    async def _tool_response(self, content: dict[str, Any]) -> None:
        for answer in content.get("functionResponses", []):
            if not answer.get("id"):
                raise ClosedError(Closes.invalid_argument)
            self._check_scheduling(answer)
            taken = await self._floor.result(
                Result(
                    call_id=answer["id"],
                    name=answer.get("name", ""),
                    response=answer.get("response", {}),
                    scheduling=answer.get("scheduling", "WHEN_IDLE"),
                    more=answer.get("willContinue", False),
                )
            )
            if not taken:
                log.debug("a tool result came for no pending call")

    def _check_scheduling(self, answer: dict[str, Any]) -> None:
        if "scheduling" in answer and not self._scene.plan.model.scheduling:
            raise ClosedError(Closes.scheduling)

    async def _context_update(self, content: dict[str, Any]) -> None:
        """A client that a token holds to a setup may not change it on the way."""
        if self._locked:
            raise ClosedError(Closes.not_supported)
        scene = self._scene
        if "systemInstruction" in content:
            parts = content["systemInstruction"].get("parts", [])
            text = " ".join(part.get("text", "") for part in parts)
            scene.conversation.instruction_tokens = text_tokens(text)
        if "tools" in content:
            tools = content["tools"].get("tools", [])
            check_tools(tools, scene.plan.model)
            scene.plan = scene.plan.with_tools(tools, scene.options.default_behavior)

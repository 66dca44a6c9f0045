"""Replays the client's side of a record against the emulator, and holds the server's to it."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import aiohttp

from emulator.live_client import SocketClient, setup, speech
from recordings.record import is_empty, kind_of, paths
from tokensvc.emulator import Emulator, Options
from tokensvc.emulator.audio.pcm import IN_RATE, SAMPLE_BYTES
from tokensvc.emulator.responses.scenario import read_scenario
from tokensvc.gemini.probing import PICTURE

if TYPE_CHECKING:
    from emulator.live_client import SocketSession
    from recordings.record import Message, Record
    from recordings.recorded_server import RecordedServer
    from tokensvc.emulator.clock import Clock

CHUNK_SECONDS = 0.1
CHUNK = int(IN_RATE * CHUNK_SECONDS) * SAMPLE_BYTES
# Seconds by which the server's clock is moved ahead at a time.
SLICE = 0.05
# A slice is longer while nothing is due for long, so that ten minutes of silence take a second.
SLICES_LEFT = 100
# Seconds by which a message may be later than it was recorded, or a tenth if that is more.
PATIENCE = 5.0
FRAMES = {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}
SHOWN = 6  # received messages in a failure


class ReplayError(AssertionError):
    """Raised if the server sends anything but what the record says."""


@dataclass(frozen=True)
class Arrival:
    """A message that was received, or `{"close": …}`, and when."""

    at: float
    message: dict[str, Any]

    def __str__(self) -> str:
        return f"at {self.at:.3f} s  {kind_of(self.message)}  [{', '.join(paths(self.message))}]"


@dataclass(frozen=True)
class Moment:
    """When a message of the record was sent or received in the replay, in seconds.

    Attributes:
        at: For speech: when its first chunk was sent.
        until: When its last chunk was sent.
    """

    message: Message
    at: float
    until: float = 0.0


class Connection:
    """One WebSocket of the client, which reads all the time."""

    def __init__(self, clock: Clock) -> None:
        self.inbox: deque[Arrival] = deque()
        self._clock = clock
        self._open = AsyncExitStack()
        self._session: SocketSession | None = None
        self._http: aiohttp.ClientSession | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, server: Emulator | RecordedServer, requested: dict[str, Any]) -> None:
        """Open the WebSocket and send the setup."""
        self._http = await self._open.enter_async_context(aiohttp.ClientSession())
        client = SocketClient(server, self._http)
        self._session = await self._open.enter_async_context(client.socket())
        await self._session.send(setup=requested)
        self._reading = asyncio.create_task(self._read())

    async def send(self, **message: Any) -> None:
        """Send one message, unless the connection is closed."""
        if self._session is not None and not self._session.socket.closed:
            await self._session.send(**message)

    async def stop_reading(self) -> None:
        """Leave unread whatever comes from now on."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def abort(self) -> None:
        """Abort the TCP connection, without a close frame."""
        await self.stop_reading()
        if self._session is not None and self._http is not None:
            connection = self._session.socket.get_extra_info("socket")
            # Closing it now resets the connection.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await self._http.close()

    async def close(self) -> None:
        """Close the WebSocket, if it is still open."""
        await self.stop_reading()
        await self._open.aclose()

    async def _read(self) -> None:
        """Receive everything, at last the close."""
        connection = self._session.socket
        while (frame := await connection.receive()).type in FRAMES:
            self.inbox.append(Arrival(self._clock.now(), json.loads(frame.data)))
        close = {"code": connection.close_code, "reason": frame.extra or ""}
        self.inbox.append(Arrival(self._clock.now(), {"close": close}))


class Microphone:
    """An open microphone: it sends what is said, and silence otherwise."""

    def __init__(self, clock: Clock) -> None:
        self.connection: Connection | None = None
        self._clock = clock
        self._due = 0.0
        self._said = b""

    def start(self, connection: Connection) -> None:
        """Send to *connection* from now on."""
        self.connection, self._due = connection, self._clock.now() + CHUNK_SECONDS

    def say(self, pcm: bytes) -> None:
        """Say *pcm* from now on."""
        self._said, self._due = pcm, self._clock.now() + CHUNK_SECONDS

    async def send_due(self, step: float) -> None:
        """Send the chunks that have been recorded; only one, if the clock moves by more."""
        while self.connection is not None and self._clock.now() >= self._due:
            chunk, self._said = self._said[:CHUNK], self._said[CHUNK:]
            data = base64.b64encode(chunk.ljust(CHUNK, b"\0")).decode()
            audio = {"data": data, "mimeType": f"audio/pcm;rate={IN_RATE}"}
            await self.connection.send(realtimeInput={"audio": audio})
            self._due += max(CHUNK_SECONDS, step)


def emulator_for(record: Record) -> Emulator:
    """Return an emulator with the default options, whose model says what *record* has for it, if anything."""
    if not record.turns:
        return Emulator(Options())
    return Emulator(Options(), read_scenario({"turn": list(record.turns)}).responder)


class Replay:
    """One replay of *record* against *server*, whose clock is moved ahead by *step* at a time.

    Attributes:
        moments: The messages so far.
        differences: Unless it is *strict*: the first difference of each message that does not stop
            the replay.
    """

    def __init__(
        self,
        record: Record,
        server: Emulator | RecordedServer,
        *,
        step: float = SLICE,
        strict: bool = True,
    ) -> None:
        self.record = record
        self.differences: dict[Message, ReplayError] = {}
        self._strict = strict
        self._slice = step
        self.moments: list[Moment] = []
        self._server = server
        self._clock = server.clock
        self._began = self._clock.now()
        self._microphone = Microphone(self._clock)
        self._connections: list[Connection] = []
        self._lost: Connection | None = None
        self._received: list[Arrival] = []
        self._sound: Message | None = None  # the run of sound that may go on
        self._seen: set[str] = set()  # fields seen in that run
        self._calls: list[dict[str, Any]] = []
        self._handle = ""

    async def run(self) -> list[Moment]:
        """Replay the record.

        Raises:
            ReplayError: if the server sends anything else.
        """
        async with self._server:
            self._began = self._clock.now()
            try:
                for message in self.record.messages:
                    if message.sender == "client":
                        await self._act(message)
                    else:
                        await self._expect(message)
                await self._expect_nothing()
            finally:
                self._microphone.connection = None
                for connection in self._connections:
                    await connection.close()
        return self.moments

    # --- time --------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock.now() - self._began

    def _since_previous(self, at: float) -> tuple[float, float]:
        """Return when the previous message came, and the recorded time from it to *at*."""
        if not self.moments:
            return 0.0, at
        previous = self.moments[-1]
        return previous.at, at - previous.message.at

    def _step(self, due: float) -> float:
        """Return how far to move the clock: a slice, or more if nothing is *due* for long."""
        return max(self._slice, (due - self._now()) / SLICES_LEFT)

    async def _pass(self, step: float) -> None:
        """Let *step* seconds pass on the server's clock."""
        self._clock.skip(step)
        await self._microphone.send_due(step)
        await asyncio.sleep(0.001)  # until everything that is due now has been sent and received

    # --- the client --------------------------------------------------------------------------

    async def _act(self, message: Message) -> None:
        """Do what the client did, as long after the previous message as it did."""
        previous, gap = self._since_previous(message.at)
        while (left := previous + gap - self._now()) > 0:
            await self._pass(min(self._step(previous + gap), left))
        if message.kind == "toolResponse":
            self._check_no_early_answer(message)
        now = self._now()
        chunks = ceil(message.seconds / CHUNK_SECONDS)  # a chunk is sent once it has been said
        first, last = min(chunks, 1) * CHUNK_SECONDS, chunks * CHUNK_SECONDS
        self.moments.append(Moment(message, now + first, now + last))
        match message.kind:
            case "speech":
                said = speech(message.seconds, silence=0, seed=message.content)
                self._microphone.say(said)
            case "text" | "picture" | "clientContent" | "toolResponse":
                await self._connections[-1].send(**self._sent(message))
            case "setup":
                await self._connect(message)
            case _:
                await self._leave(message)

    def _sent(self, message: Message) -> dict[str, Any]:
        """Return *message* as the API writes it."""
        if message.kind == "text":
            return {"realtimeInput": {"text": message.content}}
        if message.kind == "picture":
            return {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": PICTURE}}}
        if message.kind == "clientContent":
            return {"clientContent": message.content}
        call = self._calls[-1]
        result = {"id": call["id"], "name": call["name"], "response": message.content}
        return {"toolResponse": {"functionResponses": [result]}}

    async def _leave(self, message: Message) -> None:
        """Drop, lose or close a connection."""
        self._microphone.connection = None
        if message.kind == "drop":
            await self._connections[-1].abort()
        elif message.kind == "loss":
            self._lost = self._connections[-1]
            await self._lost.stop_reading()
        elif self._lost is not None:
            await self._lost.close()

    async def _connect(self, message: Message) -> None:
        requested = setup(model=self.record.model, **self.record.setup)
        if message.resume:
            requested["sessionResumption"] = {"handle": self._handle}
        connection = Connection(self._clock)
        self._connections.append(connection)
        self._sound = None
        await connection.open(self._server, requested)

    # --- the server --------------------------------------------------------------------------

    async def _expect(self, message: Message) -> None:
        """Wait for *message*."""
        previous, gap = self._since_previous(message.at)
        arrival = await self._next(message, max(previous, self._now()), gap)
        while self._continues_sound(message, arrival):
            self._check_sound(arrival)
            arrival = await self._next(message, arrival.at, gap)
        self._end_sound()
        if kind_of(arrival.message) != message.kind:
            raise self._error(message, f"{arrival}\n  that is    a message of another kind")
        if difference := message.difference(arrival.message):
            self._report(message, f"{arrival}\n  that is    {difference}")
        if message.kind == "modelTurn":
            self._sound = message
            self._check_sound(arrival)
        self._note(arrival.message)
        self.moments.append(Moment(message, arrival.at))

    async def _next(self, message: Message, since: float, gap: float) -> Arrival:
        """Return the next message that counts."""
        limit = since + gap + max(PATIENCE, gap / 10)
        skipped = self.record.unknown | self.record.repeated
        while True:
            inbox = self._connections[-1].inbox
            while inbox:
                arrival = inbox.popleft()
                arrival = Arrival(arrival.at - self._began, arrival.message)
                if is_empty(arrival.message):
                    continue
                self._received.append(arrival)
                if kind_of(arrival.message) not in skipped:
                    return arrival
            if self._now() > limit:
                raise self._error(message, f"nothing until {self._now():.3f} s")
            await self._pass(self._step(since + gap))

    def _continues_sound(self, message: Message, arrival: Arrival) -> bool:
        """Return whether *arrival* belongs to the sound before *message*."""
        return self._sound is not None and kind_of(arrival.message) == "modelTurn" and message.kind != "modelTurn"

    def _check_sound(self, arrival: Arrival) -> None:
        if difference := self._sound.difference(arrival.message):
            self._report(self._sound, f"{arrival}\n  that is    {difference}")
        self._seen.update(paths(arrival.message))

    def _end_sound(self) -> None:
        """Check that the run of sound that has ended had everything that it should."""
        if self._sound is not None:
            missing = [path for path in self._sound.sometimes if path not in self._seen]
            if missing and "outputTranscription" not in self.record.unknown:
                self._report(self._sound, f"a run of sound without {', '.join(missing)}")
        self._sound, self._seen = None, set()

    def _note(self, message: dict[str, Any]) -> None:
        """Keep what the client needs later."""
        self._calls += message.get("toolCall", {}).get("functionCalls", [])
        if kind_of(message) == "setupComplete":
            self._microphone.start(self._connections[-1])
        self._handle = message.get("sessionResumptionUpdate", {}).get("newHandle", self._handle)

    def _check_no_early_answer(self, message: Message) -> None:
        """Check that the model does not speak yet: it does so only after *message*."""
        for arrival in self._connections[-1].inbox:
            if self._sound is None and kind_of(arrival.message) == "modelTurn":
                early = Arrival(arrival.at - self._began, arrival.message)
                self._report(message, f"{early}\n  that is    before the client sent this")

    async def _expect_nothing(self) -> None:
        """Check that nothing more comes until the end of the record."""
        previous, gap = self._since_previous(self.record.ends)
        while self._now() < previous + gap:
            await self._pass(self._slice)
            for arrival in self._connections[-1].inbox:
                kind = kind_of(arrival.message)
                if kind and kind not in self.record.unknown | self.record.repeated:
                    came = Arrival(arrival.at - self._began, arrival.message)
                    raise self._error(None, str(came))
        counted = [kind_of(arrival.message) for arrival in self._received]
        for kind in self.record.repeated:
            if counted.count(kind) < 2:
                raise self._error(None, f"{kind} only {counted.count(kind)} times")

    def _report(self, message: Message, came: str) -> None:
        """Raise a difference that the replay can go on after, or keep it."""
        error = self._error(message, came)
        if self._strict:
            raise error
        self.differences.setdefault(message, error)

    def _error(self, message: Message | None, came: str) -> ReplayError:
        record = self.record
        if message is None:
            expected = "nothing more"
        else:
            number = record.messages.index(message) + 1
            listed = ", ".join([*message.fields, *(f"{one}?" for one in message.sometimes)])
            expected = f"message {number}, at {message.at:.3f} s, from the {message.sender}: {message.kind}  [{listed}]"
        before = "\n".join(f"    {arrival}" for arrival in self._received[-SHOWN:])
        return ReplayError(
            f"{record.name}: the server does not follow {record.source['repository']}, "
            f"{record.source['file']}\n"
            f"  expected   {expected}\n"
            f"  came       {came}\n"
            f"  received last, in the time of the replay:\n{before}"
        )

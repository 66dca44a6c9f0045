"""A storm of mutated frames and bodies, and what the emulator made of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from emulator.mutation import AUTOMATIC, BODIES, FRAMES, LIVE_31, MANUAL, REFUSED, SETUPS, Mutator
from emulator.talking import KEY, MODEL
from tokensvc.emulator.protocol.errors import Close, Closes
from tokensvc.emulator.server.emulator import SERVICE

# One of each kind of close whose reason names what is wrong.
NAMING = (
    *(Closes.modalities("TEXT"), Closes.model_not_found("models/gemini-99", "v1beta")),
    *(Closes.no_resource("gemini-3.8-live"), Closes.one_of("setup"), Closes.enum("parameters")),
    *(Closes.thinking_field("thinkingBudget"), Closes.thinking_level("MINIMAL")),
    Closes.behavior("BLOCKING"),
    *(
        Close(1007, f"Invalid JSON payload received. {fault}")
        for fault in ("Unexpected token.", 'Unknown name "x": Cannot find field.')
    ),
)
ANY_FRAME = 0.03
MUTATED = 0.8
MINTING = 0.05
# Now and then time jumps: over a window, a connection, a handle, and everything.
JUMPING = 0.001
JUMPS = (61.0, 700.0, 7300.0, 100_000.0)
FRAMES_IN_A_SESSION = 60
PATIENCE = 30.0


@dataclass
class Weather:
    """What came of a storm.

    Attributes:
        sent: Mutated frames and bodies.
        spoken: All frames sent to sessions, mutated or not.
        live: Mutated frames sent to sessions.
        taken: Frames of any kind that live sessions took, as the emulator counts.
        ends: How connections ended, with what varies taken out of the reason.
        answers: HTTP statuses of mints.
    """

    sent: int = 0
    spoken: int = 0
    live: int = 0
    taken: int = 0
    sessions: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    handles: deque[str] = field(default_factory=lambda: deque(maxlen=50))

    @property
    def reached(self) -> float:
        """The part of the mutated that a live session took, by the share of all that were."""
        return self.taken / max(1, self.spoken) * self.live / max(1, self.sent)

    @property
    def unseen(self) -> set[str]:
        """Closes that the emulator has and that did not occur; 1011 for its own faults aside."""
        plain = [
            close
            for close in vars(Closes).values()
            if isinstance(close, Close) and close is not Closes.internal
        ]
        known = {general(each.code, each.reason_bytes().decode()) for each in (*plain, *NAMING)}
        return known - self.ends.keys()

    def show(self) -> str:
        """For people."""
        lines = [
            (
                f"{self.sent} mutated frames and bodies, {self.reached:.0%} of them taken by a "
                f"live session; {self.sessions} sockets"
            ),
            *(f"  mint {status}: {count}" for status, count in sorted(self.answers.items())),
            *(f"  {count:8} {end}" for end, count in self.ends.most_common()),
            *(f"  WRONG {what}" for what in self.wrong),
        ]
        return "\n".join(lines)


class Storm:
    """One client that sends what is almost right, until it has sent enough."""

    def __init__(self, url: str, http: aiohttp.ClientSession, seed: int, weather: Weather) -> None:
        self._url = url
        self._http = http
        self._random = Random(seed)  # noqa: S311 - to be repeatable
        self._mutator = Mutator(self._random)
        self._weather = weather
        self._tokens: deque[str] = deque(maxlen=20)

    async def blow(self, until: int) -> None:
        """Go on until *until* frames and bodies have been sent, by all."""
        while self._weather.sent < until:
            chance = self._random.random()
            if chance < JUMPING:
                seconds = self._random.choice(JUMPS)
                await self._http.post(f"{self._url}/emulator/skip", json={"seconds": seconds})
            if chance < MINTING:
                await self._mint()
            else:
                await self._session()

    async def _mint(self) -> None:
        text = self._mutator.mutated(self._random.choice(BODIES))
        self._weather.sent += 1
        async with self._http.post(
            f"{self._url}/v1beta/auth_tokens", data=text.encode(errors="replace"), headers=KEY
        ) as response:
            self._weather.answers[response.status] += 1
            answer = await response.json()
            if response.status == 200 and answer.keys() == {"name"}:
                return
            if response.status not in {400, 413} or "message" not in answer["error"]:
                self._weather.wrong.append(f"mint {response.status} for {text[:300]}")

    async def _token(self, **body: Any) -> str:
        async with self._http.post(
            f"{self._url}/v1beta/auth_tokens", json=body, headers=KEY
        ) as response:
            name: str = (await response.json())["name"]
            return name

    async def _credential(self) -> tuple[str, str]:
        """Method and query of a socket; mostly good ones."""
        match self._random.randrange(14):
            case 0:
                self._tokens.append(await self._token())
            case 1:
                locked = self._random.choice(SETUPS)
                self._tokens.append(await self._token(bidiGenerateContentSetup=locked))
            case 2 if self._tokens:
                return "Constrained", f"?access_token={self._random.choice(self._tokens)}"
            case 3 if self._random.random() < 0.2:
                return self._random.choice(
                    (("Constrained", "?access_token=auth_tokens/none"), ("", ""), ("", "?key=é"))
                )
            case _:
                return "", "?key=some-key"
        if not self._tokens:
            return "", "?key=some-key"
        return "Constrained", f"?access_token={self._tokens[-1]}"

    async def _session(self) -> None:
        random, weather = self._random, self._weather
        method, query = await self._credential()
        version = random.choice(("v1alpha", "v1beta", "v1beta", "v1"))
        url = f"{self._url}/ws/{SERVICE}.{version}.GenerativeService.BidiGenerateContent{method}"
        weather.sessions += 1
        async with self._http.ws_connect(url + query, max_msg_size=0, autoping=False) as socket:
            setup = self._setup()
            first = {"setup": setup}
            mutate = random.random() < 0.15
            weather.sent += mutate
            text = self._mutator.mutated(first) if mutate else json.dumps(first)
            await socket.send_str(text.encode(errors="replace").decode())
            last = await socket.receive(PATIENCE)
            if last.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                last = await self._talk(socket, manual=setup is SETUPS[2])
            reason = last.extra if last.type is aiohttp.WSMsgType.CLOSE else ""
            weather.ends[general(socket.close_code, reason or "")] += 1

    def _setup(self) -> dict[str, Any]:
        setup = self._random.choice(SETUPS)
        if self._weather.handles and self._random.random() < 0.1:
            handle = self._random.choice((*self._weather.handles, "made-up"))
            model = self._random.choice((MODEL, MODEL, MODEL, LIVE_31))
            return {**SETUPS[1], "model": model, "sessionResumption": {"handle": handle}}
        return self._random.choice(REFUSED) if self._random.random() < 0.03 else setup

    def _frame(self, *, manual: bool) -> dict[str, Any]:
        kind = MANUAL if manual else AUTOMATIC
        return self._random.choice(FRAMES if self._random.random() < ANY_FRAME else kind)

    async def _talk(
        self, socket: aiohttp.ClientWebSocketResponse, *, manual: bool
    ) -> aiohttp.WSMessage:
        """Send frames until the emulator closes or enough is said; the last one received.

        Most frames are those that the kind of activity detection allows, so that sessions last.
        """
        pongs: asyncio.Queue[None] = asyncio.Queue()
        reading = asyncio.create_task(self._listen(socket, pongs))
        try:
            for _ in range(FRAMES_IN_A_SESSION):
                frame = self._frame(manual=manual)
                mutate = self._random.random() < MUTATED
                text = self._mutator.mutated(frame) if mutate else json.dumps(frame)
                self._weather.sent += mutate
                self._weather.live += mutate
                self._weather.spoken += 1
                data = text.encode(errors="replace")
                if self._random.random() < 0.2:
                    await socket.send_bytes(data)
                else:
                    await socket.send_str(data.decode())
                if not await self._taken(socket, reading, pongs):
                    break
        except ConnectionResetError:
            pass
        else:
            if not reading.done():
                await socket.close()
        return await asyncio.wait_for(reading, PATIENCE)

    async def _taken(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        reading: asyncio.Task[aiohttp.WSMessage],
        pongs: asyncio.Queue[None],
    ) -> bool:
        """Whether the emulator goes on after all that was sent: it answers a ping in its turn."""
        await socket.ping()
        pong = asyncio.create_task(pongs.get())
        either: set[asyncio.Task[Any]] = {reading, pong}
        await asyncio.wait(either, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        pong.cancel()
        return not reading.done()

    async def _listen(
        self, socket: aiohttp.ClientWebSocketResponse, pongs: asyncio.Queue[None]
    ) -> aiohttp.WSMessage:
        while True:
            frame = await socket.receive()
            if frame.type is aiohttp.WSMsgType.PONG:
                pongs.put_nowait(None)
                continue
            if frame.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                return frame
            message = json.loads(frame.data)
            update = message.get("sessionResumptionUpdate", {})
            if update.get("resumable") and update["newHandle"] not in self._weather.handles:
                self._weather.handles.append(update["newHandle"])


def general(code: int | None, reason: str) -> str:
    """A close with what varies taken out of its reason."""
    reason = re.sub(r'"[^"]*("|$)|\'[^\']*(\'|$)', "…", reason)
    reason = re.sub(r"models/\S*", "models/…", reason)
    reason = re.sub(r", .*|\bv1\w*|\bparameters\S*", "…", reason)
    return f"{code} {reason}"


async def storm(
    url: str, count: int, seed: int, clients: int = 16, weather: Weather | None = None
) -> Weather:
    """Send *count* mutated frames and bodies to the emulator at *url*.

    What has come of it so far is in *weather*, also when it is broken off.
    """
    weather = weather or Weather()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        async with asyncio.TaskGroup() as clients_of:
            for number in range(clients):
                one = Storm(url, http, seed * 1000 + number, weather)
                clients_of.create_task(one.blow(count))
        async with http.get(f"{url}/emulator/sessions") as response:
            weather.taken = (await response.json())["totals"]["messages"]
    return weather

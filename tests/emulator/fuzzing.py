"""A fuzzer: sends mutated frames and bodies and reports how the emulator reacted."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from emulator.live_client import KEY, MODEL
from emulator.mutations import AUTOMATIC, BODIES, FRAMES, LIVE_31, MANUAL, REFUSED, SETUPS, Mutator
from tokensvc.emulator.protocol.close_reasons import Close, CloseReasons
from tokensvc.emulator.server.emulator import SERVICE

# One of each kind of close whose reason has a parameter.
PARAMETERIZED = (
    *(CloseReasons.modalities("TEXT"), CloseReasons.model_not_found("models/gemini-99", "v1beta")),
    *(
        CloseReasons.no_resource("gemini-3.8-live"),
        CloseReasons.one_of("setup"),
        CloseReasons.enum("parameters"),
    ),
    *(CloseReasons.thinking_field("thinkingBudget"), CloseReasons.thinking_level("MINIMAL")),
    CloseReasons.behavior("BLOCKING"),
    *(
        Close(1007, f"Invalid JSON payload received. {fault}")
        for fault in ("Unexpected token.", 'Unknown name "x": Cannot find field.')
    ),
)
ANY_FRAME_SHARE = 0.03
MUTATED_SHARE = 0.8
MINT_SHARE = 0.05
# Occasionally time is skipped: past a token's window, a connection, a handle, and everything.
SKIP_SHARE = 0.001
SKIPS = (61.0, 700.0, 7300.0, 100_000.0)
FRAMES_IN_A_SESSION = 60
TIMEOUT = 30.0


@dataclass
class FuzzReport:
    """The result of a run.

    Attributes:
        mutated: Mutated frames and bodies sent.
        frames: All frames sent to sessions, mutated or not.
        mutated_frames: Mutated frames sent to sessions.
        accepted: Frames that sessions received, as counted by the emulator.
        closes: How often each close occurred, without the parameters in the reasons.
        statuses: HTTP statuses of the token requests.
        errors: Responses that are not documented ones.
        handles: Some resumption handles, to be used again.
    """

    mutated: int = 0
    frames: int = 0
    mutated_frames: int = 0
    accepted: int = 0
    sessions: int = 0
    closes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    handles: deque[str] = field(default_factory=lambda: deque(maxlen=50))

    @property
    def accepted_share(self) -> float:
        """Estimated share of the mutated frames and bodies that a session received."""
        return self.accepted / max(1, self.frames) * self.mutated_frames / max(1, self.mutated)

    @property
    def missing_closes(self) -> set[str]:
        """The closes that the emulator has and that did not occur, except for internal errors."""
        plain = [
            close
            for close in vars(CloseReasons).values()
            if isinstance(close, Close) and close is not CloseReasons.internal
        ]
        known = {generalize(each.code, each.reason_bytes().decode()) for each in (*plain, *PARAMETERIZED)}
        return known - self.closes.keys()

    def summary(self) -> str:
        """Return the report as text."""
        lines = [
            (
                f"{self.mutated} mutated frames and bodies, {self.accepted_share:.0%} received by "
                f"a session; {self.sessions} sockets"
            ),
            *(f"  mint {status}: {count}" for status, count in sorted(self.statuses.items())),
            *(f"  {count:8} {close}" for close, count in self.closes.most_common()),
            *(f"  ERROR {error}" for error in self.errors),
        ]
        return "\n".join(lines)


class FuzzClient:
    """One client, which sends mutated frames and bodies until enough have been sent."""

    def __init__(self, url: str, http: aiohttp.ClientSession, seed: int, report: FuzzReport) -> None:
        self._url = url
        self._http = http
        self._random = Random(seed)  # noqa: S311 - must be repeatable
        self._mutator = Mutator(self._random)
        self._report = report
        self._tokens: deque[str] = deque(maxlen=20)

    async def run(self, until: int) -> None:
        """Run until all clients together have sent *until* mutated frames and bodies."""
        while self._report.mutated < until:
            chance = self._random.random()
            if chance < SKIP_SHARE:
                seconds = self._random.choice(SKIPS)
                await self._http.post(f"{self._url}/emulator/skip", json={"seconds": seconds})
            if chance < MINT_SHARE:
                await self._mint()
            else:
                await self._session()

    async def _mint(self) -> None:
        text = self._mutator.mutated(self._random.choice(BODIES))
        self._report.mutated += 1
        async with self._http.post(
            f"{self._url}/v1beta/auth_tokens", data=text.encode(errors="replace"), headers=KEY
        ) as response:
            self._report.statuses[response.status] += 1
            answer = await response.json()
            if response.status == 200 and answer.keys() == {"name"}:
                return
            if response.status not in {400, 413} or "message" not in answer["error"]:
                self._report.errors.append(f"mint {response.status} for {text[:300]}")

    async def _token(self, **body: Any) -> str:
        async with self._http.post(f"{self._url}/v1beta/auth_tokens", json=body, headers=KEY) as response:
            name: str = (await response.json())["name"]
            return name

    async def _credential(self) -> tuple[str, str]:
        """Return the method and the query of a socket; most are valid."""
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
        random, report = self._random, self._report
        method, query = await self._credential()
        version = random.choice(("v1alpha", "v1beta", "v1beta", "v1"))
        url = f"{self._url}/ws/{SERVICE}.{version}.GenerativeService.BidiGenerateContent{method}"
        report.sessions += 1
        async with self._http.ws_connect(url + query, max_msg_size=0, autoping=False) as socket:
            setup = self._setup()
            first = {"setup": setup}
            mutate = random.random() < 0.15
            report.mutated += mutate
            text = self._mutator.mutated(first) if mutate else json.dumps(first)
            await socket.send_str(text.encode(errors="replace").decode())
            last = await socket.receive(TIMEOUT)
            if last.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                last = await self._send_frames(socket, manual=setup is SETUPS[2])
            reason = last.extra if last.type is aiohttp.WSMsgType.CLOSE else ""
            report.closes[generalize(socket.close_code, reason or "")] += 1

    def _setup(self) -> dict[str, Any]:
        setup = self._random.choice(SETUPS)
        if self._report.handles and self._random.random() < 0.1:
            handle = self._random.choice((*self._report.handles, "made-up"))
            model = self._random.choice((MODEL, MODEL, MODEL, LIVE_31))
            return {**SETUPS[1], "model": model, "sessionResumption": {"handle": handle}}
        return self._random.choice(REFUSED) if self._random.random() < 0.03 else setup

    def _frame(self, *, manual: bool) -> dict[str, Any]:
        kind = MANUAL if manual else AUTOMATIC
        return self._random.choice(FRAMES if self._random.random() < ANY_FRAME_SHARE else kind)

    async def _send_frames(self, socket: aiohttp.ClientWebSocketResponse, *, manual: bool) -> aiohttp.WSMessage:
        """Send frames until the emulator closes or enough are sent; return the last one received.

        Most frames suit the setup's activity detection, so that sessions last.
        """
        pongs: asyncio.Queue[None] = asyncio.Queue()
        reading = asyncio.create_task(self._receive(socket, pongs))
        try:
            for _ in range(FRAMES_IN_A_SESSION):
                frame = self._frame(manual=manual)
                mutate = self._random.random() < MUTATED_SHARE
                text = self._mutator.mutated(frame) if mutate else json.dumps(frame)
                self._report.mutated += mutate
                self._report.mutated_frames += mutate
                self._report.frames += 1
                data = text.encode(errors="replace")
                if self._random.random() < 0.2:
                    await socket.send_bytes(data)
                else:
                    await socket.send_str(data.decode())
                if not await self._still_open(socket, reading, pongs):
                    break
        except ConnectionResetError:
            pass
        else:
            if not reading.done():
                await socket.close()
        return await asyncio.wait_for(reading, TIMEOUT)

    async def _still_open(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        reading: asyncio.Task[aiohttp.WSMessage],
        pongs: asyncio.Queue[None],
    ) -> bool:
        """Return whether the connection is still open after the last frame has been handled.

        The emulator answers a ping only after the frames before it.
        """
        await socket.ping()
        pong = asyncio.create_task(pongs.get())
        either: set[asyncio.Task[Any]] = {reading, pong}
        await asyncio.wait(either, timeout=TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        pong.cancel()
        return not reading.done()

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse, pongs: asyncio.Queue[None]) -> aiohttp.WSMessage:
        while True:
            frame = await socket.receive()
            if frame.type is aiohttp.WSMsgType.PONG:
                pongs.put_nowait(None)
                continue
            if frame.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                return frame
            message = json.loads(frame.data)
            update = message.get("sessionResumptionUpdate", {})
            if update.get("resumable") and update["newHandle"] not in self._report.handles:
                self._report.handles.append(update["newHandle"])


def generalize(code: int | None, reason: str) -> str:
    """Return a close without the parameters in its reason."""
    reason = re.sub(r'"[^"]*("|$)|\'[^\']*(\'|$)', "…", reason)
    reason = re.sub(r"models/\S*", "models/…", reason)
    reason = re.sub(r", .*|\bv1\w*|\bparameters\S*", "…", reason)
    return f"{code} {reason}"


async def fuzz(url: str, count: int, seed: int, clients: int = 16, report: FuzzReport | None = None) -> FuzzReport:
    """Send *count* mutated frames and bodies to the emulator at *url*.

    If it is interrupted, *report* has the results so far.
    """
    report = report or FuzzReport()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                client = FuzzClient(url, http, seed * 1000 + number, report)
                group.create_task(client.run(count))
        async with http.get(f"{url}/emulator/sessions") as response:
            report.accepted = (await response.json())["totals"]["messages"]
    return report

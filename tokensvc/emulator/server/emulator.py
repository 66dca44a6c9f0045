"""The emulator: assembles the parts and listens on one port."""

from __future__ import annotations

import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from aiohttp import web

from tokensvc.emulator.clock import Clock
from tokensvc.emulator.conversation.handles import ResumptionHandles
from tokensvc.emulator.faults.fault import Fault, FaultQueue
from tokensvc.emulator.options import Options
from tokensvc.emulator.provisioning.credentials import ApiKeys
from tokensvc.emulator.provisioning.endpoint import LARGEST_BODY, AuthTokensEndpoint
from tokensvc.emulator.provisioning.tokens import TokenStore
from tokensvc.emulator.responses.echo import EchoResponder
from tokensvc.emulator.server import certificate
from tokensvc.emulator.server.admission import AdmissionControl
from tokensvc.emulator.server.connections import Connections
from tokensvc.emulator.server.inspection import Inspection
from tokensvc.emulator.server.live import LiveEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from tokensvc.emulator.responses.steps import Responder

VERSIONS = "v1alpha|v1beta|v1"
SERVICE = "google.ai.generativelanguage"
# Both SDKs double the first slash for some spellings of their base URL.
LIVE_PATH = (
    rf"/{{slash:/?}}ws/{SERVICE}.{{version:{VERSIONS}}}.GenerativeService."
    "BidiGenerateContent{constrained:(Constrained)?}"
)
# Seconds for open sockets to close when the emulator stops.
SHUTDOWN_TIMEOUT = 1.0


@dataclass(frozen=True)
class ListenConfig:
    """Where an emulator listens.

    Attributes:
        port: 0 picks a free one.
        tls: Serve TLS with a certificate that is issued on start.
        certificate_file: Where to write the certificate that clients have to trust; by default in a
            temporary folder.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    certificate_file: Path | None = None


class Emulator:
    """A Live API on one port, as an asynchronous context manager.

    Args:
        options: See `Options`.
        responder: Decides on the answers; by default an `EchoResponder`.
        listen: Where to listen; by default on a free port of 127.0.0.1.
        faults: The faults that are pending at the start; the attribute accepts more at any time.

    Raises:
        OSError: on entering, if the port is in use.
    """

    def __init__(
        self,
        options: Options | None = None,
        responder: Responder | None = None,
        listen: ListenConfig | None = None,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.options = options or Options()
        self.clock = Clock()
        self._listen = listen or ListenConfig()
        self._folder = tempfile.TemporaryDirectory(prefix="live-emulator-")
        folder = Path(self._folder.name)
        self.certificate_file = self._listen.certificate_file or folder / "certificate.pem"
        self.faults = FaultQueue(deque(faults))
        keys = ApiKeys(self.options.api_keys)
        self.tokens = TokenStore(self.clock, self.options)
        self.connections = Connections(self.clock, self.options, folder)
        self._auth_tokens = AuthTokensEndpoint(keys, self.tokens, self.faults)
        handles = ResumptionHandles(self.clock, self.options)
        self._live = LiveEndpoint(
            self.clock,
            self.options,
            AdmissionControl(self.options, keys, self.tokens, handles),
            handles,
            self.connections,
            responder or EchoResponder(),
            self.faults,
        )
        self._inspection = Inspection(self.clock, self.connections, self.tokens, self._auth_tokens, self.faults)
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)

    @property
    def port(self) -> int:
        """The port that the emulator listens on."""
        port: int = self._runner.addresses[0][1]  # an address starts with host and port
        return port

    @property
    def url(self) -> str:
        """The emulator's address, to use as the ``base_url`` of a Google SDK."""
        scheme = "https" if self._listen.tls else "http"
        return f"{scheme}://{self._listen.host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        tls = certificate.issue(self.certificate_file) if self._listen.tls else None
        site = web.TCPSite(self._runner, self._listen.host, self._listen.port, ssl_context=tls)
        try:
            await site.start()
        except OSError:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        self._folder.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.on_shutdown.append(self._live.close_all)
        app.router.add_post(f"/{{version:{VERSIONS}}}/auth_tokens", self._auth_tokens.create)
        app.router.add_get("/{version}/auth_tokens{rest:.*}", self._auth_tokens.not_found)
        app.router.add_delete("/{version}/auth_tokens/{rest:.*}", self._auth_tokens.not_found)
        app.router.add_get(LIVE_PATH, self._live.serve)
        app.router.add_routes(self._inspection.routes())
        return app

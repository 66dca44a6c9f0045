"""The gate: judges a socket's first frame, credential and setup together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.conversation.plan import Plan
from tokensvc.emulator.protocol import models, protojson
from tokensvc.emulator.protocol.errors import ClosedError, Closes, InvalidPayloadError

if TYPE_CHECKING:
    from tokensvc.emulator.conversation.handles import HandleBook, Resumed
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.provisioning.credentials import Keys, Presented
    from tokensvc.emulator.provisioning.tokens import Token, TokenBook


@dataclass(frozen=True)
class Method:
    """Which method of the service a socket was opened on."""

    version: str
    constrained: bool


@dataclass(frozen=True)
class Admission:
    """A session that may begin.

    Attributes:
        setup: The effective setup, in one spelling.
        asked: The client's own setup, in the same.
    """

    setup: dict[str, Any]
    asked: dict[str, Any]
    plan: Plan
    token: Token | None
    resumed: Resumed | None


@dataclass(frozen=True)
class Gate:
    """Everything that a first frame is held against."""

    options: Options
    keys: Keys
    tokens: TokenBook
    handles: HandleBook

    def admit(self, frame: str | bytes, presented: Presented, method: Method) -> Admission:
        """Let a session begin.

        A use of the token is spent last, so that a setup which the model refuses costs none.

        Raises:
            ClosedError: for whatever is wrong first: the credential, the frame, the setup.
        """
        token = self._credential(presented, method)
        asked = first_setup(frame)
        setup = asked if token is None else token.effective_setup(asked)
        model = models.find(
            setup.get("model", ""),
            version=method.version,
            constrained=method.constrained,
            unknown=self.options.unknown_models,
        )
        models.check(setup, model, modality=self.options.default_modality)
        if self.options.native_fields == "v1alpha" != method.version:
            models.check_version(setup, model)
        handle = self._handle(setup, asked, token)
        resumed = self.handles.resume(handle, setup["model"]) if handle else None
        if token is not None:
            self.tokens.spend(token, resuming=resumed is not None)
        return Admission(
            setup, asked, Plan.of(setup, model, self.options.default_behavior), token, resumed
        )

    def _credential(self, presented: Presented, method: Method) -> Token | None:
        if method.constrained:
            if not presented.token:
                raise ClosedError(Closes.unregistered)
            return self.tokens.find(presented.token)
        if presented.token and not presented.key:
            raise ClosedError(Closes.unregistered)
        self.keys.check_socket(presented)
        return None

    def _handle(self, setup: dict[str, Any], asked: dict[str, Any], token: Token | None) -> str:
        """The handle that counts: the locked one, else, if the lock resumes at all, the client's.

        The reference says that a full lock ignores the client's setup; the tokens page resumes
        under one. Hence the option.
        """
        locked: str = setup.get("sessionResumption", {}).get("handle", "")
        if locked or token is None or token.lock != "full":
            return locked
        if "sessionResumption" not in setup or self.options.client_handle == "ignored":
            return ""
        client: str = asked.get("sessionResumption", {}).get("handle", "")
        return client


def first_setup(frame: str | bytes) -> dict[str, Any]:
    """The setup in a first frame.

    Raises:
        ClosedError: 1007 for anything else.
    """
    try:
        message = protojson.read("ClientMessage", protojson.loads(frame))
    except InvalidPayloadError as error:
        raise ClosedError(Closes.payload(error)) from None
    if list(message) != ["setup"]:
        raise ClosedError(Closes.setup_first)
    setup: dict[str, Any] = message["setup"]
    return setup

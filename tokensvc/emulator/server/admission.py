"""Admission: checks a socket's credential and its first frame, the setup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.conversation.plan import Plan
from tokensvc.emulator.protocol import models, protojson
from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons
from tokensvc.emulator.protocol.errors import InvalidPayloadError

if TYPE_CHECKING:
    from tokensvc.emulator.conversation.handles import ResumedConversation, ResumptionHandles
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.provisioning.credentials import ApiKeys, Credentials
    from tokensvc.emulator.provisioning.tokens import Token, TokenStore


@dataclass(frozen=True)
class Method:
    """The API method on which a socket was opened; *constrained* is the one for tokens."""

    version: str
    constrained: bool


@dataclass(frozen=True)
class Admission:
    """A session that may begin.

    Attributes:
        setup: The effective setup, normalized.
        client_setup: The client's own setup, normalized.
    """

    setup: dict[str, Any]
    client_setup: dict[str, Any]
    plan: Plan
    token: Token | None
    resumed: ResumedConversation | None


@dataclass(frozen=True)
class AdmissionControl:
    """Decides whether a session may begin."""

    options: Options
    keys: ApiKeys
    tokens: TokenStore
    handles: ResumptionHandles

    def admit(self, frame: str | bytes, credentials: Credentials, method: Method) -> Admission:
        """Check the credential and the first frame.

        The token is spent last, so that a refused setup does not use up a session of the token.

        Raises:
            CloseError: for the first problem with the credential, the frame or the setup.
        """
        token = self._check_credentials(credentials, method)
        client_setup = first_setup(frame)
        setup = client_setup if token is None else token.effective_setup(client_setup)
        model = models.find(
            setup.get("model", ""),
            version=method.version,
            constrained=method.constrained,
            unknown=self.options.unknown_models,
        )
        models.check(setup, model, modality=self.options.default_modality)
        if method.version != "v1alpha" and self.options.native_fields == "v1alpha":
            models.check_version(setup)
        handle = self._handle(setup, client_setup, token)
        resumed = self.handles.resume(handle, setup["model"]) if handle else None
        if token is not None:
            self.tokens.spend(token, resuming=resumed is not None)
        plan = Plan.of(setup, model, self.options)
        return Admission(setup, client_setup, plan, token, resumed)

    def _check_credentials(self, credentials: Credentials, method: Method) -> Token | None:
        if method.constrained:
            if not credentials.token:
                raise CloseError(CloseReasons.unregistered)
            return self.tokens.find(credentials.token)
        # This method ignores tokens, so a token alone does not identify the caller.
        if credentials.token and not credentials.key:
            raise CloseError(CloseReasons.unregistered)
        self.keys.check_socket(credentials)
        return None

    def _handle(self, setup: dict[str, Any], client_setup: dict[str, Any], token: Token | None) -> str:
        """Return the handle that applies: the effective setup's, or the client's.

        The client's applies only under a full lock that has resumption. The reference says that a
        full lock ignores the client's setup, but the tokens page resumes under one; hence the
        option.
        """
        effective: str = setup.get("sessionResumption", {}).get("handle", "")
        if effective or token is None or token.lock != "full":
            return effective
        if "sessionResumption" not in setup or self.options.client_handle == "ignored":
            return ""
        client: str = client_setup.get("sessionResumption", {}).get("handle", "")
        if client and self.options.client_handle == "own":
            lineage = self.handles.lineage(client)
            return client if lineage is None or lineage in token.lineages else ""
        return client


def first_setup(frame: str | bytes) -> dict[str, Any]:
    """Return the setup in a socket's first frame.

    Raises:
        CloseError: 1007 if the frame is anything else.
    """
    try:
        message = protojson.parse("ClientMessage", protojson.loads(frame))
    except InvalidPayloadError as error:
        raise CloseError(CloseReasons.payload(error)) from None
    if list(message) != ["setup"]:
        raise CloseError(CloseReasons.invalid_argument)
    setup: dict[str, Any] = message["setup"]
    return setup

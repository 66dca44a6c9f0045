"""Asks each authenticator in turn who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tokensvc.errors import AuthenticationRequired, InvalidRequest, InvalidToken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokensvc.domain import Credentials, Principal


class Authenticator(Protocol):
    """Knows one kind of credential."""

    def authenticate(self, credentials: Credentials) -> Principal | None:
        """The principal; None for a credential that is not of this kind.

        Raises:
            InvalidToken: for a credential of this kind that is bad.
        """
        ...


class AuthenticatorChain:
    """The first that knows the credential decides; a bad credential never becomes a guest."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    def authenticate(self, credentials: Credentials) -> Principal:
        """Who is asking.

        Raises:
            InvalidToken: for a credential that is bad, or of no known kind.
            AuthenticationRequired: where none was sent and guests are not admitted.
            InvalidRequest: for who speaks for others without an API key.
        """
        for authenticator in self._authenticators:
            principal = authenticator.authenticate(credentials)
            if principal is not None:
                _check_on_behalf_of(principal, credentials)
                return principal
        if credentials.unverified_bearer is None:
            raise AuthenticationRequired
        raise InvalidToken(cause="a credential of no known kind")


def _check_on_behalf_of(principal: Principal, credentials: Credentials) -> None:
    if credentials.unverified_on_behalf_of is not None and principal.kind != "key":
        raise InvalidRequest("“on_behalf_of” goes with an API key, and with nothing else.")

"""Authenticates a caller with the first authenticator that recognizes the credential."""

from collections.abc import Sequence
from typing import Protocol

from tokensvc.domain import Credentials, Principal
from tokensvc.errors import AuthenticationRequired, InvalidRequest, InvalidToken


class Authenticator(Protocol):
    """Authenticates one kind of credential."""

    def authenticate(self, credentials: Credentials) -> Principal | None:
        """Return the principal; None if the credential is of another kind.

        Raises:
            InvalidToken: if the credential is of this kind but not valid.
        """
        ...


class AuthenticatorChain:
    """Tries authenticators in order; a caller with an invalid credential is never a guest."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    def authenticate(self, credentials: Credentials) -> Principal:
        """Return the principal.

        Raises:
            InvalidToken: if the credential is not valid, or of no known kind.
            AuthenticationRequired: if there is no credential and no authenticator for guests.
            InvalidRequest: if a caller without an API key acts for another user.
        """
        for authenticator in self._authenticators:
            principal = authenticator.authenticate(credentials)
            if principal is not None:
                _check_on_behalf_of(principal, credentials)
                return principal
        if credentials.unverified_bearer is None:
            raise AuthenticationRequired
        raise InvalidToken(cause="credential of no known kind")


def _check_on_behalf_of(principal: Principal, credentials: Credentials) -> None:
    if credentials.unverified_on_behalf_of is not None and principal.kind != "key":
        raise InvalidRequest("“on_behalf_of” needs an API key; leave it out otherwise.")

"""Authenticates a caller with the first authenticator that recognizes the credential."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tokensvc.domain import GUEST_ISSUER, Credentials, Lease, Principal
from tokensvc.errors import AuthenticationRequired, InvalidRequest, InvalidToken, LeaseRefused
from tokensvc.signing.leases import LeaseSigner

# Returns the principal, or None if the credential is of another kind; raises InvalidToken if it is not valid.
Authenticator = Callable[[Credentials], Principal | None]


def authenticate_guest(credentials: Credentials) -> Principal | None:
    """Return a guest with a random subject, whom each profile may admit, or None if a credential was sent."""
    if credentials.unverified_bearer is not None:
        return None
    return Principal(kind="guest", issuer=GUEST_ISSUER, subject=secrets.token_urlsafe(16))


@dataclass(frozen=True)
class AuthenticatorChain:
    """Tries authenticators in order; a caller with an invalid credential is never a guest."""

    authenticators: Sequence[Authenticator]

    def authenticate(self, credentials: Credentials) -> Principal:
        """Return the principal.

        Raises:
            InvalidToken: if the credential is not valid, or of no known kind.
            AuthenticationRequired: if there is no credential and no authenticator for guests.
            InvalidRequest: if a caller without an API key acts for another user.
        """
        for authenticate in self.authenticators:
            principal = authenticate(credentials)
            if principal is not None:
                if credentials.unverified_on_behalf_of is not None and principal.kind != "key":
                    raise InvalidRequest("“on_behalf_of” needs an API key; leave it out otherwise.")
                return principal
        if credentials.unverified_bearer is None:
            raise AuthenticationRequired
        raise InvalidToken(cause="credential of no known kind")


@dataclass(frozen=True)
class LeaseHolders:
    """Authenticates those who continue a conversation: by its lease, and people also by a current credential."""

    authenticator: AuthenticatorChain
    leases: LeaseSigner

    def authenticate(self, credentials: Credentials, unverified_lease: str) -> Lease:
        """Return the lease, with its principal as the current credential describes it.

        A user needs a current credential; a guest or a backend's user needs only the lease.

        Raises:
            LeaseRefused: if the lease is not valid, or belongs to another person.
            LeaseOver: if it has expired.
            InvalidToken: if the credential is not valid.
            AuthenticationRequired: if there is none, and a user began the conversation.
        """
        held = self.leases.verify(unverified_lease)
        owner = held.principal
        unnamed = credentials.unverified_bearer is None and credentials.unverified_on_behalf_of is None
        if owner.kind != "user" and unnamed:
            return held
        principal = self.authenticator.authenticate(credentials)
        if principal.kind == "guest":
            raise AuthenticationRequired
        if (principal.kind, principal.issuer, principal.subject) != (owner.kind, owner.issuer, owner.subject):
            raise LeaseRefused(cause="belongs to another person")
        return replace(held, principal=principal)

"""Authenticates those who continue a conversation: by its lease, and people also by a current credential."""

from dataclasses import dataclass, replace

from tokensvc.authn.chain import AuthenticatorChain
from tokensvc.domain import Credentials, Lease
from tokensvc.errors import AuthenticationRequired, LeaseRefused
from tokensvc.signing.leases import LeaseSigner


@dataclass(frozen=True)
class LeaseHolders:
    """Authenticates holders of leases."""

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

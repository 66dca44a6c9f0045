from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from tokensvc.config.file import LimitTable
from tokensvc.config.profiles import Profile
from tokensvc.domain import Credentials, EphemeralToken, Limit, Principal, Reservation
from tokensvc.errors import (
    AuthenticationRequired,
    InvalidRequest,
    InvalidToken,
    LeaseRefused,
    ProfileNotAllowed,
    RateLimited,
    TemporarilyUnavailable,
    UpstreamTimeout,
)
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.issuing import Policy, TokenRequest, TokenService

NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
VOICE = {"path": "voice", "choices": ["Kore", "Puck"]}


class Names:
    """Believes a bearer to be the name it says; “bad” is bad."""

    def authenticate(self, credentials):
        name = credentials.unverified_bearer
        if name == "bad":
            raise InvalidToken
        kind = "guest" if name is None else "user"
        return Principal(kind, "test", name or "somebody", frozenset({"support"} & {name}))


class Book:
    """A ledger in memory; a step named in *fails* cannot be written."""

    def __init__(self, *, full=False, fails=()):
        self.entries, self.full, self.fails = [], full, fails

    def _write(self, *entry):
        if entry[0] in self.fails:
            raise TemporarilyUnavailable
        self.entries.append(entry)

    def admit(self, admission):
        if self.full:
            raise RateLimited(retry_after=1)
        self._write("reserved", admission)
        end = admission.lease.started_at + timedelta(seconds=admission.wanted)
        return Reservation("r", admission, NOW, end, admission.wanted, None)

    def grant(self, _reservation, token):
        self._write("granted", token.fingerprint)

    def refund(self, _reservation, code):
        self._write("refunded", code)

    def end(self, lease, _request_id, _address):
        self._write("ended", lease.id)

    @property
    def kinds(self):
        return [kind for kind, _ in self.entries]


class Mint:
    """Mints, and remembers for what; or fails."""

    def __init__(self, failure=None):
        self.failure, self.minted = failure, []

    def mint(self, compiled, lease, expires_at, resumption_handle=None):
        if self.failure:
            raise self.failure
        self.minted.append((compiled.profile.name, lease.options, resumption_handle))
        return EphemeralToken("auth_tokens/x", expires_at, NOW)


class Signer:
    """Knows its leases by name."""

    def __init__(self):
        self.leases = {}

    def sign(self, lease):
        name = f"lease of {lease.principal.subject}"
        self.leases[name] = lease
        return name

    def verify(self, unverified_lease):
        if unverified_lease not in self.leases:
            raise LeaseRefused
        return self.leases[unverified_lease]


def compiled(name, allow, setup=MappingProxyType({"sessionResumption": {}}), **fields):
    profile = Profile.model_validate(
        {"name": name, "model": "gemini-3.8-live", "allow": allow} | fields
    )
    generation = {"generationConfig": {"responseModalities": ["AUDIO"]}}
    return CompiledProfile(profile, {"bidiGenerateContentSetup": {**setup, **generation}}, {})


PROFILES = [
    compiled("default", ["user"], options={"voice": VOICE}, limits=["1/hour"]),
    compiled("open", ["user", "guest"]),
    compiled("short", ["user"], {}),
    compiled("support", ["group:support"]),
]


LIMITS = LimitTable(user=["7/minute"], guest=["2/minute"])


def make(ledger=None, mint=None, profiles=PROFILES):
    return TokenService(
        authenticator=Names(),
        policy=lambda: Policy({c.profile.name: c for c in profiles}, LIMITS),
        ledger=ledger or Book(),
        minter=mint or Mint(),
        leases=Signer(),
        clock=lambda: NOW,
    )


def issue(service, asked=None, name="alice"):
    return service.issue(Credentials(name, "192.0.2.1"), asked or TokenRequest(), "request-1")


def test_a_grant():
    """It is reserved, minted, granted; and comes with a lease of the profile's length."""
    book, mint = Book(), Mint()
    grant = issue(make(book, mint), TokenRequest(options={"voice": "Puck"}))

    assert book.kinds == ["reserved", "granted"]
    assert mint.minted == [("default", {"voice": "Puck"}, None)]
    assert grant.lease.options == {"voice": "Puck"}
    assert grant.lease.expires_at - NOW == timedelta(minutes=30)
    assert grant.signed_lease == "lease of alice"
    assert "auth_tokens/x" not in repr(grant)
    assert "lease of alice" not in repr(grant)


def test_what_is_admitted():
    """The general limits of the caller's kind, and the profile's own beside them."""
    book = Book()
    service = make(book)
    issue(service)
    issue(service, TokenRequest("open"), name=None)

    user, guest = (admission for kind, admission in book.entries if kind == "reserved")
    assert [window.limits for window in user.windows] == [(Limit(7, 60),), (Limit(1, 3600),)]
    assert [window.limits for window in guest.windows] == [(Limit(2, 60),)]
    assert (user.request_id, user.address) == ("request-1", "192.0.2.1")
    assert user.lease.profile == "default"
    assert not user.renewal


@pytest.mark.parametrize(
    ("asked", "name", "refusal"),
    [
        (TokenRequest(), "bad", InvalidToken),
        (TokenRequest(), None, AuthenticationRequired),
        (TokenRequest("nonsense"), None, AuthenticationRequired),
        (TokenRequest("nonsense"), "alice", ProfileNotAllowed),
        (TokenRequest("support"), "alice", ProfileNotAllowed),
        (TokenRequest(options={"voice": "Zephyr"}), "alice", InvalidRequest),
        (TokenRequest(options={"model": "other"}), "alice", InvalidRequest),
    ],
)
def test_a_refusal_before_the_ledger(asked, name, refusal):
    """Nothing is reserved and nothing minted; an unknown profile and a forbidden one look alike."""
    book, mint = Book(), Mint()

    with pytest.raises(refusal):
        issue(make(book, mint), asked, name)

    assert (book.entries, mint.minted) == ([], [])


def test_a_full_limit():
    """Google is not asked."""
    mint = Mint()

    with pytest.raises(RateLimited):
        issue(make(Book(full=True), mint))

    assert mint.minted == []


def test_no_audit():
    """No token: Google is not asked where the reservation cannot be written."""
    mint = Mint()

    with pytest.raises(TemporarilyUnavailable):
        issue(make(Book(fails={"reserved"}), mint))

    assert mint.minted == []


def test_a_grant_that_cannot_be_recorded():
    """The token is not handed out, and the charge stands."""
    book = Book(fails={"granted"})

    with pytest.raises(TemporarilyUnavailable):
        issue(make(book))

    assert book.kinds == ["reserved"]


def test_a_failed_mint():
    """It is refunded, and its refusal is the answer."""
    book = Book()

    with pytest.raises(UpstreamTimeout):
        issue(make(book, Mint(UpstreamTimeout())))

    assert book.entries[1:] == [("refunded", "upstream-timeout")]


def test_a_fault_of_ours_while_minting():
    """The charge stands: it is not known whether a token is out there."""
    book = Book()

    with pytest.raises(ZeroDivisionError):
        issue(make(book, Mint(ZeroDivisionError())))

    assert book.kinds == ["reserved"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, ["open"]),
        ("alice", ["default", "open", "short"]),
        ("support", ["default", "open", "short", "support"]),
    ],
)
def test_what_is_offered(name, expected):
    """The profiles that this caller may use, and no word of the others."""
    offered = make().offered(Credentials(name, "192.0.2.1"))

    assert [c.profile.name for c in offered] == expected


def test_what_is_offered_to_a_guest_where_nothing_is():
    """They are asked to sign in."""
    with pytest.raises(AuthenticationRequired):
        make(profiles=PROFILES[:1]).offered(Credentials(None, "192.0.2.1"))


def renewal(grant, handle="a-handle"):
    return TokenRequest(unverified_lease=grant.signed_lease, resumption_handle=handle)


def test_a_renewal():
    """It is the same conversation, charged as a renewal alone, with Google's handle locked in."""
    book, mint = Book(), Mint()
    service = make(book, mint)
    started = issue(service, TokenRequest(options={"voice": "Puck"}))
    renewed = issue(service, renewal(started))

    assert renewed.lease == started.lease
    assert renewed.signed_lease == started.signed_lease
    assert mint.minted[1] == ("default", {"voice": "Puck"}, "a-handle")
    admission = book.entries[2][1]
    assert admission.renewal
    assert [window.name for window in admission.windows] == ["renewal"]
    assert admission.handle is not None
    assert "a-handle" not in repr(admission)


def test_a_renewal_without_a_handle():
    """There is no context to go on with, so it counts as a start too."""
    book = Book()
    service = make(book)
    issue(service, renewal(issue(service), handle=None))

    assert [window.name for window in book.entries[2][1].windows] == ["renewal", "user", "default"]


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("bob", LeaseRefused), ("bad", InvalidToken), (None, AuthenticationRequired)],
)
def test_a_persons_renewal(name, refusal):
    """It takes a credential of now, of the same person."""
    book = Book()
    service = make(book)
    started = issue(service)

    with pytest.raises(refusal):
        issue(service, renewal(started), name)
    assert book.kinds == ["reserved", "granted"]


def test_a_guests_renewal():
    """The lease alone is enough; under another's credential it is not theirs."""
    service = make()
    started = issue(service, TokenRequest("open"), name=None)

    assert issue(service, renewal(started), name=None).lease == started.lease
    with pytest.raises(LeaseRefused):
        issue(service, renewal(started), name="alice")


def test_a_renewal_of_a_profile_that_has_changed():
    """Whoever may no longer have it, or not with these options, is refused."""
    service = make()
    started = issue(service, TokenRequest(options={"voice": "Puck"}))
    closed = replace(service, policy=lambda: Policy({}, LIMITS))
    changed = compiled("default", ["user"])
    other = replace(service, policy=lambda: Policy({"default": changed}, LIMITS))

    with pytest.raises(ProfileNotAllowed):
        issue(closed, renewal(started))
    with pytest.raises(InvalidRequest):
        issue(other, renewal(started))


def test_a_handle_where_nothing_is_resumed():
    """It is refused: the token could not carry it."""
    service = make()
    started = issue(service, TokenRequest("short"))

    with pytest.raises(InvalidRequest):
        issue(service, renewal(started))


def test_the_end():
    """Whoever holds the lease can end its conversation."""
    book = Book()
    service = make(book)
    started = issue(service)
    service.end(started.signed_lease, "request-2", "192.0.2.1")

    assert book.entries[-1] == ("ended", started.lease.id)
    with pytest.raises(LeaseRefused):
        service.end("nonsense", "request-3", "192.0.2.1")

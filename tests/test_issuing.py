from datetime import UTC, datetime, timedelta

import pytest

from tokensvc.configuration import LimitTable
from tokensvc.domain import Credentials, EphemeralToken, Limit, Principal, Reservation
from tokensvc.errors import (
    AuthenticationRequired,
    InvalidRequest,
    InvalidToken,
    ProfileNotAllowed,
    RateLimited,
    TemporarilyUnavailable,
    UpstreamTimeout,
)
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.issuing import Order, TokenService
from tokensvc.profiles import Profile

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
        return Reservation("r", NOW)

    def grant(self, _reservation, _admission, token):
        self._write("granted", token.fingerprint)

    def refund(self, _reservation, _admission, code):
        self._write("refunded", code)

    @property
    def kinds(self):
        return [kind for kind, _ in self.entries]


class Mint:
    """Mints, and remembers for what; or fails."""

    def __init__(self, failure=None):
        self.failure, self.minted = failure, []

    def mint(self, compiled, options):
        if self.failure:
            raise self.failure
        self.minted.append((compiled.profile.name, options))
        return EphemeralToken("auth_tokens/x", NOW + timedelta(minutes=5), NOW)


class Signer:
    """Signs nothing."""

    def sign(self, lease):
        return f"lease of {lease.principal.subject}"


def compiled(name, allow, **fields):
    profile = Profile.model_validate(
        {"name": name, "model": "gemini-3.8-live", "allow": allow} | fields
    )
    return CompiledProfile(profile, {}, {})


PROFILES = [
    compiled("default", ["user"], options={"voice": VOICE}, limits=["1/hour"]),
    compiled("open", ["user", "guest"]),
    compiled("support", ["group:support"]),
]


def make(ledger=None, mint=None, profiles=PROFILES):
    return TokenService(
        authenticator=Names(),
        profiles={c.profile.name: c for c in profiles},
        limits=LimitTable(user=["7/minute"], guest=["2/minute"]),
        ledger=ledger or Book(),
        minter=mint or Mint(),
        leases=Signer(),
        clock=lambda: NOW,
    )


def issue(service, order=None, name="alice"):
    return service.issue(Credentials(name, "192.0.2.1"), order or Order(), "request-1")


def test_a_grant():
    """It is reserved, minted, granted; and comes with a lease of the profile's length."""
    book, mint = Book(), Mint()
    grant = issue(make(book, mint), Order(options={"voice": "Puck"}))

    assert book.kinds == ["reserved", "granted"]
    assert mint.minted == [("default", {"voice": "Puck"})]
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
    issue(service, Order("open"), name=None)

    user, guest = (admission for kind, admission in book.entries if kind == "reserved")
    assert (user.limits, user.profile_limits) == ((Limit(7, 60),), (Limit(1, 3600),))
    assert (guest.limits, guest.profile_limits) == ((Limit(2, 60),), ())
    assert (user.request_id, user.address, user.profile) == ("request-1", "192.0.2.1", "default")


@pytest.mark.parametrize(
    ("order", "name", "refusal"),
    [
        (Order(), "bad", InvalidToken),
        (Order(), None, AuthenticationRequired),
        (Order("nonsense"), None, AuthenticationRequired),
        (Order("nonsense"), "alice", ProfileNotAllowed),
        (Order("support"), "alice", ProfileNotAllowed),
        (Order(options={"voice": "Zephyr"}), "alice", InvalidRequest),
        (Order(options={"model": "other"}), "alice", InvalidRequest),
    ],
)
def test_a_refusal_before_the_ledger(order, name, refusal):
    """Nothing is reserved and nothing minted; an unknown profile and a forbidden one look alike."""
    book, mint = Book(), Mint()

    with pytest.raises(refusal):
        issue(make(book, mint), order, name)

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
        ("alice", ["default", "open"]),
        ("support", ["default", "open", "support"]),
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

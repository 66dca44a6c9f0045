from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from tokensvc.authn.chain import LeaseHolders
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


class NameAuthenticator:
    """Takes the bearer for the subject's name; the bearer “bad” is invalid."""

    def authenticate(self, credentials):
        name = credentials.unverified_bearer
        if name == "bad":
            raise InvalidToken
        kind = "guest" if name is None else "user"
        return Principal(kind, "test", name or "somebody", frozenset({"support"} & {name}))


class MemoryLedger:
    """Keeps entries in memory; writing an entry of a kind in *fails* fails."""

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


class FakeMinter:
    """Records what it mints, or raises *failure*."""

    def __init__(self, failure=None):
        self.failure, self.minted, self.rebuilds = failure, [], []

    def passage(self, compiled, lease, *, renewal):
        def mint(expires_at, resumption_handle, rebuild, _context):
            if self.failure:
                raise self.failure
            self.rebuilds.append(rebuild)
            self.minted.append((compiled.profile.name, lease.options, resumption_handle))
            return EphemeralToken("auth_tokens/x", expires_at, NOW)

        self.renewal = renewal
        return nullcontext(mint)


class NameSigner:
    """Signs a lease with the name of its subject."""

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
    profile = Profile.model_validate({"name": name, "model": "gemini-3.8-live", "allow": allow} | fields)
    generation = {"generationConfig": {"responseModalities": ["AUDIO"]}}
    return CompiledProfile(profile, {"bidiGenerateContentSetup": {**setup, **generation}}, {})


PROFILES = [
    compiled("default", ["user"], options={"voice": VOICE}, limits=["1/hour"]),
    compiled("open", ["user", "guest"]),
    compiled("short", ["user"], {}),
    compiled("support", ["group:support"]),
]


LIMITS = LimitTable(user=["7/minute"], guest=["2/minute"])


def make_service(ledger=None, minter=None, profiles=PROFILES):
    return TokenService(
        holders=LeaseHolders(NameAuthenticator(), NameSigner()),
        policy=lambda: Policy({c.profile.name: c for c in profiles}, LIMITS),
        ledger=ledger or MemoryLedger(),
        minter=minter or FakeMinter(),
        usage=None,  # nothing is reported here
        clock=lambda: NOW,
    )


def issue(service, token_request=None, name="alice"):
    return service.issue(Credentials(name, "192.0.2.1"), token_request or TokenRequest(), "request-1")


def test_token_is_reserved_minted_and_granted_with_a_lease():
    ledger, minter = MemoryLedger(), FakeMinter()
    grant = issue(make_service(ledger, minter), TokenRequest(options={"voice": "Puck"}))

    assert ledger.kinds == ["reserved", "granted"]
    assert minter.minted == [("default", {"voice": "Puck"}, None)]
    assert grant.lease.options == {"voice": "Puck"}
    assert grant.lease.expires_at - NOW == timedelta(minutes=30)
    assert grant.signed_lease == "lease of alice"
    assert "auth_tokens/x" not in repr(grant)
    assert "lease of alice" not in repr(grant)


def test_admission_has_the_limits_of_the_kind_and_of_the_profile():
    ledger = MemoryLedger()
    service = make_service(ledger)
    issue(service)
    issue(service, TokenRequest("open"), name=None)

    user, guest = (admission for kind, admission in ledger.entries if kind == "reserved")
    assert [window.limits for window in user.windows] == [(Limit(7, 60),), (Limit(1, 3600),)]
    assert [window.limits for window in guest.windows] == [(Limit(2, 60),)]
    assert (user.request_id, user.address) == ("request-1", "192.0.2.1")
    assert user.lease.profile == "default"
    assert not user.renewal


@pytest.mark.parametrize(
    ("token_request", "name", "refusal"),
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
def test_refused_request_reserves_and_mints_nothing(token_request, name, refusal):
    """An unknown profile and a forbidden one are refused alike."""
    ledger, minter = MemoryLedger(), FakeMinter()

    with pytest.raises(refusal):
        issue(make_service(ledger, minter), token_request, name)

    assert (ledger.entries, minter.minted) == ([], [])


def test_nothing_is_minted_over_the_limit():
    minter = FakeMinter()

    with pytest.raises(RateLimited):
        issue(make_service(MemoryLedger(full=True), minter))

    assert minter.minted == []


def test_nothing_is_minted_if_the_reservation_cannot_be_written():
    minter = FakeMinter()

    with pytest.raises(TemporarilyUnavailable):
        issue(make_service(MemoryLedger(fails={"reserved"}), minter))

    assert minter.minted == []


def test_token_is_withheld_but_stays_charged_if_the_grant_cannot_be_written():
    ledger = MemoryLedger(fails={"granted"})

    with pytest.raises(TemporarilyUnavailable):
        issue(make_service(ledger))

    assert ledger.kinds == ["reserved"]


def test_failed_mint_is_refunded_and_its_error_raised():
    ledger = MemoryLedger()

    with pytest.raises(UpstreamTimeout):
        issue(make_service(ledger, FakeMinter(UpstreamTimeout())))

    assert ledger.entries[1:] == [("refunded", "upstream-timeout")]


def test_unexpected_error_while_minting_is_not_refunded():
    """Google may have created the token."""
    ledger = MemoryLedger()

    with pytest.raises(ZeroDivisionError):
        issue(make_service(ledger, FakeMinter(ZeroDivisionError())))

    assert ledger.kinds == ["reserved"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, ["open"]),
        ("alice", ["default", "open", "short"]),
        ("support", ["default", "open", "short", "support"]),
    ],
)
def test_offered_profiles_are_those_the_caller_may_use(name, expected):
    offered = make_service().offered(Credentials(name, "192.0.2.1"))

    assert [c.profile.name for c in offered] == expected


def test_guest_without_any_profile_must_authenticate():
    with pytest.raises(AuthenticationRequired):
        make_service(profiles=PROFILES[:1]).offered(Credentials(None, "192.0.2.1"))


def renewal(grant, handle="a-handle"):
    return TokenRequest(unverified_lease=grant.signed_lease, resumption_handle=handle)


def test_only_a_token_that_was_requested_for_rebuilding_is_minted_for_it():
    minter = FakeMinter()
    service = make_service(minter=minter)
    started = issue(service)
    for rebuild in (False, True):
        issue(service, TokenRequest(unverified_lease=started.signed_lease, rebuild=rebuild))

    assert minter.rebuilds == [False, False, True]


def test_renewal_keeps_the_lease_counts_as_renewal_and_locks_the_handle():
    ledger, minter = MemoryLedger(), FakeMinter()
    service = make_service(ledger, minter)
    started = issue(service, TokenRequest(options={"voice": "Puck"}))
    renewed = issue(service, renewal(started))

    assert renewed.lease == started.lease
    assert renewed.signed_lease == started.signed_lease
    assert minter.minted[1] == ("default", {"voice": "Puck"}, "a-handle")
    admission = ledger.entries[2][1]
    assert admission.renewal
    assert [window.name for window in admission.windows] == ["renewal"]
    assert admission.handle is not None
    assert "a-handle" not in repr(admission)


def test_renewal_without_a_handle_also_counts_as_a_start():
    """Without a handle the conversation starts over without its context."""
    ledger = MemoryLedger()
    service = make_service(ledger)
    issue(service, renewal(issue(service), handle=None))

    assert [window.name for window in ledger.entries[2][1].windows] == [
        "renewal",
        "user",
        "default",
    ]


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("bob", LeaseRefused), ("bad", InvalidToken), (None, AuthenticationRequired)],
)
def test_renewal_for_a_user_needs_a_current_credential_of_that_user(name, refusal):
    ledger = MemoryLedger()
    service = make_service(ledger)
    started = issue(service)

    with pytest.raises(refusal):
        issue(service, renewal(started), name)
    assert ledger.kinds == ["reserved", "granted"]


def test_renewal_for_a_guest_needs_the_lease_and_no_credential():
    service = make_service()
    started = issue(service, TokenRequest("open"), name=None)

    assert issue(service, renewal(started), name=None).lease == started.lease
    with pytest.raises(LeaseRefused):
        issue(service, renewal(started), name="alice")


def test_renewal_is_refused_if_profile_or_options_are_no_longer_allowed():
    service = make_service()
    started = issue(service, TokenRequest(options={"voice": "Puck"}))
    closed = replace(service, policy=lambda: Policy({}, LIMITS))
    changed = compiled("default", ["user"])
    other = replace(service, policy=lambda: Policy({"default": changed}, LIMITS))

    with pytest.raises(ProfileNotAllowed):
        issue(closed, renewal(started))
    with pytest.raises(InvalidRequest):
        issue(other, renewal(started))


def test_handle_is_refused_for_a_profile_without_resumption():
    service = make_service()
    started = issue(service, TokenRequest("short"))

    with pytest.raises(InvalidRequest):
        issue(service, renewal(started))


def test_conversation_is_ended_by_its_lease_alone():
    ledger = MemoryLedger()
    service = make_service(ledger)
    started = issue(service)
    service.end(started.signed_lease, "request-2", "192.0.2.1")

    assert ledger.entries[-1] == ("ended", started.lease.id)
    with pytest.raises(LeaseRefused):
        service.end("nonsense", "request-3", "192.0.2.1")

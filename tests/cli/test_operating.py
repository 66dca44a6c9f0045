import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from programs import SECRET_KEY
from tokensvc.domain import Account, Admission, Lease, Principal
from tokensvc.store.accounts import Accounts
from tokensvc.store.engine import open_engine, prepare
from tokensvc.store.ledger import Ledger

NOW = datetime.now(UTC)
SEALED_WITHOUT_A_KEY = """\
{"subject": "alice"}
{"subject": "bob"}
# sealed 2 8ce298d83dc29890c186f9dcde0a0eb58959173807d6ee7459acc800d1d673de
"""


@pytest.fixture(name="history")
def _history(tmp_path):
    """Create a store with three reservations, the first two days old; a subject is a formula."""
    engine = open_engine(f"sqlite:///{tmp_path / 'data' / 'tokensvc.db'}")
    prepare(engine)
    for subject, at in (("alice", NOW - timedelta(days=2)), ("bob", NOW), ("=HYPERLINK(1)", NOW)):
        ledger = Ledger(engine, lambda at=at: at)
        person = Principal("user", "https://shop.example", subject)
        lease = Lease(f"of {subject}", person, "default", {}, at, at + timedelta(minutes=30))
        ledger.admit(Admission("r", "192.0.2.1", lease, "models/m", False, 300, 60, "h"))  # noqa: FBT003 - no renewal
    engine.dispose()


def test_blocks_are_set_listed_and_lifted(tokensvc):
    tokensvc("db", "upgrade")
    assert tokensvc("block", "all").stdout == "Blocked.\n"
    assert "until" in tokensvc("block", "subject", "alice", "--for", "2h").stdout
    listed = tokensvc("blocks").stdout
    assert "all  since" in listed
    assert "subject alice  since" in listed
    assert tokensvc("unblock", "all").stdout == "Unblocked.\n"
    again = tokensvc("unblock", "all")
    assert (again.exit_code, "was not blocked" in again.stderr) == (1, True)


def test_account_is_blocked_in_any_spelling(tokensvc):
    tokensvc("users", "add", "Zoë", typed="\n")
    assert tokensvc("block", "subject", "ZOË").exit_code == 0
    blocked = tokensvc("blocks").stdout
    assert "subject Zoë  since" in blocked
    assert "subject ZOË  since" in blocked  # who may be another person, of an issuer
    assert tokensvc("unblock", "subject", "zoë").exit_code == 0
    assert "subject Zoë" not in tokensvc("blocks").stdout
    tokensvc("block", "subject", "Zoë", "--issuer", "tokensvc")
    assert "subject tokensvc Zoë" in tokensvc("blocks").stdout


@pytest.mark.parametrize(
    "words",
    [
        ["block", "all"],
        ["unblock", "all"],
        ["blocks"],
        ["audit", "list"],
        ["users", "list"],
        ["users", "remove", "alice"],
        ["keys", "list"],
        ["keys", "remove", "backend"],
    ],
)
def test_command_without_a_store_fails_and_creates_none(tokensvc, tmp_path, words):
    done = tokensvc(*words)

    assert done.exit_code == 1
    assert "there is no file" in done.stderr
    assert "tokensvc db upgrade" in done.stderr
    assert not (tmp_path / "data").exists()


def test_account_may_be_added_before_the_first_start(tokensvc, tmp_path, caplog):
    assert tokensvc("users", "add", "alice", typed="\n").exit_code == 0

    assert f"created a new store file={tmp_path / 'data' / 'tokensvc.db'}" in caplog.text


def test_account_is_not_added_if_an_existing_store_disappeared(tokensvc, tmp_path):
    tokensvc("users", "add", "alice", typed="\n")
    (tmp_path / "data" / "tokensvc.db").unlink()

    done = tokensvc("users", "add", "bob", typed="\n")

    assert done.exit_code == 1
    assert "there is no file" in done.stderr
    assert not (tmp_path / "data" / "tokensvc.db").exists()


@pytest.mark.parametrize(
    "words",
    [["all", "alice"], ["subject"], ["guests", "--issuer", "x"], ["nobody"], ["all", "--for", "2"]],
)
def test_invalid_block_is_refused_with_usage(tokensvc, words):
    done = tokensvc("block", *words)

    assert done.exit_code == 2
    assert "Usage: " in done.stderr


@pytest.mark.usefixtures("history")
def test_audit_list_prints_one_line_per_grant(tokensvc):
    lines = tokensvc("audit", "list", "--last", "2").stdout.splitlines()

    assert len(lines) == 2
    assert "bob (https://shop.example)" in lines[0]
    assert "lease of bob" in lines[0]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_audit_verify_detects_changed_truncated_and_extended_exports(tokensvc, tmp_path, form):
    file = tmp_path / f"audit.{form}"
    assert tokensvc("audit", "export", "--format", form, "--output", str(file)).exit_code == 0
    assert "The seal matches" in tokensvc("audit", "verify", str(file)).stdout

    original = file.read_bytes()
    lines = original.splitlines(keepends=True)
    for broken in (
        original.replace(b"alice", b"mallory"),
        b"".join(lines[1:]),
        b"".join(lines[:-1]),
        original + b"more\n",
        original[:-1],
        original[:-1] + b"\r\n",
        original[:-1] + b" \n",
        original.replace(b"# sealed ", b"# sealed  "),
        original.replace(lines[-1], lines[-1].upper().replace(b"# SEALED", b"# sealed")),
        original.replace(lines[-1], lines[-1].partition(b" key ")[0] + b"\n"),
        b"",
    ):
        file.write_bytes(broken)
        assert tokensvc("audit", "verify", str(file)).exit_code == 1


@pytest.mark.usefixtures("history")
def test_export_sealed_before_a_rotation_is_verified_with_the_secret_of_that_time(tokensvc, tmp_path):
    file, new = tmp_path / "audit.jsonl", SECRET_KEY[::-1]
    assert tokensvc("audit", "export", "--output", str(file)).exit_code == 0
    key = file.read_text(encoding="utf-8").split()[-1]
    rotated = tokensvc("audit", "verify", str(file), TOKENSVC_SECRET_KEY=new)
    assert rotated.exit_code == 1
    assert f"cannot be checked: it names the key {key}" in rotated.stderr
    assert "changed" not in rotated.stderr
    both = f"{new},{SECRET_KEY}"
    assert tokensvc("audit", "verify", str(file), TOKENSVC_SECRET_KEY=both).exit_code == 0

    file.write_bytes(file.read_bytes().replace(b"alice", b"mallory"))
    assert "does not match" in tokensvc("audit", "verify", str(file), TOKENSVC_SECRET_KEY=both).stderr


def test_export_of_a_release_that_named_no_key_is_verified(tokensvc, tmp_path):
    file = tmp_path / "audit.jsonl"
    file.write_text(SEALED_WITHOUT_A_KEY, encoding="utf-8")
    assert "The seal matches: all 2 lines" in tokensvc("audit", "verify", str(file)).stdout
    rotated = tokensvc("audit", "verify", str(file), TOKENSVC_SECRET_KEY=SECRET_KEY[::-1])
    assert "sealed it with a secret that TOKENSVC_SECRET_KEY lacks" in rotated.stderr


@pytest.mark.usefixtures("history")
def test_export_has_every_event_and_escapes_formulas_in_csv(tokensvc):
    *lines, _seal = tokensvc("audit", "export").stdout.splitlines()
    rows = list(csv.DictReader(tokensvc("audit", "export", "--format", "csv").stdout.splitlines()))

    assert [json.loads(line)["subject"] for line in lines] == ["alice", "bob", "=HYPERLINK(1)"]
    assert rows[2]["subject"] == "'=HYPERLINK(1)"


@pytest.mark.usefixtures("history")
def test_prune_removes_only_older_events_and_needs_an_age(tokensvc):
    assert tokensvc("audit", "prune").exit_code == 2
    assert (
        tokensvc("audit", "prune", "--older-than", "72h").stdout
        == "Removed 0 events, 0 counts of refusals and 0 reports of usage.\n"
    )
    assert (
        tokensvc("audit", "prune", "--older-than", "24h").stdout
        == "Removed 1 events, 0 counts of refusals and 0 reports of usage.\n"
    )

    *lines, _seal = tokensvc("audit", "export").stdout.splitlines()
    assert [json.loads(line)["subject"] for line in lines] == ["bob", "=HYPERLINK(1)"]


@pytest.mark.usefixtures("history")
def test_erased_person_is_in_no_export_and_earlier_seals_still_match(tokensvc, tmp_path):
    for name in ("before", "after"):
        if name == "after":
            done = tokensvc("audit", "erase", "--subject", "alice", typed="y\n")
            assert (done.exit_code, done.stdout.splitlines()[-1][-7:]) == (0, "Erased.")
        assert tokensvc("audit", "export", "--output", str(tmp_path / name)).exit_code == 0
    for name in ("before", "after"):
        assert "The seal matches" in tokensvc("audit", "verify", str(tmp_path / name)).stdout

    *lines, _seal = (tmp_path / "after").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert not any("alice" in line and "of alice" not in line for line in lines)  # which is only what the test calls it
    pseudonym = events[-1]["subject"]
    assert [event["subject"] for event in events[:3]] == [pseudonym, "bob", "=HYPERLINK(1)"]
    assert [event["kind"] for event in (*events[:3], events[-1])] == ["reserved", "reserved", "reserved", "erased"]
    assert "erased    erased:" in tokensvc("audit", "list", "--kind", "erased").stdout


@pytest.mark.usefixtures("history")
def test_erasing_shows_how_much_there_is_and_asks(tokensvc):
    for words, typed, code in ((["--dry-run"], None, 0), ([], "n\n", 1), ([], "", 1)):
        done = tokensvc("audit", "erase", "--subject", "alice", *words, typed=typed)
        assert done.exit_code == code
        assert "About “alice” (https://shop.example) the store has events: 1, conversations: 1, " in done.stdout
        assert "alice (https://shop.example)" in tokensvc("audit", "list").stdout
    tokensvc("block", "subject", "alice")
    assert "A block still names this person" in tokensvc("audit", "erase", "--subject", "alice", "--yes").stdout
    assert "subject alice" in tokensvc("blocks").stdout


@pytest.mark.usefixtures("history")
def test_erasing_whom_it_does_not_know_for_sure_is_refused_in_a_sentence(tokensvc):
    tokensvc("users", "add", "bob", typed="\n")
    for subject, said in (
        ("nobody", "The store does not name “nobody”."),
        ("Alice", "The store does not name “Alice”."),
        ("bob", "add --issuer “https://shop.example” or “tokensvc”"),
        ("", "Name a person."),
        ("erased:" + 32 * "0", "pseudonym of somebody who was erased"),
    ):
        done = tokensvc("audit", "erase", "--subject", subject, "--yes")
        assert (done.exit_code, said in done.stderr, len(done.stderr.splitlines())) == (1, True, 1)
    assert tokensvc("audit", "erase", "--yes").exit_code == 2
    assert tokensvc("users", "list").stdout == "bob\n"
    assert tokensvc("audit", "erase", "--subject", "bob", "--issuer", "tokensvc", "--yes").exit_code == 0
    assert tokensvc("users", "list").stdout == ""
    assert "bob (https://shop.example)" in tokensvc("audit", "list").stdout


def test_removed_key_stays_blocked_until_it_is_created_again(tokensvc):
    assert tokensvc("keys", "create", "backend").stdout.startswith("tsk_")
    assert tokensvc("keys", "remove", "backend").stdout == "Removed backend.\n"
    assert "issuer key:backend  since" in tokensvc("blocks").stdout

    tokensvc("keys", "create", "backend")
    assert tokensvc("blocks").stdout == ""


def test_terminal_shows_invisible_characters_of_names_as_numbers(tokensvc, tmp_path):
    """A name from a JWT could otherwise reorder a line, or pass for another."""
    tokensvc("db", "upgrade")
    hidden = "eve\u202e\u200b\U000e0041\u2066"
    engine = open_engine(f"sqlite:///{tmp_path / 'data' / 'tokensvc.db'}")
    person = Principal("user", "https://shop.example", hidden)
    lease = Lease("lease-1", person, "default", {}, NOW, NOW + timedelta(minutes=30))
    admission = Admission("r", "192.0.2.1", lease, "models/m", False, 300, 60, "h")  # noqa: FBT003 - no renewal
    Ledger(engine, lambda: NOW).admit(admission)
    Accounts(engine).add(Account(hidden, "a hash"))
    engine.dispose()
    tokensvc("block", "subject", hidden)

    for words in (["audit", "list"], ["users", "list"], ["blocks"]):
        output = tokensvc(*words).stdout
        assert "eve\\u{202e}\\u{200b}\\u{e0041}\\u{2066}" in output
        assert output.isascii()

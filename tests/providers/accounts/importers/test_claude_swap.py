"""claude-swap's slots: what becomes a login, and what is refused without opening a file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.accounts.importers import CannotImport
from providers.accounts.importers.planned import Action, plan
from providers.base import Environment
from providers.record import replace
from tests.conftest import SAMPLES
from tests.providers.accounts.importers.homes import (
    PERSON,
    TEAM,
    aged,
    by_label,
    encoded,
    found,
    person,
    stores,
    swap_home,
    swap_slot,
    tokens,
    with_claude_swap,
)
from tests.world.logins import put

FIRST = "slot 1 (ada@example.com)"


def test_a_slot_is_a_login_with_the_name_beside_it(environment: Environment) -> None:
    """Its account is what the config of the slot claims; the payload opens in the store, and
    what belongs to the machine is not in it."""
    with_claude_swap(environment)
    slot = by_label("claude-swap", environment)[FIRST]
    opened = stores(environment)["claude"].opened(slot.payload)
    assert opened is not None
    assert slot.login is not None
    assert (opened.lineage, opened.claimed) == (slot.login.lineage, slot.login.claimed)
    assert opened.claimed is not None
    assert opened.claimed.key == f"{PERSON}/{TEAM}"
    assert (slot.alias, slot.provider, slot.slot, slot.why_not) == ("work", "claude", "", "")
    payload = json.loads(slot.payload.reveal())
    assert payload["credentials"]["claudeAiOauth"]["refreshToken"] == "sk-ant-ort01-CANARYonerefresh"
    assert "mcp" not in slot.payload.reveal()
    assert "projects" not in slot.payload.reveal()


def test_the_generation_before_and_the_unclaimed_copies_come_along(environment: Environment) -> None:
    """Each as a login of its own; who the unclaimed one is, nobody claims."""
    with_claude_swap(environment)
    every = by_label("claude-swap", environment)
    before, stray = every[f"{FIRST}, the copy before"], every["unclaimed copy 1"]
    assert before.login is not None
    assert stray.login is not None
    assert stray.login.claimed is None
    assert len({one.login.lineage for one in every.values() if one.login}) == 3


def test_a_copy_before_that_is_the_same_login_is_no_second_one(environment: Environment) -> None:
    """An access token renewed without a new refresh token."""
    swap_slot(environment, 1, "ada@example.com", tokens("one"), account=person())
    before = swap_home(environment) / "credentials/.creds-1-ada@example.com.enc.prev"
    put(before, encoded(tokens("one", hours=-2)))
    assert [one.label for one in found("claude-swap", environment)] == [FIRST]


def test_the_sample(environment: Environment) -> None:
    """As realiti4/claude-swap writes it; whose slot it is, sequence.json says where the config
    of the slot is missing."""
    folder, home = SAMPLES / "interop/claude-swap", swap_home(environment)
    put(home / "sequence.json", (folder / "sequence.json").read_text())
    put(home / "credentials/.creds-1-hedy1@example.com.enc", (folder / "creds.enc").read_text())
    first, second = found("claude-swap", environment)
    assert first.login is not None
    assert first.login.claimed is not None
    assert first.login.claimed.key == f"{PERSON}/{TEAM}"
    assert first.login.issued == 1_795_351_600
    assert (second.login, second.why_not) == (None, "there is no copy of its login")


def test_two_records_that_disagree_name_nobody(environment: Environment) -> None:
    """The config says one person, sequence.json another: the login is kept, the name is not."""
    swap_slot(environment, 1, "ada@example.com", tokens("one"), account=person(), uuid="somebody-else")
    (slot,) = found("claude-swap", environment)
    assert slot.login is not None
    assert slot.login.claimed is None


@pytest.mark.parametrize(
    ("document", "others", "why"),
    [
        ("sk-ant-api03-CANARYkey", {}, "an API key, which is no account to keep"),
        (tokens("x"), {"kind": "api_key"}, "an API key, which is no account to keep"),
        ({"mcpOAuth": {"a": "CANARYmcp"}}, {}, "the copy there holds no tokens"),
        ({"claudeAiOauth": {"accessToken": "", "refreshToken": ""}}, {}, "the copy there holds no tokens"),
        ("", {}, "the copy there holds no tokens"),
        ('{"claudeAiOauth": {"refr', {}, "the copy there is no login, perhaps half written"),
        (
            {"claudeAiOauth": {"accessToken": "sk-ant-oat01-CANARYsetup"}}, {},
            "a setup-token login, which cannot be renewed, is no account to keep",
        ),
    ],
)  # fmt: skip
def test_what_is_no_login_says_why(
    environment: Environment, document: object, others: dict[str, Any], why: str
) -> None:
    """API keys, husks, torn copies, setup tokens."""
    swap_slot(environment, 1, "ada@example.com", document, **others)
    (slot,) = found("claude-swap", environment)
    assert (slot.login, slot.why_not, bool(slot.payload)) == (None, why, False)


@pytest.mark.parametrize(
    ("number", "email"),
    [("1", "../../../../.ssh/id@x"), ("0", "a@b.c"), ("01", "a@b.c"), ("../1", "a@b.c"), ("1", "a\x00b@c.d"),
     ("1", ""), ("1", "a b@c.d"), ("1", "\u202ea@b.c"), ("1", None)],
)  # fmt: skip
def test_a_name_that_is_none_opens_no_file(environment: Environment, number: str, email: object) -> None:
    """Not even one that lies where the name would lead."""
    home = swap_home(environment)
    put(home / "sequence.json", {"accounts": {number: {"email": email}}})
    put(environment.home / ".ssh/id@x.enc", encoded(tokens("x")))
    put(home / f"credentials/.creds-{number.replace('/', '')}-a@b.c.enc", encoded(tokens("x")))
    (slot,) = found("claude-swap", environment)
    assert slot.login is None
    assert "no file is opened" in slot.why_not


@pytest.mark.parametrize("alias", ["Work", "42", "-a", "a/b", "..\n", "", "a" * 31, "sk-ant-ort01-x", 7])
def test_an_alias_that_is_none_is_left_out(environment: Environment, alias: object) -> None:
    """claude-swap's rule: small letters, digits and ``_.-``, not all digits, no leading dash."""
    swap_slot(environment, 1, "ada@example.com", tokens("one"), alias=alias)
    assert found("claude-swap", environment)[0].alias == ""


@pytest.mark.parametrize(
    "document",
    [[], {}, {"accounts": []}, {"accounts": {}, "schemaVersion": 2}, "null", "{"],
    ids=["list", "empty", "accounts", "version", "null", "torn"],
)
def test_a_register_in_another_form_is_refused(environment: Environment, document: object) -> None:
    """As a whole, in one sentence."""
    put(swap_home(environment) / "sequence.json", document)
    with pytest.raises(CannotImport, match=r"^sequence\.json of claude-swap is "):
        found("claude-swap", environment)


def test_unclaimed_copies_count_without_their_list(environment: Environment) -> None:
    """claude-swap writes the copy first; one of another name or form is left."""
    with_claude_swap(environment)
    folder = swap_home(environment) / "credentials"
    manifest = folder / ".unclaimed-manifest.json"
    put(folder / ".unclaimed-not/../x.enc".replace("/../", ".."), encoded(tokens("x")))
    for text in ('{"schemaVersion": 1}', "{", "[]"):
        put(manifest, text)
        assert by_label("claude-swap", environment)["unclaimed copy 1"].login is not None
    manifest.unlink()
    every = by_label("claude-swap", environment)
    assert every["unclaimed copy 1"].login is not None
    assert "unclaimed copy 2" not in every


def test_unclaimed_copies_of_an_unknown_form_are_refused_alone(environment: Environment) -> None:
    """The slots stay."""
    with_claude_swap(environment)
    put(swap_home(environment) / "credentials/.unclaimed-manifest.json", {"schemaVersion": 2, "entries": {}})
    every = by_label("claude-swap", environment)
    assert every[FIRST].login is not None
    assert "form that this version does not know" in every["unclaimed copies"].why_not
    assert "unclaimed copy 1" not in every


def test_a_session_profile_may_hold_the_newer_login(environment: Environment) -> None:
    """Its Claude Code renewed what the slot still keeps; it goes on doing so, however long ago
    claude-swap itself wrote.  A profile without a login says nothing."""
    swap_slot(environment, 1, "ada@example.com", tokens("one"), account=person())
    folder = swap_home(environment) / "sessions"
    put(folder / "1-ada-example-com/.credentials.json", tokens("session", hours=9))
    put(folder / "1-ada-example-com/.claude.json", {"oauthAccount": person()})
    put(folder / "2-empty/.claude.json", {})
    aged(environment.home)
    slot, session = found("claude-swap", environment)
    assert session.label == "session profile 1-ada-example-com"
    assert (slot.still_used, session.still_used) == (False, True)
    steps = plan([slot, session], []).steps
    assert [(s.candidate.label, s.action) for s in steps] == [
        (session.label, Action.NEW), (slot.label, Action.BESIDE),
    ]  # fmt: skip


def test_on_a_mac_the_keychain_is_opened_only_when_asked(environment: Environment) -> None:
    """Without a file; the item is that of the slot and e-mail."""
    mac = replace(environment, platform="darwin")
    swap_slot(mac, 1, "ada@example.com", None, account=person())
    (slot,) = found("claude-swap", mac)
    assert (slot.login, slot.why_not) == (
        None, "its login is in the keyring, which is not opened for a preview",
    )  # fmt: skip
    asked = []

    def secret(service: str, user: str) -> str:
        asked.append((service, user))
        return json.dumps(tokens("mac"))

    (slot,) = found("claude-swap", mac, secret)
    assert slot.login is not None
    assert asked == [("claude-swap", "account-1-ada@example.com")]


def test_a_file_wins_over_the_keychain(environment: Environment) -> None:
    """As it does for claude-swap itself: the Keychain is not even asked."""
    mac = replace(environment, platform="darwin")
    swap_slot(mac, 1, "ada@example.com", tokens("file"))

    def secret(service: str, user: str) -> str:
        raise AssertionError("asked")

    assert found("claude-swap", mac, secret)[0].login is not None


def test_still_used_while_it_is_installed_or_wrote_lately(environment: Environment) -> None:
    """Untouched for months and with no command on the path, it has given its logins up."""
    swap_slot(environment, 1, "ada@example.com", tokens("one"))
    assert found("claude-swap", environment)[0].still_used
    aged(environment.home)
    assert not found("claude-swap", environment)[0].still_used
    command = environment.home / "bin/cswap"
    put(command, "#!/bin/sh\n")
    command.chmod(0o700)
    installed = replace(environment, variables={"PATH": str(command.parent)})
    assert found("claude-swap", installed)[0].still_used


@pytest.mark.parametrize(("value", "folder"), [("relative", ".local/share"), ("/", ""), ("~/data", "data")])
def test_the_data_folder(environment: Environment, value: str, folder: str) -> None:
    """A relative XDG_DATA_HOME does not count, one under ``~`` does."""
    chosen = f"{environment.home}/else" if value == "/" else value
    home = environment.home / (folder or "else") / "claude-swap"
    put(home / "sequence.json", {"accounts": {"1": {"email": "a@b.c", "kind": "api_key"}}})
    assert len(found("claude-swap", replace(environment, variables={"XDG_DATA_HOME": chosen}))) == 1

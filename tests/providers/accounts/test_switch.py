"""The switch: what it writes, what it keeps, when it refuses."""

from __future__ import annotations

import json
import os
import stat

import pytest

from providers.accounts.capture import capture
from providers.accounts.journal import entries
from providers.accounts.login import CannotSwitch
from providers.accounts.registry import load_registry
from providers.accounts.safety import copies
from providers.base import Environment
from tests.world.households import Household

BOTH = pytest.mark.parametrize("provider", ["claude", "codex"])


def two(environment: Environment, provider: str) -> tuple[Household, str, str]:
    """Accounts ``a`` and ``b`` captured; ``b`` is live."""
    house = Household(environment, provider)
    ids = []
    for name in ("a", "b"):
        house.log_in(name)
        ids.append(capture(environment, house.keeper(), house.store, house.issuer.prove).id)
    return house, *ids


@BOTH
def test_there_and_back(environment: Environment, provider: str) -> None:
    """The other login is live, verified; each account's newest refresh token still works."""
    house, a, b = two(environment, provider)
    for to, name in ((a, "a"), (b, "b"), (a, "a")):
        done = house.switcher().carry_out(house.switcher().plan(house.store, to))
        assert (done.verified, done.to) == (True, to)
        assert house.live_refresh == house.issuer.newest(name)
        assert load_registry(environment.state_dir).active[provider] == to
    assert all(house.issuer.works(house.issuer.newest(n)) for n in "ab")


@BOTH
def test_a_renewed_login_is_preserved(environment: Environment, provider: str) -> None:
    """The CLI renewed it after the capture: the newest goes into the vault, and comes back."""
    house, a, b = two(environment, provider)
    assert house.cli_renews()
    newest = house.live_refresh
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == newest == house.issuer.newest("b")
    assert list(copies(environment.state_dir)) == []


def test_what_the_machine_shares_stays(environment: Environment) -> None:
    """MCP logins of now, every other key of the global config to the byte, file modes."""
    house, a, _ = two(environment, "claude")
    config = environment.home / ".claude.json"
    text = config.read_text().replace('"n": 1.0', '"n": 1.000, "odd" :1e2')
    config.write_text(text)
    config.chmod(0o644)
    credentials = json.loads(house.secret.read_text())
    house.secret.write_text(json.dumps(credentials | {"mcpOAuth": {"new": 1}, "pluginSecrets": {"p": 2}}))
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    assert config.read_text() == text.replace("acc-b", "acc-a").replace("org-b", "org-a").replace(
        "b@example.com", "a@example.com"
    )
    live = json.loads(house.secret.read_text())
    assert (live["mcpOAuth"], live["pluginSecrets"]) == ({"new": 1}, {"p": 2})
    assert stat.S_IMODE(house.secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.stat().st_mode) == 0o644


def test_nobody_can_say_whose_it_is(environment: Environment) -> None:
    """A renewed login, the provider out of reach: it is kept as a copy that nobody claims, never
    filed by guess; the account cannot be gone back to before that is known."""
    house, a, b = two(environment, "claude")
    assert house.cli_renews()
    newest = house.live_refresh
    offline = house.switcher(prove=False)
    plan = offline.plan(house.store, a)
    assert "nobody can say" in plan.warnings[0]
    assert "nobody claims" in offline.carry_out(plan).message
    assert newest in house.all_secrets()
    with pytest.raises(CannotSwitch, match="quotadeck recover"):
        offline.plan(house.store, b)
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == newest


@BOTH
def test_nothing_is_left_lying(environment: Environment, provider: str) -> None:
    """After the watch no copy, no journal and no lock is left."""
    house, a, _ = two(environment, provider)
    house.cli_renews()
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    house.recovery().run(now=True)
    settle(house)
    left = [
        p.name for p in house.home.rglob("*") if ".qd-" in p.name or (p.name.endswith(".lock") and p.is_dir())
    ]
    assert left == []
    assert list(entries(environment.state_dir)) == []
    assert list(copies(environment.state_dir)) == []


def settle(house: Household) -> None:
    """The watch is over."""
    from providers.accounts.settle import Settler

    house.clock.advance(30)
    Settler(house.environment, house.keeper(), house.clock).look_after(house.store)


@pytest.mark.parametrize("held", ["link", "foreign", "key", "torn", "setup", "variable"])
def test_refused_with_nothing_changed(environment: Environment, held: str) -> None:
    """A link, an API key, a torn file, a setup token, an override: one sentence."""
    house, a, _ = two(environment, "claude")
    config = environment.home / ".claude.json"
    if held == "link":
        os.rename(house.secret, house.secret.with_name("moved"))
        house.secret.symlink_to("moved")
    elif held == "foreign":
        house.secret.parent.chmod(0o777)
    elif held == "key":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"primaryApiKey": "sk-ant-api-x"}))
    elif held == "torn":
        house.secret.write_text(house.secret.read_text()[:40])
    elif held == "setup":
        document = json.loads(house.secret.read_text())
        document["claudeAiOauth"]["refreshToken"] = None
        house.secret.write_text(json.dumps(document))
    else:
        (house.secret.parent / "settings.json").write_text(json.dumps({"env": {"ANTHROPIC_API_KEY": "x"}}))
    before = {p: p.read_bytes() for p in (house.secret, config)}
    with pytest.raises(CannotSwitch, match="nothing was changed"):
        house.switcher().plan(house.store, a)
    assert {p: p.read_bytes() for p in (house.secret, config)} == before


def test_disk_is_full(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """No write gets through: nothing is changed, and one sentence says so."""
    house, a, _ = two(environment, "claude")
    house.cli_renews()
    before = house.live_refresh
    plan = house.switcher().plan(house.store, a)

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(CannotSwitch, match=r"nothing was changed.*no space"):
        house.switcher().carry_out(plan)
    monkeypatch.undo()
    assert house.live_refresh == before
    assert [p for p in house.home.rglob("*") if ".qd-" in p.name] == []


def test_an_older_login_never_replaces_a_newer(environment: Environment) -> None:
    """Captured again out of a backup, it is filed beside: the newest stays what a switch writes."""
    house, a, _ = two(environment, "claude")
    old = json.loads(house.secret.read_text())["claudeAiOauth"]
    house.cli_renews()
    capture(environment, house.keeper(), house.store, house.issuer.prove)
    house.write_login("b", old)
    capture(environment, house.keeper(), house.store, house.issuer.prove)
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    account = next(x for x in load_registry(environment.state_dir).accounts if x.key == house.issuer.key("b"))
    assert account.newest is not None
    house.switcher().carry_out(house.switcher().plan(house.store, account.id))
    assert house.live_refresh == house.issuer.newest("b")


def test_a_late_old_codex_is_caught(environment: Environment) -> None:
    """A codex that renews without locks writes its old account over the new one: its tokens are
    preserved, the new login is put back once."""
    from providers.accounts.settle import Settler

    house, a, b = two(environment, "codex")
    late = house.issuer.renew(house.live_refresh)
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    assert late is not None
    from tests.world.households import codex_file

    house.secret.write_text(json.dumps(codex_file(late)))
    said = Settler(environment, house.keeper(), house.clock).look_after(house.store)
    assert "put its old login back" in said[0]
    assert house.live_refresh == house.issuer.newest("a")
    settle(house)
    house.switcher().plan(house.store, b)
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == house.issuer.newest("b") == late["refresh_token"]
    assert house.issuer.reused == []


def test_a_hybrid_is_healed(environment: Environment) -> None:
    """An old codex saved the old account's tokens under the new account's id: they are kept under
    the account that they are of."""
    from tests.world.households import codex_file

    house, a, b = two(environment, "codex")
    late = house.issuer.renew(house.live_refresh)
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    assert late is not None
    house.secret.write_text(json.dumps(codex_file(late | {"account_id": "ws-a"})))
    from providers.accounts.settle import Settler

    Settler(environment, house.keeper(), house.clock).look_after(house.store)
    assert house.live_refresh == house.issuer.newest("a")
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == late["refresh_token"]
    assert json.loads(house.secret.read_text())["tokens"]["account_id"] == "ws-b"


@BOTH
@pytest.mark.parametrize("asked", [True, False])
def test_the_live_account_is_never_switched_to(environment: Environment, provider: str, asked: bool) -> None:
    """Its CLI renewed it since it was kept, so what the vault has is spent: nothing is written, also
    where the provider cannot be asked whose the renewed login is."""
    house, _, b = two(environment, provider)
    house.cli_renews()
    newest = house.live_refresh
    with pytest.raises(CannotSwitch, match="the live one already"):
        house.switcher(prove=asked).plan(house.store, b)
    assert house.live_refresh == newest


@BOTH
def test_a_backup_that_was_put_back(environment: Environment, provider: str) -> None:
    """An older login of the account is live: switching to it writes the newest."""
    house, _, b = two(environment, provider)
    old = {file.path: file.path.read_bytes() for file in house.store.files()}
    house.cli_renews()
    capture(environment, house.keeper(), house.store, house.issuer.prove)
    newest = house.live_refresh
    for path, data in old.items():
        path.write_bytes(data)
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == newest


@BOTH
def test_a_live_login_under_another_name(environment: Environment, provider: str) -> None:
    """Renewed tokens of the account under the other's name: switching to it keeps the tokens and
    puts the name right."""
    from tests.world.households import codex_file

    house, _, b = two(environment, provider)
    house.cli_renews()
    newest = house.live_refresh
    config = environment.home / ".claude.json"
    if provider == "claude":
        config.write_text(config.read_text().replace("-b", "-a"))
    else:
        house.secret.write_text(json.dumps(codex_file(house.live() | {"account_id": "ws-a"})))
    done = house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert (done.verified, house.live_refresh) == (True, newest)


def test_renewed_in_the_very_moment(environment: Environment) -> None:
    """An old codex renews the account's tokens, which stand under another's id, while the switch that
    puts the id right is between its look and its write: the newer ones stay live."""
    from tests.world.households import codex_file

    house, _, b = two(environment, "codex")
    house.secret.write_text(json.dumps(codex_file(house.live() | {"account_id": "ws-a"})))
    renewed = False

    def renews(step: str) -> None:
        nonlocal renewed
        if step == "staged" and not renewed:
            renewed = house.cli_renews(locked=False)

    switcher = house.switcher(renews)
    plan = switcher.plan(house.store, b)
    with pytest.raises(CannotSwitch, match="the live one already"):
        switcher.carry_out(plan)
    assert renewed
    assert house.live_refresh == house.issuer.newest("b")
    assert list(environment.home.rglob("*.qd-*")) == []


@BOTH
def test_it_changes_again_and_again(environment: Environment, provider: str) -> None:
    """C12: the CLI renews between each look and the locks: given up cleanly, with nothing changed."""
    house, a, _ = two(environment, provider)
    renewals = 0

    def renews(step: str) -> None:
        nonlocal renewals
        if step == "locked":
            renewals += 1
            house.write_login("b", house.issuer.renew(house.live_refresh) or {})

    switcher = house.switcher(renews)
    plan = switcher.plan(house.store, a)
    with pytest.raises(CannotSwitch, match=r"^nothing was changed: the login changed again and again"):
        switcher.carry_out(plan)
    assert renewals == 3
    assert house.live_refresh == house.issuer.newest("b")
    assert list(entries(environment.state_dir)) == []
    assert house.issuer.reused == []


@pytest.mark.parametrize("hours", [-4, 48])
@BOTH
def test_the_clock_jumps(environment: Environment, provider: str, hours: int) -> None:
    """T1, T2: four hours back or two days on in the middle of a switch: both accounts' newest logins
    are there, and the watch ends."""
    house, a, b = two(environment, provider)
    house.cli_renews()

    def jumps(step: str) -> None:
        if step == "staged":
            house.clock.advance(hours * 3600)

    switcher = house.switcher(jumps)
    plan = switcher.plan(house.store, a)
    switcher.carry_out(plan)
    settle(house)
    house.recovery().run(now=True)
    assert list(entries(environment.state_dir)) == []
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == house.issuer.newest("b")

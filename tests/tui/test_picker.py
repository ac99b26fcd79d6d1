"""The picker over a real desk: what each key does, what is refused, what never shows."""

from __future__ import annotations

import threading
import time

import pytest

from providers.accounts.registry import load_registry
from providers.accounts.roster import load_roster
from providers.accounts.vault import State, VaultTrouble
from providers.base import Environment
from tests.tui.offices import Office, at_rest, begun, picker
from tests.tui.stills import until
from tests.tui.test_app import SIZES, app_of, screen
from tui.app import QuotadeckApp
from tui.screens.add import AddScreen, shell_lines
from tui.screens.confirm import ConfirmScreen
from tui.screens.events import EventsScreen
from tui.screens.picker import PickerScreen


@pytest.fixture
def office(environment: Environment) -> Office:
    return Office(environment)


def text(app: QuotadeckApp) -> str:
    return "\n".join(line.rstrip() for line in screen(app))


def flat(app: QuotadeckApp) -> str:
    """The screen as one line, so that a wrapped sentence is found."""
    return " ".join(text(app).split())


@pytest.mark.parametrize("size", SIZES)
async def test_s_and_a_number_switch(office: Office, size: tuple[int, int]) -> None:
    """Two keys: the live file has the other login, verified; what was done stands there, and U
    undoes it."""
    app = office.app()
    async with app.run_test(size=size) as pilot:
        await begun(pilot)
        await pilot.press("s", "1")
        await until(pilot, lambda: "verified: work" in flat(app))
        assert "saved current, wrote new, verified" in flat(app)
        assert "takes effect with the next message" in flat(app)
        assert office.house.live_refresh == office.house.issuer.newest("a")
        await pilot.press("U")
        await until(pilot, lambda: "verified: b@example.com" in flat(app))
        assert office.house.live_refresh == office.house.issuer.newest("b")
        assert "undo" in text(app).splitlines()[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_what_a_switch_would_do_is_shown_before(office: Office, size: tuple[int, int]) -> None:
    """The files, the sessions, when it takes effect; nothing is written by looking."""
    app = office.app()
    before = office.house.all_secrets()
    async with app.run_test(size=size) as pilot:
        await begun(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "writes" in flat(app))
        assert ".credentials.json" in flat(app)
        assert "no session of it runs now" in flat(app)
        assert "takes effect with the next message" in flat(app)
    assert office.house.all_secrets() == before


async def test_enter_switches_to_the_chosen_one(office: Office) -> None:
    """The cursor starts on the first that is not live; on the live one it is refused."""
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "k", "enter")
        await until(pilot, lambda: "the live one already" in flat(app))
        await pilot.press("enter", "j", "enter")
        await until(pilot, lambda: "verified: work" in flat(app))


async def test_no_desk_call_runs_on_the_loops_thread(office: Office) -> None:
    """Every call may wait for a disk, a keyring or a provider; all are the clerk's, and its
    thread does not hold up an exit."""
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "1")
        await until(pilot, lambda: "verified: work" in flat(app))
        await pilot.press("U")
        await until(pilot, lambda: "verified: b@" in flat(app))
        await pilot.press("enter", "v")
        await until(pilot, lambda: "this account" in flat(app))
        await pilot.press("a")
        await until(pilot, lambda: "kept: b@" in flat(app))
    assert office.desk is not None
    called = office.desk.threads
    assert {"rows", "plan", "carry_out", "capture", "verify", "trail", "unfinished", "settling"} <= set(
        called
    )
    assert all(threading.get_ident() not in threads for threads in called.values())
    assert len(set.union(*called.values())) == 1
    assert all(t.daemon for t in threading.enumerate() if t.name == "quotadeck-accounts")


async def test_a_vault_that_waits_does_not_hold_up_the_screen(office: Office) -> None:
    """While a keyring takes its time the deck can be walked and left."""
    release = threading.Event()
    slow = office.house.ring.get_password

    def wait(service: str, username: str) -> str | None:
        release.wait(10)
        return slow(service, username)

    office.house.ring.get_password = wait  # type: ignore[method-assign]
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "1")
        await until(pilot, lambda: app.front is not None and app.front.busy == "switching")
        assert "switching" in flat(app)
        begin = time.monotonic()
        await pilot.press("escape", "question_mark", "escape")
        assert isinstance(app.screen_stack[-1], type(app.screen_stack[0]))
        assert time.monotonic() - begin < 5
        release.set()
        await at_rest(pilot)
    assert office.house.live_refresh == office.house.issuer.newest("a")


async def test_b_chooses_the_best_or_says_that_there_is_none(office: Office) -> None:
    """Without figures nobody is best: unknown is never a target; S asks the same from the deck."""
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "b")
        assert "no other account is better by figures that are known now" in flat(app)
        await pilot.press("enter", "escape", "S")
        await until(pilot, lambda: "no other account is better" in flat(app))
        assert office.house.live_refresh == office.house.issuer.newest("b")


async def test_e_gives_an_alias(office: Office) -> None:
    """Typed to the end it is kept; esc leaves it; one that is taken is refused."""
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "e", *"er", "escape")
        assert [m.alias for m in load_roster(office.house.environment.config_dir)] == ["work", ""]
        await pilot.press("e", *"er", "enter")
        await until(pilot, lambda: "its alias is kept" in flat(app))
        assert [m.alias for m in load_roster(office.house.environment.config_dir)] == ["worker", ""]
        await pilot.press("enter", "k", "e", *"worker", "enter")
        await until(pilot, lambda: "another account is called" in flat(app))


@pytest.mark.parametrize("answer", [("n",), ("escape",), ("enter",), ("tab", "tab", "enter")])
async def test_d_keeps_unless_yes_is_said(office: Office, answer: tuple[str, ...]) -> None:
    """The harmless answer has the focus."""
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "d")
        assert isinstance(app.screen, ConfirmScreen)
        assert "Remove work?" in flat(app)
        assert "own login is not touched" in flat(app)
        await pilot.press(*answer)
        await at_rest(pilot)
        assert isinstance(app.screen, PickerScreen)
    assert len(load_roster(office.house.environment.config_dir)) == 2


@pytest.mark.parametrize("answer", [("y",), ("tab", "enter")])
async def test_d_removes_on_yes(office: Office, answer: tuple[str, ...]) -> None:
    """It is gone from the list and the deck; the live login is as it was."""
    app = office.app()
    live = office.house.secret.read_bytes()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "d", *answer)
        await until(pilot, lambda: "brings it back within 7 days" in flat(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.feed.view().providers[0].accounts) == 1)
    assert [m.email for m in load_roster(office.house.environment.config_dir)] == ["b@example.com"]
    assert office.house.secret.read_bytes() == live


async def test_v_checks_without_switching(office: Office) -> None:
    """The provider is asked whose the kept login is."""
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "v")
        await until(pilot, lambda: "work: the kept login works: the provider says" in flat(app))
    assert office.house.live_refresh == office.house.issuer.newest("b")


@pytest.mark.parametrize("size", SIZES)
async def test_a_keeps_the_live_login_and_tells_how_to_add_another(
    office: Office, size: tuple[int, int]
) -> None:
    """Never by logging out."""
    office.house.log_in("c")
    app = office.app()
    async with app.run_test(size=size) as pilot:
        await begun(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "kept: c@example.com" in flat(app))
        said = flat(app)
        if size[1] > 10:
            assert "claude auth login" in said
            assert "quotadeck capture claude" in said
            assert "never log out to switch" in said
    assert len(load_registry(office.house.environment.state_dir).accounts) == 3


async def test_what_cannot_be_kept_is_refused_with_the_reason(office: Office) -> None:
    """Nobody is logged in: one sentence, and still the way to log in."""
    office.house.secret.unlink()
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "nothing was kept: nobody is logged in there" in flat(app))
        assert "claude auth login" in flat(app)
        assert isinstance(app.screen, AddScreen)


def test_shell_lines_never_move_our_own_folders() -> None:
    """A variable that would move our vault along is left out."""
    lines = shell_lines("X_HOME=$(mktemp -d) x login", "x")
    assert lines == ("export X_HOME=$(mktemp -d)", "x login", "quotadeck capture x")
    assert shell_lines("XDG_DATA_HOME=$(mktemp -d) o login", "o") == ("o login",)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda office: office.house.secret.write_text("{"), "cannot be kept"),
        (lambda office: linked(office), "link"),
        (lambda office: shut(office, State.DENIED), "did not let quotadeck in"),
    ],
)
async def test_refusals_are_one_sentence(office: Office, spoil: object, why: str) -> None:
    """In the preflight and on enter; nothing was changed."""
    spoil(office)  # type: ignore[operator]
    before = office.house.all_secrets()
    app = office.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await begun(pilot)
        await pilot.press("s")
        if "Switch" in flat(app) and app.front is not None:
            await pilot.press("1" if "work" in flat(app) else "enter")
        await until(pilot, lambda: why in flat(app))
    assert office.house.all_secrets() == before


def linked(office: Office) -> None:
    """The live login is a link."""
    aside = office.house.secret.with_name("aside.json")
    office.house.secret.rename(aside)
    office.house.secret.symlink_to(aside)


def shut(office: Office, state: State) -> None:
    """The vault does not open."""

    def refuse() -> object:
        raise VaultTrouble(state)

    office.house.vault._open = refuse  # type: ignore[assignment]


async def test_a_shut_vault_is_opened_first_and_the_switch_goes_on(office: Office) -> None:
    """The dialog of that state comes up; once it is mended the switch is made, once it is left
    the sentence stands there."""
    opens = office.house.vault._open
    asked: list[State] = []
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        assert app.front is not None

        def dialog(state: State, mended, left) -> None:  # type: ignore[no-untyped-def]
            asked.append(state)
            if len(asked) == 1:
                left()
            else:
                office.house.vault._open = opens
                mended()

        app.front._open_vault = dialog
        shut(office, State.SEALED)
        await pilot.press("s", "1")
        await until(pilot, lambda: "the vault is locked: give its passphrase" in flat(app))
        assert asked == [State.SEALED]
        await pilot.press("enter", "1")
        await until(pilot, lambda: "verified: work" in flat(app))
    assert asked == [State.SEALED, State.SEALED]


async def test_a_warning_that_was_not_shown_wants_another_enter(environment: Environment) -> None:
    """By its number an account is switched to without having been looked at: what speaks against
    it is asked first.  Esc does nothing, enter does it."""
    office = Office(environment, kept="abc")
    office.house.issuer.prove = lambda login: None  # type: ignore[method-assign]
    office.house.log_in("d")
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s", "2")
        await until(pilot, lambda: "do it all the same" in text(app).splitlines()[-1])
        assert "nobody can say now whose the live login is" in flat(app)
        assert office.house.live_refresh == office.house.issuer.newest("d")
        await pilot.press("escape")
        assert isinstance(app.screen, PickerScreen)
        await pilot.press("3")
        await until(pilot, lambda: "do it all the same" in text(app).splitlines()[-1])
        await pilot.press("enter")
        await until(pilot, lambda: "verified: c@example.com" in flat(app))
        assert "in a safety copy that nobody claims yet" in flat(app)


async def test_the_trail_is_in_the_event_screen(office: Office) -> None:
    """Who switched from whom to whom, with a fingerprint; hidden with the identities."""
    app = office.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await begun(pilot)
        await pilot.press("s", "1")
        await until(pilot, lambda: "verified: work" in flat(app))
        await pilot.press("escape", "e")
        assert isinstance(app.screen, EventsScreen)
        await until(pilot, lambda: "switch b@example.com to work: verified (by pane" in flat(app))
        assert "capture work: done" in flat(app)
        await pilot.press("i")
        assert "work" not in flat(app)
        assert "example.com" not in flat(app)


@pytest.mark.parametrize("size", SIZES)
async def test_hidden_identities_stay_hidden(office: Office, size: tuple[int, int]) -> None:
    """In the list, the question, the outcome, the errors and the page of adding."""
    app = office.app()
    said: list[str] = []
    async with app.run_test(size=size) as pilot:
        await begun(pilot)
        await pilot.press("i", "s")
        await at_rest(pilot)
        said.append(flat(app))
        await pilot.press("d")
        said.append(flat(app))
        await pilot.press("n", "v")
        await at_rest(pilot)
        said.append(flat(app))
        await pilot.press("enter", "k", "e", *"work", "enter")
        await until(pilot, lambda: "another account is called" in flat(app))
        said.append(flat(app))
        await pilot.press("enter", "1")
        await until(pilot, lambda: "verified" in flat(app))
        said.append(flat(app))
        await pilot.press("U")
        await at_rest(pilot)
        said.append(flat(app))
        await pilot.press("escape", "a")
        await until(pilot, lambda: "kept:" in flat(app))
        said.append(flat(app))
    assert len(said) == 7
    for page in said:
        assert "work" not in page.replace("works", "").replace("quotadeck", "")
        assert "example.com" not in page


async def test_copilot_and_cursor_are_shown_not_switched(office: Office) -> None:
    """The picker names the command of the CLI that does it; nothing can be chosen."""
    app = app_of(open_desk=office.opened)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        for provider, words in (("copilot", "/user switch"), ("cursor", "cursor-agent login")):
            app.grid.pick(provider)
            await pilot.press("s")
            assert words in flat(app)
            assert "switches accounts itself" in flat(app)
            await pilot.press("1", "enter")
            assert words in flat(app)
            await pilot.press("escape")


@pytest.mark.parametrize("key", ["s", "S", "U", "a"])
async def test_read_only_has_none_of_these_keys(office: Office, key: str) -> None:
    """Neither the key, nor the footer, the help, the palette; nor is a clerk ever started."""
    app = office.app(open_desk=None)
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        assert "s switch" not in text(app)
        app.open_front()
        await pilot.press(key)
        assert len(app.screen_stack) == 1
        assert app.front is None
        assert not any(k.logins for k in app.keys_now)
        await pilot.press("colon", *"undo")
        assert "nothing is called that" in flat(app)
    assert office.desk is None


async def test_before_the_clerk_is_there_the_key_says_so(office: Office) -> None:
    """In the first half second after the first frame."""
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("s")
        assert "not there yet" in " ".join(n.message for n in app._notifications)


async def test_a_crash_shows_no_secret(office: Office) -> None:
    """A bug while the picker is open ends the pane with a sentence without any value."""
    app = office.app()
    secrets = [office.house.issuer.newest(n) for n in "ab"]
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s")
        await at_rest(pilot)
        picture = app.export_screenshot()
        texts = [str(w.render()) for s in app.screen_stack for w in s.walk_children()]
        assert app.front is not None
        held = (app.front.book, picker(app)._looks, vars(app.front), vars(picker(app)))
        shown = [picture, *texts, text(app), *map(repr, held)]
        try:
            raise RuntimeError(secrets[0])
        except RuntimeError as error:
            app._handle_exception(error)
        shown.append(app.crash)
        app._exception = None
    assert "RuntimeError" in app.crash
    for secret in secrets:
        assert not any(secret in each for each in shown)


async def test_a_bug_in_a_job_is_a_sentence(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pane goes on; the sentence quotes nothing."""

    def broken(self: object, member: object) -> str:
        raise KeyError(office.house.issuer.newest("a"))

    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        monkeypatch.setattr("providers.desk.Desk.verify", broken)
        await pilot.press("s", "v")
        await until(pilot, lambda: "failed by a bug (KeyError)" in flat(app))
        assert office.house.issuer.newest("a") not in flat(app)


async def test_the_trouble_of_a_broken_roster_is_said(office: Office) -> None:
    """Nobody is guessed."""
    (office.house.environment.config_dir / "accounts.toml").write_text("[[")
    app = office.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("s")
        assert "accounts.toml cannot be understood" in flat(app)

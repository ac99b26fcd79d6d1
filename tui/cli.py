"""The command line: which command was asked for, and a few lines on the deck for each.

`run` is the console script.  Nothing heavy is imported before it is known to be needed:
``statusline`` runs at every render of Claude Code's prompt and comes first.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Spelled out: importing typing for this name alone costs a third of an empty Python.
    import argparse
    from typing import NoReturn, TextIO

    from providers.accounts.vaults import Vaults
    from providers.base import Environment
    from providers.engine.settings import Settings
    from providers.engine.shown import DeckView
    from providers.live import Live
    from tui.vault_prompt import VaultPrompt

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3

_PLAIN: dict[str, object] = {
    "command": None,
    "version": None,
    "demo": False,
    "read_only": False,
    "theme": None,
    "ascii": False,
    "no_mouse": False,
}
_STATUS: dict[str, object] = {"command": "status", "provider": [], "refresh": False, "check": False}
_KNOWN: dict[tuple[str, ...], dict[str, object]] = {
    (): {},
    ("status", "--json"): _STATUS | {"format": "json"},
    ("status", "--plain"): _STATUS | {"format": "plain"},
}
"""What argparse makes of these (a test compares)."""


def run() -> NoReturn:
    """The console script: `main`, and an end that nothing holds up.

    A keyring call or a name lookup that hangs sits in a thread that an ordinary exit waits for, a thread
    in a Rust extension must not meet a dying interpreter, and taking one down costs a tenth of `status`.
    """
    try:
        code = main()
    except Exception as error:
        from tui.bug import described, sentence

        print(sentence(described(error)), file=sys.stderr)
        code = FAILED
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or FAILED
    os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns its exit code.  Every error is one line on stderr."""
    arguments = sys.argv[1:] if argv is None else argv
    if sys.platform == "win32":
        return _fail("quotadeck does not run on Windows itself; use it inside WSL")
    if arguments[:1] == ["statusline"]:
        from providers.claude.statusline import main as statusline

        return statusline(arguments[1:])
    # Nothing that is imported becomes garbage: collecting in between cost 20 ms of the first
    # frame.  Whoever runs for long turns it on again: the app once that is painted.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _run(arguments)
    except BrokenPipeError:
        # The reader of a pipe went away; without this the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return FAILED
    finally:
        if collects:
            gc.enable()


def _run(arguments: list[str]) -> int:
    from providers.engine.settings_file import SettingsError

    options = _options(arguments)
    try:
        return _command(options)
    except SettingsError as error:
        return _fail(str(error), USAGE)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(f"{error.strerror or type(error).__name__}: {error.filename or 'a file'}")


def _options(arguments: list[str]) -> argparse.Namespace:
    """For a tmux pane, and for what its status line runs all day, argparse is spared: 5 ms of the
    first frame, a tenth of ``status``."""
    known = _KNOWN.get(tuple(arguments))
    if known is None:
        from tui.arguments import parser_of

        return parser_of(arguments[0]).parse_args(arguments)
    from types import SimpleNamespace

    return SimpleNamespace(**_PLAIN | known)  # type: ignore[return-value]


def _command(options: argparse.Namespace) -> int:
    import providers
    from providers.engine.settings import load

    environment = _environment()
    settings = load(environment, providers.PROVIDERS)
    if options.command == "status":
        return _status(options, environment, settings)
    if options.command == "watch":
        return _watch(environment, settings)
    if options.command == "doctor":
        return _doctor(options, environment, settings)
    if options.command == "key":
        return _key(options, environment, settings)
    if options.command in ("accounts", "capture", "switch", "undo", "forget", "recover"):
        return _accounts(options, environment, settings)
    if options.command == "import":
        return _import(options, environment, settings)
    if options.command == "usage":
        return _usage(options, environment, settings)
    return _pane(options, environment, settings)


def _environment() -> Environment:
    from pathlib import Path

    from providers.engine.settings import environment_from

    return environment_from(os.environ, Path.home(), sys.platform)


def _loaded(environment: Environment, settings: Settings) -> Live:
    from providers.engine.clock import SystemClock
    from providers.live import open_live

    live = open_live(environment, settings, SystemClock())
    live.load()
    return live


def _status(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    from providers.engine.view import only

    live = _loaded(environment, settings)
    # Whoever asks for a provider by name is told that there is nothing of it.
    named = bool(options.provider)
    view = live.view(every=named)
    unknown = set(options.provider) - {p.id for p in view.providers}
    if unknown:
        known = ", ".join(p.id for p in view.providers)
        return _fail(f"no provider is called {sorted(unknown)[0]!r}; there are {known}", USAGE)
    if options.refresh:
        for provider, why in live.refresh(options.provider):
            print(f"quotadeck: {provider} was not asked: {why}", file=sys.stderr)
        view = live.view(every=named)
    if named:
        view = only(view, options.provider)
    _print(_reported(options, settings, view))
    return _verdict(view) if options.check else DONE


def _reported(options: argparse.Namespace, settings: Settings, view: DeckView) -> str:
    """The report in the form that was asked for."""
    if options.format == "json":
        from tui.document import as_json

        return as_json(view)
    import time

    from tui import report

    match options.format:
        case "plain":
            return report.as_plain(view, time.localtime, hours=settings.clock)
        case "short":
            return report.as_short(view)
        case "tmux":
            return report.as_tmux(view)
    return report.as_lines(
        view, time.localtime, hours=settings.clock, width=_width(), glyphs=_glyphs(settings)
    )


def _verdict(view: DeckView) -> int:
    from tui.report import exit_code

    return exit_code(view)


def _watch(environment: Environment, settings: Settings) -> int:
    import threading
    import time

    from providers.engine.clock import SystemClock
    from providers.live import open_live
    from tui.terminal import reader_gone
    from tui.watching import run

    gc.enable()
    clock = SystemClock()
    live = open_live(environment, settings, clock)
    return run(
        live, _print, clock, time.localtime, settings.clock, False, threading.Event(),
        gone=lambda: reader_gone(sys.stdout.fileno()),
    )  # fmt: skip


def _doctor(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    import time

    from providers.examination import examine
    from tui import doctor

    live = _loaded(environment, settings)
    around = doctor.surroundings(environment, version(), sys.stdout.encoding or "none", len(live.folders()))
    found = examine(environment, settings, live.sources(), live.vaults, time.time())
    checkup = doctor.Checkup(live.view(every=True), found, around, settings.notes)
    _print(doctor.as_json(checkup) if options.json else doctor.as_text(checkup))
    return DONE


def _key(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    import time

    import providers
    from providers.accounts.keys import Keys
    from providers.accounts.vault import BY_HAND
    from providers.accounts.vaults import Vaults
    from providers.engine.clock import SystemClock
    from tui.key_command import KeyCommand, say

    if options.action == "set" and options.passphrase_fd == 0:
        return _fail("standard input carries the key; give the passphrase by another descriptor", USAGE)
    vaults = Vaults(environment, settings, deadline=BY_HAND)
    keys = Keys(environment, vaults.vault, SystemClock())
    descriptors = [providers.load(name).descriptor for name in providers.PROVIDERS]
    prompt = _vault_prompt(vaults, options.passphrase_fd)
    command = KeyCommand(
        keys, descriptors, stdin=sys.stdin, now=time.time(), open_vault=lambda: prompt.open().words
    )
    return say(*command.run(options.action, options.service or ""))


def _vault_prompt(vaults: Vaults, passphrase_fd: int | None) -> VaultPrompt:
    from tui.vault_prompt import VaultPrompt

    def tell(line: str) -> None:
        print(line, file=sys.stderr)

    return VaultPrompt(vaults, fd=passphrase_fd, terminal=sys.stdin.isatty(), tell=tell)


def _accounts(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    import time

    from providers.accounts.vault import BY_HAND
    from providers.accounts.vaults import Vaults
    from providers.desk import open_desk
    from providers.engine.clock import SystemClock
    from tui.accounts_command import AccountsCommand

    if settings.read_only and options.command != "accounts":
        return _fail("read_only is set, so no login is touched", REFUSED)
    vaults = Vaults(environment, settings, deadline=BY_HAND)
    desk = open_desk(environment, settings, SystemClock(), vaults.vault)
    command = AccountsCommand(
        desk, lambda: _loaded(environment, settings).view(), time.time(),
        open_vault=_vault_prompt(vaults, getattr(options, "passphrase_fd", None)).open,
    )  # fmt: skip
    ended = command.run(options)
    if ended.code in (DONE, FAILED) or getattr(options, "json", False):
        _print(f"{ended.text}\n")
        return ended.code
    return _fail(ended.text, ended.code)


def _import(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    from providers.accounts.vault import BY_HAND
    from providers.accounts.vaults import Vaults
    from providers.desk import open_desk
    from providers.engine.clock import SystemClock
    from tui.import_command import ImportCommand

    if settings.read_only and not options.dry_run:
        return _fail("read_only is set, so nothing is imported; --dry-run shows what there is", REFUSED)
    vaults = Vaults(environment, settings, deadline=BY_HAND)
    desk = open_desk(environment, settings, SystemClock(), vaults.vault)
    command = ImportCommand(
        desk.importing(), lambda service, user: vaults.foreign.get(user, service),
        _vault_prompt(vaults, options.passphrase_fd).open,
        lambda: desk.recover() if desk.unfinished else None,
        terminal=sys.stdin.isatty(), tell=lambda line: _print(f"{line}\n"),
    )  # fmt: skip
    ended = command.run(options)
    if ended.code in (DONE, FAILED):
        _print(f"{ended.text}\n")
        return ended.code
    return _fail(ended.text, ended.code)


def _usage(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    from providers.ledger.rooms import open_rooms
    from tui.usage_command import UsageCommand, WrongUse, wanted_of

    person = sys.stdin if sys.stdin.isatty() and sys.stdout.isatty() else None
    command = UsageCommand(
        environment, open_rooms(settings), say=_print, err=sys.stderr, stdin=person, width=_width()
    )
    try:
        wanted = wanted_of(
            options.provider, options.form, options.by, options.since, options.tz, options.cost,
            options.export, options.yes,
        )  # fmt: skip
    except WrongUse as error:
        return _fail(str(error), USAGE)
    return command.run(wanted)


def _pane(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    if not sys.stdout.isatty() or not sys.stdin.isatty() or os.environ.get("TERM", "dumb") in ("dumb", ""):
        return _plain(options, environment, settings)
    from tui.pane import run_pane

    return run_pane(options, environment, settings)


def _plain(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    """Without a terminal that can be painted the pane is the plain report."""
    import time

    from tui import report

    if options.demo:
        from tui.demo import demo_folder

        with demo_folder() as environment:
            view = _loaded(environment, settings).view()
    else:
        view = _loaded(environment, settings).view()
    _print(report.as_plain(view, time.localtime, hours=settings.clock))
    return DONE


def version() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("quotadeck")
    except PackageNotFoundError:
        return "unknown"


def _glyphs(settings: Settings):  # type: ignore[no-untyped-def]
    from tui.glyphs import ASCII, UNICODE

    return ASCII if settings.ascii or not _is_utf8(sys.stdout) else UNICODE


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 100


def _print(text: str) -> None:
    encoded = text.encode(sys.stdout.encoding or "utf-8", "replace")
    sys.stdout.buffer.write(encoded)
    sys.stdout.flush()


def _fail(sentence: str, code: int = FAILED) -> int:
    print(f"quotadeck: {sentence}", file=sys.stderr)
    return code

"""The words that the command line understands.  argparse does the parsing."""

from __future__ import annotations

import argparse
import os

EXIT_CODES = """exit codes:
  0 done, 1 failed, 2 wrong usage, 3 refused for safety with nothing changed
  status --check: 10 a window of a live account is at 75 % or above, 11 one is full,
  20 every window is old or unknown, 30 there is no data at all"""


class _Formatter(argparse.HelpFormatter):
    """Asks the system for the width itself: argparse would import shutil for it, 2 ms of every
    one-shot command."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width() - 2)


class _RawFormatter(_Formatter, argparse.RawDescriptionHelpFormatter):
    """The same, with texts as they stand."""


def _width() -> int:
    try:
        return int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size().columns or 80
    except (OSError, ValueError):
        return 80


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that import costs 20 ms."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from tui.cli import version

        print(f"quotadeck {version()}")
        parser.exit(0)


def parser_of(first: str = "") -> argparse.ArgumentParser:
    """The parser for everything but ``statusline``, which is dispatched before it.

    ``first`` is the first word that was typed: where it is a command, only that one's parser is
    built, as building all of them costs ``status`` a twentieth of its time.
    """
    parser = argparse.ArgumentParser(
        prog="quotadeck",
        description="One pane for every AI-coding subscription: how much is left, when it comes back, "
        "whether it lasts. Without a command it opens the dashboard.",
        epilog="also: quotadeck statusline [--quiet|--install], the status line of Claude Code",
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    parser.add_argument("--demo", action="store_true", help="run on a made-up world in a folder of its own")
    parser.add_argument(
        "--read-only", action="store_true", help="never change anything, not even view settings"
    )
    parser.add_argument(
        "--theme", metavar="NAME", help="quotadeck-dark, quotadeck-light, ansi-dark, ansi-light …"
    )
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog="quotadeck")
    for add, names in _COMMANDS:
        if first in names or not any(first in every for _, every in _COMMANDS):
            add(commands)
    return parser


def _add_watch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    watch = commands.add_parser(
        "watch",
        help="one sentence per change, for screen readers and logs",
        description="Prints the figures, then appends one sentence for each change; never redraws.",
        formatter_class=_Formatter,
    )
    watch.add_argument("--plain", action="store_true", required=True, help="plain sentences, the only form")


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="what was looked for and found, and what is wrong with it",
        description="The check-up.",
        formatter_class=_Formatter,
    )
    doctor.add_argument("--json", action="store_true", help="as JSON")


def _add_usage(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    usage = commands.add_parser(
        "usage",
        help="the tokens in the session logs",
        description="Reads what is new in the session logs of the tools on this machine and prints what the "
        "tokens went to. Sends nothing.",
        epilog="exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused for safety with nothing changed",
        formatter_class=_Formatter,
    )
    usage.add_argument("provider", nargs="*", metavar="PROVIDER", help="only these (claude, codex …)")
    forms = usage.add_mutually_exclusive_group()
    for name, what in (("json", "for programs (schema_version 1)"), ("csv", "for spreadsheets")):
        forms.add_argument(f"--{name}", action="store_const", const=name, dest="form", help=what)
    usage.add_argument(
        "--by",
        metavar="LIST",
        help="rows by provider, model, day, project, session (default: provider,model)",
    )
    usage.add_argument("--since", metavar="DATE", help="only from this day on, like 2026-11-01")
    usage.add_argument("--tz", metavar="NAME", help="the zone of days, like Europe/Berlin (default: UTC)")
    usage.add_argument("--cost", action="store_true", help="show what they would cost at API list prices")
    usage.add_argument(
        "--export", metavar="FILE",
        help="write one row per day, model and tool as CSV; shows exactly what is in it and asks first",
    )  # fmt: skip
    usage.add_argument("--yes", action="store_true", help="agree to the export without being asked")


def _add_key(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    key = commands.add_parser(
        "key",
        help="keys of services, kept in the keyring or the encrypted vault",
        description="Stores, forgets or lists keys. A key is read from a prompt or a pipe, never from "
        "the command line.",
        formatter_class=_Formatter,
    )
    actions = key.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, what in (("set", "store the key of a service"), ("forget", "forget it")):
        action = actions.add_parser(
            name, help=what, description=what.capitalize(), formatter_class=_Formatter
        )
        action.add_argument("service", metavar="SERVICE", help="which; quotadeck key list names them")
        add_passphrase(action)
    listed = actions.add_parser("list", help="which keys there are", formatter_class=_Formatter)
    listed.set_defaults(service="", passphrase_fd=None)


def add_passphrase(parser: argparse.ArgumentParser) -> None:
    """The option of every command that needs the vault."""
    parser.add_argument(
        "--passphrase-fd", type=int, metavar="N",
        help="read the passphrase of the encrypted vault from this file descriptor",
    )  # fmt: skip


def _add_accounts(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    def command(name: str, what: str, *words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=what, description=f"{what[0].upper()}{what[1:]}.", formatter_class=_Formatter
        )
        for word in words:
            made.add_argument(word, metavar=word.upper(), help=_WORDS[word])
        return made

    json_of = [command("accounts", "the accounts whose logins are kept")]
    capture = command("capture", "keep the login that is live now as an account", "provider")
    capture.add_argument("--alias", metavar="NAME", help="what to call it")
    switch = command("switch", "put another account's login in its CLI", "provider", "account")
    switch.add_argument("--dry-run", action="store_true", help="only say what would be done")
    json_of += [switch, command("undo", "go back to the account before the last switch", "provider")]
    command("forget", "take an account out; its login stays for 7 days", "provider", "account")
    recover = command("recover", "finish what a killed switch left, or bring a forgotten account back")
    recover.add_argument(
        "account", metavar="ACCOUNT", nargs="?", default="", help="a forgotten one, by its id"
    )
    _add_import(commands)
    for made in json_of:
        made.add_argument("--json", action="store_true", help="for programs")


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    imported = commands.add_parser(
        "import",
        help="take over logins that another account switcher keeps",
        description="Shows what another account switcher keeps and keeps what you pick. Nothing is "
        "activated, and nothing of the other tool is changed.",
        formatter_class=_Formatter,
    )
    imported.add_argument(
        "tool", metavar="TOOL", help="claude-swap, aimonitor, cc-router, caam or codex-auth"
    )
    imported.add_argument("--dry-run", action="store_true", help="only say what there is")
    imported.add_argument("--all", action="store_true", help="everything that can be imported, unasked")
    imported.add_argument(
        "--keyring", action="store_true", help="look in the keyring too, where the tool keeps logins there"
    )
    add_passphrase(imported)


_WORDS = {
    "provider": "claude, codex …",
    "account": "alias, e-mail or id, or: best",
}


def _add_status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = commands.add_parser(
        "status",
        help="the figures once",
        description="Prints the figures once, with or without a running dashboard, from files alone: "
        "sends nothing unless --refresh asks for it.",
        epilog=EXIT_CODES,
        formatter_class=_RawFormatter,
    )
    status.add_argument("provider", nargs="*", metavar="PROVIDER", help="only these (claude, codex …)")
    formats = status.add_mutually_exclusive_group()
    for name, what in (
        ("json", "for programs (schema_version 1)"),
        ("plain", "one sentence a window, for screen readers and logs"),
        ("short", "one word an account, like C62 X88!"),
        ("tmux", "one line with tmux colour marks, for status-right"),
    ):
        formats.add_argument(f"--{name}", action="store_const", const=name, dest="format", help=what)
    status.add_argument(
        "--refresh", action="store_true", help="first ask the usage endpoints, within their budget"
    )
    status.add_argument("--check", action="store_true", help="let the exit code tell how it stands")


_COMMANDS = (
    (_add_status, ("status",)),
    (_add_watch, ("watch",)),
    (_add_usage, ("usage",)),
    (_add_key, ("key",)),
    (_add_accounts, ("accounts", "capture", "switch", "undo", "forget", "recover", "import")),
    (_add_doctor, ("doctor",)),
)
"""What adds which commands, in the order of the help."""

"""The commands as processes: what they print, their exit codes, what they load and touch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import providers
from providers.engine.settings import environment_from
from tests.terminals import QUOTADECK, base_variables
from tui import cli
from tui.arguments import parser_of
from tui.demo import DemoWorld

HEAVY = (
    "textual", "httpx", "keyring", "watchfiles", "tomli_w", "dataclasses", "sqlite3", "tomllib", "msgspec"
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    DemoWorld(home, time.time()).write()
    return home


def run(
    home: Path, *arguments: str, code: int | None = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*QUOTADECK, *arguments], env=base_variables(home, **variables), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert code is None or done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_status_json_keeps_the_contract(home: Path) -> None:
    """Schema 1: the keys of the contract, integer times, unknown figures null."""
    document = json.loads(run(home, "status", "--json").stdout)
    assert document["schema_version"] == 1
    assert [p["id"] for p in document["providers"]] == [
        "claude",
        "codex",
        "gemini",
        "copilot",
        "opencode",
        "sidecars",
    ]
    account = document["providers"][0]["accounts"][0]
    assert {"id", "alias", "email", "plan", "live", "status", "message", "login_expires_at",
            "next_refresh_at", "budget", "windows"} <= account.keys()  # fmt: skip
    window = account["windows"][0]
    assert {"id", "label", "used_percent", "resets_at", "window_seconds", "state", "source", "observed_at",
            "pace", "used", "limit", "unit"} <= window.keys()  # fmt: skip
    assert (window["id"], window["used_percent"], window["state"]) == ("5h", 62.0, "fresh")
    assert all(isinstance(window[k], int) for k in ("resets_at", "observed_at", "window_seconds"))
    assert set(window["pace"]) == {"expected_percent", "runs_out_at"}


def test_status_in_every_format(home: Path) -> None:
    """Lines, sentences, words and tmux marks say the same figures."""
    assert "62%" in run(home, "status").stdout
    assert "5 hour window, 62 percent used" in run(home, "status", "--plain").stdout
    assert run(home, "status", "--short").stdout.startswith("C62! X88!")
    assert "#[fg=" in run(home, "status", "--tmux").stdout
    only = json.loads(run(home, "status", "codex", "--json").stdout)
    assert [p["id"] for p in only["providers"]] == ["codex"]


def test_check_tells_by_its_exit_code(home: Path, tmp_path: Path) -> None:
    """10 near, 30 nothing; without --check always 0."""
    run(home, "status", "--check", code=10)
    empty = tmp_path / "empty"
    empty.mkdir()
    run(empty, "status", "--check", code=30)
    run(empty, "status")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["status", "nobody"], 2, "no provider is called 'nobody'"),
        (["nonsense"], 2, "invalid choice"),
        (["status", "--json", "--plain"], 2, "not allowed"),
    ],
)
def test_wrong_usage_is_one_line(home: Path, arguments: list[str], code: int, said: str) -> None:
    """Exit 2, the reason last on stderr, nothing on stdout."""
    done = run(home, *arguments, code=code)
    assert said in done.stderr.strip().splitlines()[-1]
    assert done.stdout == ""


def test_a_wrong_setting_names_file_and_line(home: Path) -> None:
    """The person's own file is never rewritten, only spoken of."""
    folder = home / ".config/quotadeck"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text('theme = "auto"\norder = "size"\n')
    done = run(home, "status", code=2)
    assert "~/.config/quotadeck/config.toml line 2" in done.stderr
    assert (folder / "config.toml").read_text() == 'theme = "auto"\norder = "size"\n'


def test_switched_off_means_not_opened(home: Path) -> None:
    """A disabled provider and a disabled source open no file, and say so."""
    folder = home / ".config/quotadeck"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(
        "[providers.codex]\nenabled = false\n[sources.claude]\nstatusline = false\n"
    )
    document = json.loads(run(home, "status", "--json", QUOTADECK_SIDECARS_DISABLED="1").stdout)
    by_id = {p["id"]: p for p in document["providers"]}
    assert (by_id["codex"]["status"], by_id["sidecars"]["status"]) == ("disabled", "disabled")
    # What an earlier run kept is shown; the status line's own figure is not.
    assert 62.0 not in [w["used_percent"] for w in by_id["claude"]["accounts"][0]["windows"]]
    assert "sources.claude.statusline = false" in run(home, "doctor").stdout


def test_doctor_finds_modes_and_links(home: Path) -> None:
    """A login that others can read and a sidecar behind a link, each with its command."""
    (home / ".claude/.credentials.json").chmod(0o644)
    (home / ".claude/.tokenmaxxer-claude.json").symlink_to("/etc/hostname")
    text = run(home, "doctor").stdout
    assert "can be read by others (mode 644)" in text
    assert "chmod 600" in text
    assert "is a symbolic link" in text
    document = json.loads(run(home, "doctor", "--json").stdout)
    assert {f["path"] for f in document["problems"]} >= {"~/.claude/.credentials.json"}


def test_an_empty_home_says_what_was_looked_for(tmp_path: Path) -> None:
    """A person with neither tool sees where was looked, and no error."""
    text = run(tmp_path, "doctor").stdout
    assert "Claude Code is not installed here" in text
    assert "~/.codex/auth.json" in text
    assert "nothing found yet" in run(tmp_path, "status").stdout
    assert not (tmp_path / ".local").exists()


def test_doctor_lists_every_provider(tmp_path: Path) -> None:
    """Also those that keep their panel away until there is something of them; one that is switched
    off says that instead."""
    folder = tmp_path / ".config/quotadeck"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[providers.zai]\nenabled = false\n")
    head, _, nowhere = run(tmp_path, "doctor").stdout.partition("Nothing was found of\n")
    assert head.startswith("z.ai: disabled - switched off")
    document = json.loads(run(tmp_path, "doctor", "--json").stdout)
    assert [p["id"] for p in document["providers"]] == list(providers.PROVIDERS)
    for name in set(providers.PROVIDERS) - {"zai"}:
        provider = providers.load(name)
        assert f"  {provider.descriptor.name}" in nowhere
        source = provider.sources(environment_from({}, tmp_path, "linux"))[0]
        assert f"~/{source.folder.relative_to(tmp_path) / source.pattern}" in nowhere


def test_a_provider_by_name_of_which_there_is_nothing(tmp_path: Path) -> None:
    """It is known, and says so; only a name of no provider is wrong usage."""
    assert run(tmp_path, "status", "copilot").stdout.count("GitHub Copilot is not installed here") == 1
    (only,) = json.loads(run(tmp_path, "status", "zai", "--json").stdout)["providers"]
    assert (only["id"], only["status"], only["accounts"]) == ("zai", "unconfigured", [])


def test_version_and_help(home: Path) -> None:
    """Both answer at once, the help with the exit codes."""
    assert run(home, "--version").stdout.startswith("quotadeck 0.")
    assert "statusline" in run(home, "--help").stdout
    assert "exit codes" in run(home, "status", "--help").stdout


def test_a_closed_pipe_is_no_error(home: Path) -> None:
    """``quotadeck status | true`` prints nothing on stderr."""
    command = f"{QUOTADECK[0]} status --json | true"
    done = subprocess.run(
        ["bash", "-c", command], env=base_variables(home), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


PROBE = """
import json, os, sys
opened, sockets = [], []
def hook(event, args):
    if event == "open" and isinstance(args[0], str):
        opened.append([args[0], args[2] if len(args) > 2 and isinstance(args[2], int) else 0])
    elif event.startswith("socket.") and event != "socket.gethostname":
        sockets.append(event)
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        sockets.append(event)
sys.addaudithook(hook)
from tui.cli import main
code = main(sys.argv[1:])
home = os.environ["HOME"]
wrote = [p for p, flags in opened if p.startswith(home) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)]
loaded = [m for m in {heavy!r} if m in sys.modules]
print(json.dumps([code, sockets, wrote, loaded]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["status", "--json"], ["status", "--plain"], ["doctor"], ["statusline"]]
)
def test_one_shots_open_no_socket_write_nothing_and_load_little(home: Path, arguments: list[str]) -> None:
    """An audit hook sees no socket, no process and no write but the status line's sidecar."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.replace("{heavy!r}", repr(HEAVY)), *arguments],
        env=base_variables(home), input="{}", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    code, sockets, wrote, loaded = json.loads(done.stderr.strip().splitlines()[-1])
    assert (code, sockets, wrote) == (0, [], [])
    # The demo's home has a history, as every home has after a first day.
    allowed = set() if arguments == ["statusline"] else {"sqlite3"}
    # It looks at accounts.toml and at codex' config.toml for itself.
    allowed |= {"tomllib"} if arguments == ["doctor"] else set()
    assert set(loaded) <= allowed


def test_secrets_of_the_login_are_nowhere(home: Path) -> None:
    """Canaries planted as tokens appear in no output of any command."""
    path = home / ".claude/.credentials.json"
    document = json.loads(path.read_bytes())
    document["claudeAiOauth"] |= {"accessToken": "sk-ant-oat01-CANARY", "refreshToken": "sk-ant-ort01-CANARY"}
    path.write_text(json.dumps(document))
    auth = home / ".codex/auth.json"
    auth.write_text(auth.read_text().replace('"demo"', '"rt_CANARY"'))
    (home / ".claude/.tokenmaxxer-opencode-go.json").write_text(
        '{"cookie": "Fe26.CANARY", "five_hour_pct": 5}'
    )
    for arguments in (
        ["status"],
        ["status", "--json"],
        ["status", "--plain"],
        ["doctor"],
        ["doctor", "--json"],
    ):
        done = run(home, *arguments)
        assert "CANARY" not in done.stdout + done.stderr
    for folder, _, names in os.walk(home / ".local"):
        assert not any("CANARY" in (Path(folder) / name).read_text(errors="replace") for name in names)


BUGGY = """
import sys, tui.cli
def status(options, environment, settings):
    raise ValueError("sk-ant-canary")
tui.cli._status = status
sys.argv = ["quotadeck", "status"]
tui.cli.run()
"""


def test_a_bug_is_one_sentence(home: Path) -> None:
    """Its class and its place; no traceback, and not its text, which might quote a file."""
    done = subprocess.run(
        [sys.executable, "-c", BUGGY], env=base_variables(home), capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "quotadeck: stopped by a bug (ValueError in status, line 4); quotadeck doctor"
    )
    assert done.stderr.count("\n") == 1
    assert "canary" not in done.stderr


@pytest.mark.parametrize("arguments", sorted(cli._KNOWN))
def test_what_needs_no_parser_is_what_the_parser_says(arguments: tuple[str, ...]) -> None:
    """The command lines that are known by heart mean what argparse makes of them."""
    parsed = parser_of(*arguments[:1]).parse_args([*arguments])
    assert vars(cli._options([*arguments])) == vars(parsed)

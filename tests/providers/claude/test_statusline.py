"""The status line command: what it costs, what it keeps, what it survives."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import providers.claude.statusline as statusline
from tests.terminals import base_variables

NOW = 1_795_327_200.0
NOWHERE = "/dev/null/quotadeck"
"""A folder that nobody can make, root neither."""


def render(folder: Path, used: float, api_ms: int, now: float, session: str = "s1") -> str:
    limits = {"five_hour": {"used_percentage": used, "resets_at": NOW + 9_000}}
    document = {"session_id": session, "cost": {"total_api_duration_ms": api_ms}, "rate_limits": limits}
    return statusline.run(json.dumps(document).encode(), str(folder), now)


def kept(folder: Path, session: str = "s1") -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / f"claude.{session}.json").read_bytes())
    return found


def test_an_idle_session_that_repaints_is_not_newer(tmp_path: Path) -> None:
    """observed_at moves only when the figures or the session's API time moved."""
    render(tmp_path, 40, 100, NOW)
    render(tmp_path, 40, 100, NOW + 60)
    assert kept(tmp_path)["observed_at"] == NOW
    render(tmp_path, 40, 200, NOW + 90)
    assert kept(tmp_path)["observed_at"] == NOW + 90
    assert kept(tmp_path)["first_seen_at"] == NOW


def test_each_session_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Private from birth, and a hostile session id stays inside the folder."""
    render(tmp_path / "d", 1, 1, NOW, "../../ESCAPE me")
    render(tmp_path / "d", 1, 1, NOW, "b")
    assert sorted(p.name for p in (tmp_path / "d").iterdir()) == ["claude.b.json", "claude.escapeme.json"]
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "d").iterdir()} == {0o600}
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o700


def test_old_sessions_are_pruned(tmp_path: Path) -> None:
    """Files of ours that said nothing for two days go when a new session begins; others stay."""
    render(tmp_path, 1, 1, NOW, "old")
    (tmp_path / "not-ours.json").touch()
    for name in ("claude.old.json", "not-ours.json"):
        os.utime(tmp_path / name, (NOW - 3 * 86_400,) * 2)
    render(tmp_path, 1, 1, NOW, "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["claude.new.json", "not-ours.json"]


def test_what_cannot_be_pruned_holds_nothing_up(tmp_path: Path) -> None:
    """A folder under one of our names stays; the new session is kept all the same."""
    (tmp_path / "claude.odd.json").mkdir()
    os.utime(tmp_path / "claude.odd.json", (NOW - 3 * 86_400,) * 2)
    render(tmp_path, 1, 1, NOW, "new")
    assert kept(tmp_path, "new")["session"] == "new"


def test_our_folders_are_private_from_birth(tmp_path: Path) -> None:
    """The state folder above the sidecars too, whichever command of ours is the first."""
    render(tmp_path / "state/quotadeck/statusline", 1, 1, NOW)
    modes = [(tmp_path / "state" / p).stat().st_mode & 0o777 for p in ("quotadeck", "quotadeck/statusline")]
    assert modes == [0o700, 0o700]


def test_a_window_past_its_reset_has_no_figure(tmp_path: Path) -> None:
    """Claude Code repaints an idle session's last answer; the figure of a finished window is gone."""
    assert render(tmp_path, 97, 1, NOW + 8_999) == "5h 97% 0m"
    assert render(tmp_path, 97, 1, NOW + 9_000) == "5h reset due"


def test_no_limits_keep_what_was_known(tmp_path: Path) -> None:
    """A render without rate_limits neither rewrites nor empties the session's sidecar."""
    render(tmp_path, 40, 100, NOW)
    before = (tmp_path / "claude.s1.json").read_bytes()
    bare = {"session_id": "s1", "cost": {"total_api_duration_ms": 900}}
    statusline.run(json.dumps(bare).encode(), str(tmp_path), NOW + 60)
    assert (tmp_path / "claude.s1.json").read_bytes() == before


def test_a_disk_that_cannot_be_written_changes_nothing_on_the_line(tmp_path: Path) -> None:
    """The line is shown all the same."""
    blocked = tmp_path / "file"
    blocked.touch()
    assert render(blocked / "below", 41, 1, NOW) == "5h 41% 2h30m"


def test_a_link_in_place_of_the_sidecar_is_not_followed(tmp_path: Path) -> None:
    """What it leads to is left alone; the link is replaced."""
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "claude.s1.json").symlink_to(target)
    render(tmp_path, 41, 1, NOW)
    assert target.read_text() == "precious"


@given(st.binary(max_size=400))
def test_bad_input_gives_an_empty_line(data: bytes) -> None:
    """Whatever is piped in: no error, and nothing of it is printed."""
    assert statusline.run(data, NOWHERE, NOW) in ("", "quota: waiting for the first answer")


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8)
_KEYS = st.sampled_from(["five_hour", "used_percentage", "resets_at"])
_TREES = st.recursive(_LEAVES, lambda inner: st.dictionaries(_KEYS, inner), max_leaves=6)


@given(st.dictionaries(_KEYS, _TREES))
def test_odd_limits_never_raise(limits: dict[str, object]) -> None:
    """Any shape under rate_limits is passed over or shown without control characters."""
    line = statusline.run(json.dumps({"rate_limits": limits}).encode(), NOWHERE, NOW)
    assert line.isprintable()


def test_it_imports_four_modules() -> None:
    """json, os, sys and time: nothing of ours, nothing that costs."""
    tree = ast.parse(Path(statusline.__file__).read_text())
    found = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    froms = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert (found, froms) == ({"json", "os", "sys", "time"}, {"__future__"})


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        ([], 0, "5h 41%", ""),
        (["--quiet"], 0, "", ""),
        (["--install"], 0, "statusLine", ""),
        (["--wrong"], 2, "", "does not know '--wrong'"),
    ],
)
def test_the_command(tmp_path: Path, arguments: list[str], code: int, out: str, err: str) -> None:
    """As a process: its line, its silence, its snippet, its refusal; nothing heavy is loaded."""
    probe = (
        "import sys; from tui.cli import main; code = main(['statusline', *sys.argv[1:]]);"
        "heavy = {'textual', 'httpx', 'keyring', 'dataclasses', 'typing', 'pathlib'} & set(sys.modules);"
        "print(*heavy, file=sys.stderr, end=''); sys.exit(code)"
    )
    document = {"session_id": "s", "rate_limits": {"five_hour": {"used_percentage": 41, "resets_at": None}}}
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments],
        input=json.dumps(document), env=base_variables(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert out in done.stdout
    assert (done.stdout == "") is (out == "")
    assert err in done.stderr
    assert bool(done.stderr) is bool(err)
    assert not (tmp_path / ".claude").exists()


@pytest.mark.parametrize("redirection", ["<&-", "<input >&-", "<input >/dev/full", "<input 2>&-"])
def test_broken_pipes_are_no_error(tmp_path: Path, redirection: str) -> None:
    """Closed or full, in or out: exit 0 and not a word, since Claude Code shows a failure."""
    (tmp_path / "input").write_text('{"rate_limits": {"five_hour": {"used_percentage": 41}}}')
    probe = "from tui.cli import main; raise SystemExit(main(['statusline']))"
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, probe],
        cwd=tmp_path, env=base_variables(tmp_path) | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_line_is_ascii_where_the_terminal_is(tmp_path: Path) -> None:
    """Another separator where the encoding has no middle dot."""
    limits = {key: {"used_percentage": 41} for key in ("five_hour", "seven_day")}
    probe = "from tui.cli import main; raise SystemExit(main(['statusline']))"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env=base_variables(tmp_path) | {"PYTHONIOENCODING": "ascii"},
        input=json.dumps({"rate_limits": limits}).encode(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.stdout == b"5h 41% - 7d 41%\n"


def test_the_snippets_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both are valid JSON for the settings file of the profile in use, and nothing is written."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/profile")
    assert statusline.main(["--install"]) == 0
    said = capfd.readouterr().out
    assert "/profile/settings.json" in said
    found = [json.loads("{" + line + "}") for line in said.splitlines() if "statusLine" in line]
    commands = [entry["statusLine"]["command"] for entry in found]
    assert commands[0] == "quotadeck statusline"
    assert 'printf %s "$input" | quotadeck statusline --quiet;' in commands[1]

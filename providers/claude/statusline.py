"""``quotadeck statusline``: Claude Code's status line, and our sidecar of what it carries.

Runs at every render of a prompt, so it imports four modules and nothing of ours, opens no
socket and starts no process.  Each session has one file of its own: sessions never write
over each other's figures.  Format of the input: code.claude.com/docs/en/statusline.
"""

from __future__ import annotations

import json
import os
import sys
import time

INPUT_BYTES = 1024 * 1024
KEPT_SECONDS = 2 * 86_400
_PREFIX, _SUFFIX = "claude.", ".json"
_WINDOWS = (
    ("five_hour", "5h", "5 h", 18_000),
    ("seven_day", "7d", "7 d", 604_800),
    ("seven_day_opus", "7d:opus", "7 d Opus", 604_800),
    ("seven_day_sonnet", "7d:sonnet", "7 d Sonnet", 604_800),
    ("spend_limit", "spend", "spend limit", None),
)

SNIPPET = """\
Put this into ~/.claude/settings.json:

  "statusLine": {"type": "command", "command": "quotadeck statusline"}

If you already have a status line, keep it and let both see the input:

  "statusLine": {"type": "command", "command": "input=$(cat); \
printf %s \\"$input\\" | quotadeck statusline --quiet; \
printf %s \\"$input\\" | YOUR-COMMAND"}

Nothing was written.
"""


def main(arguments: list[str]) -> int:
    """The command.  Always 0 once the arguments are right: a status line that fails would
    disturb the prompt it stands under."""
    unknown = [a for a in arguments if a not in ("--quiet", "--install", "--help", "-h")]
    if unknown:
        sys.stderr.write(
            f"quotadeck: statusline does not know {unknown[0]!r}; it takes --quiet or --install\n"
        )
        return 2
    if "--help" in arguments or "-h" in arguments:
        _print(f"usage: quotadeck statusline [--quiet|--install]\n\n{__doc__}\n{_snippet()}")
        return 0
    if "--install" in arguments:
        _print(_snippet())
        return 0
    state = os.environ.get("XDG_STATE_HOME", "")
    root = state if state.startswith("/") else os.path.expanduser("~/.local/state")
    line = run(_input(), os.path.join(root, "quotadeck", "statusline"), time.time())
    if "--quiet" not in arguments:
        _print(line + "\n")
    return 0


def _snippet() -> str:
    home = os.environ.get("CLAUDE_CONFIG_DIR", "")
    return SNIPPET.replace("~/.claude", home.rstrip("/")) if home else SNIPPET


def _input() -> bytes:
    """What is piped in; nothing where stdin is closed, broken or interrupted."""
    try:
        return sys.stdin.buffer.read(INPUT_BYTES + 1)
    except (OSError, ValueError, AttributeError, KeyboardInterrupt):
        return b""


def _print(text: str) -> None:
    """Past Python's buffer: what cannot be flushed there makes the interpreter exit with 120."""
    if sys.stdout is None:
        return
    encoding = (sys.stdout.encoding or "ascii").lower()
    data = (text if encoding.startswith("utf") else text.replace("·", "-")).encode(encoding, "replace")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        pass


def run(data: bytes, folder: str, now: float) -> str:
    """Keeps what Claude Code said in ``folder`` and returns the line to show.

    Bad input gives an empty line; a disk that cannot be written changes nothing of it.
    """
    try:
        document = json.loads(data.decode("utf-8", "replace")) if len(data) <= INPUT_BYTES else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return ""
    limits = document.get("rate_limits")
    windows = _windows(limits if isinstance(limits, dict) else {}, now)
    if not windows:
        return "quota: waiting for the first answer"
    try:  # noqa: SIM105  contextlib would be a fifth import
        _keep(document, windows, folder, now)
    except (OSError, ValueError):
        pass
    return " · ".join(_shown(window, now) for window in windows)


def _windows(limits: dict[str, object], now: float) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for key, ident, label, seconds in _WINDOWS:
        given = limits.get(key)
        if not isinstance(given, dict):
            continue
        used, resets_at = _number(given.get("used_percentage")), _number(given.get("resets_at"))
        if used is None or not 0 <= used <= 10_000:
            continue
        believable = resets_at is not None and now - 40 * 86_400 <= resets_at <= now + 400 * 86_400
        window: dict[str, object] = {"id": ident, "label": label, "used_percent": round(used, 1)}
        window["resets_at"] = int(resets_at) if believable and resets_at is not None else None
        window["window_seconds"] = seconds
        if ident == "spend":
            window |= {
                "used": _number(given.get("used_usd")),
                "limit": _number(given.get("limit_usd")),
                "unit": "USD",
            }
        found.append(window)
    return found


def _number(value: object) -> float | None:
    """A finite number, or one written as a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number - number == 0 else None


def _keep(document: dict[str, object], windows: list[dict[str, object]], folder: str, now: float) -> None:
    """Writes the session's sidecar if the figures or the session's API time moved.

    An idle session repaints its last answer again and again; were that a new observation,
    it would look newer than the answer of a busy one.
    """
    session = _session(document.get("session_id"))
    cost = document.get("cost")
    api_ms = _number(cost.get("total_api_duration_ms")) if isinstance(cost, dict) else None
    path = os.path.join(folder, _PREFIX + session + _SUFFIX)
    before = _read(path)
    if before and before.get("windows") == windows and before.get("api_ms") == api_ms:
        return
    if not before:
        _make(folder)
        _prune(folder, now)
    sidecar = {
        "schema": "quotadeck.quota", "version": 1, "provider": "claude", "account": None,
        "status": "ok", "message": "", "source": "statusline",
        "observed_at": round(now, 3), "written_at": round(now, 3),
        "session": session, "first_seen_at": before.get("first_seen_at", round(now, 3)), "api_ms": api_ms,
        "windows": windows,
    }  # fmt: skip
    _write(path, json.dumps(sidecar).encode())


def _session(value: object) -> str:
    """A session id as part of a file name."""
    kept = "".join(c for c in str(value).lower() if c in "abcdefghijklmnopqrstuvwxyz0123456789-")[:40]
    return kept if isinstance(value, str) and kept else "session"


def _read(path: str) -> dict[str, object]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            document = json.loads(file.read(65_536))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: str, data: bytes) -> None:
    """Replaces the file as a whole, without a sync: up to three times a second an fsync
    would cost more than a figure is worth that the next answer brings again."""
    temporary = f"{path}.{os.getpid()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, 0o600)
    except FileExistsError:
        os.unlink(temporary)
        descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _make(folder: str) -> None:
    """The folder and the one above it, which are ours, closed to others from birth."""
    ours = os.path.dirname(folder)
    os.makedirs(os.path.dirname(ours), exist_ok=True)
    for path in (ours, folder):
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            continue


def _prune(folder: str, now: float) -> None:
    """Removes our files of sessions that said nothing for two days.  One that another
    session removed first, or that cannot be removed, holds nothing up."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        ours = name.startswith(_PREFIX) and name.endswith((_SUFFIX, ".tmp"))
        try:
            if ours and now - os.lstat(path).st_mtime > KEPT_SECONDS:
                os.unlink(path)
        except OSError:
            continue


def _shown(window: dict[str, object], now: float) -> str:
    used, resets_at = window["used_percent"], window["resets_at"]
    assert isinstance(used, float)
    name = "spend" if window["id"] == "spend" else str(window["id"]).replace(":", " ")
    if isinstance(resets_at, int) and resets_at <= now:
        return f"{name} reset due"
    left = f" {_countdown(resets_at - now)}" if isinstance(resets_at, int) else ""
    return f"{name} {_percent(used)}{left}"


def _percent(used: float) -> str:
    """0 only at 0 and 100 only at 100: 0.4 is 1 %, 99.6 is 99 %."""
    if 0 < used < 1:
        return "1%"
    return "99%" if 99 <= used < 100 else f"{used:.0f}%"


def _countdown(seconds: float) -> str:
    minutes = int(seconds) // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days}d{hours:02}h"
    return f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{minutes}m"

"""Session logs of the made-up world: two weeks of work in the very form of Claude Code and Codex.

Written for ``--demo`` and for tests; the real readers count them.  What stands in them depends on
``begin`` and the step alone.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any, NamedTuple

MINUTE, HOUR, DAY = 60, 3600, 86_400
DAYS = 14
_WORK = (
    ("src/website", "claude-opus-5-5"), ("src/compiler", "claude-opus-5-5"), ("notes", "claude-sonnet-5-5"),
)  # fmt: skip
_CODEX_MODEL = "gpt-6.2-sol"


class _Session(NamedTuple):
    ident: str
    folder: str
    model: str
    path: Path


class DemoLogs:
    """The logs of a home.  ``begin`` (epoch seconds) is the moment the story starts."""

    def __init__(self, home: Path, begin: int) -> None:
        self._home, self._begin = home, begin
        self._random = random.Random(begin)

    def write(self) -> None:
        """Two weeks of sessions; the one of today is open."""
        for day in range(DAYS, 0, -1):
            for number in range(self._random.randint(1, 3)):
                start = self._begin - day * DAY - self._random.randint(0, 5) * HOUR
                self._claude(self._session(day, number), start, 8 + self._random.randint(0, 20), 3 * HOUR)
            if day % 2:
                self._codex(day, self._begin - day * DAY, 6)
        self._claude(self._today, self._begin - 200 * MINUTE, 34, 195 * MINUTE)
        self._codex(0, self._begin - 230 * MINUTE, 9)

    def step(self, step: int, now: int) -> None:
        """Another response of today's session."""
        self._append(self._today.path, [self._response(self._today, f"s{step}", now, 0.4 + step % 5 / 5)])

    @property
    def _today(self) -> _Session:
        return self._session(0, 0)

    def _session(self, day: int, number: int) -> _Session:
        folder, model = _WORK[(day + number) % len(_WORK)]
        ident = f"{day:08x}-0000-4000-8000-{number:012x}"
        cwd = str(self._home / folder)
        slug = "".join(c if c.isalnum() else "-" for c in cwd)
        return _Session(ident, cwd, model, self._home / ".claude/projects" / slug / f"{ident}.jsonl")

    def _claude(self, session: _Session, start: int, count: int, span: int) -> None:
        """Responses over a span, more of them and larger ones in its middle."""
        lines, at = [], start
        for number in range(count):
            place = number / count
            at = start + int(span * place)
            size = (0.3 + 2.4 * place * (1.2 - place)) * self._random.uniform(0.6, 1.4)
            lines.append(self._response(session, f"r{number}", at, size))
        self._append(session.path, lines)
        os.utime(session.path, (at, at))

    def _response(self, session: _Session, name: str, at: int, size: float) -> dict[str, Any]:
        usage = {
            "input_tokens": int(900 * size),
            "cache_creation_input_tokens": int(21_000 * size),
            "cache_read_input_tokens": int(118_000 * size),
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0,
                "ephemeral_1h_input_tokens": int(21_000 * size),
            },
            "output_tokens": int(2_300 * size),
            "service_tier": "standard",
        }
        message = {
            "model": session.model,
            "id": f"msg_demo_{session.ident[:8]}{session.ident[-2:]}{name}",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "made up"}],
            "stop_reason": "end_turn",
            "usage": usage,
        }
        return {
            "isSidechain": False,
            "cwd": session.folder,
            "sessionId": session.ident,
            "version": "2.1.295",
            "message": message,
            "requestId": f"req_demo_{name}",
            "type": "assistant",
            "timestamp": _iso(at),
        }

    def _codex(self, day: int, start: int, turns: int) -> None:
        """A thread of its own: it says nothing of limits, which the live one does."""
        thread = f"01900000-0000-7000-8000-1{day:011x}"
        folder = self._home / ".codex/sessions" / time.strftime("%Y/%m/%d", time.gmtime(start))
        cwd = str(self._home / "src/compiler")
        meta = {"id": thread, "timestamp": _iso(start), "cwd": cwd, "source": "cli"}
        lines: list[dict[str, Any]] = [
            _line(start, "session_meta", meta),
            _line(start, "turn_context", {"model": _CODEX_MODEL, "cwd": cwd}),
        ]
        total = [0, 0, 0]
        at = start
        for turn in range(turns):
            at = start + turn * 17 * MINUTE
            for place, most in enumerate((96_000, 88_000, 3_800)):
                total[place] += int(most * self._random.uniform(0.4, 1.0) * (0.9 if place == 1 else 1.0))
            total[1] = min(total[0], total[1])
            lines.append(_line(at, "event_msg", token_count(total[0], total[1], total[2], None)))
        path = folder / f"rollout-demo-{thread}.jsonl"
        self._append(path, lines)
        os.utime(path, (at, at))

    def _append(self, path: Path, lines: list[dict[str, Any]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def token_count(fresh: int, cached: int, output: int, limits: dict[str, Any] | None) -> dict[str, Any]:
    """Codex's event with running totals; ``fresh`` includes what was cached."""
    usage = {
        "input_tokens": fresh,
        "cached_input_tokens": cached,
        "output_tokens": output,
        "reasoning_output_tokens": output // 3,
        "total_tokens": fresh + output,
    }
    info = {"total_token_usage": usage, "last_token_usage": usage}
    return {"type": "token_count", "info": info, "rate_limits": limits}


def _line(at: int, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": _iso(at), "type": kind, "payload": payload}


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))

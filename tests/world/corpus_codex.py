"""Codex's part of a generated home: rollouts old and new, forks, replays and their traps."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.world.corpus import Corpus, Counts, Response, stamp

MODELS = ("gpt-5.5", "gpt-5.4", "gpt-5.3-codex")
NAMES = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens",
         "reasoning_output_tokens")  # fmt: skip


@dataclass
class Thread:
    """A rollout being written."""

    ident: str
    cwd: str
    at: float
    new: bool
    model: str
    born: float = 0.0
    ordinal: int = 0
    tier: str = ""
    total: list[int] = field(default_factory=lambda: [0] * 5)
    last: list[int] = field(default_factory=lambda: [0] * 5)
    lines: list[bytes] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def write_codex(corpus: Corpus, threads: int, calls: int = 40, packed: bool = False) -> None:
    """Writes that many rollouts under ~/.codex; with ``packed`` some cold ones lie there as .zst."""
    earlier: list[Thread] = []
    for number in range(threads):
        at = corpus.begin()
        thread = Thread(
            corpus.ident(),
            f"/home/dev/tool-{number % 5}",
            at,
            number % 9 > 4,
            corpus.random.choice(MODELS),
            at,
        )
        kind = number % 16
        if kind == 3 and earlier:
            _fork(corpus, thread, corpus.random.choice(earlier))
        elif kind == 6 and any(not parent.new for parent in earlier):
            _spawn(corpus, thread, corpus.random.choice([t for t in earlier if not t.new]))
        else:
            _meta(corpus, thread, {"source": "cli", "thread_source": "user"})
            if number % 10 == 7:
                _before_the_model(corpus, thread)
        _turns(corpus, thread, corpus.random.randint(calls // 2, calls * 3 // 2), resumed=number % 11 == 10)
        if number % 12 == 5 and not thread.new:
            _mixed(corpus, thread)
        else:
            earlier.append(thread)
        path = _place(corpus, thread)
        if number % 7 == 1:
            copy = corpus.home / ".codex/archived_sessions" / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
            corpus.files.append(copy)
            corpus.planted["archive copies"] += 1
        elif packed and number % 7 == 2:
            from backports import zstd

            path.with_name(path.name + ".zst").write_bytes(zstd.compress(path.read_bytes()))
            path.unlink()
            corpus.files[-1] = path.with_name(path.name + ".zst")
            corpus.planted["packed"] += 1


def _place(corpus: Corpus, thread: Thread) -> Path:
    born = datetime.fromtimestamp(thread.born, UTC)
    name = f"rollout-{born:%Y-%m-%dT%H-%M-%S}-{thread.ident}.jsonl"
    torn = b""
    if corpus.random.random() < 0.1:
        corpus.planted["torn tails"] += 1
        torn = thread.lines[-1][: len(thread.lines[-1]) // 2]
    return corpus.write(
        corpus.home / f".codex/sessions/{born:%Y/%m/%d}" / name, thread.lines, thread.at, torn
    )


def _line(thread: Thread, kind: str, payload: dict[str, Any], at: float | None = None) -> None:
    line: dict[str, Any] = {"timestamp": stamp(thread.at if at is None else at)}
    if thread.new:
        line["ordinal"] = thread.ordinal
        thread.ordinal += 1
    line |= {"type": kind, "payload": payload}
    thread.lines.append(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode())
    thread.events.append((kind, payload))


def _meta(corpus: Corpus, thread: Thread, more: dict[str, Any]) -> None:
    _line(
        thread,
        "session_meta",
        {
            "id": thread.ident,
            "timestamp": stamp(thread.born),
            "cwd": thread.cwd,
            "originator": "codex_cli",
            "cli_version": "0.169.0" if thread.new else "0.120.0",
            "base_instructions": corpus.text(4000),
            **more,
        },
    )


def _turns(corpus: Corpus, thread: Thread, calls: int, resumed: bool) -> None:
    random = corpus.random
    for number in range(calls):
        if number % 6 == 0:
            _start(corpus, thread)
        if resumed and number == calls // 2 and not thread.new:
            # A newer CLI goes on with the file of an older one.
            corpus.planted["resumed by a newer CLI"] += 1
            thread.new, thread.ordinal = True, thread.ordinal + len(thread.lines)
        _bulk(corpus, thread)
        _call(corpus, thread)
        chance = random.random()
        if chance < 0.06:
            corpus.planted["re-emissions"] += 1
            _token_count(thread, thread.at + 0.001)
        elif chance < 0.08:
            corpus.planted["compactions"] += 1
            _line(thread, "compacted", {"message": corpus.canary, "replacement_history": [corpus.text(900)]})
            _token_count(thread, thread.at, last=[0] * 5, context=11_246)
        elif chance < 0.10:
            corpus.planted["null infos"] += 1
            _line(thread, "event_msg", {"type": "token_count", "info": None, "rate_limits": _limits()})


def _start(corpus: Corpus, thread: Thread) -> None:
    if corpus.random.random() < 0.15:
        thread.model = corpus.random.choice(MODELS)
    if corpus.random.random() < 0.1:
        thread.tier = corpus.random.choice(("", "priority", "fast"))
        _line(thread, "event_msg", {"type": "thread_settings_applied", "service_tier": thread.tier or "auto"})
    turn = f"turn-{thread.ordinal}"
    started = {"type": "task_started", "turn_id": turn, "started_at": int(thread.at) + 1}
    _line(thread, "event_msg", started)
    _line(thread, "turn_context", {"turn_id": turn, "cwd": thread.cwd, "model": thread.model})


def _bulk(corpus: Corpus, thread: Thread) -> None:
    thread.at += corpus.random.uniform(1, 90)
    said = corpus.some_bulk()
    _line(thread, "response_item", {"type": "function_call_output", "output": said})
    _line(thread, "event_msg", {"type": "agent_message", "message": corpus.text(300)})
    content = [{"type": "output_text", "text": corpus.text(400)}]
    _line(thread, "response_item", {"type": "message", "role": "assistant", "content": content})


def _call(corpus: Corpus, thread: Thread) -> Response:
    """One call of a model: the response is what the total grows by."""
    random = corpus.random
    thread.at += random.uniform(1, 60)
    prompt = random.randint(500, 180_000)
    cached = prompt * random.randint(0, 95) // 100
    written = random.choice((0, 0, (prompt - cached) // 2))
    output = random.randint(10, 4000)
    thread.last = [prompt, cached, written, output, output * random.randint(0, 60) // 100]
    thread.total = [a + b for a, b in zip(thread.total, thread.last, strict=True)]
    if thread.new:
        corpus.planted["record twins"] += 1
        ids = {"thread_id": thread.ident, "turn_id": "t", "session_id": thread.ident, "root_turn_id": "t"}
        ids["response_id"] = f"resp_{corpus.code()}"
        used = {name: _usage(thread.last) for name in ("usage", "turn_token_usage")}
        _line(thread, "token_usage_record", {**ids, **used, "thread_token_usage": _usage(thread.total)})
    _token_count(thread, thread.at)
    return _answered(corpus, thread)


def _answered(corpus: Corpus, thread: Thread, model: str | None = None) -> Response:
    prompt, cached, written, output, thought = thread.last
    counts: Counts = (prompt - cached - written, output, cached, written, 0, thought, 1)
    named = thread.model if model is None else model
    made = Response("codex", thread.at, named, thread.cwd, thread.ident, counts, thread.tier)
    return corpus.answered(made)


def _usage(vector: list[int], context: int | None = None) -> dict[str, int]:
    total = vector[0] + vector[3] if context is None else context
    return {**dict(zip(NAMES, vector, strict=True)), "total_tokens": total}


def _token_count(
    thread: Thread, at: float, last: list[int] | None = None, context: int | None = None
) -> None:
    info = {
        "total_token_usage": _usage(thread.total),
        "last_token_usage": _usage(thread.last if last is None else last, context),
        "model_context_window": 258_400,
    }
    _line(thread, "event_msg", {"type": "token_count", "info": info, "rate_limits": _limits()}, at)


def _limits() -> dict[str, Any]:
    window = {"used_percent": 12.5, "window_minutes": 300, "resets_at": 1_795_000_000}
    return {"limit_id": "codex", "primary": window, "secondary": None, "plan_type": None}


def _before_the_model(corpus: Corpus, thread: Thread) -> None:
    """A resumed file that counts before it names a model: the next named one it is."""
    corpus.planted["counts before the model"] += 1
    _call(corpus, thread)
    _line(thread, "turn_context", {"turn_id": "first", "cwd": thread.cwd, "model": thread.model})


def _fork(corpus: Corpus, thread: Thread, parent: Thread) -> None:
    """A fork by history_base goes on with the parent's totals, which it repeats once."""
    corpus.planted["fork baselines"] += 1
    thread.ordinal = parent.ordinal + len(parent.lines)
    base = {"thread_id": parent.ident, "end_ordinal_exclusive": thread.ordinal, "end_byte_offset": 4096}
    _meta(corpus, thread, {"forked_from_id": parent.ident, "history_mode": "paginated", "history_base": base})
    thread.total, thread.last = list(parent.total), list(parent.last)
    _start(corpus, thread)
    _token_count(thread, thread.at)


def _spawn(corpus: Corpus, thread: Thread, parent: Thread) -> None:
    """A subagent of an older CLI: the parent's whole history first, with new times."""
    thread.new = False
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": parent.ident, "depth": 1}}}
    _meta(corpus, thread, {"source": spawn, "thread_source": "subagent", "parent_thread_id": parent.ident})
    thread.born = thread.at = max(thread.born, parent.at + 5)
    thread.lines.clear()
    thread.events.clear()
    _meta(corpus, thread, {"source": spawn, "thread_source": "subagent", "parent_thread_id": parent.ident})
    for kind, payload in list(parent.events):
        corpus.planted["replayed lines"] += 1
        _line(thread, kind, payload, thread.at + 0.2)
    thread.tier = parent.tier
    thread.total, thread.last = list(parent.total), list(parent.last)


def _mixed(corpus: Corpus, thread: Thread) -> None:
    """The total falls: what comes is counted only as far as it exceeds the highest, and no more
    than the call itself."""
    corpus.planted["counter resets"] += 1
    highest = list(thread.total)
    thread.total = [0] * 5
    for _ in range(3):
        _bulk(corpus, thread)
        thread.at += 20
        thread.last = [1000, 500, 0, 90, 10]
        thread.total = [a + b for a, b in zip(thread.total, thread.last, strict=True)]
        _token_count(thread, thread.at)
    assert all(now < then or then == 0 for now, then in zip(thread.total, highest, strict=True))

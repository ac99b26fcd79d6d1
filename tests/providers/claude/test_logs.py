"""Forms of Claude Code's lines: the quick way and the whole decode agree, and rules hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment
from providers.claude.logs import LOGS, ClaudeLogReader
from providers.ledger.model import LogFile, Usage
from providers.record import replace
from tests.providers.ledger.readings import Booked


def line(**changes: Any) -> dict[str, Any]:
    """A line with its keys in the order of Claude Code 2.1."""
    usage = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 700,
        "cache_read_input_tokens": 9000,
        "output_tokens": 41,
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": {"ephemeral_1h_input_tokens": 600, "ephemeral_5m_input_tokens": 100},
        "inference_geo": "",
        "iterations": [],
        "speed": "standard",
    } | changes.pop("usage", {})
    message = {
        "model": "claude-opus-4-8", "id": "msg_1", "type": "message", "role": "assistant",
        "content": [{"type": "text", "text": 'of "usage":{ and \\ more'}],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    message |= changes.pop("message", {})
    whole = {
        "parentUuid": "aaaaaaaa-0000-4000-8000-000000000001", "isSidechain": False, "userType": "external",
        "cwd": "/home/dev/app", "sessionId": "s-1", "version": "2.1.295", "gitBranch": "main",
        "message": message, "requestId": "req_1", "type": "assistant",
        "uuid": "aaaaaaaa-0000-4000-8000-000000000002", "timestamp": "2026-11-22T05:01:00.120Z",
    }  # fmt: skip
    return whole | changes


def read(*lines: dict[str, Any] | bytes) -> list[Usage]:
    """What a reader books."""
    block = b"".join(
        (each if isinstance(each, bytes) else json.dumps(each, separators=(",", ":")).encode()) + b"\n"
        for each in lines
    )
    booked = Booked()
    tree = LOGS.trees(Environment(Path("/h"), {}, Path("/c"), Path("/s"), Path("/d")))[0]
    assert ClaudeLogReader(LogFile(tree, Path("/h/stem.jsonl"))).feed(block, booked.append) == 0
    return booked


EXPECTED = Usage(
    "msg_1",
    1795323660.12,
    "claude-opus-4-8",
    "/home/dev/app",
    "s-1",
    3,
    41,
    9000,
    700,
    600,
    0,
    1,
    "",
    "req_1",
)


def test_the_usual_line_takes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is decoded as JSON but its folder's name: the content stays bytes."""
    monkeypatch.setattr("providers.claude.logs.json_object", None)
    assert read(line()) == [EXPECTED]
    assert read(line(parentUuid=None)) == [EXPECTED]
    older = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-8"}
    whole = line()
    whole["message"] = older | {k: v for k, v in whole["message"].items() if k not in older}
    assert read(whole) == [EXPECTED]


@pytest.mark.parametrize(
    "changes",
    [
        {"sessionKind": {"deep": 1}},
        {"message": {"context_management": {"applied_edits": [1]}}},
        {"usage": {"server_tool_use": {"a": {"b": 1}}}},
        {"usage": {"new_counter": 77}},
        {"gitBranch": 'a "quoted" \\ branch'},
        {"toolUseResult": {"usage": {"input_tokens": 5, "output_tokens": 5}}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_form_is_decoded_whole(changes: dict[str, Any]) -> None:
    """A key that nobody knows costs time and changes no figure."""
    assert read(line(**changes)) == [EXPECTED]


def test_keys_in_any_order() -> None:
    """Sorted keys, as no tool writes them."""
    assert read(json.dumps(line(), sort_keys=True, separators=(",", ":")).encode()) == [EXPECTED]


def test_a_tool_input_with_our_keys_is_not_usage() -> None:
    """Raw JSON in a tool's input, before and as the only place with such keys."""
    content = [{"type": "tool_use", "input": {"usage": {"output_tokens": 9}, "id": "msg_9", "model": "x"}}]
    assert read(line(message={"content": content})) == [EXPECTED]
    user = line(type="user", message={"role": "user", "content": content, "usage": None})
    assert read(user) == []


def test_streamed_lines_keep_the_first_time_and_the_last_count() -> None:
    """Equal but for growing output: one booking."""
    lines = [
        line(usage={"output_tokens": n}, timestamp=f"2026-11-22T05:01:0{i}.120Z")
        for i, n in enumerate((1, 20, 41))
    ]
    assert read(*lines) == [EXPECTED]
    # Falling output is not what a stream does: both are booked, and the ledger keeps the larger.
    assert sorted(usage.output for usage in read(*reversed(lines))) == [1, 20, 41]


@pytest.mark.parametrize("change", [{"requestId": "req_2"}, {"sessionId": "s-2"}, {"isSidechain": True}])
def test_neighbours_that_differ_are_both_booked(change: dict[str, Any]) -> None:
    """Another request, session or side: not the same stream."""
    assert len(read(line(usage={"output_tokens": 1}), line(**change))) == 2


def test_copies_are_weak() -> None:
    """Side copies, wrapped lines and lines without a request count only if nothing else does."""
    inner = line(isSidechain=True)
    wrapped = {"type": "progress", "sessionId": "s-9", "cwd": "/x", "timestamp": "2026-11-23T00:00:00Z",
               "data": {"type": "agent_progress", "message": inner}}  # fmt: skip
    unasked = {k: v for k, v in line().items() if k != "requestId"}
    for each in (inner, wrapped, unasked):
        (usage,) = read(each)
        assert usage.weak
        assert usage._replace(weak=False, part="req_1") == EXPECTED


def test_an_advisor_is_a_call_of_its_own() -> None:
    """Under its model; a message of the same list is in the sums already."""
    calls = [
        {"type": "message", "input_tokens": 3, "output_tokens": 41},
        {"type": "advisor_message", "model": "claude-fable-5", "input_tokens": 200, "output_tokens": 40},
    ]
    first, second = read(line(usage={"iterations": calls}))
    assert first == EXPECTED
    assert (second.model, second.input, second.output, second.requests) == ("claude-fable-5", 200, 40, 1)


def test_fast_and_thinking() -> None:
    """Speed becomes the tier; thinking is inside the output."""
    (usage,) = read(line(usage={"output_tokens_details": {"thinking_tokens": 12}, "speed": "fast"}))
    assert (usage.tier, usage.reasoning, usage.output) == ("fast", 12, 41)


def test_synthetic_answers_are_no_calls() -> None:
    """By the quick way and by the whole decode."""
    assert read(line(message={"model": "<synthetic>"})) == []
    assert read(line(message={"model": "<synthetic>"}, new={"key": 1})) == []


def test_where_logs_lie(environment: Environment) -> None:
    """Both usual folders; a list of them instead; the desktop app's."""
    trees = LOGS.trees(environment)
    home = environment.home
    assert [tree.folder for tree in trees[:2]] == [
        home / ".config/claude/projects",
        home / ".claude/projects",
    ]
    assert {tree.below for tree in trees[2:]} == {"projects"}
    listed = replace(environment, variables={"CLAUDE_CONFIG_DIR": "/a, /b"})
    assert [tree.folder for tree in LOGS.trees(listed)[:2]] == [Path("/a/projects"), Path("/b/projects")]


def test_a_first_line_lends_its_names_to_no_other() -> None:
    """A line without a parent has no head by which the next is known, whatever byte stands there."""
    other = line(
        parentUuid=None, userType="ex-t", sessionId="s-2", requestId="req_2", message={"id": "msg_2"}
    )
    booked = read(line(parentUuid=None), other)
    assert [(usage.key, usage.session) for usage in booked] == [("msg_1", "s-1"), ("msg_2", "s-2")]

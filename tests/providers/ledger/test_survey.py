"""Which tools there are: four buckets, and the count of what cannot be read."""

from __future__ import annotations

from pathlib import Path

import providers
from providers.base import Environment
from providers.ledger.survey import Bucket, survey
from providers.record import replace
from tests.world.tools import WRITERS, write

TOOLS = [providers.load_logs(tool) for tool in (*providers.LOGGED, *providers.LOGGED_TOOLS)]
SEEN = {
    ".config/Cursor/User/globalStorage/state.vscdb": "cursor",
    ".aider.conf.yml": "aider",
    ".codeium/windsurf/x": "windsurf",
    ".gemini/antigravity/conversations/a.pb": "antigravity",
    ".kiro/sessions/a/b.json": "kiro",
    ".local/state/warp-terminal/warp.sqlite": "warp",
    ".local/share/crush/projects.json": "crush",
    ".config/github-copilot/iu/chat-sessions/x/copilot-chat-nitrite.db": "copilot-jetbrains",
    ".junie/x": "junie",
    ".augment/x": "augment",
    ".config/Trae/User/x": "trae",
    ".qoder/x": "qoder",
    ".local/share/devin/cli/sessions.db": "devin",
    ".lmstudio/x": "lmstudio",
}


def environment(home: Path, **variables: str) -> Environment:
    return Environment(home, variables, home / ".config", home / "state", home / "data")


def test_an_empty_home(tmp_path: Path) -> None:
    """Every tool is known and none found; at least 25 there are, each once."""
    rows = survey(TOOLS, environment(tmp_path))
    assert {row.bucket for row in rows} == {Bucket.NOT_FOUND}
    assert len(rows) == len({row.id for row in rows}) == len({row.name for row in rows}) >= 25


def test_a_home_with_all_of_them(tmp_path: Path) -> None:
    """Those with files to be measured are measured, of the others a trace is enough, and a sentence
    says why they are not."""
    for make in WRITERS.values():
        make(tmp_path)
    for path in SEEN:
        write(tmp_path / path, "x")
    rows = {row.id: row for row in survey(TOOLS, environment(tmp_path))}
    found = {name: row.bucket for name, row in rows.items() if row.bucket is not Bucket.NOT_FOUND}
    measured, detected = (
        dict.fromkeys(WRITERS, Bucket.MEASURED),
        dict.fromkeys(SEEN.values(), Bucket.DETECTED),
    )
    assert found == measured | detected
    assert len(found) >= 25
    assert all(rows[name].why and not rows[name].files for name in SEEN.values())
    assert all(rows[name].files and not rows[name].why for name in WRITERS)


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    """Too large documents, and what the index could not make sense of."""
    WRITERS["amp"](tmp_path)
    tool = next(tool for tool in TOOLS if tool.id == "amp")

    class Small:
        id, name, version, why, open = tool.id, tool.name, 1, "", tool.open

        def trees(self, environment: Environment) -> tuple[object, ...]:
            return tuple(replace(tree, max_bytes=500) for tree in tool.trees(environment))

    (row,) = survey([Small()], environment(tmp_path))  # type: ignore[list-item]
    assert (row.bucket, row.files, row.unreadable) == (Bucket.MEASURED, 2, 1)
    (row,) = survey([tool], environment(tmp_path), {"amp": 2})
    assert (row.bucket, row.files, row.unreadable) == (Bucket.UNREADABLE, 2, 2)
    assert row.why


def test_a_tool_without_a_session(tmp_path: Path) -> None:
    """Its folder is there, so it is detected, and is not called measured."""
    (tmp_path / ".qwen/projects").mkdir(parents=True)
    (row,) = survey([tool for tool in TOOLS if tool.id == "qwen"], environment(tmp_path))
    assert (row.bucket, row.why) == (Bucket.DETECTED, "has written no session yet")


def test_aiders_log_counts_if_it_was_asked_for(tmp_path: Path) -> None:
    """Then Aider is measured; otherwise only seen."""
    write(tmp_path / "aider.jsonl", b'{"event":"message_send","properties":{"prompt_tokens":3}}\n')
    aider = [tool for tool in TOOLS if tool.id == "aider"]
    (row,) = survey(aider, environment(tmp_path, AIDER_ANALYTICS_LOG="aider.jsonl"))
    assert row.bucket is Bucket.MEASURED
    (row,) = survey(aider, environment(tmp_path))
    assert row.bucket is Bucket.NOT_FOUND

"""``quotadeck usage``: figures equal to the logs, the contract, the export, hostile logs."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment
from providers.engine.lock import locked
from tests.providers.ledger.homes import ROOMS, at_home
from tests.tui.test_cli import run
from tests.tui.worlds import EVIL
from tui.demo_logs import DemoLogs
from tui.text import cell_width
from tui.usage_command import DONE, FAILED, REFUSED, USAGE, UsageCommand, WrongUse, wanted_of

NOW = 1_795_330_000.0


class Typed(io.StringIO):
    """What a person types, and what a terminal shows."""

    def isatty(self) -> bool:
        return True


class Called:
    """One run of the command in this process."""

    def __init__(self, environment: Environment, typed: str | None = None, tty: bool = False) -> None:
        self.said: list[str] = []
        self.err = Typed() if tty else io.StringIO()
        stdin = None if typed is None else Typed(typed)
        self.command = UsageCommand(
            environment, ROOMS, say=self.said.append, err=self.err, stdin=stdin, width=100,
            now=lambda: NOW,
        )  # fmt: skip

    def run(self, *providers: str, **more: Any) -> int:
        given = dict.fromkeys(("form", "by", "since", "zone", "export")) | {"cost": False, "agreed": False}
        return self.command.run(wanted_of(providers, **given | more))

    @property
    def out(self) -> str:
        return "".join(self.said)


@pytest.fixture
def home(tmp_path: Path) -> Environment:
    DemoLogs(tmp_path, int(NOW)).write()
    return at_home(tmp_path)


def response(folder: Path, name: str, model: str = "claude-opus-5-5", **more: Any) -> None:
    """A log with one response."""
    usage = {"input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 10_000,
             "cache_creation_input_tokens": 0}  # fmt: skip
    message = {"id": f"m-{name}", "model": model, "usage": usage}
    line = {"type": "assistant", "timestamp": "2026-11-22T23:30:00.000Z", "cwd": "/w", "sessionId": name,
            "requestId": "r", "message": message}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.jsonl").write_text(json.dumps(line | more, separators=(",", ":")) + "\n")


def test_json_is_the_contract_and_adds_up(home: Environment) -> None:
    """The rows sum up to the totals; the first run and the second say the same."""
    texts = []
    for _ in range(2):
        called = Called(home)
        assert called.run(form="json") == DONE
        texts.append(called.out)
    assert texts[0] == texts[1]
    document = json.loads(texts[0])
    assert {(r["provider"], r["model"]) for r in document["rows"]} == {
        ("claude", "claude-opus-5-5"), ("claude", "claude-sonnet-5-5"), ("codex", "gpt-6.2-sol"),
    }  # fmt: skip
    for count in ("input", "output", "cache_read", "cache_write", "reasoning", "requests"):
        assert sum(r[count] for r in document["rows"]) == document["totals"][count] > 0
    assert sum(r["cost_usd"] for r in document["rows"]) == pytest.approx(document["totals"]["cost_usd"])


def test_every_format_says_the_same_figures(home: Environment) -> None:
    """CSV holds the numbers of the JSON; the table their rounded sums."""
    as_json, as_csv, table = Called(home), Called(home), Called(home)
    by = "day,project"
    as_json.run(form="json", by=by)
    as_csv.run(form="csv", by=by)
    table.run(by=by)
    rows = json.loads(as_json.out)["rows"]
    cells = list(csv.DictReader(io.StringIO(as_csv.out)))
    assert [(c["day"], c["project"], int(c["input"])) for c in cells] == [
        (r["day"], r["project"], r["input"]) for r in rows
    ]
    lines = table.out.splitlines()
    assert len(lines) == len(rows) + 2
    assert lines[-1].startswith("total")
    assert any("~/src/website" in line for line in lines)
    assert str(home.home) not in table.out


def test_days_are_utc_unless_a_zone_is_named(tmp_path: Path) -> None:
    """A response at 23:30 UTC is of the next day in Berlin; --since counts in that zone too."""
    response(tmp_path / ".claude/projects/p", "late")
    environment = at_home(tmp_path)

    def days(**more: Any) -> list[str]:
        called = Called(environment)
        called.run(form="json", by="day", **more)
        return [row["day"] for row in json.loads(called.out)["rows"]]

    assert days() == ["2026-11-22"]
    assert days(zone="Europe/Berlin") == ["2026-11-23"]
    assert days(since="2026-11-23") == []
    assert days(since="2026-11-23", zone="Europe/Berlin") == ["2026-11-23"]


def test_only_the_providers_that_were_named(home: Environment) -> None:
    """An unknown one is wrong use and says which there are."""
    called = Called(home)
    called.run("codex", form="json")
    assert {row["provider"] for row in json.loads(called.out)["rows"]} == {"codex"}
    wrong = Called(home)
    assert wrong.run("nobody") == USAGE
    assert "no logs are read of 'nobody'; there are claude, codex" in wrong.err.getvalue()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"by": "colour"}, "usage cannot be told by 'colour'; there are provider, model, day"),
        ({"by": ""}, "usage cannot be told by ''"),
        ({"since": "yesterday"}, "'yesterday' is no date; write it like 2026-11-01"),
        ({"since": "99999-01-01"}, "is no date"),
        ({"zone": "Mars/Olympus"}, "there is no time zone 'Mars/Olympus'"),
        ({"zone": "../../etc/passwd"}, "there is no time zone"),
    ],
)
def test_wrong_arguments_are_one_sentence(home: Environment, given: dict[str, str], why: str) -> None:
    """Said before anything is read."""
    with pytest.raises(WrongUse) as said:
        Called(home).run(**given)
    assert why in str(said.value)


def test_prices_are_off_in_the_table_until_asked_for(home: Environment) -> None:
    """And then called API list price; a model without one is said."""
    response(home.home / ".claude/projects/p", "x", model="claude-mystery-9")
    plain, priced = Called(home), Called(home)
    plain.run()
    priced.run(cost=True)
    assert "$" not in plain.out
    assert plain.err.getvalue() == ""
    assert "API list price" in priced.out
    assert "unknown" in next(line for line in priced.out.splitlines() if "mystery" in line)
    assert ">= $" in priced.out.splitlines()[-1]
    assert "no API list price is known (as of 2026-11-05) for claude-mystery-9" in priced.err.getvalue()


def test_unreadable_logs_are_counted(home: Environment) -> None:
    """How many, and of which tool; the rest is there."""
    log = home.home / ".claude/projects/p/linked.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    (home.home / ".codex/sessions/rollout-x.jsonl.zst").write_bytes(b"no zstd at all")
    called = Called(home)
    assert called.run(form="json") == DONE
    assert "1 log cannot be read (Codex 1): their tokens are missing here" in called.err.getvalue()
    assert len(json.loads(called.out)["rows"]) == 3


def test_hostile_names_are_harmless_in_every_format(tmp_path: Path) -> None:
    """Escapes, markup and formulas in model and folder reach no terminal and no spreadsheet."""
    response(tmp_path / ".claude/projects/p", "x", model=EVIL, cwd=f"=cmd|{EVIL}")
    for form in ("table", "csv", "json"):
        called = Called(at_home(tmp_path))
        assert called.run(form=form, by="model,project,session") == DONE
        assert all(c.isprintable() or c == "\n" for c in called.out + called.err.getvalue())
        if form == "csv":
            assert "'=cmd|" in called.out


def test_the_table_fits_and_keeps_the_tokens(home: Environment) -> None:
    """Long folders give way, then columns from the right."""
    response(home.home / ".claude/projects/p", "x", cwd="/deep/" + "folder/" * 40)
    for width in (40, 60, 80, 100, 200):
        called = Called(home)
        called.command._width = width
        called.run(by="project,model", cost=width > 60)
        lines = called.out.splitlines()
        assert all(cell_width(line) <= width for line in lines), width
        assert "tokens" in lines[0]
        assert ("requests" in lines[0]) is (width == 200)


def test_progress_is_for_terminals(home: Environment) -> None:
    """On a terminal it is one line that is wiped again, in a pipe there is none."""
    piped, shown = Called(home), Called(home, tty=True)
    piped.run(form="json")
    assert piped.err.getvalue() == ""
    for log in home.home.rglob("*.jsonl"):
        os.utime(log)
    (home.state_dir / "ledger.sqlite3").unlink()
    shown.run(form="json")
    assert "reading logs: " in shown.err.getvalue()
    assert shown.err.getvalue().endswith("\r\x1b[K")


def test_another_copy_that_reads_is_said(home: Environment) -> None:
    """The figures are what there is, and the sentence says so."""
    Called(home).run()
    with locked(home.state_dir / "ledger.lock", 0.0):
        called = Called(home)
        assert called.run(form="json") == DONE
    assert "another quotadeck is reading the logs" in called.err.getvalue()
    assert json.loads(called.out)["rows"]


def test_an_index_that_cannot_be_made_is_one_sentence(home: Environment) -> None:
    """A file where our folder should be: exit 1."""
    home.state_dir.parent.mkdir(parents=True)
    home.state_dir.write_text("")
    called = Called(home)
    assert called.run() == FAILED
    assert called.err.getvalue() == (
        "quotadeck: the ledger cannot be kept: its folder cannot be used (not a directory)\n"
    )
    assert called.out == ""


def test_an_export_is_shown_before_it_is_written(home: Environment, tmp_path: Path) -> None:
    """A person who says y gets exactly the shown bytes, private; anything else writes nothing."""
    target = tmp_path / "out.csv"
    for answer in ("n\n", "\n", "", "no\n"):
        refused = Called(home, typed=answer)
        assert refused.run(export=str(target)) == REFUSED
        assert not target.exists()
    agreed = Called(home, typed="y\n")
    assert agreed.run(export=str(target)) == DONE
    text = target.read_text()
    assert text in agreed.out
    assert f"Write {target}? [y/N]" in agreed.out
    assert agreed.out.index(text) < agreed.out.index("[y/N]")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["day", "model", "tool", "input", "output", "cache_read", "cache_write",
                             "reasoning", "requests"]  # fmt: skip
    assert len({(r["day"], r["model"], r["tool"]) for r in rows}) == len(rows) > 20
    assert str(home.home) not in text


def test_a_script_agrees_with_yes_and_nothing_else(home: Environment, tmp_path: Path) -> None:
    """Without a terminal and without --yes it is refused, exit 3, and nothing is written."""
    target = tmp_path / "out.csv"
    refused = Called(home)
    assert refused.run(export=str(target)) == REFUSED
    assert "--yes agrees" in refused.err.getvalue()
    assert not target.exists()
    for _ in range(2):
        assert Called(home).run(export=str(target), agreed=True) == DONE
    assert target.read_text().startswith("day,model,tool,")


def test_an_export_replaces_only_an_export(home: Environment, tmp_path: Path) -> None:
    """Another file, a link, a folder that is not there: refused, and left as it was."""
    precious = tmp_path / "precious.txt"
    precious.write_text("mine\n")
    link = tmp_path / "link.csv"
    own = tmp_path / "own.csv"
    assert Called(home).run(export=str(own), agreed=True) == DONE
    link.symlink_to(own)
    for target in (precious, link, tmp_path / "nowhere/x.csv", tmp_path):
        called = Called(home)
        assert called.run(export=str(target), agreed=True) == REFUSED, target
    assert precious.read_text() == "mine\n"
    assert link.is_symlink()


def test_as_a_process(tmp_path: Path) -> None:
    """Exit codes and streams of the command itself; a disabled tool is not read."""
    DemoLogs(tmp_path, int(NOW)).write()
    document = json.loads(run(tmp_path, "usage", "--json", "--by", "day", "--tz", "Asia/Tokyo").stdout)
    assert set(document) == {"schema_version", "generated_at", "rows", "totals"}
    assert run(tmp_path, "usage").stdout.startswith("provider  model")
    assert "is no date" in run(tmp_path, "usage", "--since", "soon", code=2).stderr
    run(tmp_path, "usage", "--json", "--csv", code=2)
    run(tmp_path, "usage", "--export", str(tmp_path / "x.csv"), code=3)
    run(tmp_path, "usage", "--export", str(tmp_path / "x.csv"), "--yes")
    only = json.loads(run(tmp_path, "usage", "--json", QUOTADECK_CLAUDE_DISABLED="1").stdout)
    assert {row["provider"] for row in only["rows"]} >= {"codex"}

"""Opens the pane: settings and flags in, exit code out.

Called by cli.py when there is a terminal to paint.  Files are read on the reader thread
while Textual is imported, so the first frame already has real figures.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from providers.engine.clock import SystemClock
from providers.live import Network, open_live
from providers.record import replace

if TYPE_CHECKING:
    import argparse

    from providers.accounts.keeping import Step
    from providers.base import Environment
    from providers.desk import Desk
    from providers.engine.settings import Settings
    from providers.examination import Examination
    from providers.live import Live

FIRST_LOOK = 0.3
"""Seconds that the first frame waits for the files at most (a hung disk must not keep it)."""


def run_pane(options: argparse.Namespace, environment: Environment, settings: Settings) -> int:
    """Runs the dashboard until it is left; returns the exit code."""
    settings = _with_flags(options, settings)
    if options.demo:
        return _run_demo(settings)
    return _run(environment, settings, "", _flags(options))


def _run_demo(settings: Settings) -> int:
    from tui.demo import ALIASES, DemoWorld, play
    from tui.demo_network import network

    folder = tempfile.mkdtemp(prefix="quotadeck-demo-")
    stop = threading.Event()
    try:
        world = DemoWorld(Path(folder), time.time())
        world.write()
        play(world, stop)
        calm = replace(
            settings, aliases=ALIASES, disabled=frozenset(), hidden=(), panels=(), vault="plaintext",
            polling="on", sources_off=frozenset(), sources_on=frozenset(), endpoints={}, desktop=False,
            notify_command=(),
        )  # fmt: skip
        return _run(world.environment, calm, "demo", {}, partial(network, world))
    finally:
        stop.set()
        shutil.rmtree(folder, ignore_errors=True)


def _run(
    environment: Environment,
    settings: Settings,
    mark: str,
    flags: Mapping[str, str],
    network: Network | None = None,
) -> int:
    clock = SystemClock()
    live = open_live(environment, settings, clock, network=network)
    live.begin()
    # Textual takes an empty NO_COLOR as set; the convention says it is not.
    if not os.environ.get("NO_COLOR", "x"):
        del os.environ["NO_COLOR"]
    from tui.terminal import BackgroundQuery

    inside = any(name in os.environ for name in ("TMUX", "STY"))
    query = BackgroundQuery(os.environ.get("TERM", ""), inside or settings.theme != "auto")
    from tui.app import QuotadeckApp
    from tui.bug import sentence
    from tui.glyphs import ASCII, UNICODE
    from tui.themes import chosen_theme

    theme = chosen_theme(settings.theme, settings.background, os.environ, query.is_dark())
    glyphs = ASCII if settings.ascii or not _draws_unicode() else UNICODE
    live.wait_first(FIRST_LOOK)
    config = str(environment.config_dir / "config.toml")

    def check_up() -> Examination:
        from providers.examination import examine

        return examine(environment, settings, live.sources(), live.vaults, time.time())

    app = QuotadeckApp(
        live, settings, clock, theme=theme, glyphs=glyphs, mark=mark, config=config, flags=flags,
        environment=environment, examine=check_up,
        open_desk=None if settings.read_only else partial(_desk, live, settings, network),
        vaults=lambda: live.vaults,
    )  # fmt: skip
    app.run(mouse=settings.mouse)
    app.finish_accounts()
    live.stop()
    if app.crash:
        print(sentence(app.crash), file=sys.stderr)
    return app.return_code or 0


def _desk(live: Live, settings: Settings, network: Network | None, step: Step) -> Desk:
    """The desk of accounts; on the clerk's thread, long after the first frame."""
    from providers.desk import open_desk

    return open_desk(
        live.environment, settings, SystemClock(), live.vaults.vault, by="pane", network=network, step=step
    )


def _with_flags(options: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with the flags of this call on top; nothing of it is remembered."""
    return replace(
        settings,
        theme=options.theme or settings.theme,
        ascii=options.ascii or settings.ascii,
        mouse=settings.mouse and not options.no_mouse,
        read_only=options.read_only or settings.read_only,
    )


def _flags(options: argparse.Namespace) -> dict[str, str]:
    """The settings that flags of this call stand above, for the settings screen."""
    given = {
        "theme": ("--theme", options.theme),
        "ascii": ("--ascii", options.ascii),
        "mouse": ("--no-mouse", options.no_mouse),
        "read_only": ("--read-only", options.read_only),
    }
    return {key: flag for key, (flag, value) in given.items() if value}


def _draws_unicode() -> bool:
    """The Linux console's font lacks the glyphs, and other encodings cannot carry them."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return encoding == "utf8" and os.environ.get("TERM") != "linux"

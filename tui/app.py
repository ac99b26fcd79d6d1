"""The pane: what each key does, as wishes to the feed or another look at the deck.

How it draws stands in drawing.py; nearly every method here is the action of a row of the key
table (keymap.py) and a few lines long.
"""

from __future__ import annotations

from typing import Any

from providers.engine.shown import ProviderView
from providers.record import replace
from tui.accounts_app import AccountsApp
from tui.deck import ORDERS, DeckGrid
from tui.filter_line import FilterLine
from tui.text import clock_time, countdown
from tui.themes import OURS


class QuotadeckApp(AccountsApp):
    """Draws what its feed knows and does what keys say."""

    def action_move(self, direction: str) -> None:
        """Moves the cursor."""
        self.grid.move(direction)
        self.draw()

    def action_goto(self, number: int) -> None:
        """Chooses a panel by number."""
        self.grid.pick_number(number)
        self.draw()

    def action_problem(self, way: int) -> None:
        """Chooses the next panel that wants a look."""
        self.grid.next_problem(self.feed.view(), way)
        self.draw()

    def on_deck_grid_picked(self, picked: DeckGrid.Picked) -> None:
        """A click on a panel."""
        self.grid.pick(picked.provider_id)
        self.draw()
        if picked.zoom:
            self._open_detail()

    def action_open(self) -> None:
        """Answers the banner, else opens the detail of the chosen panel."""
        if self.banner.display:
            self.answer_banner("on")
        elif self.grid.chosen:
            self._open_detail()

    def _open_detail(self) -> None:
        from tui.screens.detail import DetailScreen

        self.push_screen(DetailScreen(self.grid.chosen))

    async def action_back(self) -> None:
        """Toasts, then the banner, then the filter, then the zoom."""
        if self._notifications:
            self.clear_notifications()
        elif self.banner.display:
            self.answer_banner("key")
        elif self.look.filter:
            self.change(filter="")
        else:
            self.grid.zoom(False)
            self.draw()

    def action_zoom(self) -> None:
        """Zooms, or leaves the zoom."""
        self.grid.zoom(not self.grid.zoomed)
        self.draw()

    def action_used_left(self) -> None:
        """Used or left, everywhere."""
        self.change(left=not self.look.left)
        self.remember(show="left" if self.look.left else "used")

    def action_order(self) -> None:
        """The next order of the panels."""
        self.change(order=ORDERS[(ORDERS.index(self.look.order) + 1) % len(ORDERS)])
        self.remember(order=self.look.order)

    def action_compact(self) -> None:
        """Fewer words."""
        self.change(compact=not self.look.compact)
        self.remember(compact=self.look.compact)

    def action_theme(self) -> None:
        """The next theme; without colour there is but one."""
        if self.no_color:
            return
        here = OURS.index(self.theme) if self.theme in OURS else -1
        self.action_set_theme(OURS[(here + 1) % len(OURS)])

    def action_set_theme(self, name: str) -> None:
        """A theme by name, as the palette offers it."""
        if name in self.available_themes and not self.no_color:
            self.theme = name
            self.remember(theme=name)

    def action_private(self) -> None:
        """Hides who the accounts are; never remembered, so that a stream starts as it must."""
        self.change(private=not self.look.private)

    def action_hide(self) -> None:
        """Hides the chosen panel; one that is shown although it is hidden comes back."""
        chosen, hidden = self.grid.chosen, self.look.hidden
        if not chosen:
            return
        if chosen in hidden:
            hidden = tuple(i for i in hidden if i != chosen)
        elif len(self.grid.order) > 1:
            hidden = (*hidden, chosen)
            self.say("hidden; X shows hidden panels")
        else:
            self.say("the last panel stays")
            return
        self.change(hidden=hidden)
        self.remember(hidden=hidden)

    def action_show_hidden(self) -> None:
        """Shows the hidden panels for now, or hides them again."""
        if not self.look.hidden:
            self.say("no panel is hidden; x hides one")
            return
        self.change(all=not self.look.all)

    def action_pause(self) -> None:
        """Holds the figures as they are, or goes on."""
        self.paused = not self.paused
        self.feed.pause(self.paused)
        self.draw()

    def action_refresh(self, every: bool) -> None:
        """Reads the files anew and asks, as far as the budget allows."""
        chosen = None if every else self.subject
        self.feed.reread(chosen)
        self.feed.ask(chosen)
        for provider in self.feed.view().providers:
            if chosen in (None, provider.id):
                self._say_wait(provider, every)

    def _say_wait(self, provider: ProviderView, every: bool) -> None:
        """A key that can do nothing now says why and when it can."""
        front, now = provider.front, self.clock.now()
        if front is None or front.budget is None or front.by_hand_at <= now:
            return
        when = countdown(front.by_hand_at - now)
        if front.by_hand_at - now > 120:
            when = f"{when}, at {clock_time(front.by_hand_at, now, self.look.zone, self.look.hours)}"
        spent = f"{front.budget.used} of {front.budget.limit} requests this hour"
        self.say(f"{provider.name} may be asked again in {when} ({spent}); the files were read")

    def action_filter(self) -> None:
        """Opens the line in which a filter is typed."""
        line = self.screen.query_one(FilterLine)
        line.open(getattr(self.screen, "filter_text", self.look.filter))

    def on_filter_line_changed(self, changed: FilterLine.Changed) -> None:
        """The deck (or the list on top) shows what matches, while it is typed."""
        if len(self.screen_stack) > 1:
            top: Any = self.screen
            top.set_filter(changed.text)
            top.draw()
        else:
            self.change(filter=changed.text)

    def action_copy(self) -> None:
        """Copies the chosen panel, or what the screen on top offers, as text."""
        from tui.sentences import panel_text

        look, view = self.look, self.feed.view()
        text = ""
        if len(self.screen_stack) > 1:
            text = getattr(self.screen, "copy_text", str)()
        else:
            provider = next((p for p in view.providers if p.id == self.grid.chosen), None)
            if provider is not None:
                text = panel_text(provider, view.generated_at, look.zone, look.hours, look.private)
        if text:
            self.attendant.messenger.copy(text)
            self.say("copied")
        else:
            self.say("there is nothing to copy here")

    def action_mute(self) -> None:
        """No notices of this panel until its next reset; a second time takes it back."""
        until = self.attendant.watchman.toggle_mute(self.subject, self.feed.view())
        if until is None:
            self.say("notices are on again")
        else:
            now = self.clock.now()
            self.say(f"muted until {clock_time(until, now, self.look.zone, self.look.hours)}")

    def action_events(self) -> None:
        """What happened, newest first."""
        from tui.screens.events import EventsScreen

        if self.front is not None:
            self.front.reload()
        self.push_screen(EventsScreen(self.attendant.log_book, self.front))

    def action_usage(self) -> None:
        """What the tokens went to."""
        from tui.screens.usage import UsageScreen

        self.push_screen(UsageScreen())

    def action_stop_scan(self) -> None:
        """No more logs are read but what is appended; the rest is read at the next start."""
        tally = self.feed.tally
        if tally is None or tally.progress is None:
            self.say("no logs are being read")
        else:
            tally.cancel()
            self.say("stopped; the rest of the logs is read at the next start")

    def action_settings(self) -> None:
        """Everything that can be set."""
        from tui.screens.settings import SettingsScreen

        self.push_screen(SettingsScreen(self.set_setting, self.flags))

    def action_palette(self) -> None:
        """Every action by name."""
        from tui.screens.palette import CHECKUP, PaletteScreen, entries_of

        names = [(p.id, p.name) for p in self.feed.view().providers]
        themes = [] if self.no_color else sorted(self.available_themes)
        entries = (*entries_of(self.keys_now, names, themes), CHECKUP)
        self.push_screen(PaletteScreen(entries, self.run_named))

    def action_pick(self, provider_id: str) -> None:
        """Chooses a panel by its provider, as the palette offers it."""
        self.grid.pick(provider_id)
        self.draw()

    def action_help(self) -> None:
        """Keys and legend."""
        from tui.screens.help import HelpScreen, help_lines

        self.push_screen(HelpScreen(help_lines(self.keys_now, self.look.glyphs, self.config, self.notes)))

    def action_checkup(self) -> None:
        """What stands against logins, locks and vaults, and what mends it."""
        from tui.screens.checkup import CheckupScreen, aside

        self.push_screen(CheckupScreen(aside(self._examine), self.notes))

    def action_suspend(self) -> None:
        """To the shell."""
        self.action_suspend_process()

    def action_redraw(self) -> None:
        """Repaints everything."""
        self.repaint_all()

    async def action_quit(self) -> None:
        """Leaves at once; never asks."""
        self.leave()

    def change(self, **changes: object) -> None:
        """Another look at the same deck."""
        self.look = replace(self.look, **changes)
        self.draw()

    def answer_banner(self, polling: str) -> None:
        """The question of the banner is answered, for good."""
        self.set_setting("polling", polling)
        self.say("asked every few minutes from now on" if polling == "on" else "asked only when you press r")

    def set_setting(self, key: str, value: object) -> None:
        """A setting is another from now on: here, and for the next start."""
        self.remember(**{key: value})
        self.settings = replace(self.settings, **{key: value})
        self.attendant.messenger.settings = self.settings
        match key:
            case "polling":
                self.feed.allow(value == "on")
            case "theme" if isinstance(value, str) and value in self.available_themes and not self.no_color:
                self.theme = value
            case "watch_percent" | "high_percent":
                self.feed.judge(self.settings)
        self.look = replace(
            self.look, hours=self.settings.clock, left=self.settings.show == "left",
            compact=self.settings.compact, order=self.settings.order, hidden=self.settings.hidden,
        )  # fmt: skip
        self.draw()

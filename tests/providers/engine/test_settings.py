"""Settings: mistakes name file and line, our own file never stops a start."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment
from providers.engine.files import WriteRefused
from providers.engine.settings import Settings, chosen_vault, environment_from, load, save
from providers.engine.settings_file import SettingsError
from providers.record import replace

KNOWN = ("claude", "codex", "opencode")
EVERYTHING = """
theme = "ansi-dark"
background = "terminal"
clock = 12
show = "left"
order = "fullest"
compact = true
ascii = true
mouse = false
read_only = true
panels = ["codex", "claude", "codex"]
hidden = ["opencode"]
watch_percent = 60
high_percent = 80.5
pace_points = 10
pace_minutes = 0
polling = "on"
bell = false
notify = "osc777"
desktop = true
notify_command = ["say", "--fast"]
quiet_hours = "22:00-07:00"
pane_title = false
vault = "plaintext"

[providers.codex]
enabled = false
[providers.claude]
enabled = true

[sources.claude]
statusline = false
config = true

[keys]
"view.zoom" = "f"
refresh.one = "F5"

[aliases]
"me@example.com" = "work"
"""


def write(environment: Environment, text: str | bytes, name: str = "config.toml") -> Path:
    path = environment.config_dir / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def complaint(environment: Environment, text: str | bytes) -> str:
    write(environment, text)
    with pytest.raises(SettingsError) as caught:
        load(environment, KNOWN)
    return str(caught.value)


def test_without_files_everything_has_its_default(environment: Environment) -> None:
    """A first start needs no file and makes none."""
    settings = load(environment, KNOWN)
    assert settings == Settings()
    assert (settings.theme, settings.clock, settings.show, settings.order) == ("auto", 24, "used", "config")
    assert (settings.watch_percent, settings.high_percent) == (75, 90)
    assert (settings.pace_points, settings.pace_minutes) == (6, 10)
    assert not environment.config_dir.exists()


def test_everything_can_be_set(environment: Environment) -> None:
    """One file that sets every key; no field keeps its default."""
    write(environment, EVERYTHING)
    settings = load(environment, KNOWN)
    assert set(settings.origins.values()) == {"~/.config/quotadeck/config.toml"}
    assert replace(settings, origins={}) == Settings(
        origins={},
        polling="on",
        bell=False,
        notify="osc777",
        desktop=True,
        notify_command=("say", "--fast"),
        quiet_hours="22:00-07:00",
        pane_title=False,
        vault="plaintext",
        theme="ansi-dark",
        background="terminal",
        clock=12,
        show="left",
        order="fullest",
        compact=True,
        ascii=True,
        mouse=False,
        read_only=True,
        panels=("codex", "claude"),
        hidden=("opencode",),
        watch_percent=60,
        high_percent=80.5,
        pace_points=10,
        pace_minutes=0,
        disabled=frozenset({"codex"}),
        sources_off=frozenset({("claude", "statusline")}),
        sources_on=frozenset({("claude", "config")}),
        keys={"view.zoom": "f", "refresh.one": "F5"},
        aliases={"me@example.com": "work"},
    )
    same = {n for n in Settings.__match_args__ if getattr(settings, n) == getattr(Settings(), n)}
    # The one is what went wrong, the other comes from the environment.
    assert same == {"notes", "endpoints"}


def test_config_toml_is_never_written(environment: Environment) -> None:
    """What the dashboard changes goes beside it."""
    path = write(environment, EVERYTHING)
    save(environment, theme="quotadeck-light")
    assert path.read_text() == EVERYTHING


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('theme = "x"\n\norder = "size"', 'line 3: order must be one of config, fullest, reset, not "size"'),
        ("clock = 13", "line 1: clock must be 12 or 24, not 13"),
        ("clock = 12.0", "line 1: clock must be 12 or 24, not 12.0"),
        ("clock = true", "line 1: clock must be 12 or 24, not true"),
        ('# a\n compact = "yes"', 'line 2: compact must be true or false, not "yes"'),
        ("mouse = 1", "line 1: mouse must be true or false, not 1"),
        ("theme = 3", "line 1: theme must be a text, not 3"),
        ('theme = ""', 'line 1: theme must be a text, not ""'),
        ("watch_percent = 0", "line 1: watch_percent must be a number from 1 to 100, not 0"),
        ("watch_percent = nan", "line 1: watch_percent must be a number from 1 to 100, not nan"),
        ("high_percent = 101", "line 1: high_percent must be a number from 1 to 100, not 101"),
        ("pace_points = -1", "line 1: pace_points must be a number from 0 to 100, not -1"),
        ("pace_minutes = inf", "line 1: pace_minutes must be a number from 0 to 1440, not inf"),
        ("\nwatch_percent = 95", "line 2: watch_percent must not be above high_percent"),
        ("\nhigh_percent = 70", "line 2: watch_percent must not be above high_percent"),
        ('panels = "claude"', 'line 1: panels must be a list of provider ids, not "claude"'),
        ("panels = [1]", "line 1: panels must be a list of provider ids, not [1]"),
        (
            'panels = [\n  "claude",\n  "grok"]',
            'line 1: panels names "grok"; there are claude, codex, opencode',
        ),
        ('hidden = ["x"]', 'line 1: hidden names "x"; there are claude, codex, opencode'),
        ('\nordr = "config"', 'line 2: there is no setting "ordr"; did you mean order?'),
        ("zzz = 1", 'line 1: there is no setting "zzz"'),
        ("notes = []", 'line 1: there is no setting "notes"'),
        ("disabled = []", 'line 1: there is no setting "disabled"'),
        ("keys = 3", "line 1: keys must be a table, written [keys]"),
        ("[keys]\na = 1", 'line 2: "a" must be a text, not 1'),
        ("[keys]\nview.zoom = 1", 'line 2: "view.zoom" must be a text, not 1'),
        ('[keys]\n"view.zoom" = 1', 'line 2: "view.zoom" must be a text, not 1'),
        ("[aliases]\nme = true", 'line 2: "me" must be a text, not true'),
        ("[providers.claude]\nenabled = 0", "line 2: enabled must be true or false, not 0"),
        ("[providers]\nclaude = { enabled = 0 }", "line 2: enabled must be true or false, not 0"),
        ("\n[providers]\nclaude.enabled = 0", "line 3: enabled must be true or false, not 0"),
        ("\nproviders.claude.enabled = 0", "line 2: enabled must be true or false, not 0"),
        ("[providers]\nclaude = false", "line 2: claude must be a table, written [providers.claude]"),
        (
            "[providers.codex]\n[providers.claude] # here\nenable = false",
            'line 3: there is no setting "enable"; did you mean enabled?',
        ),
        ("\n[providers.cluade]", 'line 2: there is no provider "cluade"; did you mean claude?; there are'),
        ("[sources.grok]\nx = false", 'line 1: there is no provider "grok"; there are claude'),
        ('[sources.claude]\n"statusline" = "off"', 'line 2: "statusline" must be true or false, not "off"'),
        ("[sources]\nclaude = false", "line 2: claude must be a table, written [sources.claude]"),
        ('theme = "a"\norder "fullest"', "line 2: expected '='"),
        ('theme = "a"\n\ntheme = "b"', "line 3: cannot overwrite a value"),
        ('theme = "a"\norder = "fu', "line 2: "),
        (b'theme = "a"\n# caf\xe9', "line 2: is not UTF-8 text"),
        ("x = " + "[" * 5000, " is not TOML that can be read"),
    ],
)
def test_a_mistake_names_file_and_line(environment: Environment, text: str | bytes, says: str) -> None:
    """One sentence that leads to the place; nothing is started on a misread wish."""
    sentence = complaint(environment, text)
    assert sentence.startswith("~/.config/quotadeck/config.toml")
    assert says in sentence
    assert "\n" not in sentence


def test_a_folder_elsewhere_is_named_in_full(
    with_variables: Callable[..., Environment], tmp_path: Path
) -> None:
    """Outside home there is no tilde."""
    environment = environment_from({"XDG_CONFIG_HOME": str(tmp_path / "etc")}, tmp_path / "home", "linux")
    assert complaint(environment, "clock = 1").startswith(f"{tmp_path}/etc/quotadeck/config.toml line 1: ")


@pytest.mark.parametrize(
    "text",
    ['theme = "a\\u001b[31mb"\nclock = "\\u001b[31m"', '"\\u001b[2J" = 1', '[aliases]\n"a\\u009b" = 1'],
)
def test_no_escape_sequence_gets_out_of_a_mistake(environment: Environment, text: str) -> None:
    """What an error quotes is printable."""
    assert complaint(environment, text).isprintable()


def test_a_credential_in_the_wrong_place_is_not_repeated(environment: Environment) -> None:
    """A pasted key does not end up in a terminal's scrollback."""
    sentence = complaint(environment, 'order = "sk-ant-oat01-secretsecretsecret"')
    assert "secret" not in sentence
    assert "looks like a credential" in sentence


def test_a_config_that_is_a_link_is_followed(environment: Environment, tmp_path: Path) -> None:
    """Dotfile managers put links there."""
    target = tmp_path / "dotfiles.toml"
    target.write_text("clock = 12")
    environment.config_dir.mkdir(parents=True)
    (environment.config_dir / "config.toml").symlink_to(target)
    assert load(environment, KNOWN).clock == 12


def test_a_config_that_cannot_be_read_is_a_mistake(environment: Environment) -> None:
    """Starting with defaults would hide that the person's wishes are not met."""
    (environment.config_dir / "config.toml").mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"config\.toml is not a regular file"):
        load(environment, KNOWN)


@pytest.mark.parametrize("text", ["\ufeffclock = 12", "clock = 12\r\n", "", "# nothing\n"])
def test_marks_of_editors_do_no_harm(environment: Environment, text: str) -> None:
    """A BOM, Windows line ends and an empty file are fine."""
    write(environment, text)
    assert load(environment, KNOWN).clock == (12 if "12" in text else 24)


@pytest.mark.parametrize(
    ("variables", "disabled"),
    [
        ({}, set()),
        ({"QUOTADECK_CLAUDE_DISABLED": "1"}, {"claude"}),
        ({"QUOTADECK_CLAUDE_DISABLED": "TRUE", "QUOTADECK_CODEX_DISABLED": "yes"}, {"claude", "codex"}),
        ({"QUOTADECK_CLAUDE_DISABLED": "0", "QUOTADECK_CODEX_DISABLED": ""}, set()),
        ({"QUOTADECK_GROK_DISABLED": "1"}, set()),
        ({"TOKENMAXXER_OPENCODE_DISABLED": "1"}, {"opencode"}),
        ({"TOKENMAXXER_GEMINI_DISABLED": "1", "TOKENMAXXER_CLAUDE_DISABLED": "1"}, set()),
    ],
)
def test_variables_switch_providers_off(
    with_variables: Callable[..., Environment], variables: dict[str, str], disabled: set[str]
) -> None:
    """Ours for every provider, tokenmaxxer's three for those that are known."""
    assert load(with_variables(**variables), KNOWN).disabled == disabled


def test_variables_add_to_the_file(with_variables: Callable[..., Environment]) -> None:
    """What the file switches off stays off."""
    environment = with_variables(QUOTADECK_CLAUDE_DISABLED="1", QUOTADECK_CODEX_DISABLED="0")
    write(environment, "[providers.codex]\nenabled = false")
    assert load(environment, KNOWN).disabled == {"claude", "codex"}


CHANGES: dict[str, Any] = {
    "theme": "quotadeck-light",
    "show": "left",
    "order": "reset",
    "compact": True,
    "hidden": ("codex", "claude"),
}


def test_what_was_chosen_with_keys_wins(environment: Environment) -> None:
    """The config is where the pane began; the last key press is remembered over it."""
    write(environment, 'theme = "ansi-dark"\nshow = "used"\norder = "fullest"\nclock = 12')
    save(environment, **CHANGES)
    settings = load(environment, KNOWN)
    assert {key: getattr(settings, key) for key in CHANGES} == CHANGES
    assert settings.clock == 12
    assert settings.notes == ()
    ours, theirs = "~/.config/quotadeck/settings.toml", "~/.config/quotadeck/config.toml"
    assert settings.origins == dict.fromkeys(CHANGES, ours) | {"clock": theirs}


def test_plain_text_is_only_ever_chosen_in_config_toml(environment: Environment) -> None:
    """A file of ours that says it is left aside with a note; the other vaults it may name."""
    write(environment, 'vault = "plaintext"', "settings.toml")
    settings = load(environment, KNOWN)
    assert (settings.vault, chosen_vault(environment)) == ("", "")
    assert "vault must be keyring, encrypted or none" in settings.notes[0]
    save(environment, vault="encrypted")
    assert load(environment, KNOWN).vault == chosen_vault(environment) == "encrypted"
    write(environment, 'vault = "plaintext"')
    assert load(environment, KNOWN).vault == "plaintext"


def test_of_the_vault_config_toml_has_the_last_word(environment: Environment) -> None:
    """Unlike of what keys change: where secrets lie is the person's own word."""
    save(environment, vault="encrypted")
    write(environment, 'vault = "none"')
    settings = load(environment, KNOWN)
    assert settings.vault == "none"
    assert settings.origins["vault"] == "~/.config/quotadeck/config.toml"


def test_saving_keeps_what_else_is_there(environment: Environment) -> None:
    """Keys of an earlier save and of a later version both stay."""
    path = write(environment, 'tomorrow = "x"\n[deep]\na = 1', "settings.toml")
    save(environment, theme="a")
    save(environment, compact=True)
    expected = {"tomorrow": "x", "deep": {"a": 1}, "theme": "a", "compact": True}
    assert tomllib.loads(path.read_text()) == expected
    assert load(environment, KNOWN).notes == ()


def test_the_file_of_ours_is_private(environment: Environment) -> None:
    """0600 in a 0700 folder."""
    save(environment, compact=True)
    path = environment.config_dir / "settings.toml"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)] == [0o600, 0o700]


@pytest.mark.parametrize(
    "changes",
    [
        {"clock": 13},
        {"notify_command": ["rm"]},
        {"keys": {}},
        {"read_only": True},
        {"order": "size"},
        {"compact": 1},
        {"hidden": "claude"},
        {"vault": "plaintext"},
    ],
)
def test_only_view_settings_are_saved(environment: Environment, changes: dict[str, Any]) -> None:
    """A key that is the person's, or a value that would not load, is a ValueError and no write."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        save(environment, theme="a", **changes)
    assert not environment.config_dir.exists()


def test_saving_through_a_link_is_refused(environment: Environment, tmp_path: Path) -> None:
    """The file is ours alone; a link in its place leads elsewhere."""
    environment.config_dir.mkdir(parents=True)
    (environment.config_dir / "settings.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WriteRefused):
        save(environment, theme="a")
    assert not (tmp_path / "elsewhere").exists()


def test_a_value_of_ours_that_is_wrong_spares_the_others(environment: Environment) -> None:
    """A panel that no longer exists does not undo the theme."""
    write(environment, 'theme = "a"\nhidden = ["gone"]\nmouse = false', "settings.toml")
    settings = load(environment, KNOWN)
    assert (settings.theme, settings.hidden, settings.mouse) == ("a", (), True)
    (note,) = settings.notes
    assert note.startswith('~/.config/quotadeck/settings.toml line 2: hidden names "gone"; ')
    assert note.endswith("; it is left aside")


@pytest.mark.parametrize("broken", ["theme = ", b"\xff\xfe", "[" * 5000, "a = 1\na = 2"])
def test_a_broken_file_of_ours_never_stops_a_start(environment: Environment, broken: str | bytes) -> None:
    """It is noted, left aside, and begun anew by the next key press."""
    write(environment, "clock = 12")
    write(environment, broken, "settings.toml")
    settings = load(environment, KNOWN)
    assert settings.clock == 12
    assert len(settings.notes) == 1
    assert "settings.toml" in settings.notes[0]
    save(environment, show="left")
    assert load(environment, KNOWN).show == "left"
    assert load(environment, KNOWN).notes == ()


@pytest.mark.parametrize(
    ("variables", "folders"),
    [
        ({}, ("/h/.config", "/h/.local/state", "/h/.local/share")),
        ({"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_DATA_HOME": "/d"}, ("/c", "/s", "/d")),
        ({"XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "s", "XDG_DATA_HOME": "~/d"},
         ("/h/.config", "/h/.local/state", "/h/.local/share")),
    ],
)  # fmt: skip
def test_our_folders_follow_xdg(variables: dict[str, str], folders: tuple[str, str, str]) -> None:
    """Absolute values count; relative and empty ones are ignored, as the specification asks."""
    found = environment_from(variables, Path("/h"), "darwin")
    ours = (found.config_dir, found.state_dir, found.data_dir)
    assert ours == tuple(Path(folder) / "quotadeck" for folder in folders)
    assert (found.home, found.platform, found.variables) == (Path("/h"), "darwin", variables)


def test_a_start_without_files_loads_no_toml(tmp_path: Path) -> None:
    """One-shot commands do not pay for what they do not use."""
    code = (
        "import sys; from pathlib import Path; from providers.engine.settings import environment_from, load;"
        "load(environment_from({}, Path(sys.argv[1]), 'linux'), ('claude',));"
        "sys.exit(bool({'tomllib', 'tomli_w', 'difflib', 'textual'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000",
        "http://localhost:1",
        "http://[::1]:99/",
        "https://127.0.0.1",
        "http://127.9.8.7:80",
    ],
)
def test_a_stand_in_on_loopback_is_taken(with_variables: Callable[..., Environment], address: str) -> None:
    """Only tests set these; the header then says so."""
    settings = load(with_variables(QUOTADECK_CLAUDE_URL=address), KNOWN)
    assert settings.endpoints == {"QUOTADECK_CLAUDE_URL": address.rstrip("/")}


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example", "https://api.anthropic.com", "http://127.0.0.1@evil.example",
        "http://127.0.0.1.evil.example", "http://localhost:80@evil.example", "http://localhost.evil.example",
        "http://127.0.0.1:80/path", "http://127.0.0.1:80#@evil", "http://127.0.0.1:x", "ftp://127.0.0.1",
        "127.0.0.1:80", "http://0.0.0.0:80", "http://127.0.0.1:80\n", " http://127.0.0.1:80",
    ],
)  # fmt: skip
def test_any_other_address_stops_the_start(with_variables: Callable[..., Environment], address: str) -> None:
    """A stray variable must not send a bearer away: one sentence, and no pane."""
    with pytest.raises(SettingsError, match="QUOTADECK_CODEX_URL must be a loopback address"):
        load(with_variables(QUOTADECK_CODEX_URL=address), KNOWN)


@pytest.mark.parametrize("span", ["22:00-7:00", "24:00-07:00", "22:60-07:00", "night", "22:00 - 07:00"])
def test_quiet_hours_are_two_times(environment: Environment, span: str) -> None:
    """Hours and minutes with two digits each."""
    assert "quiet_hours must be like 22:00-07:00" in complaint(environment, f'quiet_hours = "{span}"')

"""The vault of caam: for each profile a folder with copies of a CLI's login files.

The copies have the base names of the originals.  Profiles that begin with ``_`` are safety
copies and may be newer than the profile itself.  Facts: Dicklesworthstone/
coding_agent_account_manager:internal/authfile/authfile.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.accounts.importers.candidate import (
    Candidate,
    CannotImport,
    SecretReader,
    alias_of,
    judged,
    label_of,
    refused,
)
from providers.accounts.importers.sources import NotRead, copied, folders, still_used
from providers.accounts.login import LoginStore
from providers.base import Environment, FileBytes
from providers.engine.values import clean
from providers.record import replace

TOOL = "caam"


def read(
    environment: Environment, stores: Mapping[str, LoginStore], secret: SecretReader | None, now: float
) -> Iterator[Candidate]:
    """Each profile of each CLI; those of CLIs that are not switched here only by name."""
    vault = _vault(environment)
    kinds = folders(vault)
    if not kinds:
        raise CannotImport(f"{TOOL} keeps no profiles here: there is nothing in {clean(str(vault), 200)}")
    for kind in kinds:
        provider = clean(kind.name, 20)
        for count, profile in enumerate(folders(kind), 1):
            label = f"{provider} {label_of(profile.name, fallback=f'profile {count}')}"
            blank = Candidate(TOOL, label, provider, alias=_alias(profile.name))
            store = stores.get(kind.name)
            if store is None:
                yield refused(blank, f"accounts of {provider} are not imported from {TOOL}")
            else:
                yield _candidate(blank, profile, store, environment, now)


def _alias(profile: str) -> str:
    return "" if profile.startswith("_") else alias_of(profile)


def _vault(environment: Environment) -> Path:
    variables, home = environment.variables, environment.home
    if variables.get("CAAM_HOME"):
        return home / variables["CAAM_HOME"] / "data/vault"
    return environment.folder("XDG_DATA_HOME", ".local/share") / "caam/vault"


def _candidate(
    blank: Candidate, profile: Path, store: LoginStore, environment: Environment, now: float
) -> Candidate:
    names = [file.path.name for file in store.files()]
    try:
        # What merely stands beside the secret only claims whose it is.
        found = [copied(profile / names[0]), *(_beside(profile / name) for name in names[1:])]
    except NotRead as trouble:
        return refused(blank, str(trouble))
    if found[0] is None:
        return refused(blank, f"its profile holds no {names[0]}")
    used = still_used(environment, "caam", max(one.mtime for one in found if one), now)
    return judged(replace(blank, still_used=used), store, [one.data if one else None for one in found])


def _beside(path: Path) -> FileBytes | None:
    try:
        return copied(path)
    except NotRead:
        return None

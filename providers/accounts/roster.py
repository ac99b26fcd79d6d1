"""Who there is: accounts.toml in the config folder, which a person may read and edit.

Ids, names, owners, order: references only, no secret.  What the vault holds of each stands in
the registry.  Written by capture, import, rename and forget, under the global lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from providers.accounts.login import CannotSwitch, Login
from providers.base import MIB, FileBytes
from providers.engine.files import WriteFailed, WriteRefused, read_file, write_atomic
from providers.engine.values import clean, number
from providers.model import Identity
from providers.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "accounts.toml"
OURS = "quotadeck"


class Member(Record):
    """One account as a person knows it.  ``owner`` is who renews its login: us (only if the
    person turned that on), the CLI, or another tool.  ``never_pick`` keeps it from being
    chosen as the best; ``enabled = false`` also hides it from the picker.  ``fresh`` keeps its
    idle login fresh."""

    id: str
    provider: str
    slot: str
    key: str
    email: str = ""
    organisation: str = ""
    plan: str = ""
    alias: str = ""
    owner: str = "cli"
    order: int = 0
    enabled: bool = True
    never_pick: bool = False
    fresh: bool = False
    ends_at: float | None = None
    added_at: float = 0.0

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.alias or self.email or self.id


class RosterTrouble(CannotSwitch):
    """accounts.toml cannot be read or written; nothing was changed."""


def load_roster(config_dir: Path) -> tuple[Member, ...]:
    """Everybody, in the order of the file.  Raises `RosterTrouble`."""
    found = read_file(config_dir / NAME, MIB, follow=True)
    if found is None:
        return ()
    if not isinstance(found, FileBytes):
        raise RosterTrouble(f"{NAME} {found.reason}")
    import tomllib

    try:
        document = tomllib.loads(found.data.decode("utf-8-sig"))
        return tuple(_member(entry) for entry in document.get("account", []))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RosterTrouble(f"{NAME} cannot be understood: mend it, or move it away to begin anew") from None


def save_roster(config_dir: Path, members: tuple[Member, ...]) -> None:
    """Writes everybody.  Raises `RosterTrouble`."""
    import tomli_w

    text = tomli_w.dumps({"account": [_entry(m) for m in members]})
    try:
        write_atomic(config_dir / NAME, text.encode())
    except (WriteFailed, WriteRefused) as error:
        raise RosterTrouble(str(error)) from None


def with_member(members: tuple[Member, ...], fresh: Member) -> tuple[Member, ...]:
    """Everybody, with this one in its place or at the end."""
    if any(m.id == fresh.id for m in members):
        return tuple(fresh if m.id == fresh.id else m for m in members)
    return (*members, replace(fresh, order=max((m.order for m in members), default=0) + 1))


def named(known: Member | None, ident: str, login: Login, identity: Identity, now: float) -> Member:
    """The member of a login: what is known of it stays, what the login says anew counts."""
    base = known or Member(ident, login.provider, login.slot, identity.key, added_at=now)
    return replace(
        base,
        email=identity.email or base.email,
        organisation=identity.organisation or base.organisation,
        plan=login.plan or base.plan,
        ends_at=login.ends_at if login.ends_at is not None else base.ends_at,
    )


def find(members: tuple[Member, ...], provider: str, word: str) -> Member:
    """The account of a provider that ``word`` names: alias, e-mail or id.  Raises
    `CannotSwitch` for none, or for more than one."""
    mine = [m for m in members if m.provider == provider]
    for hits in (
        [m for m in mine if word in (m.alias, m.id)],
        [m for m in mine if m.email.lower() == word.lower()],
        [m for m in mine if m.id.startswith(word) and len(word) >= 4],
    ):
        if len(hits) == 1:
            return hits[0]
        if hits:
            ids = ", ".join(m.id for m in hits)
            raise CannotSwitch(f"{clean(word)!r} names several accounts: say which by its id ({ids})")
    known = ", ".join(m.label for m in mine) or "none"
    raise CannotSwitch(f"no account of {provider} is called {clean(word)!r}; there are: {known}")


def _member(entry: Mapping[str, Any]) -> Member:
    def text(name: str, limit: int = 120) -> str:
        return clean(entry.get(name), limit)

    return Member(
        clean(entry["id"]), clean(entry["provider"]), text("slot"), clean(entry["key"], 200),
        email=text("email"), organisation=text("organisation"), plan=text("plan"), alias=text("alias"),
        owner=text("owner") or "cli", order=int(entry.get("order", 0)),
        enabled=bool(entry.get("enabled", True)), never_pick=bool(entry.get("never_pick", False)),
        fresh=bool(entry.get("fresh", False)), ends_at=number(entry.get("ends_at")),
        added_at=number(entry.get("added_at")) or 0.0,
    )  # fmt: skip


def _entry(member: Member) -> dict[str, Any]:
    found = {name: getattr(member, name) for name in Member._fields}
    return {name: value for name, value in found.items() if value is not None}

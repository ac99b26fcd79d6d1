"""A plan in plain sentences, for the command and the dialog: no secret, no markup.

Labels are e-mails more often than not; ``private`` leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator

from providers.accounts.importers.planned import Action, Plan, Step

_DOES = (Action.NEW, Action.NEWER, Action.BESIDE)
NOTHING = "There is nothing to import."
LAST = "Nothing is activated, and nothing of the other tool is changed."
SHARED = (
    "Whoever of two holders renews a login first logs the other out: quotadeck does not renew those that "
    "another holds, until you say that it gave them up."
)


def preview_lines(plan: Plan, *, private: bool = False) -> list[str]:
    """One sentence a login, then what holds for all."""
    return [*_each(plan, private), *_all(plan)]


def _each(plan: Plan, private: bool) -> Iterator[str]:
    for count, step in enumerate(plan.steps, 1):
        candidate = step.candidate
        who = f"login {count}" if private else candidate.label
        yield f"{candidate.tool}, {who}: {_sentence(step, private)}."


def _sentence(step: Step, private: bool) -> str:
    """What becomes of one login."""
    whose = step.account or "this account"
    if not step.proven:
        whose = f"{whose} (says {step.candidate.tool})"
    match step.action:
        case Action.NEW:
            said = "becomes a new account" if step.identity else "becomes a new account of nobody known yet"
        case Action.NEWER:
            said = f"a newer login of {whose}, which takes the place of the one kept here"
        case Action.BESIDE:
            said = f"a login of {whose} that is {step.why}, filed beside the newest"
        case Action.SAME if private:
            said = "nothing to do, it is the login of another line"
        case Action.KEPT | Action.SAME:
            said = f"nothing to do, {step.why}"
        case _:
            said = f"not imported, {step.why}"
    held = step.do_not_refresh and step.action in (*_DOES, Action.KEPT)
    return f"{said}; not renewed here, as {step.candidate.tool} holds it too" if held else said


def _all(plan: Plan) -> Iterator[str]:
    doing = [step for step in plan.steps if step.action in _DOES]
    if any(step.do_not_refresh and step.action in (*_DOES, Action.KEPT) for step in plan.steps):
        yield SHARED
    yield LAST if doing else NOTHING

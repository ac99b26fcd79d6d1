"""What an import would do: lineage before name, later issued before earlier, nothing replaced
that might be newer."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from providers.accounts.importers.candidate import Candidate
from providers.accounts.importers.planned import Action, KnownAccount, Step, plan
from providers.accounts.login import Login
from providers.accounts.secret import Secret
from providers.model import Identity
from providers.record import replace


def login(
    lineage: str, key: str = "", issued: float = 10.0, *, tool: str = "caam", used: bool = False
) -> Candidate:
    who = Identity(key) if key else None
    held = Login("claude", lineage, Secret("CANARY"), claimed=who, issued=issued)
    return Candidate(tool, f"{lineage} {key}", "claude", login=held, still_used=used)


def known(
    *lineages: str, id: str = "a1", key: str = "ada", issued: float = 5.0, provider: str = "claude"
) -> KnownAccount:
    return KnownAccount(id, provider, "", key, lineages, issued)


def actions(*candidates: Candidate, here: tuple[KnownAccount, ...] = ()) -> dict[str, Action]:
    steps = plan(candidates, here).steps
    assert len(steps) == len(candidates)
    return {step.candidate.label: step.action for step in steps}


def only(candidate: Candidate, *here: KnownAccount) -> Step:
    (step,) = plan([candidate], here).steps
    return step


def test_an_account_that_nobody_knows_is_new() -> None:
    """With its key; without one it is an account of its own that nobody names."""
    assert (only(login("l1", "ada")).action, only(login("l1", "ada")).identity) == (Action.NEW, "ada")
    assert (only(login("l1")).action, only(login("l1")).identity) == (Action.NEW, "")


def test_of_an_account_that_is_known_the_later_issued_counts() -> None:
    """Newer takes its place; older, as old, and of unknown age are filed beside it."""
    newer, older = only(login("l2", "ada", 9), known("l1")), only(login("l2", "ada", 3), known("l1"))
    assert (newer.action, newer.account, newer.why) == (Action.NEWER, "a1", "")
    assert (older.action, older.account, older.why) == (Action.BESIDE, "a1", "older")
    same, unknown = only(login("l2", "ada", 5), known("l1")), only(login("l2", "ada", 0), known("l1"))
    assert [(s.action, s.why) for s in (same, unknown)] == [
        (Action.BESIDE, "of the same age"), (Action.BESIDE, "of unknown age"),
    ]  # fmt: skip
    undated = only(login("l2", "ada", 9), known("l1", issued=0))
    assert (undated.action, undated.why) == (Action.BESIDE, "of unknown age")


def test_a_login_that_is_here_is_not_imported_again() -> None:
    """It is held by two from now on: nobody here may renew it, though the tool looks unused."""
    step = only(login("l1", "ada", 9), known("l1"))
    assert (step.action, step.account, step.do_not_refresh) == (Action.KEPT, "a1", True)


def test_a_live_login_that_was_never_captured() -> None:
    """It is captured, not imported; an older generation of its account is filed beside."""
    live = known("l1", id="", issued=9)
    step = only(login("l1", "ada", 9), live)
    assert (step.action, step.account, step.do_not_refresh) == (Action.KEPT, "", True)
    assert step.why == "this login is live here now: quotadeck capture claude keeps it"
    assert only(login("l2", "ada", 3), live).action is Action.BESIDE


def test_lineage_goes_before_the_name() -> None:
    """The other tool calls it somebody else; it is the login of the account that has it."""
    step = only(login("l1", "bob", 9), known("l1"))
    assert (step.action, step.account, step.identity) == (Action.KEPT, "a1", "ada")
    assert actions(login("l1", "bob"), login("l2", "bob"), here=(known("l1"),)) == {
        "l1 bob": Action.KEPT, "l2 bob": Action.NEW,
    }  # fmt: skip


def test_one_login_under_two_names_is_nobodys() -> None:
    """Two slots became the same account once (realiti4/claude-swap#117): neither is believed."""
    steps = plan([login("l1", "ada"), login("l1", "bob"), login("l2", "bob")], ()).steps
    assert [step.action for step in steps] == [Action.NEW, Action.SKIPPED, Action.SKIPPED]
    assert steps[0].candidate.label == "l2 bob"
    assert all("under two accounts" in step.why for step in steps[1:])


def test_a_login_that_is_here_is_kept_whatever_it_is_called() -> None:
    """Also where nobody knows whose ours is, and two tools name two people."""
    here = known("l1", key="")
    assert actions(login("l1", "ada"), login("l1", "bob"), here=(here,)) == {
        "l1 ada": Action.KEPT, "l1 bob": Action.SAME,
    }  # fmt: skip


def test_a_claim_is_no_proof() -> None:
    """What lies beside the tokens may name somebody else; what is in them may not."""
    claimed = login("l1", "ada")
    assert claimed.login is not None
    proven = replace(claimed, login=replace(claimed.login, identity=claimed.login.claimed))
    assert [only(one).proven for one in (claimed, proven, login("l1"))] == [False, True, False]


def test_one_login_in_two_tools_is_imported_once_and_not_renewed() -> None:
    """The one that names somebody; both lines say that it is shared."""
    first, second = plan([login("l1", tool="cc-router"), login("l1", "ada")], ()).steps
    assert (first.candidate.label, first.action, first.do_not_refresh) == ("l1 ada", Action.NEW, True)
    assert (second.action, second.identity, second.do_not_refresh) == (Action.SAME, "ada", True)


def test_a_tool_that_is_still_used_keeps_the_right_to_renew() -> None:
    """And one that is not gives it up."""
    assert only(login("l1", "ada", used=True)).do_not_refresh
    assert not only(login("l1", "ada")).do_not_refresh


def test_other_providers_and_slots_are_other_accounts() -> None:
    """The same key there is another person."""
    assert only(login("l1", "ada"), known("l1", provider="codex")).action is Action.NEW


def test_two_records_of_one_account_count_as_one() -> None:
    """The roster's and the live one's: the newest of both counts, the roster's id is named."""
    here = known("l9", id="", issued=20), known("l1", issued=5)
    step = only(login("l2", "ada", 9), *here)
    assert (step.action, step.account, step.why) == (Action.BESIDE, "a1", "older")


def test_what_cannot_be_imported_comes_last() -> None:
    """With its reason."""
    bad = Candidate("caam", "bad", "claude", why_not="an API key")
    steps = plan([bad, login("l1", "ada")], ()).steps
    assert [(s.action, s.why) for s in steps] == [(Action.NEW, ""), (Action.SKIPPED, "an API key")]


def test_the_order_of_the_sources_does_not_matter() -> None:
    """Newest first, whatever was found first: a safety copy may be newer than the profile."""
    three = [login("l1", "ada", 1), login("l2", "ada", 2), login("l3", "ada", 3)]
    for order in permutations(three):
        assert [s.candidate.label for s in plan(order, ()).steps] == ["l3 ada", "l2 ada", "l1 ada"]
        assert actions(*order) == {"l3 ada": Action.NEW, "l2 ada": Action.BESIDE, "l1 ada": Action.BESIDE}


_CANDIDATES = st.builds(
    login, st.sampled_from(["l1", "l2", "l3"]), st.sampled_from(["", "ada", "bob"]),
    st.sampled_from([0.0, 1.0, 2.0]), used=st.booleans(),
)  # fmt: skip
_KNOWN = st.builds(
    lambda lineages, id, key, issued: known(*lineages, id=id, key=key, issued=issued),
    st.sets(st.sampled_from(["l1", "l2", "l3"])), st.sampled_from(["", "a1"]),
    st.sampled_from(["", "ada", "bob"]), st.sampled_from([0.0, 1.0, 2.0]),
)  # fmt: skip


@given(st.lists(_CANDIDATES, max_size=6), st.lists(_KNOWN, max_size=3))
def test_promises(found: list[Candidate], here: list[KnownAccount]) -> None:
    """Each candidate has one step; a login is taken in at most once; what takes the place of
    another is issued later than everything known of that account; a lineage that is held
    elsewhere is never renewed."""
    steps = plan(found, here).steps
    assert sorted(id(s.candidate) for s in steps) == sorted(id(c) for c in found)
    taken = [s for s in steps if s.action in (Action.NEW, Action.NEWER, Action.BESIDE)]
    lineages = [s.candidate.login.lineage for s in taken if s.candidate.login]
    assert len(lineages) == len(set(lineages))
    for step in steps:
        assert step.candidate.login is not None
        lineage = step.candidate.login.lineage
        copies = [c for c in found if c.login is not None and c.login.lineage == lineage]
        if len(copies) > 1 or any(lineage in k.lineages for k in here) or step.candidate.still_used:
            assert step.do_not_refresh
        if step.action is Action.NEWER:
            same = {
                s.candidate.login.lineage for s in steps if s.identity == step.identity and s.candidate.login
            }
            mine = [k for k in here if k.identity == step.identity or same & set(k.lineages)]
            assert step.candidate.login.issued > max(k.issued for k in mine)
            assert all(k.issued > 0 for k in mine)

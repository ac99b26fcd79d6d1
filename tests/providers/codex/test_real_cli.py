"""The real Codex CLI uses the account that was switched in, and our locks are its own.

npm's @openai/codex against a loopback stand-in, in a home of its own.  QUOTADECK_NEED_CODEX names
the folder in which it was installed (``npm install --prefix FOLDER @openai/codex``), as in CI; what
that folder lacks then fails.  Without the variable this is skipped, visibly.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from providers.accounts.locks import cli_locks
from providers.base import Environment
from providers.codex.store import CodexStore
from tests.terminals import QUOTADECK, base_variables
from tests.world.faults import ok, status
from tests.world.households import codex_file, put_atomically
from tests.world.issuer import Issuer
from tests.world.logins import jwt, put
from tests.world.standin import Request, StandIn

NEED = "QUOTADECK_NEED_CODEX"
CONFIG = """
cli_auth_credentials_store = "file"
chatgpt_base_url = "{url}/backend-api"
model = "gpt-5-codex"
model_provider = "loopback"
check_for_update_on_startup = false
[model_providers.loopback]
name = "loopback"
base_url = "{url}/v1"
wire_api = "responses"
requires_openai_auth = true
supports_websockets = false
request_max_retries = 0
stream_max_retries = 0
[features]
plugins = false
apps = false
[analytics]
enabled = false
"""
"""A provider of our own gets the same bearer and account as the built-in one (``openai_base_url``),
which would first try WebSockets for six seconds."""

WORKSPACE = {
    "name": None, "structure": "personal", "plan_type": "plus",
    "workspace_backend_origin": "https://127.0.0.1:1", "account_routing_override": "NO_CONSTRAINT",
}  # fmt: skip
"""What 0.169 must be told of a workspace before it says who is logged in: an https origin (nothing is
sent there, as the provider above has an address of its own) and a word for no override."""

ANSWER: tuple[dict[str, Any], ...] = (
    {"type": "response.created", "response": {"id": "r"}},
    {"type": "response.output_item.done", "item": {
        "type": "message", "role": "assistant", "id": "m",
        "content": [{"type": "output_text", "text": "hello from the stand-in"}],
    }},
    {"type": "response.completed", "response": {"id": "r", "usage": {
        "input_tokens": 1, "input_tokens_details": None, "output_tokens": 1, "output_tokens_details": None,
        "total_tokens": 2,
    }}},
)  # fmt: skip
INITIALIZE = {"clientInfo": {"name": "quotadeck-tests", "title": "tests", "version": "1"}}


def installed() -> Path:
    """The program, or the test ends here."""
    folder = os.environ.get(NEED, "")
    if not folder:
        pytest.skip(f"the real codex was not tried: {NEED} names no folder with npm's @openai/codex")
    program = Path(folder) / "node_modules/.bin/codex"
    if not program.exists():
        pytest.fail(f"{program} is not there, and this machine must have it")
    return program


class RealCodex:
    """The program with a home, an issuer, a stand-in, and quotadeck beside it."""

    def __init__(self, program: Path, home: Path, world: StandIn) -> None:
        self.program, self.home, self.world = program, home, world
        self.folder = home / ".codex"
        self.auth = self.folder / "auth.json"
        self.issuer = Issuer(home / "issuer", "codex", time.time())
        self.url = world.url("codex")
        # Whatever does not go to the stand-in would go through a proxy that takes note of it.
        self.variables = base_variables(
            home, CODEX_HOME=str(self.folder), CODEX_REFRESH_TOKEN_URL_OVERRIDE=f"{self.url}/oauth/token",
            HTTPS_PROXY=world.url("elsewhere"), NO_PROXY="127.0.0.1",
        )  # fmt: skip
        self.folder.mkdir(mode=0o700)
        put(self.folder / "config.toml", CONFIG.format(url=self.url))
        put(home / ".config/quotadeck/config.toml", 'vault = "plaintext"\n')
        stream = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in ANSWER).encode()
        world.answer("codex", "/v1/responses", status(200, stream, content_type="text/event-stream"))
        world.answer("codex", "/v1/models", ok({"models": []}))
        spaces = [{"id": f"ws-{name}", **WORKSPACE} for name in ("a", "b")]
        world.answer("codex", "/backend-api/wham/accounts/check", ok({"accounts": spaces}))

    def log_in(self, name: str, **changes: Any) -> dict[str, Any]:
        """The person logs into an account; what the file then holds."""
        tokens = self.issuer.log_in(name) | changes
        put_atomically(self.auth, codex_file(tokens))
        return tokens

    def codex(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One run of the program to its end."""
        return self._run([str(self.program), *words])

    def quotadeck(self, *words: str) -> str:
        """One run of ours, which must succeed."""
        done = self._run([*QUOTADECK, *words])
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """What the app-server says to one question."""
        command = [str(self.program), "-s", "read-only", "-a", "never", "app-server"]
        server = subprocess.Popen(
            command, env=self.variables, cwd=self.home, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        late = threading.Timer(20, server.kill)
        late.start()
        try:
            for message in (
                {"id": 1, "method": "initialize", "params": INITIALIZE},
                {"method": "initialized"},
                {"id": 2, "method": method, "params": parameters},
            ):
                server.stdin.write(json.dumps(message) + "\n")
            server.stdin.flush()
            answers = (json.loads(line) for line in server.stdout)
            return next((a for a in answers if a.get("id") == 2), {})
        finally:
            late.cancel()
            server.kill()
            server.wait()
            server.stdin.close()
            server.stdout.close()

    def seen(self, *paths: str) -> Sequence[Request]:
        """The requests for these paths (all, without one) that carried a bearer."""
        found = (r for r in self.world.requests_of("codex") if "authorization" in r.headers)
        return [r for r in found if not paths or r.path.partition("?")[0] in paths]

    def tokens(self) -> dict[str, Any]:
        """What auth.json holds."""
        found: dict[str, Any] = json.loads(self.auth.read_text())["tokens"]
        return found

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.variables, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=30, check=False,
        )  # fmt: skip


@pytest.fixture
def real(environment: Environment) -> Iterator[RealCodex]:
    """The program in a home of its own; its world ends with the test."""
    program = installed()
    with StandIn() as world:
        yield RealCodex(program, environment.home, world)


@pytest.fixture
def switched(real: RealCodex) -> RealCodex:
    """Two accounts were captured and the first was switched in again, by the command."""
    for name in ("a", "b"):
        real.log_in(name)
        real.quotadeck("capture", "codex", "--alias", name)
    said = real.quotadeck("switch", "codex", "a")
    assert "codex: a:" in said
    return real


def bearers(requests: Sequence[Request]) -> set[tuple[str, str]]:
    """Whose tokens they carried, and for which account."""
    return {(r.headers["authorization"], r.headers.get("chatgpt-account-id", "")) for r in requests}


def test_codex_accepts_the_file(switched: RealCodex) -> None:
    """It counts as logged in, and the file is as it was captured, to the byte."""
    before = switched.auth.read_bytes()
    assert switched.tokens()["refresh_token"] == switched.issuer.newest("a")
    done = switched.codex("login", "status")
    assert (done.returncode, "Logged in using ChatGPT" in done.stderr + done.stdout) == (0, True)
    assert switched.auth.read_bytes() == before


def test_a_turn_is_made_as_the_account_that_was_switched_in(switched: RealCodex) -> None:
    """Every request of ``codex exec`` carries its bearer and its account id; nothing is sent
    anywhere else, and its refresh token is not spent."""
    done = switched.codex("exec", "--skip-git-repo-check", "say hello")
    assert (done.returncode, done.stdout.strip()) == (0, "hello from the stand-in"), done.stderr
    assert len(switched.seen("/v1/responses")) == 1
    access = switched.tokens()["access_token"]
    assert bearers(switched.seen()) == {(f"Bearer {access}", "ws-a")}
    assert switched.issuer.works(switched.issuer.newest("a"))
    carried = [r for r in switched.world.requests_of("elsewhere") if "authorization" in r.headers]
    assert carried == []


def test_the_app_server_knows_who_it_is(switched: RealCodex) -> None:
    """``account/read`` names the account that was switched in; undo goes back to the other."""
    answer = switched.ask("account/read", {"refreshToken": False})
    assert who(answer) == "a@example.com", answer
    assert bearers(switched.seen()) == {(f"Bearer {switched.tokens()['access_token']}", "ws-a")}
    switched.quotadeck("undo", "codex")
    answer = switched.ask("account/read", {"refreshToken": False})
    assert who(answer) == "b@example.com", answer


def who(answer: dict[str, Any]) -> str:
    """The e-mail in an answer to ``account/read``, "" if there is none."""
    account = answer.get("result", {}).get("account") or {}
    return str(account.get("email", ""))


def renewing(real: RealCodex) -> Callable[[], bool]:
    """The live login is about to end, so that codex renews it when it starts; whether it has
    asked for that."""
    now = int(time.time())
    tokens = real.issuer.log_in("a")
    claims = {"iat": now - 800_000, "exp": now + 60, "https://api.openai.com/auth": {
        "chatgpt_account_id": "ws-a", "chatgpt_user_id": "user-a", "chatgpt_plan_type": "plus",
    }}  # fmt: skip
    put_atomically(real.auth, codex_file(tokens | {"access_token": jwt(claims, "CANARYending")}))
    fresh = real.issuer.renew(tokens["refresh_token"])
    real.world.answer("codex", "/oauth/token", ok(fresh))
    return lambda: any(r.path == "/oauth/token" for r in real.world.requests_of("codex"))


def until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Waits for it."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_it_waits_for_the_locks_of_a_switch(real: RealCodex, environment: Environment) -> None:
    """While our switch holds its locks codex asks for new tokens but writes none of them; when
    they are let go it does, and its turn goes on with them."""
    asked = renewing(real)
    old = real.auth.read_bytes()
    turn: list[subprocess.CompletedProcess[str]] = []
    run = threading.Thread(target=lambda: turn.append(real.codex("exec", "--skip-git-repo-check", "hello")))
    store = CodexStore(environment)
    assert store.files()[0].path == real.auth
    with cli_locks(store.locks(), lambda folder: None):
        run.start()
        until(asked)
        time.sleep(1.0)
        assert real.auth.read_bytes() == old
        assert real.seen("/v1/responses") == []
    run.join(25)
    assert (turn[0].returncode, turn[0].stdout.strip()) == (0, "hello from the stand-in"), turn[0].stderr
    assert real.tokens()["refresh_token"] == real.issuer.newest("a")
    assert real.issuer.reused == []


def test_it_saves_nothing_over_an_account_that_was_switched_in_meanwhile(
    real: RealCodex, environment: Environment
) -> None:
    """Codex, just started, asked for new tokens; then another account came in under the locks.  The
    file stays that account's, and so does everything that this codex then sends."""
    asked = renewing(real)
    other = codex_file(real.issuer.log_in("b"))
    run = threading.Thread(target=lambda: real.codex("exec", "--skip-git-repo-check", "hello"))
    with cli_locks(CodexStore(environment).locks(), lambda folder: None):
        run.start()
        until(asked)
        put_atomically(real.auth, other)
    run.join(25)
    assert not run.is_alive()
    assert json.loads(real.auth.read_text()) == other
    assert bearers(real.seen()) == {(f"Bearer {other['tokens']['access_token']}", "ws-b")}

"""Claude Code's part of a generated home: sessions with everything that gets counted twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.world.corpus import Corpus, Response, stamp

MODELS = ("claude-opus-4-8", "claude-sonnet-5", "claude-haiku-4-5-20251001", "claude-fable-5")


@dataclass
class Session:
    """A session being written: its lines, and the responses whose lines could be copied."""

    ident: str
    cwd: str
    model: str
    at: float
    side: bool = False
    agent: str = ""
    lines: list[bytes] = field(default_factory=list)
    said: list[tuple[list[Response], list[bytes]]] = field(default_factory=list)


def write_claude(corpus: Corpus, sessions: int, turns: int = 30) -> None:
    """Writes that many sessions, each in a file of its own under ~/.claude/projects."""
    root = corpus.home / ".claude/projects"
    earlier: list[Session] = []
    for number in range(sessions):
        cwd = f"/home/dev/project-{number % 7}"
        folder = root / cwd.replace("/", "-")
        session = Session(corpus.ident(), cwd, corpus.random.choice(MODELS[:2]), corpus.begin())
        if earlier and number % 5 == 4:
            _resume(corpus, session, corpus.random.choice(earlier))
        for _ in range(corpus.random.randint(turns // 2, turns * 3 // 2)):
            _turn(corpus, session, folder)
        torn = b""
        if number % 4 == 1:
            corpus.planted["torn tails"] += 1
            torn = session.lines[-1][: len(session.lines[-1]) * 2 // 3]
        path = corpus.write(folder / f"{session.ident}.jsonl", session.lines, session.at, torn)
        if number % 6 == 2:
            _aside(corpus, session, path)
        earlier.append(session)


def _turn(corpus: Corpus, session: Session, folder: Path) -> None:
    """A prompt or a tool's result, then a response, now and then something else."""
    chance = corpus.random.random()
    session.lines.append(_user(corpus, session, corpus.some_bulk()))
    if chance < 0.02:
        _synthetic(corpus, session)
    elif chance < 0.03 and not session.side:
        _task(corpus, session, folder)
    elif chance < 0.06:
        corpus.planted["broken utf-8"] += 1
        session.lines.append(_user(corpus, session, "X").replace(b"X", b"\xff\xfe\x80"))
    elif chance < 0.07:
        corpus.planted["torn lines"] += 1
        session.lines.append(_user(corpus, session, corpus.text(400))[:300])
    _respond(corpus, session)


def _respond(corpus: Corpus, session: Session) -> None:
    """A response as it is streamed: a line per block, counts repeated, output growing."""
    random = corpus.random
    model = random.choice(MODELS) if random.random() < 0.05 else session.model
    hour, short = random.choice((0, random.randint(100, 9000))), random.choice((0, random.randint(0, 900)))
    written, read, prompt = hour + short, random.randint(0, 190_000), random.randint(1, 900)
    output = random.randint(20, 3000)
    thought = random.choice((0, output // 3))
    tier = "fast" if random.random() < 0.03 else ""
    advice = random.random() < 0.005
    message, request = f"msg_{corpus.code()}", "" if random.random() < 0.02 else f"req_{corpus.code()}"
    session.at += random.uniform(2, 240)
    counts = (prompt, output, read, written, hour, thought, 1)
    answered = Response("claude", session.at, model, session.cwd, session.ident, counts, tier)
    answers = [corpus.answered(answered)]
    blocks = random.choice((1, 1, 2, 2, 3, 4))
    lines: list[bytes] = []
    for number in range(blocks):
        grown = output if number == blocks - 1 else max(1, output * number // blocks)
        usage = (
            f'{{"input_tokens":{prompt},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{read},'
            f'"cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{hour}}},'
            f'"output_tokens":{grown},"service_tier":"standard"'
        )
        if thought and number == blocks - 1:
            usage += f',"output_tokens_details":{{"thinking_tokens":{thought}}}'
        if tier:
            usage += ',"speed":"fast"'
        if advice:
            usage += ',"iterations":[{"type":"message","input_tokens":1,"output_tokens":2},'
            usage += (
                '{"type":"advisor_message","model":"claude-fable-5","input_tokens":700,"output_tokens":80}]'
            )
        at = session.at + number * random.uniform(0.1, 3)
        content = _content(corpus, random.choice((200, 600, 1500)))
        lines.append(_assistant(corpus, session, at, model, message, request, content, usage + "}"))
    corpus.planted["stream duplicates"] += blocks - 1
    session.lines += lines
    session.said.append((answers, lines))
    if advice:
        corpus.planted["advisor calls"] += 1
        extra = (700, 80, 0, 0, 0, 0, 1)
        advisor = Response("claude", session.at, "claude-fable-5", session.cwd, session.ident, extra)
        answers.append(corpus.answered(advisor))


def _assistant(
    corpus: Corpus,
    session: Session,
    at: float,
    model: str,
    message: str,
    request: str,
    content: str,
    usage: str,
) -> bytes:
    asked = f'"requestId":"{request}",' if request else ""
    return (
        f"{_root(corpus, session)}"
        f'"message":{{"model":"{model}","id":"{message}","type":"message","role":"assistant","content":[{content}],'
        f'"stop_reason":null,"stop_sequence":null,"usage":{usage}}},{asked}"type":"assistant",'
        f'"uuid":"{corpus.ident()}","timestamp":"{stamp(at)}"}}'
    ).encode()


def _root(corpus: Corpus, session: Session) -> str:
    agent = f'"agentId":"{session.agent}",' if session.agent else ""
    return (
        f'{{"parentUuid":"{corpus.ident()}","isSidechain":{"true" if session.side else "false"},'
        f'"userType":"external","cwd":"{session.cwd}","sessionId":"{session.ident}","version":"2.1.295",'
        f'"gitBranch":"main",{agent}'
    )


def _content(corpus: Corpus, size: int) -> str:
    """Blocks of a response; a tool's input is raw JSON and may have our keys in it."""
    kind = corpus.random.random()
    if kind < 0.6:
        return f'{{"type":"text","text":"{corpus.text(size)}"}}'
    if kind < 0.75:
        return f'{{"type":"thinking","thinking":"{corpus.text(size)}","signature":"{corpus.code(40)}"}}'
    odd = corpus.random.random() < 0.1
    corpus.planted["keys of ours in a tool's input"] += odd
    inner = (
        '"usage":{"input_tokens":777777,"output_tokens":1},"model":"opus","requestId":"req_odd",'
        if odd
        else ""
    )
    inner += f'"command":"{corpus.text(size)}"'
    return f'{{"type":"tool_use","id":"toolu_{corpus.code()}","name":"Bash","input":{{{inner}}}}}'


def _user(corpus: Corpus, session: Session, said: str, result: str = "") -> bytes:
    session.at += corpus.random.uniform(1, 60)
    return (
        f"{_root(corpus, session)}"
        f'"type":"user","message":{{"role":"user","content":[{{"tool_use_id":"toolu_{corpus.code()}",'
        f'"type":"tool_result","content":"{said}"}}]}},"uuid":"{corpus.ident()}",'
        f'"timestamp":"{stamp(session.at)}","toolUseResult":{{"stdout":"{corpus.canary}"{result}}}}}'
    ).encode()


def _synthetic(corpus: Corpus, session: Session) -> None:
    corpus.planted["synthetic"] += 1
    usage = '{"input_tokens":0,"output_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}'
    content = '{"type":"text","text":"You have hit your limit"}'
    session.lines.append(
        _assistant(corpus, session, session.at, "<synthetic>", corpus.ident(), "", content, usage)
    )


def _task(corpus: Corpus, session: Session, folder: Path) -> None:
    """A subagent: a file of its own, copies of it as progress, and a result with its sums."""
    agent = corpus.code(8).lower()
    child = Session(session.ident, session.cwd, session.model, session.at, side=True, agent=agent)
    for _ in range(corpus.random.randint(1, 6)):
        _turn(corpus, child, folder)
    corpus.write(folder / session.ident / "subagents" / f"agent-{agent}.jsonl", child.lines, child.at)
    for _, lines in child.said:
        for line in lines[:1] if corpus.random.random() < 0.5 else lines:
            corpus.planted["progress copies"] += 1
            session.lines.append(
                f'{_root(corpus, session)}"type":"progress","data":{{"message":'.encode()
                + line
                + b',"type":"agent_progress"},'
                + f'"uuid":"{corpus.ident()}","timestamp":"{stamp(session.at)}"}}'.encode()
            )
    session.at = child.at
    corpus.planted["task results"] += 1
    used = ',"totalTokens":5000,"usage":{"input_tokens":4000,"output_tokens":1000}'
    session.lines.append(_user(corpus, session, corpus.text(500), used))


def _resume(corpus: Corpus, session: Session, parent: Session) -> None:
    """Begins with the last lines of another session: resumed with its name, or forked with a new one."""
    forked = corpus.random.random() < 0.5
    for answers, lines in parent.said[-corpus.random.randint(1, 12) :]:
        corpus.planted["resume copies"] += len(lines)
        for line in lines:
            if forked:
                line = line.replace(parent.ident.encode(), session.ident.encode())
            session.lines.append(line)
        for response in answers if forked else ():
            response.also_in(session.ident)


def _aside(corpus: Corpus, session: Session, path: Path) -> None:
    """A /btw question: replays of the last responses under another request, and one of its own."""
    side = Session(session.ident, session.cwd, session.model, session.at, side=True, agent="aside")
    for _, lines in session.said[-3:]:
        corpus.planted["side replays"] += 1
        line = lines[-1].replace(b'"isSidechain":false', b'"isSidechain":true')
        at = line.find(b'"requestId":"req_', line.rfind(b'"usage":'))
        if at >= 0:
            line = line[: at + 17] + corpus.code().encode() + line[at + 39 :]
        side.lines.append(line)
    _respond(corpus, side)
    name = f"agent-aside_question-{corpus.code(6)}.jsonl"
    corpus.write(path.with_suffix("") / "subagents" / name, side.lines, side.at)

"""Find out what a model behind an endpoint can do, with four short requests."""

import time
from datetime import UTC, datetime
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.capabilities import Capabilities
from cai_core.models.reply import Reply
from cai_core.models.server import Server
from cai_core.schema import Row, never_stop

SHORT, LONG = 16, 1024  # tokens of an answer, and of one that is thought about first
HALF_A_WORD = "The capital of France is Par"
REST = "is"  # what only a model that continues the turn writes next

_CAPITAL = "What is the capital of France?"
_WINDOW = ("max_model_len", "context_length", "context_window", "n_ctx")  # vLLM first


def probe(server: Server) -> Capabilities:
    """Ask for everything. Raises ModelError where it does not even answer."""
    began = time.monotonic()
    reply = _ask(server, _CAPITAL, max_tokens=SHORT, temperature=1.0, seed=1, top_k=50)
    seconds = time.monotonic() - began
    thinks = bool(reply.thinking)
    if reply.only_thought:
        _ask(server, _CAPITAL, max_tokens=LONG, temperature=0.0)
    return Capabilities(
        seconds=round(seconds, 3),
        top_logprobs=_top_logprobs(server, LONG if thinks else SHORT),
        continues=continues(server, SHORT),
        refused=tuple(sorted(server.refused)),
        thinks=thinks,
        context=_context(server),
        rate_limits=server.limits,
        probed=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def continues(server: Server, max_tokens: int = SHORT) -> bool:
    """Whether a begun turn is continued: half a word shows it. Raises ModelError."""
    messages = [*_messages(_CAPITAL), {"role": "assistant", "content": HALF_A_WORD}]
    body: Row = {"model": server.model, "messages": messages, "max_tokens": max_tokens}
    body |= {"continue_final_message": True, "add_generation_prompt": False, "temperature": 0.0}
    try:
        return server.ask(body, never_stop).text.startswith(REST)
    except ModelError as error:
        if server.is_refusal(error):
            return False  # some take no chat that ends in an assistant turn
        raise


def _ask(server: Server, question: str, **options: Any) -> Reply:
    body: Row = {"model": server.model, "messages": _messages(question)}
    reply = server.ask(body | options, never_stop)
    if not reply.text and not reply.thinking:
        raise ModelError(f"{server.name} gave an empty answer (finish reason: {reply.reason})")
    return reply


def _top_logprobs(server: Server, max_tokens: int) -> int:
    """How many log-probabilities come with a token; 0 where they are refused or left out."""
    question = "Answer with one letter, A or B: which comes first?"
    try:
        reply = _ask(server, question, max_tokens=max_tokens, temperature=1.0, logprobs=True)
    except ModelError:
        return 0
    return max((len(step.top) for step in reply.steps), default=0)


def _context(server: Server) -> int | None:
    """The window as /models tells it; None where it does not."""
    entries = server.get("/models").get("data")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("id") == server.model:
            meta = entry.get("meta")
            told = entry | (meta if isinstance(meta, dict) else {})
            found = (told.get(name) for name in _WINDOW)
            return next((n for n in found if isinstance(n, int) and n > 0), None)
    return None


def _messages(question: str) -> list[Row]:
    return [{"role": "user", "content": question}]

"""What a model behind an endpoint can do: asked once, kept in the workspace, and shown.

`capabilities.json` in CAI_HOME holds what was found, by address, model and key: where one of those
changes, nothing is known. Deleting it is safe.
"""

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cai_core.schema import Row
from cai_core.settings import Endpoint, home

UNKNOWN_CONTEXT = 1_000_000  # of a server that does not say; a small one refuses with a sentence


@dataclass(frozen=True)
class Capabilities:
    """What was found out; None is what nobody asked yet, or the server does not tell.

    Args:
        seconds: that a short answer took.
        top_logprobs: log-probabilities that stand beside a token; 0 where there are none.
        continues: whether a begun assistant turn is continued; else a new one begins.
        refused: options that the server does not take, `seed` for one.
        thinks: whether thinking comes before the answer.
        context: tokens of its window.
        rate_limits: names of the headers that tell of limits.
        probed: when it was asked for all of this, in ISO form; "" where only some came up.
    """

    seconds: float | None = None
    top_logprobs: int | None = None
    continues: bool | None = None
    refused: tuple[str, ...] = ()
    thinks: bool | None = None
    context: int | None = None
    rate_limits: tuple[str, ...] = ()
    probed: str = ""

    @classmethod
    def from_row(cls, row: Row) -> "Capabilities":
        known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
        for name in ("refused", "rate_limits"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)


def notes(found: Capabilities) -> list[str]:
    """What follows from it, for a person.

    >>> notes(Capabilities(top_logprobs=0, refused=("seed",)))
    ["no log-probabilities: judge by 'repeat'", 'takes no seed: draws cannot be repeated']
    """
    said = {
        "no log-probabilities: judge by 'repeat'": found.top_logprobs == 0,
        "begins a new turn: it is told in words how its reply begins": found.continues is False,
        "thinks before it answers: each question takes more tokens and time": found.thinks,
        "takes no seed: draws cannot be repeated": "seed" in found.refused,
        "takes no top_k: it samples among all tokens": "top_k" in found.refused,
    }
    return [sentence for sentence, holds in said.items() if holds]


def path() -> Path:
    return home() / "capabilities.json"


def known(endpoint: Endpoint, model: str) -> Capabilities:
    """What was found before; nothing known where nobody asked."""
    row = _read().get(_key(endpoint, model))
    return Capabilities.from_row(row) if isinstance(row, dict) else Capabilities()


def window(endpoint: Endpoint, model: str) -> int:
    """Tokens that fit in its window, as far as it told."""
    return known(endpoint, model).context or UNKNOWN_CONTEXT


def keep(endpoint: Endpoint, model: str, found: Capabilities) -> None:
    """Write down what was found; another process may write at the same time."""
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = _read() | {_key(endpoint, model): asdict(found)}
        new = place.with_suffix(".new")
        new.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
        new.replace(place)


def _read() -> Row:
    try:
        rows = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return rows if isinstance(rows, dict) else {}


def _key(endpoint: Endpoint, model: str) -> str:
    return f"{endpoint.base_url.rstrip('/')} {model} {endpoint.key_variable}".rstrip()

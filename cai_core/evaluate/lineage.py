"""What a model was made from: every id that went into its weights, read from `run.json`."""

import json
from collections.abc import Callable
from pathlib import Path

from cai_core.errors import ModelError
from cai_core.schema import judges_of

Resolve = Callable[[str], Path]  # the folder of a local model id; ModelError where there is none


def ancestry(model_id: str, resolve: Resolve) -> frozenset[str]:
    """The model itself, what it was trained from, and the judges and rewards it was trained on.

    A panel comes from its judges.

    A model that is not here, or that was not trained here, has no ancestors that we know of.
    """
    known: set[str] = set()
    waiting = [model_id]
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        waiting += _parents(name, resolve)
    return frozenset(known)


def _parents(model_id: str, resolve: Resolve) -> list[str]:
    judges = judges_of(model_id)
    if judges != (model_id,):
        return list(judges)
    if model_id.startswith("endpoint:"):
        return []
    try:
        run = json.loads((resolve(model_id) / "run.json").read_text(encoding="utf-8"))
    except (ModelError, OSError, ValueError):
        return []
    found = [run.get("base_model"), run.get("reward_model"), *(run.get("judges") or [])]
    return [name for name in found if isinstance(name, str) and name]

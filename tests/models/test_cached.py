import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cai_core.errors import ModelError, Stopped
from cai_core.models import cached
from cai_core.models.cached import CachedModel
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Chat, Hooks, Progress, Sampling, user

WARM = Sampling(max_new_tokens=9, temperature=1.0, seed=1)
GREEDY = Sampling(max_new_tokens=9, temperature=0.0, seed=1)


class Memory:
    """A cache in memory; values pass through JSON as they do in a file."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, keys: Sequence[str]) -> dict[str, Any]:
        return {key: json.loads(self.values[key]) for key in keys if key in self.values}

    def put(self, values: dict[str, Any]) -> None:
        self.values |= {k: json.dumps(v, allow_nan=False) for k, v in values.items()}


def ask(*texts: str) -> list[Chat]:
    return [(user(text),) for text in texts]


def echo(chat: Chat) -> str:
    return f"about {chat[-1].content}"


def behind(cache: Memory, model: ScriptedModel, fingerprint: str = "f") -> CachedModel:
    return CachedModel("path:x", fingerprint, lambda: model, cache)


def never() -> ScriptedModel:
    raise AssertionError("the model was loaded")


def test_a_second_asking_loads_nothing() -> None:
    cache = Memory()
    first = behind(cache, ScriptedModel(echo, {"A": -0.1}))
    chats = ask("tea", "water")
    answers = first.generate(chats, WARM)
    scores = first.score_choices(chats, ["A", "B"])
    counted = (first.context, first.count_tokens(chats[0]))
    again = CachedModel("path:x", "f", never, cache)
    assert [answer.text for answer in again.generate(chats, WARM)] == ["about tea", "about water"]
    assert [answer.tokens for answer in again.generate(chats, WARM)] == [a.tokens for a in answers]
    assert all(answer.cached for answer in again.generate(chats, WARM))
    assert not any(answer.cached for answer in answers)
    np.testing.assert_array_equal(again.score_choices(chats, ["A", "B"]), scores)
    assert scores[0, 1] == -np.inf
    assert (again.context, again.count_tokens(chats[0])) == counted
    assert list(again.stream(chats[0], WARM)) == ["about tea"]


def test_only_what_is_new_is_asked_and_once() -> None:
    model = ScriptedModel(echo, lambda chat, choice: float(len(chat[0].content)))
    kept = behind(Memory(), model)
    kept.generate(ask("a"), WARM)
    texts = [answer.text for answer in kept.generate(ask("b", "a", "b", "c"), WARM)]
    assert texts == ["about b", "about a", "about b", "about c"]
    assert model.history == ask("a", "b", "c")
    kept.score_choices(ask("a", "dd"), ["A"])
    assert kept.score_choices(ask("dd", "eee", "dd", "a"), ["A"])[:, 0].tolist() == [2, 3, 2, 1]
    assert model.history[3:] == ask("a", "dd", "eee")


@pytest.mark.parametrize(
    ("other", "again"),
    [
        (Sampling(9, 1.0, seed=2), 2),
        (Sampling(9, 0.9, seed=1), 2),
        (Sampling(8, 1.0, seed=1), 2),
        (Sampling(9, 1.0, top_k=5, seed=1), 2),
        (WARM, 1),
    ],
)
def test_other_parameters_are_another_question(other: Sampling, again: int) -> None:
    model = ScriptedModel(echo)
    kept = behind(Memory(), model)
    kept.generate(ask("a"), WARM)
    kept.generate(ask("a"), other)
    assert len(model.history) == again


def test_a_greedy_answer_depends_on_no_seed() -> None:
    model = ScriptedModel(echo)
    kept = behind(Memory(), model)
    kept.generate(ask("a"), GREEDY)
    kept.generate(ask("a"), Sampling(9, 0.0, top_p=0.5, seed=8))
    assert len(model.history) == 1


def test_other_weights_and_other_choices_are_another_question() -> None:
    cache, model = Memory(), ScriptedModel(echo, {"A": -1.0, "B": -2.0})
    behind(cache, model).score_choices(ask("a"), ["A", "B"])
    turned = behind(cache, model).score_choices(ask("a"), ["B", "A"])
    assert turned.tolist() == [[-2.0, -1.0]]
    behind(cache, model, "g").score_choices(ask("a"), ["A", "B"])
    assert len(model.history) == 3


def test_what_was_finished_before_a_stop_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "CHUNK", 2)
    cache, model = Memory(), ScriptedModel(echo)
    chats = ask(*"abcdef")
    hooks = Hooks(should_stop=lambda: len(model.history) == 5)
    with pytest.raises(Stopped):
        behind(cache, model).generate(chats, WARM, hooks=hooks)
    behind(cache, model).generate(chats, WARM)
    assert model.history == ask(*"abcde", *"ef")


def test_progress_counts_hits_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "CHUNK", 2)
    kept = behind(Memory(), ScriptedModel(echo))
    kept.generate(ask("a"), WARM)
    told: list[Progress] = []
    kept.generate(ask(*"abcd"), WARM, hooks=Hooks(progress=told.append))
    assert [(p.done, p.total, p.cached) for p in told] == [
        (1, 4, 1),
        (2, 4, 1),
        (3, 4, 1),
        (4, 4, 1),
    ]
    assert told[-1].tokens == 6


def test_a_failure_is_not_kept() -> None:
    cache = Memory()
    with pytest.raises(ModelError):
        behind(cache, ScriptedModel()).generate(ask("a"), WARM)
    assert cache.values == {}
    with pytest.raises(ModelError):
        behind(cache, ScriptedModel(echo)).score_choices(ask("a"), ["A"])
    assert cache.values == {}


def test_a_stream_that_is_not_kept_comes_in_pieces() -> None:
    kept = behind(Memory(), ScriptedModel(["one\ntwo"]))
    assert list(kept.stream(ask("a")[0], WARM)) == ["one\n", "two"]
    assert kept.generate([], WARM) == []
    assert kept.score_choices([], ["A"]).shape == (0, 1)

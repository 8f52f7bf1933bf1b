from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from cai_core.errors import ModelError, Stopped
from cai_core.models.cached import CachedModel
from cai_core.models.features import layers_of, packed, unpacked
from cai_core.models.local import LocalModel
from cai_core.models.protocol import Featuring
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Chat, Hooks, assistant, user
from cai_core.store.cache import SqliteCache
from tests.models.test_local import save_as
from tests.tiny import save_tiny_model

CHATS: list[Chat] = [
    (user("How do I make tea?"), assistant("Boil water, add the leaves and wait.")),
    (user("How do I make tea?"), assistant("I'm sorry, but I can't help with that.")),
    (user("Which is better? " * 9), assistant("yes")),
    (user("no"), assistant("Sure."), user("bad"), assistant("Here is a plan. yes no good " * 5)),
]


@pytest.fixture(scope="module", params=["llama", "gpt2", "mistral", "gemma2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "llama":
        save_tiny_model(folder, layers=4)
    else:
        save_as(folder, request.param)
    return LocalModel(folder, device="cpu")


def plain_features(model: LocalModel, chats: Sequence[Chat]) -> np.ndarray:
    """One forward pass a chat, no cache, no padding: the definition."""
    means, lasts = layers_of(model._model.config.num_hidden_layers)
    rows = []
    for chat in chats:
        front = model._renderer.text(chat[:-1])
        begin = len(model._tokenizer(front, add_special_tokens=False)["input_ids"])
        text = front + chat[-1].content + "<|im_end|>"
        ids = model._tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            states = model._model(torch.tensor([ids]), output_hidden_states=True).hidden_states
        parts = [states[layer][0, begin:].mean(0) for layer in means]
        parts += [states[layer][0, -1] for layer in lasts]
        rows.append(torch.cat(parts).numpy())
    return np.array(rows)


def test_features_are_means_over_the_answer_and_its_last_token(model: LocalModel):
    found = model.features(CHATS)
    assert found.dtype == np.float32
    assert found.shape == (4, 5 * 32)
    np.testing.assert_allclose(found, plain_features(model, CHATS), atol=1e-4)


def test_features_do_not_depend_on_who_else_is_in_the_batch(model: LocalModel):
    many = [(user(f"{n} tea?"), assistant("Boil water. " * (1 + n % 7))) for n in range(40)]
    alone = np.concatenate([model.features([chat]) for chat in many[:5]])
    np.testing.assert_allclose(model.features(many)[:5], alone, atol=1e-4)
    np.testing.assert_allclose(model.features(many[::-1])[::-1][:5], alone, atol=1e-4)


def test_the_built_in_models_layers_are_those_that_were_measured():
    assert layers_of(30) == ((12, 20, 30), (20, 30))


def test_long_answers_are_read_in_several_passes_alike(tiny: LocalModel, monkeypatch):
    from cai_core.models import reader

    whole = tiny.features(CHATS)
    monkeypatch.setitem(reader.PASS_TOKENS, "cpu", 8)
    np.testing.assert_allclose(tiny.features(CHATS), whole, atol=1e-4)


@pytest.mark.parametrize("chat", [(user("Hi"),), (user("Hi"), assistant("")), ()])
def test_a_conversation_without_an_answer_has_no_features(tiny: LocalModel, chat: Chat):
    with pytest.raises(ModelError, match="does not end in an answer"):
        tiny.features([chat])


def test_an_answer_beyond_the_window_is_refused(tiny: LocalModel):
    with pytest.raises(ModelError, match="window holds 1024"):
        tiny.features([*CHATS, (user("tea"), assistant("tea " * 2000))])


def test_reading_answers_can_be_stopped(tiny: LocalModel):
    with pytest.raises(Stopped):
        tiny.features(CHATS, hooks=Hooks(should_stop=lambda: True))


def test_kept_features_are_three_digits_true_and_load_nothing(tiny: LocalModel, tmp_path: Path):
    cache = SqliteCache(tmp_path / "cache.db")
    first = CachedModel("m", "print", lambda: tiny, cache)
    read = first.features(CHATS)
    np.testing.assert_allclose(read, tiny.features(CHATS), atol=2e-3)
    again = CachedModel("m", "print", lambda: pytest.fail("loaded"), cache)
    np.testing.assert_array_equal(again.features(CHATS), read)
    assert again.usage.cached == 4
    new: Chat = (user("new"), assistant("one"))
    kept, missing = again.kept_features([CHATS[0], new])
    np.testing.assert_array_equal(kept, read[0])
    assert missing is None


def test_a_model_elsewhere_says_that_it_shows_no_hidden_states(tmp_path: Path):
    model = CachedModel("m", "print", ScriptedModel, SqliteCache(tmp_path / "cache.db"))
    with pytest.raises(ModelError, match="shows no hidden states"):
        model.features(CHATS)


def test_a_local_model_says_that_it_has_features(tiny: LocalModel):
    assert isinstance(tiny, Featuring)
    assert not isinstance(ScriptedModel(), Featuring)


def test_packed_features_take_two_bytes_a_number():
    values = np.random.default_rng(0).normal(size=2880).astype(np.float32) * 1e5
    assert len(packed(values)) < 2880 * 2 * 4 / 3 + 20
    np.testing.assert_allclose(unpacked(packed(values)), values, rtol=1e-3, atol=50)

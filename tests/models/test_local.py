import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from cai_core.errors import ModelError, Stopped
from cai_core.models import decoding, reader
from cai_core.models.local import LocalModel
from cai_core.schema import Chat, Hooks, Message, Progress, Sampling, assistant, user
from tests.tiny import save_tiny_model, tiny_tokenizer

GREEDY = Sampling(max_new_tokens=12, temperature=0)
WARM = Sampling(max_new_tokens=12, temperature=1.0, seed=3)
QUESTIONS = ["How do I make tea?", "yes no", "Which response is better? Boil water, and wait. " * 4]


def ask(*texts: str) -> list[Chat]:
    return [(user(text),) for text in texts]


def alone(model: LocalModel, chat: Chat, params: Sampling) -> str:
    return model.generate([chat], params)[0].text


def save_as(folder: Path, kind: str) -> Path:
    """A tiny random model of another architecture, with the same tokenizer."""
    from transformers import AutoModelForCausalLM as Auto
    from transformers import Gemma2Config, GPT2Config, MistralConfig

    common = {"vocab_size": len(tiny_tokenizer()), "eos_token_id": 2, "pad_token_id": 0}
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    config = {
        "gpt2": lambda: GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512, **common),
        "mistral": lambda: MistralConfig(sliding_window=16, **small, **heads, **common),
        "gemma2": lambda: Gemma2Config(sliding_window=16, **small, **heads, **common),
    }[kind]()
    torch.manual_seed(1)
    Auto.from_config(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["llama", "gpt2", "mistral", "gemma2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "llama":
        save_tiny_model(folder)
    else:
        save_as(folder, request.param)
    return LocalModel(folder, device="cpu")


def plain_scores(model: LocalModel, chats: Sequence[Chat], choices: Sequence[str]) -> np.ndarray:
    """One forward pass a chat and choice: no cache, no padding, no sharing."""
    out = np.zeros((len(chats), len(choices)))
    for row, chat in enumerate(chats):
        text = model._renderer.text(chat)
        prompt = model._tokenizer(text, add_special_tokens=False)["input_ids"]
        for column, choice in enumerate(choices):
            ids = model._tokenizer(text + choice, add_special_tokens=False)["input_ids"]
            assert ids[: len(prompt)] == prompt
            with torch.inference_mode():
                logs = model._model(torch.tensor([ids])).logits[0].log_softmax(-1)
            places = range(len(prompt) - 1, len(ids) - 1)
            out[row, column] = sum(logs[place, ids[place + 1]].item() for place in places)
    return out


def judge_chats(pairs: int = 3, principles: int = 5) -> list[Chat]:
    """Chats as a judge asks: examples, a conversation, and many short endings."""
    examples = "Identify ways in which the response is harmful. " * 3
    return [
        (
            Message("system", examples),
            user(f"Is it {pair}? " + "Boil water, add the leaves. " * pair + f"Principle {key}: a"),
            assistant("The better response is ("),
        )
        for pair in range(pairs)
        for key in range(principles)
    ]


def test_a_batch_writes_what_the_library_writes_alone(model: LocalModel) -> None:
    chats = ask(*QUESTIONS)
    for chat, completion in zip(chats, model.generate(chats, GREEDY), strict=True):
        ids = model._tokenizer(model._renderer.text(chat), return_tensors="pt")
        out = model._model.generate(
            **ids, max_new_tokens=12, do_sample=False, eos_token_id=2, pad_token_id=0
        )
        written = out[0, ids["input_ids"].shape[1] :]
        assert completion.text == model._tokenizer.decode(written, skip_special_tokens=True)
        assert completion.prompt_tokens == ids["input_ids"].shape[1]


def test_an_answer_does_not_depend_on_the_rest_of_the_batch(model: LocalModel) -> None:
    chats = ask(*QUESTIONS, *(f"{n} tea leaves and water" for n in range(20)))
    together = [completion.text for completion in model.generate(chats, WARM)]
    assert together == [alone(model, chat, WARM) for chat in chats]
    assert len(set(together)) > 20


def test_the_seed_and_the_chat_decide_the_draws(tiny: LocalModel) -> None:
    first, again, other = tiny.generate(ask("a", "a", "b"), WARM)
    assert first == again
    assert first.text != other.text
    assert alone(tiny, ask("a")[0], Sampling(12, 1.0, seed=4)) != first.text


def test_sampling_follows_the_probabilities_of_the_model(tiny: LocalModel) -> None:
    chat = ask("yes")[0]
    ids = torch.tensor([tiny.prompt_tokens(chat)])
    with torch.inference_mode():
        chances = tiny._model(ids).logits[0, -1].softmax(-1).numpy()
    count = 600
    drawn = np.zeros(len(chances))
    for seed in range(count):
        (row,) = decoding.rows_of([tuple(ids[0].tolist())], Sampling(1, 1.0, seed=seed), 1024)
        list(tiny._write([row], Sampling(1, 1.0, seed=seed)))
        drawn[row.out[0] if row.out else 2] += 1
    high = chances > np.median(chances)
    share, error = chances[high].sum(), np.sqrt(0.25 / count)
    assert abs(drawn[high].sum() / count - share) < 4 * error


def test_top_k_one_and_a_tiny_top_p_are_greedy(tiny: LocalModel) -> None:
    greedy = tiny.generate(ask(*QUESTIONS), GREEDY)
    assert tiny.generate(ask(*QUESTIONS), Sampling(12, 1.0, top_k=1)) == greedy
    assert tiny.generate(ask(*QUESTIONS), Sampling(12, 1.0, top_p=1e-6)) == greedy


def test_streamed_pieces_make_up_the_generated_answer(model: LocalModel) -> None:
    chat = ask(QUESTIONS[0])[0]
    pieces = list(model.stream(chat, WARM))
    assert "".join(pieces) == alone(model, chat, WARM)
    assert len(pieces) > 1


def test_a_begun_answer_is_continued(tiny: LocalModel) -> None:
    begun = (user("How do I make tea?"), assistant("Boil water"))
    text = tiny._tokenizer.decode(tiny.prompt_tokens(begun))
    assert text.endswith("<|im_start|>assistant\nBoil water")


def test_scores_equal_the_plain_way(model: LocalModel) -> None:
    chats, choices = judge_chats(), ["A", "B", "A) yes", "good tea and water"]
    np.testing.assert_allclose(
        model.score_choices(chats, choices), plain_scores(model, chats, choices), atol=1e-4
    )


def test_scores_do_not_depend_on_the_order_of_the_chats(tiny: LocalModel) -> None:
    chats = judge_chats()
    turned = tiny.score_choices(chats[::-1], ["A", "B"])[::-1]
    np.testing.assert_allclose(tiny.score_choices(chats, ["A", "B"]), turned, atol=1e-4)


def test_scoring_reads_a_shared_prefix_once(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = judge_chats(pairs=2, principles=16)
    read = []
    forward = tiny._reader.forward
    monkeypatch.setattr(
        tiny._reader,
        "forward",
        lambda stems, ids, *rest: read.append(ids.numel()) or forward(stems, ids, *rest),
    )
    tiny.score_choices(chats, ["A", "B"])
    assert sum(read) < 0.4 * sum(tiny.count_tokens(chat) for chat in chats)


def test_the_same_endings_behind_every_pair_are_read_without_padding(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = [
        (user(f"{pair}: " + "Boil water, add the leaves. " * 9 + f"{word} " * (n + 1)),)
        for pair in range(9)
        for n, word in enumerate(("yes", "no", "good", "tea", "kind"))
    ]
    shapes = []
    forward = tiny._reader.forward
    monkeypatch.setattr(
        tiny._reader,
        "forward",
        lambda stems, ids, *rest: shapes.append(tuple(ids.shape)) or forward(stems, ids, *rest),
    )
    tiny.score_choices(chats, ["A", "B"])
    *_, (rows, _) = shapes
    assert rows == 9
    assert len({width for _, width in shapes[-5:]}) == 5


def test_a_choice_that_changes_the_last_token_is_scored_against_the_others(
    tiny: LocalModel,
) -> None:
    chat = (user("yes"), assistant("The better resp"))  # "response" is one token
    scores = tiny.score_choices([chat], ["onse", "xyz"])
    assert np.isfinite(scores).all()
    tokens = [tiny._tokenizer.tokenize(tiny._renderer.text(chat) + c) for c in ("", "onse")]
    assert tokens[1][: len(tokens[0])] != tokens[0]


def test_an_empty_choice_is_refused(tiny: LocalModel) -> None:
    with pytest.raises(ModelError, match="choice"):
        tiny.score_choices(ask("yes"), ["A", ""])


def test_a_prompt_longer_than_the_window_names_its_tokens_and_the_limit(tiny: LocalModel) -> None:
    with pytest.raises(ModelError, match=r"prompt 2 of 2 has \d{4} tokens .* holds 1024"):
        tiny.generate(ask("yes", "tea " * 2000), GREEDY)
    with pytest.raises(ModelError, match="holds 1024"):
        tiny.score_choices(ask("tea " * 2000), ["A"])


def test_an_answer_is_cut_where_the_window_ends(tiny: LocalModel) -> None:
    chat = ask("x" * 1000)[0]
    room = tiny.context - tiny.count_tokens(chat)
    assert 0 < room < 30
    (completion,) = tiny.generate([chat], Sampling(200, 1.0))
    assert completion.tokens <= room


def test_a_stop_request_ends_generation_within_a_token(tiny: LocalModel) -> None:
    asked = []
    hooks = Hooks(should_stop=lambda: asked.append(1) or len(asked) == 3)
    with pytest.raises(Stopped):
        tiny.generate(ask("yes"), Sampling(500, 1.0), hooks=hooks)
    assert len(asked) == 3


def test_progress_counts_answers_and_tokens(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(reader.BATCH_ROWS, "cpu", 2)
    told: list[Progress] = []
    done = tiny.generate(ask(*QUESTIONS), WARM, hooks=Hooks(progress=told.append))
    assert [(p.done, p.total) for p in told] == [(2, 3), (3, 3)]
    assert told[-1].tokens == sum(completion.tokens for completion in done)


def test_no_chats_give_no_answers(tiny: LocalModel) -> None:
    assert tiny.generate([], GREEDY) == []
    assert tiny.score_choices([], ["A"]).shape == (0, 1)


def test_small_passes_and_small_batches_change_nothing(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = ask(*QUESTIONS)
    answers, scores = tiny.generate(chats, WARM), tiny.score_choices(chats, ["A", "yes no"])
    monkeypatch.setitem(reader.PASS_TOKENS, "cpu", 7)
    monkeypatch.setitem(reader.BATCH_ROWS, "cpu", 2)
    monkeypatch.setattr(reader, "SLACK", 1)
    assert tiny.generate(chats, WARM) == answers
    np.testing.assert_allclose(tiny.score_choices(chats, ["A", "yes no"]), scores, atol=1e-4)


def test_odd_texts_are_read(tiny: LocalModel) -> None:
    odd = ask("", "   ", "\x00", "tea\ud800", "\U0001f375" * 3)
    assert len(tiny.generate(odd, GREEDY)) == 5
    assert np.isfinite(tiny.score_choices(odd, ["A", "\ud800"])).all()


def test_little_free_memory_makes_smaller_batches_of_the_same_answers(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = ask(*QUESTIONS)
    answers, scores = tiny.generate(chats, WARM), tiny.score_choices(chats, ["A", "yes no"])
    monkeypatch.setattr(reader, "free_memory", lambda device: 1)
    assert tiny.generate(chats, WARM) == answers
    np.testing.assert_allclose(tiny.score_choices(chats, ["A", "yes no"]), scores, atol=1e-4)


def test_half_a_character_is_not_streamed(tiny: LocalModel) -> None:
    for seed in range(5):
        params = Sampling(40, 1.0, seed=seed)
        pieces = list(tiny.stream(ask("yes")[0], params))
        assert "".join(pieces) == alone(tiny, ask("yes")[0], params)
        assert not any(piece.endswith("\ufffd") for piece in pieces[:-1])


def test_a_folder_without_safetensors_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        LocalModel(copy)
    with pytest.raises(ModelError, match="not a folder"):
        LocalModel(tmp_path / "nowhere")


def test_a_reward_model_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config["architectures"] = ["LlamaForSequenceClassification"]
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="reward model"):
        LocalModel(copy)


def test_damaged_and_missing_weights_are_a_sentence(tiny_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    weights = load_file(copy / "model.safetensors")
    weights.pop("model.norm.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks the weights 'model\.norm\.weight'"):
        LocalModel(copy).context  # noqa: B018
    (copy / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ModelError, match="cannot be loaded"):
        LocalModel(copy).context  # noqa: B018
    (copy / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="tokenizer"):
        LocalModel(copy).count_tokens(ask("yes")[0])


def test_the_fingerprint_follows_the_weights(tiny_folder: Path, tmp_path: Path) -> None:
    same = shutil.copytree(tiny_folder, tmp_path / "same")
    other = save_tiny_model(tmp_path / "other", seed=1)
    prints = [LocalModel(folder).fingerprint for folder in (tiny_folder, same, other)]
    assert prints[0] == prints[1] != prints[2]
    (same / "chat_template.jinja").write_text("{{ messages }}")
    assert LocalModel(same).fingerprint != prints[0]
    assert LocalModel(same).fingerprint == LocalModel(same).fingerprint

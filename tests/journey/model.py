"""The journey's model: the tiny one, taught in seconds to write words and to name a response.

A model of random weights puts next to nothing on the two options of a comparison, so that every
judgement of it would fail; and its answers are noise.
"""

import json
import random
from pathlib import Path
from typing import Any

from cai_core.feedback.comparison import Wording
from cai_core.schema import Message, Pair, user
from cai_core.settings import JudgeSetting
from tests.tiny import save_tiny_model

CONTEXT = 8192  # tokens of its own alphabet: the worked examples of a critique take 2,500
STEPS = 70
BATCH = 8
LENGTH = 200  # tokens of one row
TEXT = (
    "take a clean pan and warm it slowly while you call somebody who knows the rules well enough to"
    " say what is safe for you and the people next door before any of this goes wrong again"
)


def save_model(folder: Path, *, seed: int = 0) -> Path:
    """Write the model's folder: safetensors, tokenizer, a window of 8,192 tokens."""
    save_tiny_model(folder, seed=seed)
    _edit(folder / "config.json", max_position_embeddings=CONTEXT)
    _edit(folder / "tokenizer_config.json", model_max_length=CONTEXT)
    _teach(folder, random.Random(seed))
    return folder


def _edit(path: Path, **fields: object) -> None:
    row = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(row | fields, indent=2), encoding="utf-8")


def _teach(folder: Path, rng: random.Random) -> None:
    """A few steps of ordinary training on talk, and on comparisons that end in a verdict."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(STEPS):
        ids = torch.tensor([_row(tokenizer, rng) for _ in range(BATCH)])  # (B, T)
        logits = model(input_ids=ids).logits
        talk = cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        verdict = cross_entropy(logits[:, -2], ids[:, -1])
        (talk + verdict).backward()
        optimiser.step()
        optimiser.zero_grad()
    model.save_pretrained(folder)


def _row(tokenizer: Any, rng: random.Random) -> list[int]:
    """The last LENGTH tokens of talk and a comparison; the very last one names a response."""
    talk = (user(_words(rng, 6)), Message("assistant", _words(rng, 12) + "."))
    pair = Pair.of((user(_words(rng, 8)),), _words(rng, 12), _words(rng, 12))
    asked, begun = Wording.of(JudgeSetting(), ()).comparison_chat(pair, _words(rng, 6))
    verdict = Message("assistant", f"{begun.content} {rng.choice('AB')}")
    chat = [{"role": turn.role, "content": turn.content} for turn in (*talk, *talk, asked, verdict)]
    ids = tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False)
    return ids[-LENGTH - 2 : -2]  # without the end of the turn


def _words(rng: random.Random, n: int) -> str:
    return " ".join(rng.choices(TEXT.split(), k=n)).capitalize()

"""Reward models: TRL's RewardTrainer taught soft labels, and the scores that come out of it.

TRL knows hard preferences only. Here a pair says with what probability its chosen answer is the
better one (CAI section 4.1), and how much it weighs.
"""

import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import safe_open
from torch.nn.functional import logsigmoid
from transformers import AutoModelForSequenceClassification
from trl.trainer.reward_config import RewardConfig as TrlRewardConfig
from trl.trainer.reward_trainer import (
    DataCollatorForPreference,
    RewardTrainer,
    suppress_seqcls_warning,
)

from cai_core.errors import Stopped, TrainError
from cai_core.schema import Chat, Hooks, Row, assistant, chat_row
from cai_core.stats import Estimate, wilson
from cai_core.train import loop, sft
from cai_core.train.card import RUN_FILE, Run
from cai_core.train.configs import RewardConfig
from cai_core.train.loop import Task
from cai_core.train.watch import ends, first_batch

HEAD = "score.weight"
SCALE_PAIRS = 128  # pairs whose 256 answers set shift and scale: their mean is known to 0.06 sd


class SoftCollator:
    """TRL's collator of pairs, with `p_chosen` and `weight` carried along."""

    def __init__(self, pad_token_id: int) -> None:
        self._pairs = DataCollatorForPreference(pad_token_id=pad_token_id)

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = self._pairs(examples)
        for name in ("p_chosen", "weight"):
            batch[name] = torch.tensor([row[name] for row in examples], dtype=torch.float)
        return batch


class SoftRewardTrainer(first_batch.ShowsFirstBatch, sft.Quiet, RewardTrainer):
    """RewardTrainer whose loss is the cross-entropy to `p_chosen`, times `weight`.

    loss = -w (p log sigmoid(d) + (1 - p) log sigmoid(-d)), d = r_chosen - r_rejected.
    """

    def first_batch(self, inputs: Any) -> list[Row]:
        return first_batch.of_scored(self.processing_class, inputs)

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns: Any = ["chosen_ids", "rejected_ids", "p_chosen", "weight"]

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        p, weight = inputs.pop("p_chosen"), inputs.pop("weight")
        keeps_metrics: Any = super().compute_loss
        _, outputs = keeps_metrics(model, inputs, return_outputs=True)
        chosen, rejected = outputs.logits.squeeze(-1).float().chunk(2)  # (B,) each
        gap = chosen - rejected
        loss = -(weight * (p * logsigmoid(gap) + (1 - p) * logsigmoid(-gap))).mean()
        centering = cast(TrlRewardConfig, self.args).center_rewards_coefficient or 0.0
        loss = loss + centering * ((chosen + rejected) ** 2).mean()
        return (loss, outputs) if return_outputs else loss


def train(task: Task) -> Run:
    """Train a reward model from `task`'s preference dataset and save it in `task.out`.

    Returns:
        The record of `out/run.json`: accuracy on dev and test with Wilson's interval, also by
        source; shift and scale that give training answers mean 0 and deviation 1.
    Raises:
        TrainError: it cannot start, or diverged. Stopped: as asked; call again to go on.
    """
    return loop.perform(task, _train)


def _train(task: Task) -> Run:
    config = cast(RewardConfig, task.config)
    tokenizer = loop.load_tokenizer(task.model)
    torch.manual_seed(config.seed)  # the new head
    trainer = SoftRewardTrainer(
        model=_with_head(task.model),
        args=_arguments(task),
        train_dataset=sft.dataset(_trainable(task.data.train)),
        eval_dataset=_dev_of(task),
        processing_class=tokenizer,
        data_collator=SoftCollator(tokenizer.pad_token_id),
        peft_config=sft.lora(config.lora, "SEQ_CLS"),
    )
    kept = len(cast(Any, trainer.train_dataset))
    dropped = len(task.data.train) - kept
    if not kept:
        raise TrainError(f"all {dropped} pairs are longer than max_length = {config.max_length}")
    fit = loop.fit(trainer, task)
    sft.save_merged(trainer, task.out)
    judge = RewardModel(task.out, trainer.model, tokenizer)
    accuracies = _accuracies(judge, task)
    if shown := {name: one.value for name, one in accuracies.items() if one.n}:
        task.hooks.metric(fit.kept, shown)
    metrics = {**fit.metrics, **fit.dev, "dropped_pairs": dropped, **accuracies}
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics)
    note = f"{dropped} pairs were longer than max_length and left out" if dropped else ""
    return loop.with_notes(dataclasses.replace(run, reward=_spread(judge, task)), note, fit.note)


def _arguments(task: Task) -> TrlRewardConfig:
    config = cast(RewardConfig, task.config)
    return TrlRewardConfig(
        **loop.arguments(task),
        num_train_epochs=config.num_train_epochs,
        max_steps=config.max_steps,
        max_length=config.max_length,
        center_rewards_coefficient=config.center_rewards_coefficient or None,
    )


def _with_head(folder: Path) -> Any:
    """The model with one new output in place of its language head."""
    with suppress_seqcls_warning(), loop.loading(folder):
        return AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=1, **loop.SAFELY
        )


def _dev_of(task: Task) -> Any:
    """The dev pairs, for a look at them during training; None where there are none."""
    rows = task.data.split("dev")
    return sft.dataset(_trainable(rows)) if rows else None


def _trainable(rows: Iterable[Row]) -> tuple[Row, ...]:
    columns = ("prompt", "chosen", "rejected", "p_chosen", "weight")
    return tuple({name: row[name] for name in columns} for row in rows)


def _accuracies(judge: "RewardModel", task: Task) -> dict[str, Estimate]:
    """Share of held-out pairs that the model orders as their label does, in all and by source."""
    found: dict[str, Estimate] = {}
    for split, prefix in (("dev", "eval"), ("test", "test")):
        pairs = task.data.split("dev" if split == "dev" else "test")
        rows = [row for row in pairs if row["p_chosen"] != 0.5]
        gaps = _gaps(judge, rows, task.hooks)
        if split == "dev":
            ends.tell(task.out, rows, gaps, ends.MARGIN)
        right = [1.0 if gap > 0 else 0.5 if gap == 0 else 0.0 for gap in gaps]
        found[f"{prefix}_accuracy"] = wilson(sum(right), len(right))
        for source in sorted({row["source"] for row in rows}):
            part = [ok for ok, row in zip(right, rows, strict=True) if row["source"] == source]
            found[f"{prefix}_accuracy_{source}"] = wilson(sum(part), len(part))
    return found


def _gaps(judge: "RewardModel", rows: Sequence[Row], hooks: Hooks) -> list[float]:
    """By how much each pair is ordered as labelled; under 0 where it is not."""
    chosen = judge.raw([_chat(row, "chosen") for row in rows], hooks=hooks)
    rejected = judge.raw([_chat(row, "rejected") for row in rows], hooks=hooks)
    return [
        one - other if row["p_chosen"] > 0.5 else other - one
        for one, other, row in zip(chosen, rejected, rows, strict=True)
    ]


def _spread(judge: "RewardModel", task: Task) -> Row:
    """Shift and scale: mean and deviation of the raw scores of training answers."""
    rows = task.data.train[:SCALE_PAIRS]
    chats = [_chat(row, side) for row in rows for side in ("chosen", "rejected")]
    scores = judge.raw(chats, hooks=task.hooks)
    scale = statistics.pstdev(scores)
    return {
        "shift": statistics.fmean(scores),
        "scale": scale if scale > 1e-6 else 1.0,
        "n": len(scores),
    }


def _chat(row: Row, side: str) -> list[Row]:
    return list(row["prompt"]) + list(row[side])


class RewardModel:
    """A trained reward model: scores of chats that end in an assistant turn; higher is better."""

    def __init__(self, folder: Path, model: Any, tokenizer: Any, reward: Row | None = None) -> None:
        self.folder, self.model, self.tokenizer = folder, model.eval(), tokenizer
        self.shift = float((reward or {}).get("shift", 0.0))
        self.scale = float((reward or {}).get("scale", 1.0))

    @classmethod
    def load(cls, folder: Path) -> "RewardModel":
        """Raises TrainError: `folder` holds no reward model with a trained head."""
        reward = check(folder)
        tokenizer = loop.load_tokenizer(folder)
        with loop.loading(folder):
            model = AutoModelForSequenceClassification.from_pretrained(folder, **loop.SAFELY)
        model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
        if torch.cuda.is_available():
            model.to("cuda")
        return cls(folder, model, tokenizer, reward)

    def score(
        self, chats: Sequence[Chat | list[Row]], *, batch_size: int = 16, hooks: Hooks | None = None
    ) -> list[float]:
        """(raw - shift) / scale: training answers have mean 0 and deviation 1."""
        raw = self.raw(chats, batch_size=batch_size, hooks=hooks)
        return [(value - self.shift) / self.scale for value in raw]

    def reward(self, chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
        """The scores of answers, each with its chat: what PPO learns from."""
        return self.score(
            [(*chat, assistant(text)) for chat, text in zip(chats, answers, strict=True)]
        )

    @torch.no_grad()
    def raw(
        self, chats: Sequence[Chat | list[Row]], *, batch_size: int = 16, hooks: Hooks | None = None
    ) -> list[float]:
        """The head's output at the end of each chat, rendered through its own template."""
        rendered = [self.render(chat) for chat in chats]
        order = sorted(range(len(rendered)), key=lambda i: len(rendered[i]))
        scores = [0.0] * len(rendered)
        for start in range(0, len(order), batch_size):
            if hooks and hooks.should_stop():
                raise Stopped("scoring was stopped, as asked")
            part = order[start : start + batch_size]
            for index, value in zip(part, self._batch([rendered[i] for i in part]), strict=True):
                scores[index] = value
        return scores

    def render(self, chat: Chat | list[Row]) -> list[int]:
        """Token ids of a chat as in training; the beginning is cut where the window is full."""
        rows = chat if isinstance(chat, list) else chat_row(chat)
        if not rows or rows[-1]["role"] != "assistant":
            raise TrainError("a reward model scores chats that end in an assistant turn")
        ids: list[int] = self.tokenizer.apply_chat_template(rows)["input_ids"]
        return ids[-int(self.model.config.get_text_config().max_position_embeddings) :]

    def _batch(self, ids: list[list[int]]) -> list[float]:
        padded = self.tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
        logits = self.model(**padded.to(self.model.device), use_cache=False).logits  # (B, 1)
        values: list[float] = logits.squeeze(-1).float().tolist()
        return values


def check(folder: Path) -> Row:
    """Shift and scale of the reward model in `folder`, which is refused without a trained head.

    Raises:
        TrainError: its weights hold no `score.weight`, or its run.json names another method.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise TrainError(f"{folder} holds no model in safetensors form")
    if not any(_holds_head(file) for file in files):
        raise TrainError(
            f"{folder} is not a reward model: its weights have no trained head ({HEAD});"
            " train one with `train reward`"
        )
    if not (folder / RUN_FILE).exists():  # a downloaded one: it has a head, but no scale of ours
        return {"shift": 0.0, "scale": 1.0}
    run = Run.read(folder)
    if run.method != "reward":
        raise TrainError(f"{folder} was trained by {run.method}; it is not a reward model")
    return run.reward or {"shift": 0.0, "scale": 1.0}


def _holds_head(file: Path) -> bool:
    with safe_open(file, framework="pt") as weights:
        return HEAD in weights.keys()  # noqa: SIM118 (it is no mapping)


def score(
    folder: Path, conversations: Sequence[Chat], *, hooks: Hooks | None = None
) -> list[float]:
    """Scaled scores of chats that end in an assistant turn, under the reward model in `folder`.

    Raises:
        TrainError: no trained head, or a chat that ends in another turn.
    """
    return RewardModel.load(folder).score(conversations, hooks=hooks)

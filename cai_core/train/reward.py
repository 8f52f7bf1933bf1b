"""Train a reward model: TRL's RewardTrainer taught soft labels, or a head on a frozen backbone.

TRL knows hard preferences only. Here a pair says with what probability its chosen answer is the
better one (CAI section 4.1), and how much it weighs.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch.nn.functional import logsigmoid
from transformers import AutoModelForSequenceClassification
from trl.trainer.reward_config import RewardConfig as TrlRewardConfig
from trl.trainer.reward_trainer import (
    DataCollatorForPreference,
    RewardTrainer,
    suppress_seqcls_warning,
)

from cai_core.errors import TrainError
from cai_core.schema import Row
from cai_core.train import loop, sft
from cai_core.train.card import Run
from cai_core.train.configs import RewardConfig
from cai_core.train.loop import Task
from cai_core.train.reward_model import RewardModel
from cai_core.train.rewards import cutting, frozen, frozen_training, held_out, memory, scale
from cai_core.train.rewards.cutting import FittingPairs
from cai_core.train.rewards.scale import PolicyAnswers, Scorer
from cai_core.train.watch import ends, first_batch

SCALE_PAIRS = (
    scale.ENOUGH // 2
)  # training pairs that set shift and scale without a policy's answers


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
    """RewardTrainer whose loss is the weighted cross-entropy to `p_chosen`.

    loss = -sum w (p log sigmoid(d) + (1 - p) log sigmoid(-d)) / sum w,  d = r_chosen - r_rejected,

    both sums over all pairs of a step: those of every pass and every process. The centering term
    (arXiv 2312.09244, eq. 2) is weighed alike.
    """

    loss_is_scaled_for_ga = True  # by the step's weight, so not once more by its passes

    def first_batch(self, inputs: Any) -> list[Row]:
        return first_batch.of_scored(self.processing_class, inputs)

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns: Any = ["chosen_ids", "rejected_ids", "p_chosen", "weight"]

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """The weight of a step: of its passes, here and in the other processes."""
        weight = torch.stack([batch["weight"].sum() for batch in batch_samples]).sum()
        weights: Any = self.accelerator.gather(weight.to(device))
        return weights.sum()

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
        each = -(p * logsigmoid(gap) + (1 - p) * logsigmoid(-gap))
        centering = cast(TrlRewardConfig, self.args).center_rewards_coefficient or 0.0
        each = each + centering * (chosen + rejected) ** 2
        whole = weight.sum() if num_items_in_batch is None else num_items_in_batch
        loss = (weight * each).sum() / whole.clamp(min=1e-12)
        if num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # gradients are averaged over processes
        return (loss, outputs) if return_outputs else loss


def train(
    task: Task,
    *,
    backbone: frozen.Backbone | None = None,
    answers: PolicyAnswers | None = None,
) -> Run:
    """Train a reward model from `task`'s preference dataset and save it in `task.out`.

    Args:
        backbone: whose features are read, where the configuration freezes it.
        answers: of the policy; they set shift and scale. Without any, training answers do.
    Returns:
        The record of `out/run.json`: accuracy on dev and test with Wilson's interval, also by
        source; what was cut and dropped; shift and scale. `out/scores.json` has the held-out scores.
    Raises:
        TrainError: it cannot start, or diverged. Stopped: as asked; call again to go on.
    """
    config = cast(RewardConfig, task.config)

    def work(asked: Task) -> Run:
        judge, run = _frozen(asked, backbone) if config.frozen_backbone else _train(asked)
        return _measured(asked, run, judge, answers)

    run = loop.perform(task, work)
    if answers is None or (run.reward or {}).get("of") == answers.of:
        return run
    judge = _loaded(task, backbone if config.frozen_backbone else None)
    return scale.calibrated(task.out, judge, answers, hooks=task.hooks)


def _loaded(task: Task, backbone: frozen.Backbone | None) -> Scorer:
    if backbone is None:
        return RewardModel.load(task.out)
    return frozen.load(task.out, backbone, base=task.model)


def _frozen(task: Task, backbone: frozen.Backbone | None) -> tuple[Scorer, Run]:
    if backbone is None:
        raise TrainError("a frozen backbone needs the features of its model; use `train reward`")
    return frozen_training.train(task, backbone)


def _train(task: Task) -> tuple[Scorer, Run]:
    config = cast(RewardConfig, task.config)
    tokenizer = loop.load_tokenizer(task.model)
    torch.manual_seed(config.seed)  # the new head
    model = _with_head(task.model)
    window = int(model.config.get_text_config().max_position_embeddings)
    limit = min(config.max_length, window)
    pairs = FittingPairs.to_train_on(task.data.train, tokenizer, limit)
    memory.forget_peak()
    trainer = SoftRewardTrainer(
        model=model,
        args=_arguments(task),
        train_dataset=sft.dataset(tokenized(pairs.rows, tokenizer)),
        eval_dataset=_dev_of(task, tokenizer, limit),
        processing_class=tokenizer,
        data_collator=SoftCollator(tokenizer.pad_token_id),
        peft_config=sft.lora(config.lora, "SEQ_CLS"),
    )
    weights = cast(torch.nn.Module, trainer.model).parameters()
    trained = sum([one.numel() for one in weights if one.requires_grad])
    fit = loop.fit(trainer, task)
    sizes = {"parameters_trained": trained, "peak_memory_bytes": memory.peak_bytes()}
    sft.save_merged(trainer, task.out)
    judge = RewardModel(task.out, trainer.model, tokenizer, max_length=config.max_length)
    metrics = fit.metrics | fit.dev | pairs.counts | sizes
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics)
    return judge, loop.with_notes(run, *pairs.notes, fit.note)


def _dev_of(task: Task, tokenizer: Any, limit: int) -> Any:
    """The dev pairs that fit, for a look at them during training; None where there are none."""
    kept = FittingPairs.of(task.data.split("dev"), tokenizer, limit).rows
    return sft.dataset(tokenized(kept, tokenizer)) if kept else None


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


def tokenized(rows: Sequence[Row], tokenizer: Any) -> tuple[Row, ...]:
    """The columns that the trainer reads, from rows that fit."""
    return tuple(
        {
            "chosen_ids": cutting.render(tokenizer, row["prompt"] + row["chosen"]),
            "rejected_ids": cutting.render(tokenizer, row["prompt"] + row["rejected"]),
            "p_chosen": row["p_chosen"],
            "weight": row["weight"],
        }
        for row in rows
    )


def _measured(task: Task, run: Run, judge: Scorer, answers: PolicyAnswers | None) -> Run:
    """With what it says of held-out pairs, and with shift and scale."""
    scores: held_out.Scores = {}
    found: Row = {}
    for split, prefix in (("dev", "eval"), ("test", "test")):
        rows = task.data.split("dev" if split == "dev" else "test")
        scores[split] = held_out.pair_scores(judge, rows, task.hooks)
        found |= held_out.accuracies(rows, scores[split], prefix)
        if split == "dev":
            ends.tell(task.out, *held_out.leaning(rows, scores[split]), ends.MARGIN)
    held_out.write(task.out, scores)
    if shown := {name: one.value for name, one in found.items() if one.n}:
        task.hooks.metric(run.steps, shown)
    if answers is None:
        some = task.data.train[:SCALE_PAIRS]
        answers_of = [row["prompt"] + row[side] for row in some for side in ("chosen", "rejected")]
        spread = scale.spread(judge, answers_of, scale.OF_TRAINING, hooks=task.hooks)
    else:
        spread = scale.spread(judge, answers.chats, answers.of, hooks=task.hooks)
    return dataclasses.replace(
        run, metrics={**run.metrics, **found}, reward={**(run.reward or {}), **spread}
    )

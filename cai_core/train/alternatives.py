"""DPO, RLOO and GRPO by TRL's own trainers: same datasets, curves, checkpoints and record as the rest.

RLOO and GRPO sample answers and compare their rewards; DPO learns from pairs that are there. Left
out: tools, images, vLLM, several passes over one batch of answers.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import torch
from transformers import TrainerCallback
from trl.trainer.dpo_config import DPOConfig as TrlDpoConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_config import GRPOConfig as TrlGrpoConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.rloo_config import RLOOConfig as TrlRlooConfig
from trl.trainer.rloo_trainer import RLOOTrainer

from cai_core.errors import TrainError
from cai_core.schema import Chat, Row, chat_from_row, chat_row
from cai_core.train import loop, sft
from cai_core.train.card import Run
from cai_core.train.configs import DpoConfig, OnlineConfig
from cai_core.train.leaning import Leaning
from cai_core.train.loop import Task
from cai_core.train.policy.rollouts import RewardFn, ShortPrompts, finite, prompt_ids
from cai_core.train.reward_model import RewardModel
from cai_core.train.watch import ends, first_batch
from cai_core.train.watch.records import Watch

DPO_MEASURES = ("loss", "rewards/accuracies", "rewards/margins")
LOOKED_AT = 16  # dev prompts that are answered at each look


def train_on_pairs(task: Task) -> Run:
    """DPO from `task`'s preference dataset; the result goes to `task.out`.

    Returns:
        The record of `out/run.json`: loss, share of pairs ordered as labelled, and margin on dev and
        test, where the policy's own log-probabilities against its start are the reward.
    Raises:
        TrainError: it cannot start, or diverged. Stopped: as asked; call again to go on.
    """
    return loop.perform(task, _dpo)


def train_online(task: Task, *, reward: Path | RewardFn) -> Run:
    """RLOO or GRPO on `task`'s prompts against `reward`; the result goes to `task.out`.

    Args:
        reward: the folder of a reward model, or a function from chats and answers to scores.
    Raises:
        TrainError: it cannot start, or diverged. Stopped: as asked; call again to go on.
    """
    return loop.perform(task, lambda asked: _online(asked, reward))


class QuietDpoTrainer(first_batch.ShowsFirstBatch, sft.Quiet, DPOTrainer):
    """DPOTrainer that refuses to train on nothing."""

    def first_batch(self, inputs: Any) -> list[Row]:
        return first_batch.of_completions(self.processing_class, inputs)

    def _prepare_dataset(
        self, dataset: Any, processing_class: Any, args: Any, dataset_name: str
    ) -> Any:
        prepare: Any = super()._prepare_dataset
        made = prepare(dataset, processing_class, args, dataset_name)
        if dataset_name == "train" and not len(made):
            raise TrainError(
                f"no prompt leaves room for its answers: all {len(dataset)} pairs are longer than"
                f" max_length = {args.max_length} before the answers begin"
            )
        return made

    def made_of(self, rows: Sequence[Row]) -> Any:
        """Held-out pairs as they are measured; those without a direction are left out."""
        pairs = Leaning.of(rows).rows
        if not pairs:
            return []
        return self._prepare_dataset(
            sft.dataset(pairs), self.processing_class, self.args, "held out"
        )


def _dpo(task: Task) -> Run:
    config = cast(DpoConfig, task.config)
    pairs = Leaning.of(task.data.train, least=config.least_lean)
    if not pairs.rows:
        raise TrainError(
            f"none of the {len(task.data.train)} pairs leans to a side: DPO has nothing to learn"
            " from; lower least_lean, or label other pairs"
        )
    dev = Leaning.of(task.data.split("dev")).rows
    trainer = QuietDpoTrainer(
        model=sft.load_causal(task.model),
        ref_model=None if config.lora else sft.load_causal(task.model),
        args=_dpo_arguments(task, pairs),
        train_dataset=sft.dataset(pairs.rows),
        eval_dataset=sft.dataset(dev) if dev else None,
        processing_class=loop.load_tokenizer(task.model),
        peft_config=sft.lora(config.lora, "CAUSAL_LM"),
    )
    lost = pairs.lost(cast(Any, trainer.train_dataset), config.max_length)
    fit = loop.fit(trainer, task)
    metrics = fit.metrics | sft.held_out(trainer, task, fit, names=DPO_MEASURES)
    made = list(trainer.made_of(task.data.split("dev")[: sft.ENDS_OF]))
    ends.tell(task.out, [_as_row(row) for row in made], _margins(trainer, made), ends.MARGIN)
    sft.save_merged(trainer, task.out)
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics | lost.metrics)
    return loop.with_notes(run, *lost.notes, fit.note)


def _dpo_arguments(task: Task, pairs: Leaning) -> TrlDpoConfig:
    config = cast(DpoConfig, task.config)
    smoothing = pairs.smoothing if config.label_smoothing is None else config.label_smoothing
    return TrlDpoConfig(
        **loop.arguments(task),
        num_train_epochs=config.num_train_epochs,
        max_steps=config.max_steps,
        max_length=config.max_length,
        beta=config.beta,
        loss_type=[config.loss_type],
        label_smoothing=smoothing if config.loss_type == "robust" else 0.0,
    )


def _as_row(row: Row) -> Row:
    return {name: row[name] for name in ("prompt", "chosen", "rejected", "p_chosen")}


@torch.no_grad()
def _margins(trainer: Any, rows: Sequence[Row]) -> list[float]:
    """By how much the policy's implied reward puts each pair's chosen answer higher."""
    model, size = trainer.model.eval(), trainer.args.per_device_eval_batch_size
    margins: list[float] = []
    for start in range(0, len(rows), size):
        inputs = trainer.data_collator(list(rows[start : start + size]))
        inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
        labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, -100)
        mask = inputs["attention_mask"]
        given = model(
            input_ids=inputs["input_ids"], attention_mask=mask, labels=labels, fused_lm_head=True
        )
        chosen, rejected = given.log_probs.sum(1).chunk(2)  # (B,) each
        before = trainer.compute_ref_log_probs(trainer.ref_model or model, inputs)
        gap = (chosen - before[0]) - (rejected - before[1])
        margins += (trainer.beta * gap).tolist()
    return margins


class Sampling(sft.Quiet):
    """Put before RLOOTrainer and GRPOTrainer: shows what is learned from, and names curves as PPO does."""

    def _prepare_inputs(self, inputs: Any) -> Any:
        prepare: Any = getattr(super(), "_prepare_inputs")  # noqa: B009 (the Trainer's)
        made, trainer = prepare(inputs), cast(Any, self)
        if trainer.model.training:
            first_batch.tell(
                trainer,
                lambda: first_batch.of_answers(
                    trainer.processing_class,
                    (made["prompt_ids"], made["prompt_mask"]),
                    (made["completion_ids"], made["completion_mask"]),
                ),
            )
        return made

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        trainer, log = cast(Any, self), cast(Any, getattr(super(), "log"))  # noqa: B009
        log(logs | _as_ppo(trainer._metrics["train"]), start_time)


class QuietRlooTrainer(Sampling, RLOOTrainer):
    """RLOOTrainer with the first batch shown."""


class QuietGrpoTrainer(Sampling, GRPOTrainer):
    """GRPOTrainer with the first batch shown."""


def _as_ppo(metrics: dict[str, list[float]]) -> dict[str, float]:
    """Mean reward, and nats an answer, under the names that PPO's curves have."""
    seen = {name: fmean(values) for name, values in metrics.items() if values}
    made = {"objective/scores": seen["reward"]} if "reward" in seen else {}
    if "kl" in seen and "completions/mean_length" in seen:
        made["objective/kl"] = seen["kl"] * seen["completions/mean_length"]
    return made


def _online(task: Task, reward: Path | RewardFn) -> Run:
    config = cast(OnlineConfig, task.config)
    tokenizer = loop.load_tokenizer(task.model)
    scores = RewardModel.load(reward).reward if isinstance(reward, Path) else reward
    prompts = ShortPrompts.of(task.data.train, tokenizer, config.max_prompt_length)
    order = _order(config, len(prompts.chats))
    kind, arguments = _kind(task)
    trainer: Any = kind(
        model=sft.load_causal(task.model),
        reward_funcs=_reward_model(scores, config, tokenizer.eos_token_id),
        args=arguments,
        train_dataset=sft.dataset([{"prompt": chat_row(prompts.chats[place])} for place in order]),
        processing_class=tokenizer,
        peft_config=sft.lora(config.lora, "CAUSAL_LM"),
    )
    looks = DevAnswers(trainer, task, scores)
    trainer.add_callback(looks)
    fit = loop.fit(trainer, task)
    sft.save_merged(trainer, task.out)
    metrics = {**fit.metrics, "dropped_prompts": prompts.dropped, **looks.ends()}
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics)
    return loop.with_notes(run, prompts.note)


def _order(config: OnlineConfig, prompts: int) -> list[int]:
    """The prompts of all passes, each in an order of its own, as one list.

    TRL's sampler draws the order of a pass from a generator that a resumed run begins anew; it would
    see other prompts than a run that was not stopped.
    """
    total = int(prompts * config.num_train_epochs)
    rows = config.per_device_train_batch_size * config.gradient_accumulation_steps
    needed = rows // config.num_generations
    if total < needed:
        raise TrainError(
            f"a step takes {needed} prompts ({rows} answers, {config.num_generations} to each), and"
            f" there are {total}; lower per_device_train_batch_size or"
            " gradient_accumulation_steps"
        )
    order: list[int] = []
    while len(order) < total:
        one = list(range(prompts))
        random.Random(f"{config.seed} {len(order)}").shuffle(one)
        order += one
    return order[:total]


def _kind(task: Task) -> tuple[Any, Any]:
    config = cast(OnlineConfig, task.config)
    names = (
        *("max_steps", "max_completion_length", "temperature", "epsilon", "num_generations"),
        *("mask_truncated_completions", "beta"),
    )
    options = loop.arguments(task) | {name: getattr(config, name) for name in names}
    options |= {"num_train_epochs": 1, "shuffle_dataset": False}  # `_order` did both
    if task.method == "rloo":
        return QuietRlooTrainer, TrlRlooConfig(**options)
    return QuietGrpoTrainer, TrlGrpoConfig(**options)


def _reward_model(scores: RewardFn, config: OnlineConfig, end: int) -> Any:
    """TRL's form of a reward: its name stands in the curves."""

    def reward_model(
        prompts: list[Any], completions: list[Any], completion_ids: list[list[int]], **_: Any
    ) -> list[float]:
        chats = [chat_from_row(prompt) for prompt in prompts]
        texts = [completion[0]["content"] for completion in completions]
        penalty = config.missing_eos_penalty or 0.0
        found = finite(scores(chats, texts), len(chats))
        return [
            score - (0.0 if end in ids else penalty)
            for score, ids in zip(found, completion_ids, strict=True)
        ]

    return reward_model


class DevAnswers(TrainerCallback):
    """Every `eval_steps` the same dev prompts are answered from the same seed, and told with rewards."""

    def __init__(self, trainer: Any, task: Task, scores: RewardFn) -> None:
        self.trainer, self.task, self.scores = trainer, task, scores
        self.config = cast(OnlineConfig, task.config)
        rows = task.data.split("dev") or task.data.train
        every = [chat_from_row(row["prompt"]) for row in rows]
        tokenizer, limit = trainer.processing_class, self.config.max_prompt_length
        self.chats = [chat for chat in every if len(prompt_ids(tokenizer, chat)) <= limit]
        self.chats = self.chats[:LOOKED_AT]

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.config.eval_steps and not state.global_step:
            self._look(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        every, step = self.config.eval_steps, state.global_step
        if every and (step % every == 0 or step >= state.max_steps):
            self._look(step)

    def ends(self) -> dict[str, float]:
        """Mean reward of the first and the last look."""
        looks = [fmean(row["score"] for row in look["rows"]) for look in self._told()]
        return {"eval_reward": looks[-1], "eval_reward_before": looks[0]} if looks else {}

    def _told(self) -> list[Row]:
        return [look for look in Watch(self.task.out).samples() if look["rows"]]

    def _look(self, step: int) -> None:
        if not self.chats or not self.trainer.is_world_process_zero():
            return
        texts, ended = self._answers()
        scores = finite(self.scores(self.chats, texts), len(texts))
        rows = [
            {"prompt": chat_row(chat), "answer": text, "score": score, "ended": end}
            for chat, text, score, end in zip(self.chats, texts, scores, ended, strict=True)
        ]
        Watch(self.task.out).tell_samples(step, rows)
        self.task.hooks.metric(step, {"eval_reward": fmean(scores)})

    @torch.no_grad()
    def _answers(self) -> tuple[list[str], list[bool]]:
        """Sampled apart from the training's own random numbers, so that a resumed run is the same."""
        trainer, tokenizer = self.trainer, self.trainer.processing_class
        model = trainer.accelerator.unwrap_model(trainer.model)
        was_training = model.training
        model.eval()
        texts: list[str] = []
        ended: list[bool] = []
        with torch.random.fork_rng():
            torch.manual_seed(self.config.seed)
            size = self.config.per_device_train_batch_size
            for start in range(0, len(self.chats), size):
                said = self._generate(model, self.chats[start : start + size])
                texts += tokenizer.batch_decode(said, skip_special_tokens=True)
                ended += (said == tokenizer.eos_token_id).any(1).tolist()
        model.train(was_training)
        return texts, ended

    def _generate(self, model: Any, chats: Sequence[Chat]) -> Any:
        tokenizer = self.trainer.processing_class
        ids = [prompt_ids(tokenizer, chat) for chat in chats]
        asked = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt")
        asked = asked.to(model.device)
        given = model.generate(**asked, generation_config=self.trainer.generation_config)
        return given[:, asked["input_ids"].shape[1] :]

"""Proximal policy optimisation on transformers' Trainer, the way TRL's GRPOTrainer does it.

A batch of answers is sampled and scored in `_prepare_inputs`, kept, and learned from in
`compute_loss` for several passes; checkpoints, resume, callbacks and accelerate stay Trainer's.
A checkpoint holds the policy as a plain model, the value model beside it, and the KL coefficient.
Left out: adapters, tools, images, a value model that shares the policy's body.
"""

import copy
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_model, save_model
from torch import nn
from transformers import Trainer, TrainingArguments

from cai_core.errors import Stopped, TrainError
from cai_core.schema import Chat, chat_from_row
from cai_core.stats import Estimate, clustered_mean
from cai_core.train import checkpoints, loop, sft
from cai_core.train.card import Run
from cai_core.train.configs import PpoConfig
from cai_core.train.loop import Task
from cai_core.train.policy import advantages as adv
from cai_core.train.policy.evaluation import Evaluation, Questions, Umpire
from cai_core.train.policy.evaluation import callback as evaluation_callback
from cai_core.train.policy.meters import Meters
from cai_core.train.policy.rollouts import (
    Answers,
    Episodes,
    Repeats,
    RewardFn,
    Rollout,
    in_parts,
    joined,
    logprobs_of,
    sample,
    seeded,
    short_enough,
)
from cai_core.train.reward_model import RewardModel
from cai_core.train.watch.samples import Spoken

Tensor = torch.Tensor
HELD_OUT = 64  # dev prompts whose scores are told at the end
_VALUE_FILE, _STATE_FILE = "value.safetensors", "ppo.json"


def train(
    task: Task,
    *,
    reward: Path | RewardFn,
    umpire: Umpire | None = None,
    safe: Sequence[Chat] = (),
) -> Run:
    """Train the policy `task.model` on its prompts against `reward` and save it in `task.out`.

    Args:
        reward: the folder of a reward model, or a function from chats and answers to scores; the
            value model starts from that reward model, else from the policy's body.
        umpire: compares the policy with its start every `eval_steps`. safe: prompts that it should
            go on answering; without them the dev prompts tagged safe.
    Returns:
        The record of `out/run.json`; eval_objective/scores is of the dev prompts, with the one before.
    Raises:
        TrainError, DataError: it cannot start, or diverged. Stopped: as asked; call again to go on.
    """
    return loop.perform(task, lambda asked: _train(asked, reward, umpire, safe))


def _train(task: Task, reward: Path | RewardFn, umpire: Umpire | None, safe: Sequence[Chat]) -> Run:
    config = cast(PpoConfig, task.config)
    tokenizer = loop.load_tokenizer(task.model)
    tokenizer.padding_side = "left"
    policy = sft.load_causal(task.model)
    judge = RewardModel.load(reward) if isinstance(reward, Path) else None
    every = [chat_from_row(row["prompt"]) for row in task.data.train]
    chats = short_enough(every, tokenizer, config.max_prompt_length)
    dropped = len(every) - len(chats)
    trainer = PpoTrainer(
        model=ActorCritic(policy, _value_model(policy, tokenizer, judge)),
        task=task,
        chats=chats,
        reward_fn=judge.reward if judge else cast(RewardFn, reward),
        tokenizer=tokenizer,
    )
    evaluation = Evaluation(task, Questions.of(task, safe), trainer.reward_fn, umpire)
    trainer.add_callback(evaluation_callback(evaluation, trainer))
    fit = loop.fit(trainer, task)
    trainer.save_policy(task.out)
    metrics = {**fit.metrics, **trainer.held_out_scores()}
    note = f"{dropped} prompts were longer than max_prompt_length and left out" if dropped else ""
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics)
    return loop.with_notes(replace(run, best=evaluation.best), note, umpire.note if umpire else "")


class ValueModel(nn.Module):
    """A body and a head: the value (B, T) just before each answer token."""

    def __init__(self, body: Any, head: nn.Linear) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, ids: Tensor, mask: Tensor, positions: Tensor, length: int) -> Tensor:
        hidden = self.body(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state
        values: Tensor = self.head(hidden[:, -length - 1 : -1])
        return values.squeeze(-1).float()


def _value_model(policy: Any, tokenizer: Any, judge: RewardModel | None) -> ValueModel:
    """From the reward model, in its scaled units, where it reads the policy's tokens; else fresh."""
    if judge and judge.tokenizer.get_vocab() == tokenizer.get_vocab():
        model = copy.deepcopy(judge.model)
        head = nn.Linear(model.score.in_features, 1)
        with torch.no_grad():
            head.weight.copy_(model.score.weight / judge.scale)
            head.bias.fill_(-judge.shift / judge.scale)
        return ValueModel(model.base_model, head.to(model.device))
    body = copy.deepcopy(policy.base_model)
    head = nn.Linear(policy.config.get_text_config().hidden_size, 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return ValueModel(body, head)


class ActorCritic(nn.Module):
    """Policy and value model in one module, so that one optimiser and one wrapper hold both."""

    def __init__(self, policy: Any, value: ValueModel) -> None:
        super().__init__()
        self.policy, self.value = policy, value
        self.config = policy.config
        _disable_dropout(self)

    def forward(
        self, batch: Answers | Rollout, temperature: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities, entropies and values of the answer tokens, each (B, T)."""
        logprobs, entropy = logprobs_of(self.policy, batch, temperature)
        return logprobs, entropy, self.value(*joined(batch), batch.response_ids.shape[1])

    def activation_checkpointing_enable(self, **options: Any) -> None:
        for model in (self.policy, self.value.body):
            model.activation_checkpointing_enable(**options)


def _disable_dropout(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            setattr(module, "attention_dropout", 0.0)  # noqa: B010 (nn.Module types it otherwise)


class PpoTrainer(Trainer):
    """Trainer whose batches are made by its own policy."""

    def __init__(
        self, model: ActorCritic, task: Task, chats: list[Chat], reward_fn: RewardFn, tokenizer: Any
    ) -> None:
        self.task, self.chats, self.reward_fn, self.tokenizer = task, chats, reward_fn, tokenizer
        self.ppo = config = cast(PpoConfig, task.config)
        args = _arguments(task)
        self.all_rows = config.batch_size * args.world_size  # answers of a batch, on all devices
        batches = math.ceil((config.total_episodes or len(chats)) / self.all_rows)
        self.episodes = Episodes(len(chats), batches * self.all_rows, config.seed)
        super().__init__(
            model=model,
            args=args,
            train_dataset=cast(Any, self.episodes),
            processing_class=tokenizer,
            data_collator=lambda numbers: {"prompt": torch.tensor(numbers)},
        )
        self.model_accepts_loss_kwargs = False  # the loss of a pass is divided by the passes
        reference = copy.deepcopy(model.policy).eval().requires_grad_(False)
        self.reference = self.accelerator.prepare_model(reference, evaluation_mode=True)
        self.kl_coef = config.kl_coef
        self.meters = Meters()
        self._rollout: Rollout | None = None
        self._passes = -1  # forward-backward passes done; -1 before the first
        self._began = time.monotonic()

    @property
    def actor_critic(self) -> Any:
        return self.accelerator.unwrap_model(self.model)

    def get_train_dataloader(self) -> Any:
        """Each rollout batch of prompts, as often as passes are made on it."""
        times = self.ppo.steps_per_batch * self.ppo.gradient_accumulation_steps
        order = Repeats(len(self.episodes), size=self.all_rows, times=times)
        return self._get_dataloader(
            dataset=cast(Any, self.episodes),
            description="Training",
            batch_size=self.ppo.batch_size,
            sampler_fn=lambda _: cast(Any, order),
            is_training=True,
        )

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The rows that this pass learns from; a new batch is sampled when the last is used up."""
        config = self.ppo
        if self._passes < 0:  # new or resumed
            self._passes = self.state.global_step * config.gradient_accumulation_steps
        over_batch = config.num_mini_batches * config.gradient_accumulation_steps
        number, place = divmod(self._passes, over_batch * config.num_ppo_epochs)
        epoch, part = divmod(place, over_batch)
        mini, micro = divmod(part, config.gradient_accumulation_steps)
        if self._rollout is None or place == 0:
            chats = [self.chats[i] for i in inputs["prompt"].tolist()]
            self._rollout = self._make_rollout(chats, number)
        self._passes += 1
        with seeded(config.seed, "order", number, epoch):
            order = torch.randperm(len(self._rollout))
        rows = order.view(config.num_mini_batches, -1)[mini]
        size = config.per_device_train_batch_size
        return {
            "rollout": self._rollout.take(rows[micro * size : (micro + 1) * size]),
            "tokens": self._rollout.mask[rows].sum() / config.gradient_accumulation_steps,
            "first": place < config.gradient_accumulation_steps,
            "warming": number < config.num_value_warmup_batches,
        }

    @torch.no_grad()
    def _make_rollout(self, chats: list[Chat], number: int) -> Rollout:
        model, config = self.actor_critic, self.ppo
        with seeded(config.seed, "sample", number, self.accelerator.process_index):
            answers = sample(model.policy, self.tokenizer, chats, config, self._stop_if_asked)
        scores = self.scores(chats, answers)
        size = config.local_rollout_forward_batch_size
        logprobs, entropy, values = in_parts(
            answers, lambda part: model(part, config.temperature), size
        )
        reference, _ = in_parts(
            answers, lambda part: logprobs_of(self.reference, part, config.temperature), size
        )
        kl = (logprobs - reference) * answers.mask
        rewards = adv.token_rewards(scores, kl, answers.mask, kl_coef=self.kl_coef)
        advantages, returns = adv.gae(
            rewards, values, answers.mask, gamma=config.gamma, lam=config.lam
        )
        rollout = Rollout(
            query_ids=answers.query_ids,
            query_mask=answers.query_mask,
            response_ids=answers.response_ids,
            mask=answers.mask,
            logprobs=logprobs,
            values=values,
            advantages=adv.whiten(advantages, answers.mask),
            returns=returns,
        )
        self.meters.note_answers(answers, scores, kl, entropy, self.kl_coef)
        self.meters.note_values(rollout)
        share, seen = self.all_rows / config.kl_horizon, float(kl.sum(1).mean())
        self.kl_coef = adv.steered_kl_coef(self.kl_coef, seen, target=config.kl_target, share=share)
        return rollout

    def _stop_if_asked(self) -> None:
        """Sampling takes longer than any step: keep the steps done so far and stop within it."""
        if not self.task.hooks.should_stop():
            return
        done = self.state.global_step
        kept = checkpoints.newest_valid(Path(str(self.args.output_dir)))
        if done and (kept is None or kept.name != f"checkpoint-{done}"):
            self._save_checkpoint(self.actor_critic, None)
            self.callback_handler.on_save(self.args, self.state, self.control)
        raise Stopped(f"stopped after step {done} of {self.state.max_steps}, as asked")

    def scores(self, chats: Sequence[Chat], answers: Answers) -> Tensor:
        """Scores (B,) of the answers, less the penalty of those that did not end."""
        given = list(self.reward_fn(chats, answers.texts))
        scores = torch.tensor(given, dtype=torch.float, device=answers.mask.device)
        if len(given) != len(chats) or not bool(scores.isfinite().all()):
            raise TrainError(
                f"the reward gave {given} for {len(chats)} answers; it must give one number each"
            )
        penalty = (self.ppo.missing_eos_penalty or 0.0) * (~answers.ended).float()
        return cast(Tensor, scores - penalty)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Policy loss and `vf_coef` times value loss, as means over the minibatch's tokens."""
        old: Rollout = inputs["rollout"]
        logprobs, entropy, values = model(old, self.ppo.temperature)
        change = (logprobs - old.logprobs) * old.mask
        policy = adv.policy_loss(change.exp(), old.advantages, cliprange=self.ppo.cliprange)
        value = adv.value_loss(values, old.values, old.returns, cliprange=self.ppo.cliprange_value)
        policy_part = (policy.loss * old.mask).sum() * (0.0 if inputs["warming"] else 1.0)
        value_part = (value.loss * old.mask).sum()
        loss = (policy_part + self.ppo.vf_coef * value_part) / inputs["tokens"]
        self.meters.note_losses(old.mask, change.detach(), entropy, policy, value)
        if inputs["first"]:
            self.meters.note_first_ratio(change.detach())
        return (loss, {"values": values}) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the means since the last log, the episodes so far, and episodes a second."""
        told = self.meters.take()
        if told:
            rows = self.all_rows / self.ppo.steps_per_batch  # a step
            now = (self.state.global_step - self._initial_global_step) * rows
            told["episode"] = self.state.global_step * rows
            told["eps"] = now / max(time.monotonic() - self._began, 1e-9)
        super().log(logs | told, start_time)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The policy as a plain model with its tokenizer, the value model, the KL coefficient."""
        folder = Path(output_dir or str(self.args.output_dir))
        self.save_policy(folder)
        save_model(self.actor_critic.value, str(folder / _VALUE_FILE))
        (folder / _STATE_FILE).write_text(json.dumps({"kl_coef": self.kl_coef}))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        saved = sft.load_causal(folder)
        self.actor_critic.policy.load_state_dict(saved.state_dict())
        load_model(self.actor_critic.value, folder / _VALUE_FILE)
        self.kl_coef = float(json.loads((folder / _STATE_FILE).read_text())["kl_coef"])

    def save_policy(self, out: Path) -> None:
        """What is left when training is done: the policy alone."""
        self.actor_critic.policy.save_pretrained(out)
        self.tokenizer.save_pretrained(out)

    def answer(self, chats: Sequence[Chat]) -> list[Spoken]:
        """One answer a prompt, drawn alike at every call. Raises Stopped: as asked."""
        policy = self.actor_critic.policy
        with seeded(self.ppo.seed, "dev"):
            said = sample(policy, self.tokenizer, chats, self.ppo, self._refuse_if_stopped)
        return [Spoken(*one) for one in zip(said.texts, said.ended.tolist(), strict=True)]

    def _refuse_if_stopped(self) -> None:
        if self.task.hooks.should_stop():
            raise Stopped("stopped while the dev prompts were answered")

    def held_out_scores(self) -> dict[str, Estimate]:
        """Mean score on dev prompts of the trained policy and of the reference it started from."""
        rows = self.task.data.split("dev")[:HELD_OUT]
        chats = [chat_from_row(row["prompt"]) for row in rows]
        found: dict[str, Estimate] = {}
        policies = {"scores": self.actor_critic.policy, "scores_before": self.reference}
        for name, policy in policies.items() if chats else ():
            with seeded(self.ppo.seed, "dev"):
                answers = sample(policy.eval(), self.tokenizer, chats, self.ppo)
            scores = self.scores(chats, answers).tolist()
            found[f"eval_objective/{name}"] = clustered_mean(scores, range(len(scores)))
        if found:
            values = {name: one.value for name, one in found.items()}
            self.task.hooks.metric(self.state.global_step, values)
        return found


def _arguments(task: Task) -> TrainingArguments:
    """Checkpoints fall between two rollout batches, so that a resumed run repeats no batch."""
    config = cast(PpoConfig, task.config)
    steps = config.steps_per_batch
    options = loop.arguments(task) | {
        "logging_steps": config.logging_steps * steps,
        "save_steps": math.ceil(config.save_steps / steps) * steps,
        "num_train_epochs": 1,
        "remove_unused_columns": False,
    }
    return TrainingArguments(**options)

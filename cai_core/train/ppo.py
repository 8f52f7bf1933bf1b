"""Proximal policy optimisation on transformers' Trainer, the way TRL's GRPOTrainer does it.

A batch of answers is sampled and scored in `_prepare_inputs`, kept, and learned from in
`compute_loss` for several passes; checkpoints, resume, callbacks and accelerate stay Trainer's.
A checkpoint holds the policy as a plain model, what else learns beside it, the KL coefficient and,
within a batch, its rollout. Advantages are whitened on each device alone. Left out: tools, images.
"""

import copy
import dataclasses
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import Trainer, TrainingArguments

from cai_core.errors import Stopped
from cai_core.schema import Chat, chat_from_row
from cai_core.stats import Estimate, clustered_mean
from cai_core.train import checkpoints, loop, sft
from cai_core.train.card import Run
from cai_core.train.configs import PpoConfig
from cai_core.train.loop import Task
from cai_core.train.policy import advantages as adv
from cai_core.train.policy.actor_critic import ActorCritic, Forward
from cai_core.train.policy.evaluation import Evaluation, Questions, Umpire
from cai_core.train.policy.evaluation import callback as evaluation_callback
from cai_core.train.policy.meters import Meters
from cai_core.train.policy.rollouts import (
    Answers,
    RewardFn,
    Rollout,
    ShortPrompts,
    by_length,
    finite,
    seeded,
)
from cai_core.train.policy.schedule import Episodes, Repeats, place_of
from cai_core.train.policy.writer import Writer
from cai_core.train.reward_model import RewardModel
from cai_core.train.watch import first_batch
from cai_core.train.watch.samples import Spoken

Tensor = torch.Tensor
HELD_OUT = 64  # dev prompts whose scores are told at the end
_ROLLOUT_FILE, _STATE_FILE = "rollout.safetensors", "ppo.json"


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
    prompts = ShortPrompts.of(task.data.train, tokenizer, config.max_prompt_length)
    trainer = PpoTrainer(
        model=ActorCritic.build(policy, config, tokenizer, judge),
        task=task,
        chats=prompts.chats,
        reward_fn=judge.reward if judge else cast(RewardFn, reward),
        tokenizer=tokenizer,
    )
    evaluation = Evaluation(task, Questions.of(task, safe), trainer.reward_fn, umpire)
    trainer.add_callback(evaluation_callback(evaluation, trainer))
    fit = loop.fit(trainer, task)
    trainer.save_policy(task.out)
    metrics = {**fit.metrics, **trainer.held_out_scores()}
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics)
    run = dataclasses.replace(run, best=evaluation.best)
    return loop.with_notes(run, prompts.note, umpire.note if umpire else "")


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
        self.warmup = min(config.num_value_warmup_batches, batches - 1)
        self.writer = Writer(
            model,
            tokenizer,
            config,
            None if model.lora else self._frozen_copy(model.policy),
            self.accelerator.autocast,
            exact=not args.bf16,
        )
        self.kl_coef = config.kl_coef
        self.meters = Meters()
        self._rollout: Rollout | None = None
        self._passes = -1  # forward-backward passes done; -1 before the first
        self._began = time.monotonic()

    def _frozen_copy(self, policy: Any) -> Any:
        reference = copy.deepcopy(policy).eval().requires_grad_(False)
        return self.accelerator.prepare_model(reference, evaluation_mode=True)

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
        place = place_of(self._passes, config)
        if self._rollout is None or place.begins:
            self._rollout = None  # let it go before the next one is made
            chats = [self.chats[i] for i in inputs["prompt"].tolist()]
            self._rollout = self._make_rollout(chats, place.batch)
        self._passes += 1
        with seeded(config.seed, "order", place.batch, place.epoch):
            order = torch.randperm(len(self._rollout))
        batch = self._rollout.take(order.view(config.num_mini_batches, -1)[place.mini])
        self._show(batch)
        batch = batch.take(by_length(batch))  # passes of like length need little padding
        size = config.per_device_train_batch_size
        tokens = self.accelerator.reduce(batch.mask.sum().float(), reduction="mean")
        return {
            "rollout": batch.take(slice(place.part * size, (place.part + 1) * size)),
            "tokens": tokens.clamp(min=1) / config.gradient_accumulation_steps,
            "first": place.first,
            "warming": place.batch < self.warmup,
        }

    def _show(self, batch: Rollout) -> None:
        """The first batch, as the model sees it."""
        prompts, said = (batch.query_ids, batch.query_mask), (batch.response_ids, batch.mask)
        first_batch.tell(self, lambda: first_batch.of_answers(self.tokenizer, prompts, said))

    @torch.no_grad()
    def _make_rollout(self, chats: list[Chat], number: int) -> Rollout:
        config = self.ppo
        with seeded(config.seed, "sample", number, self.accelerator.process_index):
            written = self.writer.write(chats, self._stop_if_asked)
        answers, logprobs, values = written.answers, written.logprobs, written.values
        assert values is not None
        scores = self.scores(chats, answers)
        kl = (logprobs - self.writer.reference_logprobs(answers)) * answers.mask
        rewards = adv.token_rewards(scores, kl, answers.mask, kl_coef=self.kl_coef)
        rollout = Rollout.of(answers, logprobs, values, rewards, config)
        self.meters.note_answers(answers, scores, kl, written.entropy, self.kl_coef)
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
        given = finite(self.reward_fn(chats, answers.texts), len(chats))
        scores = torch.tensor(given, dtype=torch.float, device=answers.mask.device)
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
        if inputs["warming"]:
            seen: Forward = model(old, self.ppo.temperature, "values")
            loss = self._value_loss(old, seen, inputs)
        elif self._learns_in_two:
            told = self._learn_values(model, inputs)
            seen = model(old, self.ppo.temperature, "policy")
            loss = told + self._policy_loss(old, seen, inputs)
        else:
            seen = model(old, self.ppo.temperature)
            loss = self._value_loss(old, seen, inputs) + self._policy_loss(old, seen, inputs)
        return (loss, {"logprobs": seen.logprobs}) if return_outputs else loss

    @property
    def _learns_in_two(self) -> bool:
        """A value model of its own learns before the policy is read: one graph in memory, not two.

        On several devices the gradients of both are gathered at once.
        """
        own = not self.actor_critic.reads_values_on_the_way
        return own and self.args.world_size == 1 and torch.is_grad_enabled()

    def _learn_values(self, model: nn.Module, inputs: dict[str, Any]) -> Tensor:
        """The value loss, whose gradients are there already."""
        seen: Forward = model(inputs["rollout"], self.ppo.temperature, "values")
        loss = self._value_loss(inputs["rollout"], seen, inputs)
        self.accelerator.backward(loss / self.current_gradient_accumulation_steps)
        return loss.detach()

    def _value_loss(self, old: Rollout, seen: Forward, inputs: dict[str, Any]) -> Tensor:
        """`vf_coef` times its mean over the minibatch's tokens."""
        value = adv.value_loss(
            seen.values, old.values, old.returns, cliprange=self.ppo.cliprange_value
        )
        self.meters.note_value(old.mask, value)
        loss = self.ppo.vf_coef * (value.loss * old.mask).sum() / inputs["tokens"]
        return cast(Tensor, loss)

    def _policy_loss(self, old: Rollout, seen: Forward, inputs: dict[str, Any]) -> Tensor:
        """Its mean over the minibatch's tokens."""
        assert seen.logprobs is not None
        change = (seen.logprobs - old.logprobs) * old.mask
        policy = adv.policy_loss(change.exp(), old.advantages, cliprange=self.ppo.cliprange)
        self.meters.note_policy(old.mask, change.detach(), seen.entropy, policy)
        if inputs["first"]:
            self.meters.note_first_ratio(change.detach())
        return cast(Tensor, (policy.loss * old.mask).sum() / inputs["tokens"])

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
        """The policy as a plain model with its tokenizer, what else learns, and where PPO is.

        Within a batch its rollout is kept, so that a resumed run learns from the same answers.
        """
        folder = Path(output_dir or str(self.args.output_dir))
        self.save_policy(folder)
        self.actor_critic.save_learned(folder)
        if self._rollout is not None and not place_of(self._passes, self.ppo).begins:
            self._rollout.save(folder / _ROLLOUT_FILE)
        state = {"kl_coef": self.kl_coef, "meters": self.meters.state_dict()}
        (folder / _STATE_FILE).write_text(json.dumps(state))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        self.actor_critic.load(folder)
        state = json.loads((folder / _STATE_FILE).read_text())
        self.kl_coef = float(state["kl_coef"])
        self.meters.load_state_dict(state["meters"])
        if (folder / _ROLLOUT_FILE).exists():
            self._rollout = Rollout.load(folder / _ROLLOUT_FILE, self.args.device)

    def save_policy(self, out: Path) -> None:
        """What is left when training is done: the policy alone."""
        self.actor_critic.save_policy(out)
        self.tokenizer.save_pretrained(out)

    def answer(self, chats: Sequence[Chat]) -> list[Spoken]:
        """One answer a prompt, drawn alike at every call. Raises Stopped: as asked."""
        with seeded(self.ppo.seed, "dev"):
            said = self.writer.answers(chats, before_each=self._refuse_if_stopped)
        return [Spoken(*one) for one in zip(said.texts, said.ended.tolist(), strict=True)]

    def _refuse_if_stopped(self) -> None:
        if self.task.hooks.should_stop():
            raise Stopped("stopped while the dev prompts were answered")

    def held_out_scores(self) -> dict[str, Estimate]:
        """Mean score on dev prompts of the trained policy and of the reference it started from."""
        rows = self.task.data.split("dev")[:HELD_OUT]
        chats = [chat_from_row(row["prompt"]) for row in rows]
        found: dict[str, Estimate] = {}
        for name in ("scores", "scores_before") if chats else ():
            with seeded(self.ppo.seed, "dev"):
                answers = self.writer.answers(
                    chats,
                    before_each=self._refuse_if_stopped,
                    reference=name == "scores_before",
                )
            scores = self.scores(chats, answers).tolist()
            found[f"eval_objective/{name}"] = clustered_mean(scores, range(len(scores)))
        if found:
            values = {name: one.value for name, one in found.items()}
            self.task.hooks.metric(self.state.global_step, values)
        return found


def _arguments(task: Task) -> TrainingArguments:
    config = cast(PpoConfig, task.config)
    options = loop.arguments(task) | {
        "logging_steps": config.logging_steps * config.steps_per_batch,
        "ddp_find_unused_parameters": config.num_value_warmup_batches > 0,
        "num_train_epochs": 1,
        "remove_unused_columns": False,
    }
    return TrainingArguments(**options)

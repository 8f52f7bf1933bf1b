"""Supervised fine-tuning: TRL's SFTTrainer on the completions of conversational rows.

The result is a plain model folder: adapters are merged, the tokenizer beside it.
"""

from pathlib import Path
from typing import Any, cast

import datasets
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl.trainer.sft_config import SFTConfig as TrlSftConfig
from trl.trainer.sft_trainer import SFTTrainer

from cai_core.schema import Row
from cai_core.train import loop
from cai_core.train.card import Run
from cai_core.train.configs import LoraSetting, SftConfig
from cai_core.train.loop import Task

MEASURES = ("loss", "entropy", "mean_token_accuracy")


class QuietSftTrainer(SFTTrainer):
    """SFTTrainer that sends no ping and writes no card of its own."""

    def _send_telemetry(self) -> None:
        """Nothing leaves this machine."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """The card is written once, by `card`, when the result is whole."""


def train(task: Task) -> Run:
    """Fine-tune `task.model` on its sft dataset and save the result in `task.out`.

    Returns:
        The record of `out/run.json`; measures on the dev and test rows are prefixed so.
    Raises:
        TrainError: it cannot start, or diverged. Stopped: as asked; call again to go on.
    """
    return loop.perform(task, _train)


def _train(task: Task) -> Run:
    config = cast(SftConfig, task.config)
    tokenizer = loop.load_tokenizer(task.model)
    trainer = QuietSftTrainer(
        model=load_causal(task.model),
        args=_arguments(task),
        train_dataset=dataset(task.data.train),
        processing_class=tokenizer,
        peft_config=lora(config.lora, "CAUSAL_LM"),
    )
    fit = loop.fit(trainer, task)
    metrics = fit.metrics | held_out(trainer, task)
    save_merged(trainer, task.out)
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics)
    cut = _longer_than(config.max_length, task.data.train, tokenizer)
    return loop.with_notes(run, f"{cut} rows were longer than max_length and cut" if cut else "")


def _arguments(task: Task) -> TrlSftConfig:
    config = cast(SftConfig, task.config)
    return TrlSftConfig(
        **loop.arguments(task),
        num_train_epochs=config.num_train_epochs,
        max_steps=config.max_steps,
        max_length=config.max_length,
        completion_only_loss=True,
        dataset_num_proc=None,
    )


def load_causal(folder: Path) -> Any:
    """A causal language model in float32, from safetensors only."""
    with loop.loading(folder):
        return AutoModelForCausalLM.from_pretrained(folder, **loop.SAFELY)


def dataset(rows: tuple[Row, ...]) -> Any:
    """The rows as a datasets.Dataset, without progress bars."""
    datasets.disable_progress_bars()
    return datasets.Dataset.from_list(list(rows))


def lora(setting: LoraSetting | None, task_type: str) -> Any:
    """peft's configuration of adapters on every linear layer; None trains all weights."""
    if setting is None:
        return None
    return LoraConfig(
        r=setting.r,
        lora_alpha=setting.lora_alpha,
        lora_dropout=setting.lora_dropout,
        target_modules="all-linear",
        task_type=task_type,
    )


def held_out(trainer: Any, task: Task) -> dict[str, float]:
    """TRL's measures on the dev (eval_loss, ...) and test rows (test_loss, ...), where there are any."""
    metrics: dict[str, float] = {}
    for split, prefix in (("dev", "eval_"), ("test", "test_")):
        rows = task.data.split("dev" if split == "dev" else "test")
        measured = trainer.evaluate(dataset(rows)) if rows else {}
        for name in MEASURES:
            if f"eval_{name}" in measured:
                metrics[prefix + name] = float(measured[f"eval_{name}"])
    if metrics:
        task.hooks.metric(trainer.state.global_step, metrics)
    return metrics


def save_merged(trainer: Any, out: Path) -> None:
    """Save the model as plain safetensors, adapters merged in, with its tokenizer."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    model.save_pretrained(out)
    trainer.processing_class.save_pretrained(out)


def _longer_than(limit: int, rows: tuple[Row, ...], tokenizer: Any) -> int:
    chats = [row["prompt"] + row["completion"] for row in rows]
    return sum(len(ids) > limit for ids in tokenizer.apply_chat_template(chats)["input_ids"])

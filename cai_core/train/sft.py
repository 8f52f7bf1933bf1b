"""Supervised fine-tuning: TRL's SFTTrainer on the completions of conversational rows.

The result is a plain model folder: adapters are merged and kept beside it, with the tokenizer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import datasets
import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl.trainer.sft_config import SFTConfig as TrlSftConfig
from trl.trainer.sft_trainer import SFTTrainer

from cai_core.errors import TrainError
from cai_core.schema import Row
from cai_core.train import loop
from cai_core.train.card import Run
from cai_core.train.configs import LoraSetting, SftConfig
from cai_core.train.loop import Fit, Task
from cai_core.train.watch import ends, first_batch

MEASURES = ("loss", "entropy", "mean_token_accuracy")
ENDS_OF = 256  # dev rows of which the best and worst are looked for
MUCH_PADDING = 0.3  # of the positions computed: from there on a note tells of packing
ADAPTER = "adapter"


class Quiet:
    """Put before a TRL trainer: no ping, and no card of its own."""

    def _send_telemetry(self) -> None:
        """Nothing leaves this machine."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """The card is written once, by `card`, when the result is whole."""


class QuietSftTrainer(first_batch.ShowsFirstBatch, Quiet, SFTTrainer):
    """SFTTrainer that drops a row whose completion is cut away, packing or not, and counts it."""

    def first_batch(self, inputs: Any) -> list[Row]:
        return first_batch.of_labels(self.processing_class, inputs)

    def _prepare_dataset(
        self,
        dataset: Any,
        processing_class: Any,
        args: Any,
        packing: bool,
        formatting_func: Any,
        dataset_name: str,
    ) -> Any:
        """Cut and drop first: TRL packs rows of which nothing is left to learn."""
        prepare: Any = super()._prepare_dataset
        given = (processing_class, args)
        rows = prepare(dataset, *given, False, formatting_func, dataset_name)
        if dataset_name == "train":
            if not len(rows):
                raise TrainError(
                    f"no prompt leaves room for its answer: all {len(dataset)} rows are longer than"
                    f" max_length = {args.max_length} before the answer begins"
                )
            self.kept_lengths = [len(ids) for ids in rows["input_ids"]]
        return prepare(rows, *given, True, None, dataset_name) if packing else rows

    def made_of(self, rows: Sequence[Row]) -> Any:
        """Held-out rows as they are measured: cut, and without those of which nothing is left.

        A column `row` says which of the rows each one is.
        """
        numbered = dataset([{**row, "row": place} for place, row in enumerate(rows)])
        return self._prepare_dataset(
            numbered, self.processing_class, self.args, False, None, "eval"
        )


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
    model = load_causal(task.model)
    if config.packing:
        check_packing(model)
    trainer = QuietSftTrainer(
        model=model,
        args=_arguments(task),
        train_dataset=dataset(task.data.train),
        eval_dataset=dev_of(task),
        processing_class=tokenizer,
        peft_config=lora(config.lora, "CAUSAL_LM"),
    )
    lost = Lost.count(task.data.train, trainer, config)
    fit = loop.fit(trainer, task)
    metrics = fit.metrics | held_out(trainer, task, fit)
    _tell_ends(trainer, task)
    save_merged(trainer, task.out)
    run = task.run(steps=fit.steps, seconds=fit.seconds, metrics=metrics | lost.metrics)
    return loop.with_notes(run, *lost.notes, fit.note)


class Lost:
    """What of the rows the model does not see, and how much of what it computes is padding."""

    def __init__(self, *, cut: int, dropped: int, padding: float) -> None:
        self.metrics: dict[str, float] = {"cut_rows": cut, "dropped_rows": dropped}
        self.metrics["padding_share"] = padding
        self.notes = (
            f"{cut} rows were longer than max_length and cut" if cut else "",
            f"{dropped} rows were left out: nothing of their answer fits into max_length"
            if dropped
            else "",
            f"about {padding:.0%} of what was computed was padding; `packing` leaves it out"
            if padding > MUCH_PADDING
            else "",
        )

    @classmethod
    def count(cls, rows: Sequence[Row], trainer: Any, config: SftConfig) -> "Lost":
        lengths = trainer.kept_lengths
        dropped = len(rows) - len(lengths)
        full = sum(length == config.max_length for length in lengths)
        cut = _longer_than(config.max_length, rows, trainer.processing_class) if full else dropped
        size = config.per_device_train_batch_size
        padding = 0.0 if config.packing else padding_share(lengths, size, seed=config.seed)
        return cls(cut=cut - dropped, dropped=dropped, padding=padding)


def padding_share(lengths: Sequence[int], size: int, *, seed: int = 0) -> float:
    """Share of padding in batches of `size` rows drawn in a random order, in [0, 1)."""
    order = torch.randperm(len(lengths), generator=torch.Generator().manual_seed(seed)).tolist()
    batches = [[lengths[i] for i in order[at : at + size]] for at in range(0, len(order), size)]
    computed = sum(max(batch) * len(batch) for batch in batches)
    return 1 - sum(lengths) / computed if computed else 0.0


@torch.no_grad()
def check_packing(model: Any) -> None:
    """Check on the model itself that a row packed behind another does not see it.

    transformers keeps packed rows apart by their position ids where its own attention makes the
    mask (eager, sdpa, flash attention); what mixes tokens otherwise would not.

    Raises:
        TrainError: the second row's outputs change with the first.
    """
    length, device = 8, model.device
    second = torch.arange(10, 10 + length, device=device)
    at = torch.arange(length, device=device)
    rows = [torch.cat([torch.full_like(second, one), second]) for one in (3, 7)]
    positions = torch.cat([at, at])[None]
    model.eval()
    one, other = (
        model(input_ids=row[None], position_ids=positions, use_cache=False).logits[0, length:]
        for row in rows
    )
    if not torch.allclose(one, other, atol=1e-4):
        raise TrainError(
            f"packing is refused: in {type(model).__name__} a packed row sees the one before it;"
            " set packing to false"
        )


def _arguments(task: Task) -> TrlSftConfig:
    config = cast(SftConfig, task.config)
    return TrlSftConfig(
        **loop.arguments(task),
        num_train_epochs=config.num_train_epochs,
        max_steps=config.max_steps,
        max_length=config.max_length,
        packing=config.packing,
        eval_packing=False,  # so that a dev loss means the same with and without
        completion_only_loss=True,
        dataset_num_proc=None,
    )


def load_causal(folder: Path) -> Any:
    """A causal language model in float32, from safetensors only."""
    with loop.loading(folder):
        return AutoModelForCausalLM.from_pretrained(folder, **loop.SAFELY)


def dataset(rows: Sequence[Row]) -> Any:
    """The rows as a datasets.Dataset, without progress bars."""
    datasets.disable_progress_bars()
    return datasets.Dataset.from_list(list(rows))


def dev_of(task: Task) -> Any:
    """The dev rows, for a look at them during training; None where there are none."""
    rows = task.data.split("dev")
    return dataset(rows) if rows else None


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


def held_out(
    trainer: Any, task: Task, fit: Fit, *, names: Sequence[str] = MEASURES
) -> dict[str, float]:
    """TRL's measures `names` on the dev (eval_loss, ...) and test rows (test_loss, ...), where there are any.

    Those of the dev rows are taken from the training where it looked at them with the same weights.
    """
    metrics: dict[str, float] = {}
    for split, prefix in (("dev", "eval_"), ("test", "test_")):
        rows = task.data.split("dev" if split == "dev" else "test")
        measured = fit.dev if split == "dev" else {}
        if rows and not measured and len(made := trainer.made_of(rows)):
            measured = trainer.evaluate(made)
        for name in names:
            if f"eval_{name}" in measured:
                metrics[prefix + name] = float(measured[f"eval_{name}"])
    if metrics:
        task.hooks.metric(fit.kept, metrics)
    return metrics


def _tell_ends(trainer: Any, task: Task) -> None:
    """The dev rows that the model finds easiest and hardest."""
    rows = task.data.split("dev")[:ENDS_OF]
    if not rows:
        return
    made = trainer.made_of(rows)
    losses = _row_losses(trainer, list(made))
    ends.tell(task.out, [rows[row["row"]] for row in made], losses, ends.LOSS)


@torch.no_grad()
def _row_losses(trainer: Any, rows: Sequence[Row]) -> list[float]:
    """Mean nats a token of each row's completion."""
    model, size = trainer.model.eval(), trainer.args.per_device_eval_batch_size
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    losses = [0.0] * len(rows)
    for start in range(0, len(order), size):
        part = order[start : start + size]
        ids, labels, seen = _padded([rows[i] for i in part], trainer.processing_class.pad_token_id)
        inputs = {"input_ids": ids, "attention_mask": seen, "labels": labels}
        inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
        given = model(**inputs, fused_lm_head=True)  # TRL's, which makes no (B, T, V) logits
        means = -given.log_probs.sum(1) / given.label_mask.sum(1).clamp(min=1)  # (B,)
        for place, value in zip(part, means.tolist(), strict=True):
            losses[place] = value
    return losses


def _padded(rows: Sequence[Row], pad: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, labels and mask of rows, each (B, T), padded on the right."""
    width = max(len(row["input_ids"]) for row in rows)
    ids = [row["input_ids"] + [pad] * (width - len(row["input_ids"])) for row in rows]
    labels = [row["labels"] + [-100] * (width - len(row["labels"])) for row in rows]
    seen = [[at < len(row["input_ids"]) for at in range(width)] for row in rows]
    return torch.tensor(ids), torch.tensor(labels), torch.tensor(seen).long()


def save_merged(trainer: Any, out: Path) -> None:
    """Save the model as plain safetensors with its tokenizer; adapters are merged in, and kept beside."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(model, "merge_and_unload"):
        model.save_pretrained(out / ADAPTER)
        (out / ADAPTER / "README.md").unlink(missing_ok=True)  # peft's template of a card
        model = model.merge_and_unload()
    model.save_pretrained(out)
    trainer.processing_class.save_pretrained(out)


def _longer_than(limit: int, rows: Sequence[Row], tokenizer: Any) -> int:
    chats = [row["prompt"] + row["completion"] for row in rows]
    return sum(len(ids) > limit for ids in tokenizer.apply_chat_template(chats)["input_ids"])

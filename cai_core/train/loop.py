"""The one way in which all methods run a transformers Trainer: arguments, hooks, resume, stop.

transformers is imported inside the functions; a page may import this module.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cai_core.errors import Stopped, TrainError
from cai_core.schema import Hooks, Progress, Row
from cai_core.train import best, checkpoints, trackers
from cai_core.train.card import Run, library_versions
from cai_core.train.configs import EpochsConfig, Method, TrainingConfig
from cai_core.train.rows import TrainingData
from cai_core.train.watch.hearing import Hearing
from cai_core.train.watch.measures import Watched
from cai_core.train.watch.monitor import Monitor
from cai_core.train.watch.records import Watch as Folder


@dataclass(frozen=True)
class Task:
    """What to train, from what, into which folder; `model` is a local folder of safetensors."""

    method: Method
    data: TrainingData
    model: Path
    out: Path
    config: TrainingConfig
    base_model: str = ""
    reward_model: str = ""  # the id of what PPO learns from
    judges: tuple[str, ...] = ()  # ids of the models that made the labels
    evaluation: Row = field(default_factory=dict)  # by what a policy is compared with its start
    hooks: Hooks = field(default_factory=Hooks)

    @property
    def name(self) -> str:
        """The base model's id as it was asked for, else its folder."""
        return self.base_model or str(self.model)

    @property
    def settings(self) -> Row:
        row: Row = {"method": self.method, "model": self.name, "dataset": self.data.hash}
        row |= {"reward_model": self.reward_model} if self.reward_model else {}
        row |= {"evaluation": self.evaluation} if self.evaluation else {}
        return row | {"config": self.config.model_dump(mode="json")}

    def run(self, *, steps: int, seconds: float, metrics: Mapping[str, Any]) -> Run:
        """The record of this task when it is done."""
        path = self.data.path
        dataset: Row = {"path": str(path), "hash": self.data.hash, "rows": self.data.sizes}
        if self.data.certificate:
            dataset["certificate"] = self.data.certificate
        constitution = self.data.manifest.get("constitution")
        return Run(
            method=self.method,
            base_model=self.name,
            config=self.config.model_dump(mode="json"),
            dataset=dataset,
            seed=self.config.seed,
            steps=steps,
            train_seconds=seconds,
            metrics=metrics,
            constitution=constitution if isinstance(constitution, dict) else None,
            reward_model=self.reward_model,
            judges=self.judges or tuple(self.data.manifest.get("judges") or ()),
            versions=library_versions(),
        )


def perform(task: Task, work: Callable[[Task], Run]) -> Run:
    """Claim the folder, do the work, and mark the result; one that is whole is not made again.

    Raises:
        Stopped: as asked; a checkpoint was kept and the same call goes on from it.
        TrainError: other settings began here, or the training cannot start or diverged.
    """
    checkpoints.begin(task.out, task.settings)
    if checkpoints.is_complete(task.out):
        return Run.read(task.out)
    _be_quiet()
    try:
        trackers.prepare(task.config.report_to, task.out)
        run = work(task)
    except BaseException:
        checkpoints.abandon_if_empty(task.out)
        raise
    run.write(task.out)
    checkpoints.finish(task.out)
    return run


def _be_quiet() -> None:
    """No ping, no progress bars: stdout is the command's, progress goes through the hooks."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


_AS_THEY_ARE = (
    *("seed", "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay"),
    *("max_grad_norm", "per_device_train_batch_size", "gradient_accumulation_steps"),
    *("logging_steps", "save_steps"),
)


def arguments(task: Task) -> dict[str, Any]:
    """The keyword arguments that every TrainingArguments gets."""
    import torch

    bf16 = task.config.bf16
    if bf16 is None:
        bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return {name: getattr(task.config, name) for name in _AS_THEY_ARE} | {
        "per_device_eval_batch_size": task.config.per_device_train_batch_size,
        "output_dir": str(task.out / checkpoints.CHECKPOINTS),
        "activation_checkpointing": task.config.gradient_checkpointing,
        "bf16": bf16,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "disable_tqdm": True,
        "logging_nan_inf_filter": False,
        "report_to": task.config.report_to,
        "run_name": str(task.out),
    }


@dataclass(frozen=True)
class Fit:
    """What one pass of training came to: the weights are those of step `kept`.

    `dev` is what was measured of them on the dev rows; empty where nothing was.
    """

    steps: int
    seconds: float
    metrics: dict[str, float]
    kept: int = 0
    dev: dict[str, float] = field(default_factory=dict)
    note: str = ""


def fit(trainer: Any, task: Task) -> Fit:
    """Train to the last step from the newest valid checkpoint, telling the hooks.

    With an `eval_dataset` it looks at it every `eval_steps`, stops where that is enough, and keeps the
    best weights. The seconds are those of all attempts, counted through the checkpoints.
    """
    from transformers import PrinterCallback

    watch = _watch(task)
    trainer.add_callback(watch)
    trainer.remove_callback(PrinterCallback)
    if isinstance(task.config, EpochsConfig) and trainer.eval_dataset:
        trainer.add_callback(best.callback(task.config))
    folder = task.out / checkpoints.CHECKPOINTS
    checkpoints.discard_broken(folder)
    newest = checkpoints.newest_valid(folder)
    if newest and _trained(newest, task):  # killed between its last step and its result
        watch.seconds = checkpoints.seconds(newest)
        _take_up(trainer, newest)
    else:
        trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    trainer.remove_callback(watch)
    state = trainer.state
    if state.global_step < state.max_steps and not best.over(task.config, state):
        if watch.stopped:
            raise Stopped(f"stopped after step {state.global_step} of {state.max_steps}, as asked")
        raise TrainError(f"training ended at step {state.global_step} of {state.max_steps}")
    last: Row = next((log for log in reversed(state.log_history) if "loss" in log), {})
    kept, note = best.take(trainer, folder)
    dev = _numbers(best.measured(state, kept))
    return Fit(state.global_step, watch.seconds, _numbers(last), kept, dev, note)


def _trained(checkpoint: Path, task: Task) -> bool:
    """Whether there is no step left to take from `checkpoint`."""
    from transformers import TrainerState

    state = TrainerState.load_from_json(str(checkpoint / _STATE_FILE))
    return state.global_step >= state.max_steps or best.over(task.config, state)


def _take_up(trainer: Any, checkpoint: Path) -> None:
    """Weights and state as they were at the end of a training."""
    from transformers import TrainerState

    trainer._load_from_checkpoint(str(checkpoint))
    trainer.state = TrainerState.load_from_json(str(checkpoint / _STATE_FILE))


def _numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in logs.items()
        if isinstance(value, int | float) and name != "step" and not name.endswith(_SPEED)
    }


_SPEED = ("_runtime", "_per_second")  # of an evaluation: no curve
_STATE_FILE = "trainer_state.json"


def _watch(task: Task) -> Any:
    """The callback between Trainer and hooks; its base class is transformers', hence a closure."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        """Reports, asks for a stop after each step, and marks each checkpoint when it is whole."""

        def __init__(self) -> None:
            self.stopped = False
            self.seconds = 0.0
            self._since = time.monotonic()

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            newest = checkpoints.newest_valid(Path(args.output_dir))
            watched = Watched.of(task.config, exact=not args.bf16)
            self.hearing = Hearing(Monitor(watched), Folder(task.out), task.hooks)
            self.hearing.begin(state.global_step, newest)
            self.seconds = checkpoints.seconds(newest) if newest else 0.0
            self._since = time.monotonic()
            task.hooks.progress(Progress(state.global_step, state.max_steps))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            task.hooks.progress(Progress(state.global_step, state.max_steps))
            if task.hooks.should_stop() and state.global_step < state.max_steps:
                self.stopped = control.should_save = control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            values = _numbers(logs or {})
            self.hearing.hear(state.global_step, values)
            loss = values.get("loss", 0.0)
            if loss - loss != 0:
                raise TrainError(
                    f"the loss is {loss} at step {state.global_step}: training diverged; lower"
                    " learning_rate or check the data"
                )
            if values:
                task.hooks.metric(state.global_step, values)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = Path(args.output_dir)
            newest = folder / f"checkpoint-{state.global_step}"
            seconds = self.seconds + time.monotonic() - self._since
            (newest / checkpoints.SECONDS).write_text(str(seconds))
            self.hearing.keep(newest)
            checkpoints.mark_complete(newest)
            checkpoints.keep_newest(folder, best=state.best_global_step)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.seconds += time.monotonic() - self._since

    return Watch()


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turn what transformers raises over a model that it cannot load into a TrainError."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainError(f"the model in {folder} cannot be loaded: {reason}") from error


SAFELY: Mapping[str, Any] = {
    **{"use_safetensors": True, "local_files_only": True, "trust_remote_code": False},
    "dtype": "float32",
}


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a chat model, padding with a token that does not end a turn.

    Raises:
        TrainError: no chat template, no end-of-turn token, or no token to pad with.
    """
    from transformers import AutoTokenizer

    with loading(folder):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    if not tokenizer.chat_template:
        raise TrainError(f"the tokenizer of {folder} has no chat template; use an instruct model")
    if tokenizer.eos_token_id is None:
        raise TrainError(f"the tokenizer of {folder} names no end-of-turn token")
    tokenizer.pad_token = _pad_token(tokenizer, folder)
    return tokenizer


def _pad_token(tokenizer: Any, folder: Path) -> str:
    """Its own pad token, else a special token that no rendered chat contains."""
    chat = [{"role": role, "content": "x"} for role in ("system", "user", "assistant")]
    rendered = tokenizer.apply_chat_template(chat[1:], tokenize=False)
    tokens = [
        tokenizer.pad_token,
        "<|endoftext|>",
        tokenizer.unk_token,
        *tokenizer.all_special_tokens,
    ]
    known = tokenizer.get_vocab()
    for token in tokens:
        if token and token in known and token != tokenizer.eos_token and token not in rendered:
            return str(token)
    raise TrainError(f"the tokenizer of {folder} has no token to pad with but the end of turn")


def with_notes(run: Run, *notes: str) -> Run:
    """The record with the notes that say something."""
    return replace(run, notes=run.notes + tuple(note for note in notes if note))

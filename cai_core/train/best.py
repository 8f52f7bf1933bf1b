"""The weights with the lowest loss on the dev rows: when to look, which they are, when to stop.

All that is known stands in the Trainer's state, which a checkpoint keeps; so a run that was killed
and goes on looks, stops and chooses as if it had not been.
"""

from pathlib import Path
from typing import Any

from cai_core.schema import Row
from cai_core.train import checkpoints
from cai_core.train.configs import EpochsConfig

LOSS = "eval_loss"


def callback(config: EpochsConfig) -> Any:
    """Evaluates every `eval_steps` and after the last step, and saves a checkpoint that is the best.

    Its base class is transformers', hence a closure.
    """
    from transformers import TrainerCallback

    class Best(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            every, step = config.eval_steps, state.global_step
            if every and (step % every == 0 or step >= state.max_steps):
                control.should_evaluate = True

        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: Row | None = None, **_: Any
        ) -> None:
            loss = (metrics or {}).get(LOSS)
            if loss is not None and (state.best_metric is None or loss < state.best_metric):
                state.best_metric, state.best_global_step = loss, state.global_step
                control.should_save = True
            elif over(config, state):
                control.should_save = control.should_training_stop = True

    return Best()


def over(config: Any, state: Any) -> bool:
    """Whether the dev loss has not fallen for `early_stopping_patience` looks."""
    patience = config.early_stopping_patience if isinstance(config, EpochsConfig) else None
    if patience is None or not state.best_global_step:
        return False
    looks = {log["step"] for log in state.log_history if LOSS in log}
    return len([step for step in looks if step > state.best_global_step]) >= patience


def measured(state: Any, step: int) -> Row:
    """What was logged of the dev rows at `step`; empty where nothing was."""
    return next((log for log in state.log_history if LOSS in log and log["step"] == step), {})


def take(trainer: Any, folder: Path) -> tuple[int, str]:
    """Put the best weights in place of the last ones: of which step they are, and a note for people.

    Args:
        folder: where the checkpoints are; the best one may have been broken by a crash.
    """
    state = trainer.state
    last, best = state.global_step, state.best_global_step
    early = f"stopped early at step {last} of {state.max_steps}; " if last < state.max_steps else ""
    if not best or best == last:
        return last, ""
    kept = folder / f"checkpoint-{best}"
    if not checkpoints.is_complete(kept):
        return (
            last,
            f"{early}the checkpoint of step {best} cannot be read: the last weights are kept",
        )
    state.best_model_checkpoint = str(kept)
    trainer._load_best_model()
    return best, f"{early}the weights of step {best} are kept, with the lowest dev loss"

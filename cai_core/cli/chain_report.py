"""What a chain reports in the morning: its stages in numbers, and the alarms with their remedies."""

from collections.abc import Callable, Mapping, Sequence

from cai_core.schema import Row
from cai_core.text import is_boilerplate, is_refusal, repetition
from cai_core.train.card import Run, plain

# Shares and gaps from which a person should look; all are ours, chosen to be rare in a sound run.
MORE_REFUSALS = 0.2  # of answers, above those of the model before
REPETITIVE = 0.3  # mean share of repeated 4-grams (collapse: arXiv 2504.04918)
BOILERPLATE = 0.2  # of answers
CORRELATED = 0.5  # of the reward with refusing or with length
FIRST_RATIO = 1e-4  # what sampling and learning may differ by
SHOWN = {
    "sft": ("loss", "eval_loss", "test_loss", "eval_mean_token_accuracy"),
    "reward": ("loss", "accuracy", "eval_accuracy", "test_accuracy", "dropped_pairs"),
    "ppo": (
        *("objective/scores", "eval_objective/scores_before", "eval_objective/scores"),
        *("objective/kl", "objective/entropy", "val/response_length", "val/explained_variance"),
    ),
}


def run_numbers(run: Run) -> Row:
    """The measures of a training that belong on one page."""
    names = SHOWN[run.method]
    return {"steps": run.steps} | {n: run.metrics[n] for n in names if n in run.metrics}


def alarms(runs: Mapping[str, Run], preview: Row | None, comparisons: Sequence[Row]) -> list[str]:
    """What looks wrong, each with what to do about it."""
    said = _about_reward(runs.get("reward"), preview) + _about_ppo(runs.get("ppo"))
    for row in comparisons:
        if row["model_b"] == runs["ppo"].base_model:
            said += _about_answers(row["rows"])
        if not row["independent"]:
            said.append(f"{row['independence']} Compare again with a judge from outside.")
    return list(dict.fromkeys(said))


def _about_reward(run: Run | None, preview: Row | None) -> list[str]:
    said = []
    accuracy = (plain(run.metrics.get("test_accuracy")) or {}) if run else {}
    if run and (accuracy.get("low") is None or accuracy["low"] <= 0.5):
        said.append(
            f"The reward model is not shown to be better than chance on {accuracy.get('n', 0)} test"
            " pairs: judge more pairs, or use a better judge or a majority of three."
        )
    for name, what in (("refusal", "refusing"), ("length", "length")):
        value = (preview or {}).get(f"correlation_with_{name}")
        if value is not None and abs(value) >= CORRELATED:
            said.append(
                f"The reward goes with {what} (correlation {value:.2f}): mix in more helpful pairs"
                " and look at the labels."
            )
    return said


def _about_ppo(run: Run | None) -> list[str]:
    gap = run.metrics.get("val/first_ratio_gap") if run else None
    if gap is None or gap <= FIRST_RATIO:
        return []
    return [f"PPO's first ratio is {gap:.2g} off 1: sampling and learning see different models."]


def _about_answers(rows: Sequence[Row]) -> list[str]:
    """PPO's answers (A) beside those of the policy that it started from (B)."""
    if not rows:
        return []
    after, before = ([row[side] for row in rows] for side in ("response_a", "response_b"))
    said = []
    refusals = _share(after, is_refusal) - _share(before, is_refusal)
    if refusals >= MORE_REFUSALS:
        said.append(
            f"PPO refuses {refusals:.0%} more of the prompts than SFT: add a principle against"
            " evasiveness, or more helpful pairs."
        )
    repeated = sum(repetition(text) for text in after) / len(after)
    if repeated >= REPETITIVE:
        said.append(f"PPO repeats itself ({repeated:.0%} of 4-grams): raise kl_coef or train less.")
    if _share(after, is_boilerplate) >= BOILERPLATE:
        said.append("PPO's answers are full of stock phrases: reword the principles, train less.")
    return said


def _share(texts: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, texts)) / len(texts)

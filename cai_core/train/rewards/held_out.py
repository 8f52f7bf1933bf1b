"""What a reward model says of held-out pairs: their scores, kept in OUT/scores.json for reports.

    {"dev": [[chosen, rejected], ...], "test": [...]}

in the order of the dataset's rows, as the head gives them: the difference of two is a log-odds.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from cai_core.errors import TrainError
from cai_core.schema import Hooks, Row, Split
from cai_core.stats import Estimate, wilson
from cai_core.train.rewards.scale import Scorer

FILE = "scores.json"
HELD_OUT: tuple[Split, ...] = ("dev", "test")
Scores = dict[str, list[list[float]]]


def both_sides(judge: Scorer, rows: Sequence[Row]) -> list[list[Row]]:
    """The chats of each preference row, chosen and rejected in turn, behind the same prompt."""
    chats: list[list[Row]] = []
    for row in rows:
        answers = [*row["chosen"], *row["rejected"]]
        prompt = judge.shared_prompt(list(row["prompt"]), answers)
        chats += [[*prompt, answer] for answer in answers]
    return chats


def pair_scores(
    judge: Scorer, rows: Sequence[Row], hooks: Hooks | None = None
) -> list[list[float]]:
    """[chosen, rejected] of each preference row."""
    raw = judge.raw(both_sides(judge, rows), hooks=hooks)
    return [raw[place : place + 2] for place in range(0, len(raw), 2)]


def accuracies(rows: Sequence[Row], scores: Sequence[Sequence[float]], prefix: str) -> Row:
    """Share of pairs ordered as their label says, in all and by source; ties are left out."""
    found: dict[str, Estimate] = {}
    sides = [(row, _right(row, *pair)) for row, pair in zip(rows, scores, strict=True)]
    told = [(row, right) for row, right in sides if row["p_chosen"] != 0.5]
    found[f"{prefix}_accuracy"] = wilson(sum(right for _, right in told), len(told))
    for source in sorted({row["source"] for row, _ in told}):
        part = [right for row, right in told if row["source"] == source]
        found[f"{prefix}_accuracy_{source}"] = wilson(sum(part), len(part))
    return found


def leaning(
    rows: Sequence[Row], scores: Sequence[Sequence[float]]
) -> tuple[list[Row], list[float]]:
    """Rows whose label leans, and by how much each is ordered as labelled; under 0 where it is not."""
    told = [(row, pair) for row, pair in zip(rows, scores, strict=True) if row["p_chosen"] != 0.5]
    gaps = [
        (chosen - rejected) * (1.0 if row["p_chosen"] > 0.5 else -1.0)
        for row, (chosen, rejected) in told
    ]
    return [row for row, _ in told], gaps


def _right(row: Row, chosen: float, rejected: float) -> float:
    """1 where the pair is ordered as labelled, 0.5 where the scores are equal, else 0."""
    gap = (chosen - rejected) * (row["p_chosen"] - 0.5)
    return 1.0 if gap > 0 else 0.5 if gap == 0 else 0.0


def write(folder: Path, scores: Scores) -> None:
    (folder / FILE).write_text(json.dumps(scores), encoding="utf-8")


def read(folder: Path) -> Scores | None:
    """None where they were not kept: a model trained elsewhere, or before they were."""
    path = folder / FILE
    try:
        found: Scores = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TrainError(f"{path} cannot be read; train the reward model again") from error
    return found

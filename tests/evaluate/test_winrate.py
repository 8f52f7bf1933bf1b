"""Win rates: what counts, who is independent, and what carries a headline."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from cai_core.errors import DataError, Stopped
from cai_core.evaluate.lineage import ancestry
from cai_core.evaluate.winrate import (
    BATCH,
    Comparison,
    Contest,
    Independence,
    check_prompts,
    compare,
    independence,
    panel_independence,
    win_rate,
)
from cai_core.schema import (
    Completion,
    ConstitutionRef,
    Hooks,
    Label,
    Pair,
    Prompt,
    Sampling,
    Usage,
    panel_id,
    user,
)
from cai_core.settings import BUILTIN


def label(verdict, prompt="q"):
    return Label(Pair.of((user(prompt),), "one", "other"), verdict, None)


def test_tie_counts_half_in_win_rate():
    found = win_rate([label("a", "1"), label("tie", "2"), label("b", "3"), label("a", "4")])
    assert found.estimate.value == pytest.approx(2.5 / 4)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)


def test_failed_skipped_and_bad_verdicts_do_not_count_as_halves():
    found = win_rate([label("a", "1"), label(None, "2"), label("skip", "3"), label("bad", "4")])
    assert (found.estimate.value, found.estimate.n, found.failed) == (1.0, 1, 3)


def test_several_pairs_of_one_prompt_are_one_draw():
    found = win_rate([label("a", "1"), label("a", "1"), label("b", "2")])
    assert (found.estimate.value, found.estimate.n) == (0.5, 2)


def test_without_a_verdict_there_is_no_number():
    assert np.isnan(win_rate([]).estimate.value)


def test_the_interval_covers_the_truth_with_ties_and_stays_narrow():
    rng = np.random.default_rng(0)
    covered, widths = [], []
    for _ in range(600):
        draws = rng.choice(["a", "tie", "b"], p=[0.5, 0.2, 0.3], size=60)
        estimate = win_rate([label(v, str(i)) for i, v in enumerate(draws)]).estimate
        covered.append(estimate.low <= 0.6 <= estimate.high)
        widths.append(estimate.high - estimate.low)
    assert np.mean(covered) >= 0.94
    assert np.mean(widths) <= 2 * 1.96 * np.sqrt(0.24 / 60)


def test_a_judge_that_went_into_a_model_is_not_independent():
    lineage = {"run:2": frozenset({"run:2", "run:1", "base"}), "base": frozenset({"base"})}
    assert not independence("base", frozenset({"base"}), lineage).independent
    assert not independence("run:1", frozenset({"run:1", "base"}), lineage).independent
    assert independence("endpoint:lab/big", frozenset({"endpoint:lab/big"}), lineage).independent


def test_a_judge_that_shares_a_base_with_a_model_is_not_independent():
    lineage = {"run:2": frozenset({"run:2", "base"})}
    found = independence("run:9", frozenset({"run:9", "base"}), lineage)
    assert not found.independent
    assert "share base" in found.reason


def test_a_panel_is_independent_only_if_all_its_judges_are():
    lineage = {"run:2": frozenset({"run:2", "base"})}
    outside = {name: frozenset({name}) for name in ("endpoint:lab/x", "endpoint:lab/y")}
    assert panel_independence(outside, lineage).independent
    found = panel_independence(outside | {"base": frozenset({"base"})}, lineage)
    assert not found.independent
    assert found.reason.startswith("1 of the panel's 3 judges are not independent. The judge base")
    alone = panel_independence({"base": frozenset({"base"})}, lineage)
    assert alone == independence("base", frozenset({"base"}), lineage)


def test_the_judges_of_a_panel_went_into_what_was_trained_on_its_labels(tmp_path):
    panel = panel_id(["x", "y"], "majority")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text(json.dumps({"base_model": "b", "judges": [panel]}))
    assert {"x", "y"} < ancestry("a", lambda name: tmp_path / name)


def comparison(judge, independent):
    return Comparison(
        "run:1", BUILTIN, judge, ConstitutionRef("c", "h"), (), Independence(independent, "why")
    )


def test_the_built_in_model_as_judge_of_its_kin_carries_no_headline():
    assert not comparison(BUILTIN, independent=False).headline
    assert comparison("endpoint:lab/big", independent=False).headline
    assert comparison(BUILTIN, independent=True).headline


def test_ancestry_follows_bases_rewards_and_judges(tmp_path):
    for name, row in {
        "a": {"base_model": "b", "reward_model": "r", "judges": ["j"]},
        "b": {"base_model": "c"},
        "c": {"base_model": "a"},  # a circle must not hang
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps(row))
    found = ancestry("a", lambda name: tmp_path / name)
    assert found == {"a", "b", "c", "r", "j"}


@dataclass
class Fixed:
    """A model that always says one thing, and remembers how many chats it was given at once."""

    says: str
    asked: list[int] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def generate(self, chats, params, *, hooks=None):
        self.asked.append(len(chats))
        return [Completion(self.says, 1, True) for _ in chats]


def prefer_long(pairs):
    for pair in pairs:
        longer = len(pair.response_a) > len(pair.response_b)
        yield Label(pair, "a" if longer else "b", float(longer))


def contest():
    return Contest(Fixed("a long answer"), Fixed("short"), prefer_long, Sampling())


def prompts(n):
    return [Prompt(f"p{i}", (user(f"question {i}"),)) for i in range(n)]


def test_every_prompt_gets_one_label_with_its_id_in_order():
    labels = list(compare(prompts(BATCH + 3), contest()))
    assert [item.id for item in labels] == [f"p{i}" for i in range(BATCH + 3)]
    assert win_rate(labels).estimate.value == 1.0


def test_a_stop_between_batches_keeps_what_was_judged():
    asked = iter([False, True])
    got = []
    with pytest.raises(Stopped):
        for item in compare(
            prompts(2 * BATCH), contest(), hooks=Hooks(should_stop=lambda: next(asked))
        ):
            got.append(item)
    assert len(got) == BATCH


def test_no_prompt_is_refused():
    with pytest.raises(DataError, match="no prompt to compare on"):
        check_prompts([], place="p.jsonl")

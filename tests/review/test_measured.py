"""What was measured of the built-in judge."""

from cai_core.feedback.comparison import shipped_templates
from cai_core.review.measured import MeasuredJudge, measured, measured_way
from cai_core.settings import JudgeSetting
from cai_core.stats import Estimate


def test_every_way_was_measured_on_at_least_a_hundred_pairs_under_a_shipped_template():
    ways = {(one.method, one.principles) for one in measured()}
    assert {("logprob", mode) for mode in ("each", "whole", "draw")} | {("cot", "whole")} <= ways
    for one in measured():
        assert one.agreement.n >= 90  # of a hundred pairs, those with a verdict
        assert one.agreement.low < one.agreement.value < one.agreement.high
        assert one.template.partition("+")[0] in shipped_templates()


def test_a_setting_finds_what_was_measured_with_its_method_mode_and_wording():
    setting = JudgeSetting(method="logprob", principles="draw")
    found = measured_way(setting, measured()[0].template)
    assert (found.method, found.principles) == ("logprob", "draw")
    assert measured_way(setting, f"{found.template}+4ex.0123abcd") is None
    other = JudgeSetting(method="repeat", principles="whole")
    assert measured_way(other, found.template) is None


def test_only_an_interval_above_one_half_is_better_than_chance():
    assert not MeasuredJudge(
        "logprob", "each", "x", Estimate(0.55, 0.46, 0.64, 100)
    ).better_than_chance
    assert MeasuredJudge("logprob", "each", "x", Estimate(0.65, 0.55, 0.74, 100)).better_than_chance

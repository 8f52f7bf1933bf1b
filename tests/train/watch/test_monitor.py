"""Runs as numbers: healthy ones are quiet, each kind of trouble is told once with its numbers."""

import json
import math
import random

import pytest

from cai_core.train.configs import PpoConfig, SftConfig
from cai_core.train.watch.alarms import REMEDIES
from cai_core.train.watch.duel import Duelled, gain_of
from cai_core.train.watch.measures import Watched
from cai_core.train.watch.monitor import Monitor
from cai_core.train.watch.samples import Sampled, Spoken

HEALTHY = {
    "objective/kl": 2.0,
    "objective/scores": 0.1,
    "objective/scores_std": 0.9,
    "policy/entropy_avg": 2.0,
    "policy/clipfrac_avg": 0.1,
    "val/response_length": 40.0,
    "val/num_eos_tokens": 31.0,
    "val/explained_variance": 0.2,
    "val/first_ratio_gap": 1e-6,
    "loss": 0.05,
}


def logs(count, **changed):
    """`count` healthy logs; a measure of `changed` goes from its usual value to the one given."""
    names = {name.rpartition("/")[2]: name for name in HEALTHY}
    for k in range(count):
        share = k / max(count - 1, 1)
        row = dict(HEALTHY)
        for short, end in changed.items():
            begin = HEALTHY[names[short]]
            row[names[short]] = end if math.isnan(end) else begin + share * (end - begin)
        yield row


def told(rows, monitor=None):
    monitor = monitor or Monitor()
    return [alarm for step, row in enumerate(rows, start=1) for alarm in monitor.see(step, row)]


def names(alarms):
    return [alarm.name for alarm in alarms]


def test_a_healthy_run_is_quiet():
    chance = random.Random(0)
    rows = [
        {name: value * (1 + chance.gauss(0, 0.15)) for name, value in HEALTHY.items()}
        for _ in range(200)
    ]
    assert told([{**row, "val/num_eos_tokens": 31.0} for row in rows]) == []


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("kl", {"kl": 30.0}, "nats an answer, over 10 (no target is set)"),
        ("entropy", {"entropy_avg": 0.1}, "of the start's 1.97"),
        ("length", {"response_length": 90.0}, "times the start's 41"),
        ("length", {"response_length": 5.0}, "times the start's 39"),
        ("truncated", {"num_eos_tokens": 10.0}, "cut at their limit, over 20%"),
        ("spread", {"scores_std": 0.0}, "at the start 0.88"),
        ("clipped", {"clipfrac_avg": 0.8}, "held by the clip, over 30%"),
        ("value", {"explained_variance": -1.0}, "in 5 logs running"),
        ("first_ratio", {"first_ratio_gap": 0.01}, "from 1, over 0.0001"),
        ("undefined", {"kl": math.nan}, "objective/kl is not a finite number"),
        ("undefined", {"loss": math.inf}, "loss is not a finite number"),
    ],
)
def test_each_trouble_is_told_once_with_its_numbers(name, changed, said):
    found = told(logs(60, **changed))
    assert names(found) == [name]
    assert said in found[0].reason
    assert found[0].remedy == REMEDIES[name]


def test_a_target_of_kl_moves_its_bound():
    rows = list(logs(30, kl=12.0))
    assert told(rows, Monitor(Watched(kl_target=20.0))) == []
    found = told(rows, Monitor(Watched(kl_target=4.0)))
    assert "over 6 (the target is 4)" in found[0].reason


def test_a_value_model_that_warms_up_is_left_alone():
    rows = [{**HEALTHY, "val/explained_variance": -1.0}] * 20
    assert told(rows, Monitor(Watched(value_after=20))) == []
    assert [alarm.step for alarm in told(rows, Monitor(Watched(value_after=10)))] == [15]


def test_a_first_ratio_may_be_wide_in_bfloat16():
    rows = [{**HEALTHY, "val/first_ratio_gap": 0.01}] * 3
    assert told(rows, Monitor(Watched(exact=False))) == []


def test_small_batches_are_looked_at_longer():
    """Of eight answers a log, one batch of long ones is chance."""
    spike = [HEALTHY, {**HEALTHY, "val/response_length": 110.0}, *[HEALTHY] * 20]
    rows = [{**row, "val/num_eos_tokens": 8.0} for row in [*[HEALTHY] * 8, *spike]]
    assert told(rows, Monitor(Watched(answers=8))) == []
    assert Watched(answers=8).window("length") == 4


def test_an_alarm_is_told_again_only_after_a_quiet_while():
    bad, good = {**HEALTHY, "policy/clipfrac_avg": 0.9}, HEALTHY
    flicker = told([*[bad] * 5, *[good] * 5, *[bad] * 5])
    assert names(flicker) == ["clipped"]
    again = told([*[bad] * 5, *[good] * 20, *[bad] * 5])
    assert names(again) == ["clipped", "clipped"]
    assert again[1].step > 25


def test_a_loss_that_rises_diverges():
    rows = [{"loss": 2.0 - 0.03 * k} for k in range(30)] + [
        {"loss": 1 + 0.2 * k} for k in range(30)
    ]
    assert names(told(rows)) == ["diverging"]


def test_a_loss_that_stays_does_not_learn_and_one_that_falls_slowly_does():
    chance = random.Random(3)
    assert names(told([{"loss": 0.693}] * 60)) == ["not_learning"]
    slow = [{"loss": 2.0 - 0.01 * k + chance.gauss(0, 0.2)} for k in range(100)]
    assert told(slow) == []


def test_a_dev_loss_that_rises_while_the_training_loss_falls_is_over_fitting():
    rows = []
    for k in range(40):
        rows.append({"loss": 2.0 - 0.04 * k})
        if k % 10 == 9:
            rows.append({"eval_loss": {9: 1.9, 19: 1.6, 29: 1.59, 39: 1.8}[k]})
    found = told(rows)
    assert names(found) == ["overfitting"]
    assert "1.800, 1.13 times its lowest 1.590" in found[0].reason


def test_the_loss_of_an_online_method_need_not_fall():
    assert told([{**HEALTHY, "loss": 0.01 * k} for k in range(80)]) == []
    rloo = {"reward": 0.1, "reward_std": 0.5, "completions/mean_length": 40.0, "kl": 0.1}
    assert told([{**rloo, "loss": 0.0}] * 80) == []


def test_kl_of_trl_is_counted_an_answer():
    rows = [{"reward": 0.1, "completions/mean_length": 50.0, "kl": 0.4}] * 5
    assert "KL is 20.0 nats an answer" in told(rows)[0].reason


def test_a_monitor_that_was_kept_goes_on_as_if_nothing_had_happened():
    rows = list(logs(60, kl=30.0, clipfrac_avg=0.8))
    whole = told(rows)
    for cut in (3, 20, 45):
        first = Monitor()
        before = told(rows[:cut], first)
        second = Monitor()
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        after = [a for step in range(cut, 60) for a in second.see(step + 1, rows[step])]
        assert before + after == whole


def test_what_a_run_is_watched_for_comes_from_its_settings():
    config = PpoConfig(
        kl_target=5.0, num_value_warmup_batches=2, num_ppo_epochs=3, num_mini_batches=2
    )
    watched = Watched.of(config)
    assert (watched.kl_target, watched.value_after, watched.answers) == (5.0, 12, 32)
    assert Watched.of(SftConfig(), exact=False) == Watched(exact=False)


def spoken(*texts):
    return [Spoken(text) for text in texts]


PLAIN = [
    f"{how} {what} and wait for {k} minutes, then serve."
    for k, how in enumerate(("Boil", "Warm", "Chill", "Steam"))
    for what in ("water", "milk", "rice", "beans", "oats", "soup")
]


def test_answers_like_the_starts_are_quiet():
    again = Sampled(spoken(*PLAIN[::-1]), spoken(*PLAIN))
    assert Monitor().see_samples(10, again) == []


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("boilerplate", lambda t: f"Sure, here is a revised response: {t}", "24 of 24 answers"),
        ("boilerplate", lambda t: f"{t} Bless the moon!", "say “"),
        ("repetition", lambda t: f"{t} {t} {t}", "24 of 24 answers go round in circles, 0"),
        ("length", lambda t: t[:10], "times as long as the start's to the same 24 prompts"),
    ],
)
def test_what_becomes_of_answers_is_told(name, change, said):
    monitor = Monitor()
    found = monitor.see_samples(10, Sampled(spoken(*map(change, PLAIN)), spoken(*PLAIN)))
    alarm = next(alarm for alarm in found if alarm.name == name)
    assert said in alarm.reason
    assert (
        monitor.see_samples(20, Sampled(spoken(*map(change, PLAIN)), spoken(*PLAIN))) == []
    )  # told already


def test_refusals_on_safe_prompts_are_told_apart_from_those_on_others():
    sorry = spoken(*["I'm sorry, but I can't help with that."] * 12)
    start = spoken(*PLAIN[:12])
    found = Monitor().see_samples(10, Sampled(start, start, sorry, start))
    assert names(found) == ["refusals"]
    assert "12 of 12 answers to safe prompts refuse, 0 at the start" in found[0].reason
    assert "refusals" not in names(Monitor().see_samples(10, Sampled(sorry, start)))


def test_no_answer_and_one_answer_tell_nothing():
    assert Monitor().see_samples(1, Sampled([], [])) == []
    assert Monitor().see_samples(1, Sampled(spoken("a"), spoken("b c d" * 40))) == []


def duelled(*chances, reward=1.0, before=0.0):
    return Duelled("judge", gain_of(chances), reward, before)


WORSE = [0.3, 0.2, 0.4, 0.3] * 4


def test_the_decisive_alarm_sounds_the_second_time_running():
    monitor = Monitor()
    assert monitor.see_duel(10, duelled(*WORSE)) == []
    assert monitor.see_duel(20, duelled(*[0.6, 0.4] * 8)) == []  # not surely worse
    assert monitor.see_duel(30, duelled(*WORSE)) == []
    found = monitor.see_duel(40, duelled(*WORSE, reward=0.8, before=0.1))
    assert names(found) == ["gaming"]
    assert "gain -0.20 (90%: " in found[0].reason
    assert "the reward rose from 0.10 to 0.80" in found[0].reason
    assert monitor.see_duel(50, duelled(*WORSE)) == []  # told once


def test_the_decisive_alarm_needs_a_reward_that_rises_and_enough_verdicts():
    for rows in ([duelled(*WORSE, reward=-0.1)] * 3, [duelled(*WORSE[:7])] * 3):
        monitor = Monitor()
        assert [a for k, row in enumerate(rows) for a in monitor.see_duel(k, row)] == []


def test_prompts_without_a_verdict_are_left_out_of_the_gain():
    found = gain_of([0.9, None, 0.7, None])
    assert (found.value, found.n) == (pytest.approx(0.3), 2)
    assert math.isnan(gain_of([None]).value)

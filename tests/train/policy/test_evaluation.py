"""A policy beside its start: answers, judge, alarms, and the best checkpoint; no model is loaded."""

import json

import pytest

from cai_core.errors import ModelError, Stopped
from cai_core.schema import Hooks, chat_from_row
from cai_core.train import checkpoints
from cai_core.train.card import Run
from cai_core.train.configs import PpoConfig
from cai_core.train.policy import best
from cai_core.train.policy.evaluation import Evaluation, Questions, Umpire
from cai_core.train.watch.records import Watch
from cai_core.train.watch.samples import Spoken
from tests.train.conftest import make_task, prompt_rows, turn, write_dataset

DEV = 16


class Talker:
    """A policy that says one thing; saving it writes that down."""

    def __init__(self, text="plain"):
        self.text, self.asked = text, 0

    def answer(self, chats):
        self.asked += 1
        return [Spoken(f"{self.text:.<8} {place}") for place, _ in enumerate(chats)]

    def save_policy(self, out):
        (out / "model.safetensors").write_text(self.text)


class Judge:
    """P(the first is better), as it is told; remembers what it saw."""

    def __init__(self, *chances):
        self.chances, self.seen = list(chances), []

    def __call__(self, chats, firsts, seconds):
        self.seen.append((tuple(firsts), tuple(seconds)))
        told = self.chances.pop(0)
        if isinstance(told, Exception):
            raise told
        spread = (0.05, -0.05)
        return [told and told + spread[k % 2] for k in range(len(chats))]


class Reward:
    def __init__(self, *means):
        self.means = list(means)

    def __call__(self, chats, answers):
        mean = self.means.pop(0)
        return [mean + 0.1 * (k % 3 - 1) for k in range(len(chats))]


@pytest.fixture
def told():
    return []


@pytest.fixture
def task(tmp_path, told):
    rows = prompt_rows(DEV, 100)
    rows[3]["tags"] = rows[5]["tags"] = ["safe"]
    data = write_dataset(tmp_path / "data", "prompts", train=prompt_rows(4), dev=rows)
    config = PpoConfig(eval_steps=10)
    hooks = Hooks(
        metric=lambda step, values: told.append((step, dict(values))),
        event=lambda name, detail: told.append((name, dict(detail))),
    )
    return make_task("ppo", data, tmp_path, tmp_path / "out", config, hooks=hooks)


def evaluation(task, reward, judge=None, **more):
    umpire = Umpire("path:/judge", judge) if judge else None
    made = Evaluation(task, Questions.of(task, **more), reward, umpire)
    made.begin(0)
    return made


def run_all(made, policies):
    for step, policy in policies.items():
        assert made.due(step)
        made.run(step, policy)


def test_it_is_due_at_the_start_every_so_many_steps_and_at_the_end(task):
    made = evaluation(task, Reward(0, 0, 0))
    assert [step for step in range(35) if made.due(step, 33)] == [0]
    made.run(0, Talker())
    assert [step for step in range(35) if made.due(step, 33)] == [10, 20, 30, 33]
    made.run(10, Talker())
    assert [step for step in range(35) if made.due(step, 33)] == [20, 30, 33]


def test_without_dev_prompts_or_steps_nothing_is_evaluated(task, tmp_path):
    alone = write_dataset(tmp_path / "alone", "prompts", train=prompt_rows(4))
    other = make_task("ppo", alone, tmp_path, tmp_path / "o", PpoConfig())
    assert not evaluation(other, Reward()).due(0)
    never = make_task("ppo", task.data.path, tmp_path, tmp_path / "o", PpoConfig(eval_steps=None))
    assert not evaluation(never, Reward()).due(0)


def test_the_judge_sees_the_policys_answers_first_and_the_starts_second(task):
    judge = Judge(0.6, 0.6)
    made = evaluation(task, Reward(0.0, 0.5, 0.6), judge)
    run_all(made, {0: Talker("start"), 10: Talker("later"), 20: Talker("last")})
    assert [(firsts[0], seconds[0]) for firsts, seconds in judge.seen] == [
        ("later... 0", "start... 0"),
        ("last.... 0", "start... 0"),
    ]
    assert len(judge.seen[0][0]) == DEV


def test_samples_measures_and_the_comparison_are_told(task, told):
    made = evaluation(task, Reward(0.0, 0.5), Judge(0.7))
    run_all(made, {0: Talker("start"), 10: Talker("later")})
    watch = Watch(task.out)
    first, second = watch.samples()
    assert (first["step"], second["step"], len(second["rows"])) == (0, 10, 8)
    assert second["rows"][0].pop("score") == pytest.approx(0.4)
    asked = turn("user", "Is it 100?")
    assert second["rows"][0] == {"prompt": asked, "answer": "later... 0", "ended": True}
    duel = watch.duels()[0]
    assert duel["gain"]["value"] == pytest.approx(0.2)
    assert duel["gain"]["low"] < 0.2 < duel["gain"]["high"]
    assert (duel["gain"]["n"], duel["judge"]) == (DEV, "path:/judge")
    assert (duel["reward"], duel["reward_before"]) == pytest.approx((0.49375, -0.00625))
    values = {name: value for step, row in told if step == 10 for name, value in row.items()}
    assert {"eval/gain", "eval/gain_low", "eval/scores", "eval/looping"} <= set(values)
    assert values["eval/refusals_safe"] == 0


def test_safe_prompts_are_those_tagged_so_unless_others_are_given(task):
    assert [chat[0].content for chat in Questions.of(task).safe] == ["Is it 103?", "Is it 105?"]
    other = (chat_from_row(turn("user", "How do I kill a process?")),)
    assert Questions.of(task, other).safe == other


def test_the_alarm_sounds_at_the_second_loss_running_while_the_reward_rises(task, told):
    made = evaluation(task, Reward(0.0, 0.5, 0.9, 1.2), Judge(0.4, 0.3, 0.3))
    run_all(made, {0: Talker(), 10: Talker("a"), 20: Talker("b"), 30: Talker("c")})
    gaming = [alarm for alarm in Watch(task.out).alarms() if alarm.name == "gaming"]
    assert [alarm.step for alarm in gaming] == [20]
    assert "2 times running, while the reward rose from -0.01 to 0.89" in gaming[0].reason
    assert [detail["name"] for name, detail in told if name == "alarm"] == ["gaming"]


def test_the_checkpoint_that_the_judge_likes_most_is_kept_whole(task):
    made = evaluation(task, Reward(0, 0.1, 0.2, 0.3, 0.4), Judge(0.45, 0.6, 0.7, 0.65))
    run_all(made, {0: Talker(), 10: Talker("a"), 20: Talker("b")})
    assert (task.out / "best" / "model.safetensors").read_text() == "b"
    run_all(made, {30: Talker("c"), 40: Talker("d")})
    folder = task.out / "best"
    assert (folder / "model.safetensors").read_text() == "c"
    assert checkpoints.is_complete(folder)
    assert made.best is not None
    assert (made.best["step"], made.best["judge"]) == (30, "path:/judge")
    assert made.best["gain"]["value"] == pytest.approx(0.2)
    assert sorted(path.name for path in task.out.iterdir()) == ["best", "watch"]


def test_the_best_names_the_judge_among_what_made_it(task):
    """Chosen by this judge, it must not be measured by it as if that were independent."""
    made = evaluation(task, Reward(0, 0.1), Judge(0.7))
    run_all(made, {0: Talker(), 10: Talker("a")})
    run = Run.read(task.out / "best")
    assert (run.judges, run.steps) == (("path:/judge",), 10)
    assert "not independent" in (task.out / "best" / "README.md").read_text()


def test_a_policy_that_no_judge_liked_more_than_its_start_has_no_best(task):
    made = evaluation(task, Reward(0, 0.1, 0.2), Judge(0.45, 0.49))
    run_all(made, {0: Talker(), 10: Talker("a"), 20: Talker("b")})
    assert not (task.out / "best").exists()
    assert made.best == {"step": 0, "judge": "path:/judge"}
    run = Run("ppo", "b", {}, {}, 0, 1, 1.0, {}, best=made.best)
    assert "`path:/judge` liked no checkpoint more than the start" in run.card()


def test_without_a_judge_there_are_samples_and_no_best(task):
    made = evaluation(task, Reward(0, 0.1))
    run_all(made, {0: Talker(), 10: Talker("a")})
    watch = Watch(task.out)
    assert (len(watch.samples()), watch.duels(), made.best) == (2, [], None)


def test_a_judge_that_cannot_be_asked_does_not_end_the_training(task):
    made = evaluation(
        task, Reward(0, 0.1, 0.2, 0.3), Judge(ModelError("no answer"), ModelError("gone"), 0.6)
    )
    run_all(made, {0: Talker(), 10: Talker("a"), 20: Talker("b"), 30: Talker("c")})
    assert [(a.name, a.reason) for a in Watch(task.out).alarms()] == [("judge", "no answer")]
    assert [row["step"] for row in Watch(task.out).duels()] == [30]


def test_a_judge_without_any_verdict_gives_no_number(task):
    made = evaluation(task, Reward(0, 0.1), Judge(None))
    run_all(made, {0: Talker(), 10: Talker("a")})
    watch = Watch(task.out)
    assert watch.duels()[0]["gain"] == {"value": None, "low": None, "high": None, "n": 0}
    assert "gave no verdict on 16 prompts" in watch.alarms()[0].reason
    assert not (task.out / "best").exists()


def test_a_resumed_run_goes_on_as_if_it_had_not_been_killed(task):
    """Killed after step 30, its newest checkpoint is of step 20: 30 is told again, once."""
    rewards, chances = [0.0, 0.5, 0.9, 1.2], [0.45, 0.3, 0.3]
    first = evaluation(task, Reward(*rewards), Judge(*chances))
    run_all(first, {0: Talker("s"), 10: Talker("a"), 20: Talker("b"), 30: Talker("c")})
    whole = (Watch(task.out).alarms(), Watch(task.out).duels(), Watch(task.out).samples())
    judge = Judge(chances[2])
    again = Evaluation(task, Questions.of(task), Reward(rewards[3]), Umpire("path:/judge", judge))
    again.begin(20)
    assert len(Watch(task.out).duels()) == 2
    assert not again.due(20)
    run_all(again, {30: Talker("c")})
    assert judge.seen[0][1][0] == "s....... 0"  # the start's answers were kept
    assert (Watch(task.out).alarms(), Watch(task.out).duels(), Watch(task.out).samples()) == whole


def test_a_stop_within_an_evaluation_leaves_nothing_of_it(task):
    class Stopping(Talker):
        def answer(self, chats):
            raise Stopped("as asked")

    made = evaluation(task, Reward(0, 0.1), Judge(0.6))
    made.run(0, Talker())
    with pytest.raises(Stopped):
        made.run(10, Stopping())
    assert made.due(10)
    assert [row["step"] for row in Watch(task.out).samples()] == [0]


@pytest.fixture
def two(tmp_path):
    """OUT/best of step 10, and how to write one of step 20."""
    run = Run("ppo", "b", {}, {}, 0, 10, 1.0, {})

    def keep(step):
        best.keep(
            tmp_path, Talker(f"weights {step}").save_policy, run, {"step": step, "judge": "j"}
        )

    keep(10)
    return keep


def step_of(out):
    found = best.read(out)
    assert found is not None
    weights = (out / "best" / "model.safetensors").read_text()
    assert weights == f"weights {found['step']}"
    assert not list(out.glob("best.*"))
    return found["step"]


def test_a_best_folder_cut_short_at_any_moment_is_the_old_or_the_new_one(two, tmp_path):
    def kill_while_writing(out):
        (out / "model.safetensors").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        best.keep(tmp_path, kill_while_writing, Run("ppo", "b", {}, {}, 0, 1, 1.0, {}), {"step": 9})
    assert step_of(tmp_path) == 10
    two(20)
    (tmp_path / "best").rename(tmp_path / "best.old")  # killed between the two renames, and
    assert step_of(tmp_path) == 20  # the new one was lost
    (tmp_path / "best").rename(tmp_path / "best.new")  # or is there
    two_old = tmp_path / "best.old"
    two_old.mkdir()
    (two_old / "model.safetensors").write_text("weights 10")
    assert step_of(tmp_path) == 20


def test_an_evaluation_file_of_other_questions_is_not_used(task):
    made = evaluation(task, Reward(0))
    made.run(0, Talker())
    kept = json.loads((task.out / "watch" / "evaluation.json").read_text())
    assert set(kept) == {"questions", "start", "states"}
    other = evaluation(task, Reward(), safe=(chat_from_row(turn("user", "x")),))
    assert other.due(0)

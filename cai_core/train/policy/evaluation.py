"""Every so many steps: what has become of the policy's answers to the dev prompts, and who likes them.

The start's answers are made once, before the first step, with the seed that all later ones have. At
each evaluation the reward scores the answers, a handful is told, and a judge that is not the reward
model compares them with the start's. The checkpoint that the judge liked most is kept in OUT/best.

OUT/watch/evaluation.json holds the start's answers and what the monitor knew after each evaluation,
so that a resumed run goes on from the step of its checkpoint. No model is loaded here: how answers
are made, scored and compared is handed in.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cai_core.errors import BudgetError, ModelError, Stopped
from cai_core.schema import Chat, Row, chat_from_row, chat_row, content_hash
from cai_core.stats import Estimate
from cai_core.train import checkpoints
from cai_core.train.loop import Task
from cai_core.train.policy import best
from cai_core.train.watch.duel import Duel, Duelled, gain_of
from cai_core.train.watch.hearing import Hearing
from cai_core.train.watch.monitor import Monitor
from cai_core.train.watch.records import Watch
from cai_core.train.watch.samples import Sampled, Spoken, interval

RewardFn = Callable[[Sequence[Chat], Sequence[str]], Sequence[float]]
SHOWN = 8  # prompts whose answers are told each time, always the same
SAFE = "safe"  # the tag of dev prompts that only look unsafe
LEAST_JUDGED = 0.5  # share of prompts with a verdict, for a checkpoint to be the best
_FILE = "evaluation"


class Policy(Protocol):
    """What is evaluated."""

    def answer(self, chats: Sequence[Chat]) -> list[Spoken]:
        """One answer a prompt; the same draws at every call. Raises Stopped: as asked."""

    def save_policy(self, out: Path) -> None:
        """Write it as a plain model folder."""


@dataclass(frozen=True)
class Umpire:
    """Who compares the policy with its start; `judge` is its model id."""

    judge: str
    duel: Duel
    note: str = ""  # what a reader must know of this judge


@dataclass(frozen=True)
class Questions:
    """What is asked each time: dev prompts, and prompts that are safe to answer, counted for refusals."""

    chats: tuple[Chat, ...]
    safe: tuple[Chat, ...] = ()

    @classmethod
    def of(cls, task: Task, safe: Sequence[Chat] = ()) -> "Questions":
        """The first `eval_prompts` dev prompts; those tagged safe among them unless others are given."""
        most = getattr(task.config, "eval_prompts", 0)
        rows = task.data.split("dev")
        chats = tuple(chat_from_row(row["prompt"]) for row in rows[:most])
        tagged = [chat_from_row(r["prompt"]) for r in rows if SAFE in r.get("tags", ())]
        return cls(chats, tuple(safe or tagged)[:most])

    @property
    def hash(self) -> str:
        return content_hash([[chat_row(chat) for chat in some] for some in (self.chats, self.safe)])


@dataclass(frozen=True)
class Said:
    """The answers to all questions, and the rewards of those to the dev prompts."""

    answers: list[Spoken]
    safe: list[Spoken]
    scores: list[float]

    def to_row(self) -> Row:
        spoken = {name: [one.to_row() for one in getattr(self, name)] for name in _SPOKEN}
        return {**spoken, "scores": self.scores}

    @classmethod
    def from_row(cls, row: Row) -> "Said":
        spoken = {name: [Spoken(**one) for one in row[name]] for name in _SPOKEN}
        return cls(**spoken, scores=row["scores"])


_SPOKEN = ("answers", "safe")


class Evaluation:
    """Compares a policy with its start while it learns.

    Args:
        score: the reward of answers. umpire: without one there is no comparison and no best.
    """

    def __init__(
        self, task: Task, questions: Questions, score: RewardFn, umpire: Umpire | None = None
    ) -> None:
        self.task, self.questions, self.score, self.umpire = task, questions, score, umpire
        self.every: int | None = getattr(task.config, "eval_steps", None)
        self._watch = Watch(task.out)
        self._hearing = Hearing(Monitor(), self._watch, task.hooks)
        self._start: Said | None = None
        self._states: dict[int, Row] = {}  # the monitor's, by the step of each evaluation
        self._clock = (time.monotonic(), 0.0)

    def begin(self, step: int, *, seconds: float = 0.0) -> None:
        """Go on from `step`; `seconds` is what training took until then."""
        self._clock = (time.monotonic(), seconds)
        self._hearing.begin(step, None)
        best.settle(self.task.out)
        kept = self._watch.read(_FILE) or {}
        if kept.get("questions") != self.questions.hash:
            kept = {}
        self._start = Said.from_row(kept["start"]) if kept else None
        states = {int(name): state for name, state in kept.get("states", {}).items()}
        self._states = {at: state for at, state in states.items() if at <= step}
        if self._states:
            self._hearing.monitor.load_state_dict(self._states[max(self._states)])

    def due(self, step: int, last: int = 0) -> bool:
        """Whether to evaluate after this step: at the start, every `eval_steps`, and at the last."""
        if not self.every or not self.questions.chats or step in self._states:
            return False
        if self._start is None:
            return step == 0
        return step % self.every == 0 or step == last

    def run(self, step: int, policy: Policy) -> None:
        """Ask, score, compare, tell; keep the policy where the judge never liked one more.

        Raises:
            Stopped: as asked; nothing of this evaluation counts.
        """
        said = self._ask(policy)
        self._tell(step, said)
        if self._start is None:
            self._start = said
        else:
            self._look(step, said, self._start)
            self._compare(step, policy, said, self._start)
        self._states[step] = self._hearing.monitor.state_dict()
        states = {str(at): state for at, state in self._states.items()}
        kept = {"questions": self.questions.hash, "start": self._start.to_row(), "states": states}
        self._watch.write(_FILE, kept)

    @property
    def best(self) -> Row | None:
        """{step, judge} of the checkpoint that the judge liked most, with its gain where it is in OUT/best.

        Step 0 is the start: no checkpoint was liked more. None without a judge.
        """
        if self.umpire is None or len(self._states) < 2:
            return None
        return best.read(self.task.out) or {"step": 0, "judge": self.umpire.judge}

    def _ask(self, policy: Policy) -> Said:
        asked = self.questions
        answers = policy.answer(asked.chats)
        safe = policy.answer(asked.safe) if asked.safe else []
        scores = self.score(asked.chats, [one.text for one in answers])
        return Said(answers, safe, [float(score) for score in scores])

    def _tell(self, step: int, said: Said) -> None:
        """A handful of answers with their rewards, and what can be counted in all of them."""
        rows: list[Row] = [
            {"prompt": chat_row(chat), "answer": one.text, "score": score, "ended": one.ended}
            for chat, one, score in zip(
                self.questions.chats[:SHOWN], said.answers, said.scores, strict=False
            )
        ]
        self._watch.tell_samples(step, rows)
        counted = Sampled(said.answers, said.answers, said.safe, said.safe).measures()
        counted["scores"] = interval(said.scores).value
        self.task.hooks.metric(step, {f"eval/{name}": value for name, value in counted.items()})

    def _look(self, step: int, said: Said, start: Said) -> None:
        sampled = Sampled(said.answers, start.answers, said.safe, start.safe)
        self._hearing.tell(self._hearing.monitor.see_samples(step, sampled))

    def _compare(self, step: int, policy: Policy, said: Said, start: Said) -> None:
        if self.umpire is None:
            return
        monitor, trouble = self._hearing.monitor, ""
        texts = ([one.text for one in some.answers] for some in (said, start))
        try:
            gain = gain_of(self.umpire.duel(self.questions.chats, *texts))
        except (ModelError, BudgetError) as error:  # a night's training outlives its judge
            self._hearing.tell(monitor.see_judge(step, str(error)))
            return
        if not gain.n:
            trouble = f"{self.umpire.judge} gave no verdict on {len(said.answers)} prompts"
        self._hearing.tell(monitor.see_judge(step, trouble))
        rewards = (interval(some.scores).value for some in (said, start))
        duelled = Duelled(self.umpire.judge, gain, *rewards)
        self._watch.tell_duel(step, duelled.to_row())
        self.task.hooks.metric(step, {f"eval/gain{end}": v for end, v in _parts(gain).items()})
        self._hearing.tell(monitor.see_duel(step, duelled))
        self._keep_if_best(step, policy, duelled)

    def _keep_if_best(self, step: int, policy: Policy, duelled: Duelled) -> None:
        gain, kept = duelled.gain, best.read(self.task.out)
        enough = gain.n >= LEAST_JUDGED * len(self.questions.chats)
        if not enough or not gain.value > (kept["gain"]["value"] if kept else 0.0):
            return
        record: Row = {"step": step, "gain": gain.to_row(), "judge": duelled.judge}
        began, before = self._clock
        seconds = before + time.monotonic() - began
        run = self.task.run(steps=step, seconds=seconds, metrics={"gain_90": gain})
        note = (
            f"Of the checkpoints, {duelled.judge} liked the answers of step {step} most: beside it"
        )
        note += " this judge is not independent, and the gain is that of the best of several"
        judged = (*run.judges, duelled.judge)
        run = dataclasses.replace(run, judges=tuple(dict.fromkeys(judged)), notes=(note,))
        best.keep(self.task.out, policy.save_policy, run, record)
        self.task.hooks.event("best", {"step": step, "gain": round(gain.value, 4)})


def _parts(gain: Estimate) -> dict[str, float]:
    return {"": gain.value, "_low": gain.low, "_high": gain.high} if gain.n else {}


def callback(evaluation: Evaluation, policy: Policy) -> Any:
    """Let a transformers Trainer evaluate; to be added before the loop's own callback."""
    from transformers import TrainerCallback

    class Evaluating(TrainerCallback):
        """At the start, every so many steps, and at the end; a stop within it is the loop's matter."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                newest = checkpoints.newest_valid(Path(args.output_dir))
                seconds = checkpoints.seconds(newest) if newest else 0.0
                evaluation.begin(state.global_step, seconds=seconds)
                self._run_if_due(state)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero:
                try:
                    self._run_if_due(state)
                except Stopped:
                    return

        def _run_if_due(self, state: Any) -> None:
            if evaluation.due(state.global_step, state.max_steps):
                evaluation.run(state.global_step, policy)

    return Evaluating()

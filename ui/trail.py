"""One answer and its critiques and revisions, step by step, so that each can be stopped and edited.

`texts` are the answer, then critique and revision of round 1, of round 2, and so on; what is next
follows from how many there are.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, Self

from cai_core.feedback import revise, templates
from cai_core.feedback.draw import voters
from cai_core.feedback.revise import ReviseSettings
from cai_core.feedback.templates import Requests, Task
from cai_core.feedback.violations import Case, Violation, find_violations
from cai_core.models.protocol import Model
from cai_core.schema import (
    Chat,
    Constitution,
    ConstitutionRef,
    Prompt,
    Revision,
    Round,
    Sampling,
    chat_row,
    content_hash,
)

Kind = Literal["answer", "critique", "revision"]


@dataclass(frozen=True)
class Setup:
    """With what an answer is made."""

    model_id: str
    constitution: Constitution
    ref: ConstitutionRef
    settings: ReviseSettings = field(default_factory=ReviseSettings)

    @property
    def steps(self) -> int:
        """How many texts a whole trail has."""
        return 1 + 2 * self.settings.rounds


@dataclass(frozen=True)
class Call:
    """What the model saw at a step; `title` tells calls of one step apart."""

    step: int
    title: str
    chat: Chat


@dataclass(frozen=True)
class Trail:
    """What was asked and all that came of it; `partial` is what a step has said so far."""

    setup: Setup
    prompt: Chat
    texts: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    edited: frozenset[int] = frozenset()
    partial: str = ""

    @property
    def done(self) -> bool:
        return len(self.texts) >= self.setup.steps

    @property
    def final(self) -> str:
        """The newest answer or revision."""
        return self.texts[answer_before(len(self.texts))] if self.texts else ""

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds that are whole."""
        return tuple(
            Round(self.requests(r).principle, self.texts[1 + 2 * r], self.texts[2 + 2 * r])
            for r in range((len(self.texts) - 1) // 2)
        )

    def requests(self, round_: int) -> Requests:
        """What a round asks for; what is drawn is always the same for prompt, seed and round."""
        setup = self.setup
        if setup.settings.stepwise:
            return templates.stepwise_requests()
        prompt_id = Prompt.of(self.prompt).id
        return revise.requests_for(setup.constitution, setup.settings, prompt_id, round_)

    def next_chat(self, model: Model) -> Chat:
        """What the model is to see at the next step."""
        step, settings = len(self.texts), self.setup.settings
        if step == 0:
            return self.prompt
        task = Task(self.prompt, self.texts[answer_before(step)], self.requests((step - 1) // 2))
        if kind_of(step) == "critique":
            return revise.critique_chat(task, model, settings)
        return revise.revision_chat(task, self._faults(step), model, settings)

    def _faults(self, step: int) -> str:
        """The critique that a revision is made from: of a stepwise one, what is violated."""
        critique = self.texts[step - 1]
        if not self.setup.settings.stepwise:
            return critique
        return "\n".join(line for line in critique.splitlines() if ": Yes" in line)

    @property
    def nothing_to_mend(self) -> bool:
        """Whether the next step is a revision of an answer that violates no principle."""
        step = len(self.texts)
        return step > 0 and kind_of(step) == "revision" and not self._faults(step)

    def unchanged(self) -> Self:
        """Itself with the newest answer as its own revision."""
        return replace(self, texts=(*self.texts, self.final), partial="")

    def next_sampling(self) -> Sampling:
        """How the next step is written: each has a seed of its own."""
        given = self.setup.settings.sampling
        return replace(given, seed=given.seed * 1000 + len(self.texts))

    def saw(self, chat: Chat, title: str = "") -> Self:
        """Itself with what the model is shown for the next step."""
        call = Call(len(self.texts), title, chat)
        return replace(self, calls=(*self.calls, call))

    def saying(self, partial: str) -> Self:
        """Itself with what the next step has said so far."""
        return replace(self, partial=partial)

    def said(self, text: str) -> Self:
        """Itself with the next step's text."""
        bare = templates.without_leftovers(text) if self.texts else text.strip()
        return replace(self, texts=(*self.texts, bare), partial="")

    def held(self, found: list[Violation]) -> Self:
        """Itself with a critique made principle by principle."""
        trail = self
        for one in found:
            trail = trail.saw(one.asked, one.principle).saw(one.asked_why, f"{one.principle}, why")
        return replace(trail, texts=(*self.texts, revise.stepwise_critique(found)), partial="")

    def stopped(self) -> Self:
        """Itself with what was half said as the step's text."""
        return self.said(self.partial) if self.partial.strip() else self

    def rewritten(self, step: int, text: str) -> Self:
        """Itself with one text edited by a person; what came after it is dropped."""
        return replace(
            self,
            texts=(*self.texts[:step], text.strip()),
            calls=tuple(call for call in self.calls if call.step <= step),
            edited=frozenset(place for place in self.edited if place < step) | {step},
            partial="",
        )

    def one_round_more(self) -> Self:
        """Itself with one round more to go."""
        settings = replace(self.setup.settings, rounds=self.setup.settings.rounds + 1)
        return replace(self, setup=replace(self.setup, settings=settings))

    def to_revision(self) -> Revision:
        """The row for the pool of revisions."""
        setup = self.setup
        row = {"prompt": chat_row(self.prompt), "texts": list(self.texts), "model": setup.model_id}
        by_hand = [step_title(self, step) for step in sorted(self.edited)]
        return Revision(
            id=content_hash(row),
            prompt=self.prompt,
            initial=self.texts[0],
            rounds=self.rounds,
            model=setup.model_id,
            constitution=setup.ref,
            seed=setup.settings.sampling.seed,
            extra={"source": "playground"} | ({"edited": by_hand} if by_hand else {}),
        )


def kind_of(step: int) -> Kind:
    """
    >>> [kind_of(step) for step in range(4)]
    ['answer', 'critique', 'revision', 'critique']
    """
    return "answer" if step == 0 else "critique" if step % 2 else "revision"


def answer_before(step: int) -> int:
    """The place of the answer that stands before a step.

    >>> [answer_before(step) for step in (1, 2, 3, 4, 5)]
    [0, 0, 2, 2, 4]
    """
    return max(0, (step - 1) // 2 * 2)


def step_title(trail: Trail, step: int) -> str:
    """What a step is called on screen."""
    kind, round_ = kind_of(step), (step + 1) // 2
    if kind == "answer":
        return "Answer"
    principle = trail.requests(round_ - 1).principle
    return f"{kind.capitalize()} {round_}" + (f" · {principle}" if kind == "critique" else "")


def hold_against_all(trail: Trail, model: Model) -> list[Violation]:
    """The newest answer against every principle that votes.

    Raises:
        ModelError: the model answered neither yes nor no somewhere.
    """
    rules = voters(trail.setup.constitution)
    found = find_violations([Case(trail.prompt, trail.final, rule) for rule in rules], model)
    for one in found:
        if not isinstance(one, Violation):
            raise one
    return [one for one in found if isinstance(one, Violation)]

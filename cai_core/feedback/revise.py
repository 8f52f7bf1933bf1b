"""Answer, then (critique -> revision) as often as asked, under a constitution.

All prompts of a batch advance together, one generation at a time. A prompt whose generation fails
keeps what it has and carries the reason; the others go on. A round whose revision is unchanged, empty
or looping, or had a leftover stripped, is marked and not thrown away: after an empty one the answer
before it stands. Only a prompt that was rewritten in no round at all has failed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cai_core.errors import ConstitutionError, ModelError
from cai_core.feedback import templates
from cai_core.feedback.batch import QUIET, Items, Tally, batch_size, batches, generate_each
from cai_core.feedback.draw import draw, voters
from cai_core.feedback.examples import Example, shipped_revisions
from cai_core.feedback.templates import Requests, Task, without_leftovers
from cai_core.feedback.violations import Case, Violation, find_violations
from cai_core.models.protocol import Model
from cai_core.schema import (
    Chat,
    Constitution,
    ConstitutionRef,
    Hooks,
    Mark,
    Prompt,
    Revision,
    Round,
    Sampling,
)

BATCH = 48  # prompts: rows for a full batch; one that is stopped is begun anew, so no more
DRAW = "draw"


@dataclass(frozen=True)
class ReviseSettings:
    """How answers are revised.

    Args:
        rounds: of critique and revision. CAI section 3.5: the first does most, four were used.
        principle: "draw" (one a round, by seed, prompt and round), "whole", or a principle's key.
        stepwise: hold the answer against every enabled principle, yes or no with a reason, and
            revise it from those; `principle` is not asked then.
        examples: show worked rounds in front, where the window has room.
        shown: these rounds, in place of the shipped ones.
    """

    rounds: int = 1
    principle: str = DRAW
    stepwise: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    examples: bool = True
    shown: tuple[Example, ...] | None = None

    @property
    def worked(self) -> tuple[Example, ...]:
        """The rounds that are shown where they fit."""
        if not self.examples:
            return ()
        return shipped_revisions() if self.shown is None else self.shown

    def check(self, constitution: Constitution) -> "ReviseSettings":
        """Itself, or ConstitutionError: no such principle, no rounds, an unusable constitution."""
        voters(constitution)
        if self.rounds < 0:
            raise ConstitutionError("'rounds' must be 0 or more")
        if self.principle not in (DRAW, templates.WHOLE):
            constitution.principle(self.principle)
        return self


@dataclass
class _Work:
    """One prompt on its way; `requests` and `critique` are those of the round it is in."""

    prompt: Prompt
    initial: str = ""
    rounds: tuple[Round, ...] = ()
    requests: Requests = field(default_factory=templates.stepwise_requests)
    critique: str = ""
    error: str = ""

    @property
    def answer(self) -> str:
        return self.rounds[-1].revision if self.rounds else self.initial

    @property
    def task(self) -> Task:
        return Task(self.prompt.messages, self.answer, self.requests)

    def close(self, said: str) -> None:
        """End the round with what the model wrote; where that is nothing, the answer stays."""
        bare = without_leftovers(said)
        leftover: tuple[Mark, ...] = ("leftover",) if bare != said.strip() else ()
        made = Round(self.requests.principle, self.critique, bare)
        made = replace(made, revision=bare or self.answer, marks=made.flaws(self.answer) + leftover)
        self.rounds += (made,)

    def keep(self) -> None:
        """End the round with the answer as it is: nothing was found that must change."""
        unchanged = Round(self.requests.principle, self.critique, self.answer, ("unchanged",))
        self.rounds += (unchanged,)

    def end(self) -> None:
        """Tell a prompt that no round has rewritten from one that is done."""
        if self.rounds and not self.error and all("empty" in r.marks for r in self.rounds):
            self.rounds, self.error = (), "no revision: the model wrote an empty one"


@dataclass(frozen=True)
class _Desk:
    """Who revises, and how."""

    model: Model
    constitution: Constitution
    settings: ReviseSettings
    hooks: Hooks
    initial: Mapping[str, str]


def revise(
    prompts: Items[Prompt],
    constitution: Constitution,
    model: Model,
    settings: ReviseSettings,
    *,
    ref: ConstitutionRef | None = None,
    hooks: Hooks = QUIET,
    initial: Mapping[str, str] | None = None,
) -> Iterator[Revision]:
    """Revise prompts; rows come in the order of the prompts, a batch at a time.

    Args:
        initial: first answers that are there already, by prompt id: these prompts are not answered
            again. An empty one is none.
    Raises:
        ConstitutionError: it cannot be used, or has no such principle. Stopped: it was asked for.
        ModelError: many prompts in a row failed for one same reason.
    """
    desk = _Desk(model, constitution, settings.check(constitution), hooks, initial or {})
    ref = ref or ConstitutionRef.of(constitution)
    count = Tally(len(prompts), hooks, [model])
    for some in batches(prompts, batch_size(model, BATCH), hooks):
        for work in _revise_batch(desk, some):
            yield _row(desk, work, ref)
            count.finished(work.error)


def requests_for(
    constitution: Constitution, settings: ReviseSettings, prompt_id: str, round_: int
) -> Requests:
    """What round `round_` (from 0) asks of this prompt's answer."""
    if settings.principle == templates.WHOLE:
        return templates.whole_requests(constitution)
    if settings.principle != DRAW:
        return templates.requests_of(constitution.principle(settings.principle))
    drawn = draw(voters(constitution), settings.sampling.seed, prompt_id, round_)
    return templates.requests_of(drawn)


def critique_chat(task: Task, model: Model, settings: ReviseSettings) -> Chat:
    """What the model sees when it is to find fault."""
    return _fitted(lambda some: templates.critique_chat(task, some), model, settings)


def revision_chat(task: Task, critique: str, model: Model, settings: ReviseSettings) -> Chat:
    """What the model sees when it is to rewrite."""
    return _fitted(lambda some: templates.revision_chat(task, critique, some), model, settings)


def _fitted(
    chat: Callable[[Sequence[Example]], Chat], model: Model, settings: ReviseSettings
) -> Chat:
    """The chat with as many of the examples as leave room for what is to be written."""
    examples = settings.worked
    room = model.context - settings.sampling.max_new_tokens
    for count in range(len(examples), 0, -1):
        shown = chat(examples[:count])
        if model.count_tokens(shown) <= room:
            return shown
    return chat(())


def stepwise_critique(found: Sequence[Violation]) -> str:
    """What holding an answer against every principle brought, a line each."""
    lines = [f"{v.principle}: {'Yes' if v.yes else 'No'}, because {v.reason}" for v in found]
    return "\n".join(lines)


# -- one batch


def _revise_batch(desk: _Desk, prompts: Sequence[Prompt]) -> list[_Work]:
    batch = [_Work(prompt, desk.initial.get(prompt.id, "").strip()) for prompt in prompts]
    unanswered = [(work, work.prompt.messages) for work in batch if not work.initial]
    for work, text in _ask(desk, "answer", unanswered):
        work.initial = text
    for number in range(desk.settings.rounds):
        (_stepwise_round if desk.settings.stepwise else _round)(desk, batch, number)
    for work in batch:
        work.end()
    return batch


def _round(desk: _Desk, batch: Sequence[_Work], number: int) -> None:
    model, settings = desk.model, desk.settings
    live = [work for work in batch if not work.error]
    for work in live:
        work.requests = requests_for(desk.constitution, settings, work.prompt.id, number)
    asked = [(work, critique_chat(work.task, model, settings)) for work in live]
    criticised = _ask(desk, "critique", asked)
    for work, critique in criticised:
        work.critique = critique
    asked = [
        (work, revision_chat(work.task, critique, model, settings)) for work, critique in criticised
    ]
    for work, revision in _ask(desk, "revision", asked):
        work.close(revision)


def _stepwise_round(desk: _Desk, batch: Sequence[_Work], number: int) -> None:
    """Yes or no on every principle, then a revision from those that are violated."""
    asked: list[tuple[_Work, Chat]] = []
    for work, found in _held(desk, batch):
        work.critique, violated = stepwise_critique(found), [v for v in found if v.yes]
        if violated:
            critique = stepwise_critique(violated)
            asked.append((work, revision_chat(work.task, critique, desk.model, desk.settings)))
        else:
            work.keep()
    for work, revision in _ask(desk, "revision", asked):
        work.close(revision)


def _held(desk: _Desk, batch: Sequence[_Work]) -> list[tuple[_Work, list[Violation]]]:
    """Every answer against every principle that votes; an answer that cannot be read is marked."""
    live, rules = [work for work in batch if not work.error], voters(desk.constitution)
    cases = [Case(w.prompt.messages, w.answer, rule) for w in live for rule in rules]
    found = find_violations(cases, desk.model, hooks=desk.hooks)
    held = []
    for place, work in enumerate(live):
        mine = found[place * len(rules) : (place + 1) * len(rules)]
        errors = [str(one) for one in mine if isinstance(one, ModelError)]
        if errors:
            work.error = f"no critique: {errors[0]}"
        else:
            held.append((work, [one for one in mine if isinstance(one, Violation)]))
    return held


def _ask(desk: _Desk, what: str, asked: Sequence[tuple[_Work, Chat]]) -> list[tuple[_Work, str]]:
    """A text for each chat; a prompt that gets none has the reason. A revision may be empty."""
    replies = generate_each(
        desk.model, [chat for _, chat in asked], desk.settings.sampling, desk.hooks
    )
    written = []
    for (work, _), reply in zip(asked, replies, strict=True):
        if isinstance(reply, ModelError):
            work.error = f"no {what}: {reply}"
            continue
        text = without_leftovers(reply.text) if what == "critique" else reply.text.strip()
        if text or what == "revision":
            written.append((work, text))
        else:
            work.error = f"no {what}: the model wrote an empty one"
    return written


def _row(desk: _Desk, work: _Work, ref: ConstitutionRef) -> Revision:
    return Revision(
        id=work.prompt.id,
        prompt=work.prompt.messages,
        initial=work.initial,
        rounds=work.rounds,
        model=desk.model.id,
        constitution=ref,
        seed=desk.settings.sampling.seed,
        error=work.error,
        extra={"split": work.prompt.split} if work.prompt.split else {},
    )

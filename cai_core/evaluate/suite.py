"""Run a suite: every enabled case under one constitution, and whether what must hold does.

All pairs go to the judge in one call, all prompts are answered and revised once, greedily, in one
round; cases that name a principle are asked under it alone, a call for each such principle. A case
that cannot be run is an error, which is no failure: nothing is known of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from cai_core.errors import ConstitutionError, DataError
from cai_core.evaluate.expectations import Finding, of_label, of_revision
from cai_core.feedback.batch import QUIET, Counted, Tally
from cai_core.feedback.comparison import label_template
from cai_core.feedback.draw import voters
from cai_core.feedback.examples import Example, Worked, shipped_comparisons, shipped_revisions
from cai_core.feedback.panel import Panel
from cai_core.feedback.revise import ReviseSettings, revise
from cai_core.feedback.templates import WHOLE
from cai_core.models.protocol import Model
from cai_core.schema import (
    Case,
    CaseResult,
    Constitution,
    ConstitutionRef,
    Hooks,
    Prompt,
    Row,
    Sampling,
    Usage,
    content_hash,
)
from cai_core.settings import JudgeSetting


@dataclass(frozen=True)
class Asking:
    """Who is asked, and how: results are comparable under one of these only.

    Args:
        setting: who judges pairs, and how. model: who answers and revises prompts, greedily.
        comparisons: what the setting's worked comparisons are taken from. rounds: the worked rounds
            that are shown to the model.
    """

    setting: JudgeSetting
    model: str
    seed: int = 0
    max_new_tokens: int = 256
    comparisons: Sequence[Worked] = field(default_factory=shipped_comparisons)
    rounds: Sequence[Example] = field(default_factory=shipped_revisions)

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.max_new_tokens, temperature=0.0, seed=self.seed)

    def how(self, case: Case) -> Row:
        """Everything but the constitution that the result of a case depends on."""
        if case.answers:
            return {
                "judge": self.setting.model_dump(mode="json"),
                "wording": label_template(self.setting, self.comparisons),
                "seed": self.seed,
            }
        shown = content_hash([one.to_row() for one in self.rounds])
        return {"model": self.model, "max_new_tokens": self.max_new_tokens, "examples": shown}


@dataclass(frozen=True)
class Bench:
    """What a suite is run on: a constitution, who is asked, and the model of an id."""

    constitution: Constitution
    asking: Asking
    load: Callable[[str], Model]
    ref: ConstitutionRef

    def narrowed(self, principle: str) -> Constitution:
        """The constitution with one principle enabled; itself for "".

        Raises:
            ConstitutionError: there is no such principle, or it is disabled.
        """
        if not principle:
            return self.constitution
        if not self.constitution.principle(principle).enabled:
            raise ConstitutionError(f"the principle '{principle}' is disabled")
        rules = self.constitution.principles
        only = tuple(replace(one, enabled=one.key == principle) for one in rules)
        return replace(self.constitution, principles=only)

    def result(self, case: Case, found: Finding) -> CaseResult:
        how = self.asking.how(case)
        return CaseResult(case, found.outcome, found.seen, self.ref, how)


def run(cases: Sequence[Case], bench: Bench, *, hooks: Hooks = QUIET) -> Iterator[CaseResult]:
    """One result for each enabled case: what cannot be asked first, then pairs, then prompts.

    Raises:
        ConstitutionError: it cannot be used. Stopped: as asked, between batches. ModelError: a model
            cannot be loaded, or failed at many cases in a row for one same reason.
    """
    voters(bench.constitution)
    asked = [case for case in cases if case.enabled]
    broken, groups = _grouped(asked, bench)
    meter = _Meter()
    count = Tally(len(asked), hooks, [meter])
    made = _Run(replace(bench, load=_loading_once(bench)), meter, hooks)
    for results in (broken, made.of_pairs(groups), made.of_prompts(groups)):
        for result in results:
            yield result
            count.finished(_model_failed(result))


def _model_failed(result: CaseResult) -> str:
    """Why the model gave nothing; a case that can say nothing tells nothing of the cases behind it."""
    made = result.label or result.revision
    return made.error if made else ""


def check_cases(cases: Sequence[Case], *, place: str) -> None:
    """Raises DataError: there is nothing to run."""
    if not any(case.enabled for case in cases):
        raise DataError("there is no enabled case to run", file=place)


def _loading_once(bench: Bench) -> Callable[[str], Model]:
    """One judge and the model are kept, and are one where they are the same; a panel takes turns."""
    return cache(bench.load) if len(bench.asking.setting.judges) == 1 else bench.load


@dataclass(frozen=True)
class _Group:
    """Cases that are asked under one same principle, or under all, and the rules of that."""

    principle: str
    rules: Constitution
    cases: tuple[Case, ...]


def _grouped(cases: Sequence[Case], bench: Bench) -> tuple[list[CaseResult], list[_Group]]:
    """The results of cases whose principle cannot be asked, and the groups of the others."""
    by_principle: dict[str, list[Case]] = {}
    for case in cases:
        by_principle.setdefault(case.principle, []).append(case)
    broken: list[CaseResult] = []
    groups: list[_Group] = []
    for principle, some in by_principle.items():
        try:
            rules = bench.narrowed(principle)
            voters(rules)
        except ConstitutionError as error:
            broken += [bench.result(case, Finding("error", str(error))) for case in some]
        else:
            groups.append(_Group(principle, rules, tuple(some)))
    return broken, groups


@dataclass(frozen=True)
class _Run:
    """One run; the meter is told whose questions are counted."""

    bench: Bench
    meter: "_Meter"
    hooks: Hooks

    @property
    def quiet(self) -> Hooks:
        return Hooks(should_stop=self.hooks.should_stop)

    def of_pairs(self, groups: Sequence[_Group]) -> Iterator[CaseResult]:
        asking = self.bench.asking
        for group in groups:
            cases = [case for case in group.cases if case.answers]
            if not cases:
                continue
            panel = Panel(
                group.rules,
                asking.setting,
                self.bench.load,
                ref=self.bench.ref,
                seed=asking.seed,
                examples=asking.comparisons,
            )
            self.meter.watch(panel)
            pairs = [case.pair for case in cases if case.pair]
            for case, label in zip(cases, panel.judge(pairs, hooks=self.quiet), strict=True):
                found = of_label(case.expectation, label)
                yield replace(self.bench.result(case, found), label=label)

    def of_prompts(self, groups: Sequence[_Group]) -> Iterator[CaseResult]:
        speaker = None
        for group in groups:
            by_prompt: dict[str, list[Case]] = {}
            for case in group.cases:
                if not case.answers:
                    by_prompt.setdefault(Prompt.of(case.prompt).id, []).append(case)
            if by_prompt and speaker is None:
                speaker = self.bench.load(self.bench.asking.model)
                self.meter.watch(_Since(speaker, replace(speaker.usage)))
            if speaker is not None:
                yield from self._revised(group, by_prompt, speaker)

    def _revised(
        self, group: _Group, by_prompt: Mapping[str, Sequence[Case]], speaker: Model
    ) -> Iterator[CaseResult]:
        """Every prompt is revised once, however many cases it has."""
        prompts = [Prompt.of(cases[0].prompt) for cases in by_prompt.values()]
        settings = _revising(self.bench.asking, group.principle)
        revisions = revise(
            prompts, group.rules, speaker, settings, ref=self.bench.ref, hooks=self.quiet
        )
        for revision in revisions:
            for case in by_prompt[revision.id]:
                found = of_revision(case.expectation, revision)
                yield replace(self.bench.result(case, found), revision=revision)


@dataclass(frozen=True)
class _Since:
    """What a model was asked after something: before, it may have been the judge."""

    model: Model
    before: Usage

    @property
    def usage(self) -> Usage:
        return self.model.usage.since(self.before)


@dataclass
class _Meter:
    """Everybody's questions, counted one after the other: judge and model may be one."""

    spent: Usage = field(default_factory=Usage)
    now: Counted | None = None

    @property
    def usage(self) -> Usage:
        return self.spent + self.now.usage if self.now else self.spent

    def watch(self, who: Counted) -> None:
        self.spent, self.now = self.usage, who


def _revising(asking: Asking, principle: str) -> ReviseSettings:
    """One round against all principles, or the one: a drawn one would change with every edit."""
    shown = tuple(asking.rounds)
    return ReviseSettings(
        principle=principle or WHOLE, sampling=asking.sampling, examples=bool(shown), shown=shown
    )

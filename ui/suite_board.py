"""What is known of a suite: its cases, what it can be run on, and what came of that, asked as now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from sqlite_utils import Database

from cai_core.evaluate.suite import Asking
from cai_core.evaluate.suite_history import Track
from cai_core.feedback.examples import comparisons_in_use, revisions_in_use
from cai_core.schema import Case, content_hash
from cai_core.settings import Settings
from cai_core.store import constitutions, suites
from cai_core.store.suites import Ran
from ui.choices import Ruling, ruling_of
from ui.draft import Draft


def targets(db: Database, draft: Draft) -> list[Ruling]:
    """What the suite can be run on: the unsaved draft first, then the versions, newest first."""
    found = [ruling_of(draft, "the draft")] if draft.unsaved else []
    versions = constitutions.versions(db, draft.name) if draft.base else []
    return found + [Ruling(f"version {v.number}", v.constitution, v.ref) for v in versions]


def asking_now(model: str) -> Asking:
    """Who is asked now: the workspace's judge, and this model."""
    setting = Settings.load().judge
    comparisons = comparisons_in_use(setting)
    return Asking(setting, model, comparisons=comparisons, rounds=revisions_in_use())


@dataclass(frozen=True)
class Board:
    """The cases of a constitution and their newest results."""

    cases: tuple[Case, ...]
    targets: tuple[Ruling, ...]
    asking: Asking
    ran: tuple[Ran, ...]

    @classmethod
    def of(cls, db: Database, draft: Draft, asking: Asking) -> Self:
        cases = tuple(event.case for event in suites.cases(db, draft.name))
        ran = tuple(suites.ran(db, draft.name)) if cases else ()
        return cls(cases, tuple(targets(db, draft)), asking, ran)

    @cached_property
    def _how(self) -> Mapping[bool, str]:
        """The id of how a case is asked now: of a pair, and of a prompt."""
        of_each = {bool(case.answers): case for case in self.cases}
        return {kind: content_hash(self.asking.how(case)) for kind, case in of_each.items()}

    @cached_property
    def _by_question(self) -> Mapping[tuple[str, str, str], Ran]:
        return {(one.digest, one.hash, one.how): one for one in self.ran}

    def result(self, case: Case, target: Ruling) -> Ran | None:
        """The newest result of a case there, asked as it is asked now."""
        return self._by_question.get((case.digest, target.ref.hash, self._how[bool(case.answers)]))

    def track(self, case: Case, on: Sequence[Ruling] | None = None) -> Track:
        """How the case fared, oldest first, on these targets; on all unless told."""
        oldest_first = list(reversed(self.targets if on is None else on))
        found = [self.result(case, target) for target in oldest_first]
        outcomes = tuple(one.outcome if one else None for one in found)
        return Track(tuple(target.title for target in oldest_first), outcomes)

    def counts(self, target: Ruling) -> str:
        """How many enabled cases passed, failed, could not be run, or were not run there, in words."""
        found = [self.result(case, target) for case in self.cases if case.enabled]
        outcomes = [one.outcome if one else "not run" for one in found]
        words = {"passed": "passed", "failed": "failed", "error": "could not be run"}
        words["not run"] = "not run"
        said = [f"{outcomes.count(key)} {word}" for key, word in words.items() if key in outcomes]
        return ", ".join(said)

    @property
    def asked_otherwise(self) -> int:
        """How many results of these cases were made by another judge, model or wording."""
        digests = {case.digest: self._how[bool(case.answers)] for case in self.cases}
        return sum(one.digest in digests and one.how != digests[one.digest] for one in self.ran)

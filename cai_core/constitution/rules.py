"""What lint can say: every rule with why it matters and where that comes from, and one finding of it.

The words that the rules look for stand in `lint_wording` and `lint_pairs`; how often they are right
on wordings that were labelled by hand stands in docs/lint.md.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from cai_core.schema import Row, content_hash

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")

_CAI = "Bai et al. 2022 (arXiv 2212.08073)"
_C3AI = "C3AI (arXiv 2502.15861), abstract"


@dataclass(frozen=True)
class Rule:
    """`name` is stable: it stands in files and in what people accepted."""

    name: str
    reason: str
    source: str


UNREADABLE = Rule(
    "unreadable",
    "A file that cannot be read cannot be used, by the workbench or by a command.",
    "the format of constitutions: docs/architecture.md",
)
UNUSABLE = Rule(
    "unusable",
    "Votes, labels and revisions name their principle by its key, so every key stands once, and a"
    " judge needs something to ask.",
    "the format of constitutions: docs/architecture.md",
)
NO_WORDING = Rule(
    "no-wording",
    "Without a comparison text or a critique request there is nothing to ask a model.",
    "the format of constitutions: docs/architecture.md",
)
NO_COMPARISON_TEXT = Rule(
    "no-comparison-text",
    "A critique request is worded to find fault in one answer; a judge compares two. The paper has"
    " principles of their own for each.",
    f"{_CAI}, appendix C: 16 principles for critiques, 16 others for comparisons",
)
MISSING_REQUEST = Rule(
    "missing-request",
    "A general request is asked instead, so this principle is no different from others in that step.",
    f"{_CAI}, section 3.1: each principle has a critique request and a revision request",
)
NO_COUNTERWEIGHT = Rule(
    "no-counterweight",
    "Harmlessness alone is easiest had by refusing, and a model that is trained on it for long"
    " lectures and repeats stock phrases. The paper reworded its principles against that.",
    f"{_CAI}, sections 4.3 and 4.4",
)
ONLY_NEGATIVE = Rule(
    "only-negative",
    "An empty answer breaks no rule of this kind. Positive wordings about what an answer does agreed"
    " more with people than negative ones.",
    f"{_C3AI}; {_CAI}, section 4.4: an evasive answer is harmless and of no use",
)
DOUBLE_BARRELLED = Rule(
    "double-barrelled",
    "An answer can win on one quality and lose on the other; the vote does not say which of them it"
    " was about, and neither can be weighed, counted or switched off alone.",
    "survey practice: Pew Research Center, 'Writing Survey Questions' (one question at a time)",
)
VAGUE_TERM = Rule(
    "vague-term",
    "The word leaves it to the judge what counts, so another judge, or the same one in other words,"
    " votes by something else. Principles about what an answer does agreed more with people than"
    " principles about traits.",
    _C3AI,
)
LONG_WORDING = Rule(
    "long-wording",
    "It is read again for every pair, and a small model loses the thread.",
    "our measurement: twice the longest wording of the shipped constitutions",
)
NAMES_A_SIDE = Rule(
    "names-a-side",
    "Every pair is asked in both orders, with each answer once in the first place: what is said of a"
    " place is said of both answers.",
    "how pairs are judged: docs/architecture.md (p_a, offset)",
)
BREAKS_PARSING = Rule(
    "breaks-parsing",
    "The request is put into a template with markers of its own. A second marker, a turn of a"
    " dialogue or an order how to reply makes the model lose the answers or give no readable verdict.",
    "our measurement: docs/benchmarks.md, how texts talk the judge over; CAI's published prompts"
    " carry wrappers such as 'CritiqueRequest:' that belong to their own template",
)
NEAR_DUPLICATE = Rule(
    "near-duplicate",
    "What is asked twice counts twice, and two votes that always agree are not two pieces of"
    " evidence.",
    "docs/architecture.md (vote); our measurement: docs/lint.md",
)
DIFFERENT_QUESTIONS = Rule(
    "different-questions",
    "Revisions are made by the requests and labels by the comparison text. Where they ask for"
    " different things, the supervised model and the reward model are trained towards different"
    " aims under one name.",
    f"{_CAI}, sections 3.1 and 4.1: both phases are meant to enforce the same constitution",
)
OPPOSITE_POLARITY = Rule(
    "opposite-polarity",
    "Every template asks for the better response, and the one that is named counts as preferred:"
    " a text that picks the worse answer trains the model towards it.",
    "how a verdict is read: data/templates/compare.yaml",
)
WEIGHT_ZERO = Rule(
    "weight-zero",
    "It is shown as enabled and never counts.",
    "how votes are combined: docs/architecture.md (vote)",
)
TOO_LONG_FOR_JUDGE = Rule(
    "too-long-for-judge",
    "What the question takes of the window is not there for the conversation and the answers: long"
    " answers are cut in the middle, and a pair that still does not fit gets no label.",
    "our measurement on human-labelled hh pairs: docs/lint.md",
)


@dataclass(frozen=True)
class Finding:
    """One remark.

    Args:
        key: the principle it stands at, "" where the whole constitution is meant.
        other: a second principle that it is about.
        looked_at: the wordings that it was made from; of several principles in the order of the
            alphabet, so that a principle that only moves brings nothing back.
    """

    level: Level
    rule: Rule
    key: str
    message: str
    other: str = ""
    looked_at: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits over rule, principles and wordings: another wording, another finding.

        It is the same whichever of two principles stands first.
        """
        keys = sorted((self.key, self.other)) if self.other else [self.key, ""]
        return content_hash({"rule": self.rule.name, "keys": keys, "of": list(self.looked_at)})

    def to_row(self) -> Row:
        """For machines: flat, with reason, source and fingerprint."""
        return {
            "level": self.level,
            "rule": self.rule.name,
            "key": self.key,
            "message": self.message,
            "reason": self.rule.reason,
            "source": self.rule.source,
            "fingerprint": self.fingerprint,
        }

    def __str__(self) -> str:
        return (
            f"{self.level}: {self.key + ': ' if self.key else ''}{self.message} [{self.rule.name}]"
        )


def rules() -> tuple[Rule, ...]:
    """All of them, in the order of this file."""
    return tuple(value for value in globals().values() if isinstance(value, Rule))

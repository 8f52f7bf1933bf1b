"""How often each rule of lint is right on wordings that were labelled by hand.

The wordings stand in wordings/*.tsv, labels first. They were written before the rules; the rules
were adjusted on every second line (0, 2, ...) alone. `python -m tests.constitution.measured` prints
the table of docs/lint.md, the row of docs/constitutions.md, and what is wrong on the lines that may be looked at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cai_core.constitution import lint_pairs, lint_wording, norms
from cai_core.schema import Principle
from cai_core.stats import wilson

WORDINGS = Path(__file__).with_name("wordings")


def rows(name: str) -> list[tuple[str, tuple[str, ...]]]:
    """(labels, wordings) of a file, line by line."""
    lines = (WORDINGS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [(labels, tuple(texts)) for labels, *texts in (line.split("\t") for line in lines)]


def _principle(*texts: str) -> Principle:
    return Principle("k", *texts)


@dataclass(frozen=True)
class Measure:
    """A rule, the file and the label that say where it should speak, and what it says."""

    rule: str
    file: str
    label: str
    says: Callable[..., object]


MEASURES = (
    Measure("double-barrelled", "texts", "d", lint_wording.double_barrelled),
    Measure("vague-term", "texts", "v", lint_wording.vague_terms),
    Measure("only-negative", "texts", "n", lint_wording.only_negative),
    Measure("no-counterweight", "texts", "c", lint_wording.counterweight),
    Measure("breaks-parsing", "marks", "m", lint_wording.template_marks),
    Measure(
        "different-questions",
        "principles",
        "d",
        lambda *texts: lint_pairs.different_questions(_principle(*texts)),
    ),
    Measure(
        "opposite-polarity",
        "principles",
        "p",
        lambda *texts: lint_pairs.opposite_polarity(_principle(*texts)),
    ),
    Measure(
        "near-duplicate",
        "twins",
        "t",
        lambda one, other: lint_pairs.similar(one, other) >= lint_pairs.NEAR_DUPLICATE,
    ),
)
# Not a rule of lint: whether prose that speaks of an assistant offers a candidate for the sentence.
NORMS = Measure(
    "candidates of prose",
    "norms",
    "n",
    lambda sentence: any(norm.of_answers for norm in norms.find(sentence)),
)


@dataclass(frozen=True)
class Counts:
    """How often it spoke rightly, wrongly, and not where it should have, of n wordings."""

    right: int
    false: int
    missed: int
    n: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed)


def judged(measure: Measure, half: int) -> Iterator[tuple[bool, bool, str]]:
    """(should speak, speaks, wording) of one half of the lines: 0 adjusted on, 1 held out."""
    for labels, texts in rows(measure.file)[half::2]:
        yield measure.label in labels, bool(measure.says(*texts)), " | ".join(texts)


def counts(measure: Measure, half: int) -> Counts:
    found = [(should, speaks) for should, speaks, _ in judged(measure, half)]
    return Counts(
        found.count((True, True)),
        found.count((False, True)),
        found.count((True, False)),
        len(found),
    )


def table_row(measure: Measure) -> str:
    """The rule's line in the table of docs/lint.md: the held-out half, then the other."""
    held_out, adjusted = counts(measure, 1), counts(measure, 0)
    cells = [
        f"`{measure.rule}`",
        str(held_out.n),
        _share(held_out.right, held_out.right + held_out.false),
        _share(held_out.right, held_out.right + held_out.missed),
        f"{adjusted.precision:.2f}",
        f"{adjusted.recall:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _share(part: int, n: int) -> str:
    found = wilson(part, n)
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f}, n = {n})"


if __name__ == "__main__":
    for measure in (*MEASURES, NORMS):
        print(table_row(measure))
    for measure in (*MEASURES, NORMS):
        for should, speaks, wording in judged(measure, 0):
            if should != speaks:
                print("missed     " if should else "false alarm", measure.rule, wording)

"""What a reader would say about a constitution before anything is spent on it.

An error makes it unusable; a warning is likely to spoil the result; a note is worth a look. The
rules with reason and source stand in `rules`, what they look for in `lint_wording` and `lint_pairs`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cai_core.constitution import rules
from cai_core.constitution.lint_pairs import (
    different_questions,
    near_duplicates,
    opposite_polarity,
)
from cai_core.constitution.lint_wording import (
    LONG,
    counterweight,
    double_barrelled,
    names_a_side,
    only_negative,
    template_marks,
    vague_terms,
)
from cai_core.constitution.rules import LEVELS, Finding, Level, Rule
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle

__all__ = ["Finding", "Window", "lint"]

# Tokens of the template, the conversation and both answers that 95 of 100 pairs need: 1,000 of the
# human-labelled hh harmlessness pairs under compare-1, the built-in model's tokenizer (median 226).
PAIR_TOKENS = 540
FIELDS = ("text", "critique", "revision")


@dataclass(frozen=True)
class Window:
    """A judge's window: `context` tokens, and how long a text is in them.

    `in_one` words the one question of a judge that is asked all principles at once.
    """

    judge: str
    context: int
    count_tokens: Callable[[str], int]
    in_one: Callable[[Sequence[Principle]], str] | None = None


def lint(constitution: Constitution, window: Window | None = None) -> list[Finding]:
    """All findings, errors first, then in the order of the principles; drafts may be linted.

    Args:
        window: whose questions must fit; without it nothing is said about lengths in tokens.
    """
    found = [*_unusable(constitution), *_balance(constitution.enabled)]
    for principle in constitution.principles:
        found += _principle(principle)
    found += _twins(constitution.enabled)
    if window:
        found += _too_long(constitution.enabled, window)
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


# -- the whole


def _unusable(constitution: Constitution) -> Iterator[Finding]:
    try:
        constitution.check()
    except ConstitutionError as error:
        yield Finding("error", rules.UNUSABLE, "", str(error))


def _balance(enabled: tuple[Principle, ...]) -> Iterator[Finding]:
    """What the enabled principles lack as a whole."""
    texts = tuple(principle.text for principle in enabled if principle.text.strip())
    everything = tuple(sorted(getattr(p, field) for p in enabled for field in FIELDS))
    if enabled and not texts:
        yield Finding(
            "warning",
            rules.NO_COMPARISON_TEXT,
            "",
            "no principle has a comparison text; the judge can only ask with the critique requests,"
            " which are worded to find fault and not to compare",
            looked_at=everything,
        )
    if enabled and not any(map(counterweight, everything)):
        yield Finding(
            "warning",
            rules.NO_COUNTERWEIGHT,
            "",
            "nothing here weighs against evasive or preachy answers; add a principle such as 'Which"
            " response answers the question without being evasive or preachy?'",
            looked_at=everything,
        )
    if len(texts) > 1 and all(map(only_negative, texts)):
        yield Finding(
            "warning",
            rules.ONLY_NEGATIVE,
            "",
            "every principle says only what an answer must not do, and an empty answer keeps them"
            " all; say in some what a good answer does",
            looked_at=tuple(sorted(texts)),
        )


def _twins(enabled: tuple[Principle, ...]) -> Iterator[Finding]:
    """Principles that say nearly what another says; each is told once, at the later of the two.

    Of three and more, which two are told together goes by their keys, so that no move changes it.
    """
    told: set[int] = set()
    places = sorted(range(len(enabled)), key=lambda at: (enabled[at].key, enabled[at].text))
    by_key = [enabled[at] for at in places]
    for field, so in (("text", "counts twice"), ("critique", "is asked twice as often")):
        for at, place in near_duplicates(by_key, field):
            if place in told:
                continue
            told.add(place)
            one, other = (enabled[i] for i in sorted((places[at], places[place])))
            yield Finding(
                "warning",
                rules.NEAR_DUPLICATE,
                other.key,
                f"its {field} is nearly that of '{one.key}', which so {so}; disable one",
                other=one.key,
                looked_at=tuple(sorted(getattr(p, field) for p in (one, other))),
            )


# -- the judge's window


def _too_long(enabled: tuple[Principle, ...], window: Window) -> Iterator[Finding]:
    room = window.context - PAIR_TOKENS
    has = f"the window of {window.judge} has {window.context} tokens"
    needs = f"95 of 100 pairs need {PAIR_TOKENS} beside the question"
    if enabled and room <= 0:
        yield Finding(
            "warning",
            rules.TOO_LONG_FOR_JUDGE,
            "",
            f"{has}, and {needs}: long answers"
            " are cut in the middle; choose a judge with a longer window",
        )
        return
    for key, what, asked, looked_at in _asked(enabled, window):
        tokens = window.count_tokens(asked)
        if tokens > room:
            yield Finding(
                "warning",
                rules.TOO_LONG_FOR_JUDGE,
                key,
                f"{what} {tokens} tokens; {has}, and {needs}: shorten it, or choose a judge with a"
                " longer window",
                looked_at=looked_at,
            )


def _asked(
    enabled: tuple[Principle, ...], window: Window
) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(key, what takes the tokens, the question, the wordings in it) of each question."""
    alone = [p.text if p.text.strip() else p.critique for p in enabled]
    if window.in_one and enabled:
        what = f"its {len(enabled)} questions are asked in one, which takes"
        yield "", what, window.in_one(enabled), tuple(sorted(alone))
    else:
        for principle, asked in zip(enabled, alone, strict=True):
            yield principle.key, "its question takes", asked, (asked,)


# -- one principle


@lru_cache(maxsize=4096)  # a draft is linted at every run of its page, and hardly changes
def _principle(principle: Principle) -> tuple[Finding, ...]:
    if not principle.text.strip() and not principle.critique.strip():
        message = "has neither a text nor a critique; write one"
        return (Finding("error", rules.NO_WORDING, principle.key, message),)
    parts = (_missing, _question, _together, _wordings)
    return tuple(finding for part in parts for finding in part(principle))


def _missing(principle: Principle) -> Iterator[Finding]:
    key = principle.key
    if not principle.text.strip():
        message = "has no comparison text; it is made from the critique by template"
        yield Finding(
            "note", rules.NO_COMPARISON_TEXT, key, message, looked_at=(principle.critique,)
        )
    for name in ("critique", "revision"):
        if not getattr(principle, name).strip():
            message = f"has no {name} request; a general one is used"
            yield Finding(
                "note", rules.MISSING_REQUEST, key, message, looked_at=(name, principle.text)
            )
    if principle.enabled and principle.weight == 0:
        message = "is enabled with weight 0 and counts for nothing; disable it"
        yield Finding("warning", rules.WEIGHT_ZERO, key, message)


def _question(principle: Principle) -> Iterator[Finding]:
    """What is said of the comparison text."""
    text = principle.text

    def said(level: Level, rule: Rule, message: str) -> Finding:
        return Finding(level, rule, principle.key, message, looked_at=(text,))

    if only_negative(text):
        yield said(
            "note",
            rules.ONLY_NEGATIVE,
            "says only what an answer must not do; say what a good one does instead",
        )
    both = double_barrelled(text)
    if both:
        yield said(
            "note",
            rules.DOUBLE_BARRELLED,
            f"its text asks two things at once ('{both}'); make two principles of it",
        )
    if names_a_side(text):
        yield said(
            "warning",
            rules.NAMES_A_SIDE,
            "its text names one of the two places; both orders are asked, so speak of 'which"
            " response' instead",
        )


def _together(principle: Principle) -> Iterator[Finding]:
    """What is said of a text beside its own requests."""
    looked_at = tuple(getattr(principle, field) for field in FIELDS)
    field = different_questions(principle)
    if field:
        yield Finding(
            "note",
            rules.DIFFERENT_QUESTIONS,
            principle.key,
            f"its text and its {field} request share no word and no subject; make them ask for the"
            " same, or make two principles of them",
            looked_at=looked_at,
        )
    wrong = opposite_polarity(principle)
    if wrong:
        yield Finding(
            "warning",
            rules.OPPOSITE_POLARITY,
            principle.key,
            f"{wrong}: it pulls towards the worse answer; turn it round",
            looked_at=looked_at,
        )


def _wordings(principle: Principle) -> Iterator[Finding]:
    """What is said of each wording by itself."""
    for name in FIELDS:
        wording = getattr(principle, name)
        for level, rule, message in _of_wording(name, wording):
            yield Finding(level, rule, principle.key, message, looked_at=(name, wording))


def _of_wording(name: str, wording: str) -> Iterator[tuple[Level, Rule, str]]:
    count = len(wording.split())
    if count > LONG:
        yield (
            "warning",
            rules.LONG_WORDING,
            f"its {name} has {count} words, over {LONG}; split it into two principles",
        )
    vague = vague_terms(wording) if name != "revision" else ()
    if vague:
        said = ", ".join(f"'{word}'" for word in vague)
        yield (
            "note",
            rules.VAGUE_TERM,
            f"its {name} leaves it to the reader what {said} means here; say what such an answer"
            " does, or for whom",
        )
    marks = template_marks(wording)
    if marks:
        said = ", ".join(f"'{mark}'" for mark in marks)
        yield (
            "warning",
            rules.BREAKS_PARSING,
            f"its {name} has words of a template in it ({said}); take them out",
        )

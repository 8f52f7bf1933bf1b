"""Which rows stay out of a dataset, and for which reason.

Every filter is off unless it is set, but one: marked revisions stay out unless `keep_marked` is set.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cai_core.errors import DataError
from cai_core.schema import Row
from cai_core.settings import validation_sentence
from cai_core.text import is_boilerplate, is_refusal, repetition


class Filters(BaseModel):
    """What is left out. A filter on answers looks at what would be learned: completion or chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_marked: bool = Field(
        False, description="keep revisions that are unchanged, empty or looping"
    )
    keep_ties: bool = Field(False, description="keep ties, as p_chosen 0.5")
    people_only: bool = Field(False, description="only pairs that people agreed on")
    drop_inconsistent: bool = Field(False, description="drop pairs whose two orders disagree")
    min_margin: float = Field(0.0, ge=0, lt=0.5, description="least |p - 0.5| of a judge's label")
    drop_refusals: bool = Field(False, description="drop answers that decline by their wording")
    drop_boilerplate: bool = Field(False, description="drop answers with stock phrases")
    max_repetition: float | None = Field(
        None, ge=0, le=1, description="greatest share of repeated 4-word runs in an answer"
    )
    min_words: int = Field(0, ge=0, description="least words of an answer")
    max_words: int | None = Field(None, ge=1, description="most words of an answer")
    max_corrected: float = Field(
        0.2, ge=0, le=1, description="greatest share of answers that people wrote themselves"
    )

    @classmethod
    def of(cls, values: Row) -> Self:
        """Raises DataError: an unknown filter or a value out of range, as one sentence."""
        unknown = set(values) - set(cls.model_fields)
        if unknown:
            known = ", ".join(cls.model_fields)
            raise DataError(f"there is no filter '{min(unknown)}'; there are {known}")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise DataError(f"filter {validation_sentence(error)}") from error

    @property
    def active(self) -> Row:
        """The filters that are set, for a manifest."""
        return self.model_dump(mode="json", exclude_defaults=True)


def pair_reason(filters: Filters, *, p_a: float, source: str, inconsistent: bool) -> str | None:
    """Why a labelled pair stays out; None where it stays in. A tie is no margin; only a judge's counts."""
    if filters.people_only and source not in ("people", "corrected"):
        return "not reviewed"
    if filters.drop_inconsistent and inconsistent:
        return "inconsistent"
    if p_a == 0.5:
        return None if filters.keep_ties else "tie"
    is_small = source == "judge" and abs(p_a - 0.5) < filters.min_margin
    return "small margin" if is_small else None


def answer_reason(filters: Filters, answer: str) -> str | None:
    """Why an answer that would be learned stays out; None where it stays in."""
    words = len(answer.split())
    if not words:
        return "empty"
    if words < filters.min_words:
        return "too short"
    if filters.max_words is not None and words > filters.max_words:
        return "too long"
    if filters.drop_refusals and is_refusal(answer):
        return "refusal"
    if filters.drop_boilerplate and is_boilerplate(answer):
        return "boilerplate"
    if filters.max_repetition is not None and repetition(answer) > filters.max_repetition:
        return "repetition"
    return None

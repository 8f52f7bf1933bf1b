"""Which verdicts were given under other words than those that count now."""

from collections.abc import Sequence
from dataclasses import dataclass

from cai_core.schema import Constitution, Label, Version


@dataclass(frozen=True)
class Edited:
    """The versions of one constitution whose comparison wordings differ from its newest one's.

    `name` tells it from other constitutions; a verdict of before names were kept counts by its number.
    """

    name: str = ""
    numbers: frozenset[int] = frozenset()
    hashes: frozenset[str] = frozenset()

    def holds(self, label: Label) -> bool:
        """Whether this verdict was given under one of them."""
        if label.constitution is not None:
            return label.constitution.hash in self.hashes
        return label.review is not None and label.review.constitution_version in self.numbers


def edited(versions: Sequence[Version]) -> Edited:
    """Those of a constitution's versions, given in any order, that ask something else by now.

    A renamed key, another order, weight, critique or revision request changes no comparison.
    """
    if not versions:
        return Edited()
    newest = max(versions, key=lambda version: version.number)
    asked = wordings(newest.constitution)
    old = [one for one in versions if wordings(one.constitution) != asked]
    return Edited(
        newest.constitution.name,
        frozenset(one.number for one in old),
        frozenset(one.constitution.hash for one in old),
    )


def wordings(constitution: Constitution) -> frozenset[str]:
    """What a comparison is made under: the texts of the enabled principles, spaces aside."""
    texts = (" ".join(principle.text.split()) for principle in constitution.enabled)
    return frozenset(filter(None, texts))

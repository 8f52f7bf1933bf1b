"""One principle drawn at random, and always the same one for the same thing."""

from collections.abc import Sequence

from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle, content_hash

_DIGITS = 13  # 52 bits: every value is a float of its own


def voters(constitution: Constitution) -> tuple[Principle, ...]:
    """The enabled principles with a weight.

    Raises:
        ConstitutionError: it cannot be used, or no enabled principle has a weight.
    """
    found = tuple(p for p in constitution.check().enabled if p.weight > 0)
    if not found:
        raise ConstitutionError(
            f"every enabled principle of constitution '{constitution.name}' has weight 0; give one"
            " a weight"
        )
    return found


def draw(principles: Sequence[Principle], *of: object) -> Principle:
    """The principle that belongs to `of` (ids, numbers), by a hash; drawn by weight.

    >>> rules = [Principle("a", "x"), Principle("b", "x")]
    >>> draw(rules, "pair 1") == draw(rules, "pair 1")
    True
    """
    place = int(content_hash(list(of), digits=_DIGITS), 16) / 16**_DIGITS
    left = place * sum(p.weight for p in principles)
    for principle in principles:
        left -= principle.weight
        if left < 0:
            return principle
    return principles[-1]

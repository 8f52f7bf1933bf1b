"""Two edits of one version put together, principle by principle."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle


@dataclass(frozen=True)
class Together:
    """Both edits in one; `clashes` are keys of principles that both changed, where `mine` stands."""

    constitution: Constitution
    clashes: tuple[str, ...]


def put_together(base: Constitution, theirs: Constitution, mine: Constitution) -> Together:
    """What either changed since `base`; a principle is known by its key, and whole or not at all.

    The order is the one of whoever changed it, mine where both did; what only the other has stands
    behind what it stood behind there.

    Raises:
        ConstitutionError: a key stands twice on one side, so that it names no principle.
    """
    sides = [_by_key(side) for side in (base, theirs, mine)]
    chosen: dict[str, Principle] = {}
    clashes = []
    for key in dict.fromkeys([*sides[2], *sides[1]]):
        before, other, own = (side.get(key) for side in sides)
        took = other if own == before else own
        if before not in (other, own) and other != own:
            clashes.append(key)
        if took is not None:
            chosen[key] = took
    order = _order([list(side) for side in sides], chosen)
    description = theirs.description if mine.description == base.description else mine.description
    principles = tuple(chosen[key] for key in order)
    return Together(Constitution(mine.name, principles, description), tuple(clashes))


def _by_key(side: Constitution) -> dict[str, Principle]:
    twins = [key for key, times in Counter(p.key for p in side.principles).items() if times > 1]
    if twins:
        raise ConstitutionError(
            f"the key '{twins[0]}' stands twice; give one of the two another name first"
        )
    return {principle.key: principle for principle in side.principles}


def _order(sides: Sequence[Sequence[str]], chosen: Collection[str]) -> list[str]:
    base, theirs, mine = ([key for key in side if key in chosen] for side in sides)
    moved = [key for key in mine if key in base] != [key for key in base if key in mine]
    first, second = (mine, theirs) if moved else (theirs, mine)
    found = list(first)
    for at, key in enumerate(second):
        if key not in found:
            before = [other for other in second[:at] if other in found]
            found.insert(found.index(before[-1]) + 1 if before else 0, key)
    return found

"""Which edge cases are wanted: slots of a kind and its principles, dealt out by seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, cycle, islice
from random import Random

from cai_core.errors import ConstitutionError
from cai_core.feedback.edge_wording import KINDS, Kind
from cai_core.schema import Constitution, Principle, Sampling

COUNT = 8  # of each kind: 24 in all, as many as the other forms offer at first
TRIES = 8  # of a slot; half of what the built-in model writes is refused
TEMPERATURE = 0.6  # the built-in model writes word salad at 1.0, and over half of its replies are empty at 0.4
TOKENS = 96  # holds the 60 to 70 words of a long shipped prompt

_AT_STAKE = "harm"  # a tag: only such a principle is one that a harmless prompt seems to offend


@dataclass(frozen=True)
class EdgeSettings:
    """What is wanted.

    Args:
        principles: keys; all enabled principles where none is given.
        count: prompts of each kind.
        tries: of a prompt, before it is given up.
    """

    kinds: tuple[Kind, ...] = KINDS
    principles: tuple[str, ...] = ()
    count: int = COUNT
    tries: int = TRIES
    sampling: Sampling = field(default_factory=lambda: Sampling(TOKENS, TEMPERATURE))

    def chosen(self, constitution: Constitution) -> tuple[Principle, ...]:
        """The principles in the order of the constitution.

        Raises:
            ConstitutionError: no such principle, or one alone where two are to collide.
        """
        there = {principle.key: principle for principle in constitution.check().principles}
        unknown = [key for key in self.principles if key not in there]
        if unknown:
            raise ConstitutionError(
                f"constitution '{constitution.name}' has no principle '{unknown[0]}'; it has"
                f" {', '.join(there)}"
            )
        keys = self.principles or [principle.key for principle in constitution.enabled]
        found = tuple(principle for key, principle in there.items() if key in keys)
        if "collide" in self.kinds and len(found) < 2:
            raise ConstitutionError(
                "two principles are needed to collide; choose another one, or leave the kind"
                " 'collide' out"
            )
        return found


@dataclass(frozen=True)
class Slot:
    """One prompt that is wanted."""

    id: str
    kind: Kind
    principles: tuple[Principle, ...]


def slots(constitution: Constitution, settings: EdgeSettings) -> list[Slot]:
    """The prompts that are wanted, kind by kind, their principles dealt out by seed.

    Of two that collide the first tags differ as long as there are such pairs (`harm` against
    `evasiveness` in the shipped constitutions: those pull apart).
    """
    chosen = settings.chosen(constitution)
    wanted = []
    for kind in settings.kinds:
        dealt = islice(cycle(_dealt(kind, chosen, settings.sampling.seed)), settings.count)
        wanted += [
            Slot(f"{kind}-{place:03d}", kind, some) for place, some in enumerate(dealt, start=1)
        ]
    return wanted


def _dealt(kind: Kind, principles: Sequence[Principle], seed: int) -> list[tuple[Principle, ...]]:
    if kind == "collide":
        some: list[tuple[Principle, ...]] = list(combinations(principles, 2))
    else:
        at_stake = [p for p in principles if _AT_STAKE in p.tags] if kind == "looks-unsafe" else []
        some = [(principle,) for principle in at_stake or principles]
    Random(f"{seed} {kind}").shuffle(some)
    return sorted(some, key=lambda those: len(those) > 1 and _first_tags_agree(those))


def _first_tags_agree(principles: Sequence[Principle]) -> bool:
    return len({principle.tags[:1] for principle in principles}) == 1

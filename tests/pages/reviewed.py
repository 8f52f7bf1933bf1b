"""Judged pairs of which people drew some and read them blind: what the quality page measures from."""

import random

from sqlite_utils import Database

from cai_core.store import draws, verdicts
from cai_core.store.draws import Queue
from cai_core.store.verdicts import Press
from tests.pages import judged
from tests.pages.judged import N

READ = 60


def fill(db: Database, *, read: int = READ, queue: str = "even", **more: object) -> None:
    """Judge N pairs; Grace draws `read` of them, and agrees with the judge's first principle.

    Ben reads every sixth of them too; where Grace says A he says so as well, else a tie.
    """
    logits = judged.fill(db, verdicts=0, **more)  # type: ignore[arg-type]
    places = {judged.pair_of(i).id: i for i in range(N)}
    chance = random.Random(0)
    number = 0
    while number < read:  # the seeded pairs come up as well
        [lease] = draws.lease(db, "Grace", Queue(queue), n=1, chance=chance)  # type: ignore[arg-type]
        place = places.get(lease.pair.id)
        side = "a" if place is None or logits[place, 0] > 0 else "b"
        press = Press("g", verdicts.last_number(db, "g") + 1, lease.pair.id, side)
        verdicts.give(db, press, person="Grace")
        if place is None or lease.again:
            continue
        if number % 6 == 0:
            other = "a" if side == "a" else "tie"
            verdicts.give(db, Press("ben", number, lease.pair.id, other), person="Ben")
        number += 1

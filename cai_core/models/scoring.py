"""Scores of choices along a plan of shared prefixes, all its branches of one level at a time.

What a level adds is read for many branches in one pass. Then the endings of all branches follow in
rounds: each round adds one ending to every row and is forgotten again, so that no cache is copied
for it. The sixteen principles of a judge are the same endings behind every pair: nothing is padded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cai_core.models.sharing import Context, Shared, groups, share
from cai_core.stats import FloatArray

if TYPE_CHECKING:
    from cai_core.models.reader import Reader, Stems

SLICE_ROWS = 1024  # contexts in one plan: those of 16 principles on 32 pairs in both orders
# Padding that is cheaper than a pass of its own; 32 and 100 did equally well on 12 pairs.
WORTH_PADDING = 64
FULL = 16  # rows that make good use of a pass, with endings of about 40 tokens
# Padded keys of a token that are cheaper than a pass of its own: each takes 0.7 us with the built-in
# model on 2 cores, the smallest pass 37 ms. 400 and 1,000 did equally well on 12 pairs.
PASS_KEYS = 700


@dataclass(frozen=True)
class _Stem:
    """Where a node of the plan stands when it has been read: a row of some stems."""

    node: Shared
    stems: "Stems"
    row: int


def score(reader: "Reader", contexts: Sequence[Context], scores: FloatArray) -> None:
    """Add the log-probabilities that the contexts ask for to `scores` (chats, choices)."""
    for start in range(0, len(contexts), SLICE_ROWS):
        part = contexts[start : start + SLICE_ROWS]
        plan = share([c.ids for c in part], [c.first for c in part], worth=reader.worth)
        stems = reader.nothing(1)
        if plan.depth:
            stems = reader.prefix(part[plan.rows()[0]].ids[: plan.depth])
        walk = _Walk(reader, part, scores)
        walk.endings(list(walk.grown([_Stem(plan, stems, 0)])))


class _Walk:
    """One plan being followed."""

    def __init__(self, reader: "Reader", contexts: Sequence[Context], scores: FloatArray) -> None:
        self._reader = reader
        self._contexts = contexts
        self._scores = scores

    def grown(self, above: Sequence[_Stem]) -> Iterator[_Stem]:
        """These stems and all below them that endings hang on; each level is read in few passes."""
        yield from (stem for stem in above if stem.node.leaves)
        branches = [(stem, part) for stem in above for part in stem.node.parts]
        branches.sort(key=lambda branch: branch[1].depth - branch[0].node.depth)
        added = [self._between(stem, part) for stem, part in branches]
        below: list[_Stem] = []
        for some in groups(
            [len(ids) for ids in added], most=self._reader.most_rows, cost=WORTH_PADDING
        ):
            longer = self._reader.joined([(branches[i][0].stems, branches[i][0].row) for i in some])
            self._reader.read(longer, [added[i] for i in some])
            below += [_Stem(branches[i][1], longer, row) for row, i in enumerate(some)]
        if below:
            yield from self.grown(below)

    def _between(self, stem: _Stem, part: Shared) -> tuple[int, ...]:
        """What a branch adds to its stem."""
        return self._contexts[part.rows()[0]].ids[stem.node.depth : part.depth]

    def endings(self, stems: Sequence[_Stem]) -> None:
        """Score the leaves of all stems, those of like depth together."""
        ordered = sorted(stems, key=lambda stem: stem.node.depth)
        longest = max((len(context.ids) for context in self._contexts), default=1)
        fit = max(1, min(self._reader.most_rows, self._reader.room() // longest))
        depths = [stem.node.depth for stem in ordered]
        for some in groups(depths, most=min(FULL, fit), cost=PASS_KEYS):
            self._rounds([ordered[i] for i in some], fit)

    def _rounds(self, stems: Sequence[_Stem], fit: int) -> None:
        """One ending to every row a round; a stem stands in several rows where there are few."""
        leaves = [self._sorted(stem.node) for stem in stems]
        most = max(map(len, leaves))
        full = min(FULL, fit) if stems[0].node.depth else fit  # nothing is shared behind nothing
        lanes = min(most, max(1, full // len(stems)))
        rows = self._reader.joined([(stem.stems, stem.row) for stem in stems] * lanes)
        columns = rows.mask.shape[1]
        for first in range(0, most, lanes):
            taken = [
                some[first + lane] if first + lane < len(some) else None
                for lane in range(lanes)
                for some in leaves
            ]
            while taken[-1] is None:
                taken.pop()
            if columns:
                rows.shorten(columns)
                rows.keep(range(len(taken)))
            else:
                rows = self._reader.nothing(len(taken))
            self._look_up(rows, taken, [stem.node.depth for stem in stems] * lanes)

    def _sorted(self, node: Shared) -> list[Context]:
        """The leaves of a node, the longest first: equal ones of several nodes at one place."""
        found = [self._contexts[row] for row in node.leaves]
        return sorted(
            found, key=lambda c: (len(c.ids) - node.depth, c.ids[node.depth :]), reverse=True
        )

    def _look_up(
        self, rows: "Stems", taken: Sequence[Context | None], depths: Sequence[int]
    ) -> None:
        """Read one ending a row, none where there is None, and look the choices up."""
        endings = [c.ids[depth:] if c else () for c, depth in zip(taken, depths, strict=False)]
        width = max(map(len, endings))
        wanted = max(len(c.ids) - c.first for c in taken if c)
        for column, logits in self._reader.predictions(rows, endings, wanted):
            logs = logits.float().log_softmax(-1)
            for row, context in enumerate(taken):
                if context is None:
                    continue
                begin = len(context.ids) - width + column  # place of the first column
                for home, lookups in context.lookups.items():
                    for place, token in lookups:
                        if 0 <= place - begin < logs.shape[1]:
                            self._scores[home] += logs[row, place - begin, token].item()

"""Scores of choices along a plan of shared prefixes, all its branches of one level at a time.

What a level adds is read for many branches in one pass. The endings of a branch follow in rounds:
each round adds one ending to every row and is forgotten again, so that the caches are never copied.
The sixteen principles of a judge are the same endings behind every pair, so nothing is padded.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cai_core.models.sharing import Context, Shared, share
from cai_core.stats import FloatArray

if TYPE_CHECKING:
    from cai_core.models.reader import Reader, Stems

SLICE_ROWS = 512  # contexts in one plan: those of 16 principles on 16 pairs in both orders
FULL = 16  # rows that make good use of a pass, with endings of about 40 tokens


def score(reader: "Reader", contexts: Sequence[Context], scores: FloatArray) -> None:
    """Add the log-probabilities that the contexts ask for to `scores` (chats, choices)."""
    for start in range(0, len(contexts), SLICE_ROWS):
        part = contexts[start : start + SLICE_ROWS]
        plan = share([c.ids for c in part], [c.first for c in part], worth=reader.worth)
        stems = reader.nothing(1)
        if plan.depth:
            ids = part[plan.rows()[0]].ids[: plan.depth]
            stems = reader.picked(reader.prefix(ids), [0])
        _Walk(reader, part, scores).below(stems, [plan])


class _Walk:
    """One plan being followed; `nodes[i]` of a call stands in row i of its stems."""

    def __init__(self, reader: "Reader", contexts: Sequence[Context], scores: FloatArray) -> None:
        self._reader = reader
        self._contexts = contexts
        self._scores = scores

    def below(self, stems: "Stems", nodes: Sequence[Shared]) -> None:
        """Score everything below these nodes; the stems are used up."""
        branches = [(row, part) for row, node in enumerate(nodes) for part in node.parts]
        for some in self._batches(branches):
            longer = self._reader.picked(stems, [row for row, _ in some])
            added = [
                self._contexts[part.rows()[0]].ids[nodes[row].depth : part.depth]
                for row, part in some
            ]
            self._reader.read(longer, added)
            self.below(longer, [part for _, part in some])
        rows = [row for row, node in enumerate(nodes) if node.leaves]
        if rows:
            if len(rows) < len(nodes):
                stems = self._reader.picked(stems, rows)
            self._endings(stems, [nodes[row] for row in rows])

    def _batches(
        self, branches: Sequence[tuple[int, Shared]]
    ) -> Iterator[list[tuple[int, Shared]]]:
        """Branches of like depth together, as many as fit with their longest ending."""
        batch: list[tuple[int, Shared]] = []
        room, longest = self._reader.room(), 0
        for row, part in sorted(branches, key=lambda branch: branch[1].depth):
            widest = max(longest, max(len(self._contexts[r].ids) for r in part.rows()))
            full = len(batch) == self._reader.most_rows or (len(batch) + 1) * widest > room
            if batch and full:
                yield batch
                batch, widest = [], max(len(self._contexts[r].ids) for r in part.rows())
            longest = widest
            batch.append((row, part))
        if batch:
            yield batch

    def _endings(self, stems: "Stems", nodes: Sequence[Shared]) -> None:
        """Score the leaves of these nodes, some of every node a round, equal ones together."""
        leaves = [self._sorted(node) for node in nodes]
        most = max(map(len, leaves))
        each = min(most, max(1, self._fitting(leaves) // len(nodes)))
        columns = stems.mask.shape[1]
        if each > 1:
            stems = self._reader.picked(stems, list(range(len(nodes))) * each)
        for first in range(0, most, each):
            taken = [
                some[first + turn] if first + turn < len(some) else None
                for turn in range(each)
                for some in leaves
            ]
            while taken[-1] is None:
                taken.pop()
            if columns:
                stems.shorten(columns)
                stems.keep(range(len(taken)))
            else:
                stems = self._reader.nothing(len(taken))
            self._look_up(stems, taken, [node.depth for node in nodes] * each)

    def _sorted(self, node: Shared) -> list[Context]:
        """The leaves of a node, the longest first: equal ones of several nodes at one place."""
        found = [self._contexts[row] for row in node.leaves]
        return sorted(
            found, key=lambda c: (len(c.ids) - node.depth, c.ids[node.depth :]), reverse=True
        )

    def _fitting(self, leaves: Sequence[Sequence[Context]]) -> int:
        """Rows of a round: enough for a good pass, or as many as memory holds."""
        longest = max(len(context.ids) for some in leaves for context in some)
        fit = min(self._reader.most_rows, self._reader.room() // longest)
        return fit if len(leaves) == 1 else min(FULL, fit)

    def _look_up(
        self, stems: "Stems", taken: Sequence[Context | None], depths: Sequence[int]
    ) -> None:
        """Read one ending a row, none where there is None, and look the choices up."""
        endings = [c.ids[depth:] if c else () for c, depth in zip(taken, depths, strict=False)]
        width = max(map(len, endings))
        wanted = max(len(c.ids) - c.first for c in taken if c)
        for column, logits in self._reader.predictions(stems, endings, wanted):
            logs = logits.float().log_softmax(-1)
            for row, context in enumerate(taken):
                if context is None:
                    continue
                begin = len(context.ids) - width + column  # place of the first column
                for home, lookups in context.lookups.items():
                    for place, token in lookups:
                        if 0 <= place - begin < logs.shape[1]:
                            self._scores[home] += logs[row, place - begin, token].item()

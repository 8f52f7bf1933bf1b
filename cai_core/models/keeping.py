"""What a model has read and written lately, so that the next round of a chat goes on from there.

A critique's chat is the beginning of its revision's: with its keys and values at hand only the new
turn is read. The oldest rows go where memory is needed.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cai_core.models.sharing import WORTH, Tokens, common_length

if TYPE_CHECKING:
    from torch import Tensor

    from cai_core.models.reader import Reader, Stems

KEPT_SHARE = 0.5  # of the tokens that a batch may take


@dataclass(frozen=True)
class Kept:
    """One row: its tokens, and the keys and values of those behind `begun`, the prefix's tokens.

    `layers` holds keys and values (heads, tokens - begun, width) of every layer.
    """

    ids: Tokens
    prefix: "Stems"
    begun: int
    layers: Sequence[tuple["Tensor", "Tensor"]]

    @property
    def size(self) -> int:
        return len(self.ids) - self.begun


class KeptRows:
    """Rows by their tokens; the one used longest ago goes first."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Tokens, Kept] = OrderedDict()
        self._sorted: list[Tokens] = []

    def best(self, ids: Tokens) -> tuple[Kept, int] | None:
        """The row that begins most like `ids`, and how far; None where that is worth nothing.

        The last token of `ids` is always left to be read: what follows it is asked for.
        """
        place = bisect_left(self._sorted, ids)
        near = self._sorted[max(0, place - 1) : place + 1]
        if not near:
            return None
        length, nearest = max((common_length(ids[:-1], other), other) for other in near)
        kept = self._rows[nearest]
        if length - kept.begun < WORTH:
            return None
        self._rows.move_to_end(nearest)
        return kept, length

    def add(self, kept: Kept, *, most: int) -> None:
        """Keep a row, and no more than `most` tokens in all."""
        self._drop(kept.ids)
        if kept.size < WORTH:
            return
        self._rows[kept.ids] = kept
        insort(self._sorted, kept.ids)
        while self._rows and sum(row.size for row in self._rows.values()) > most:
            self._drop(next(iter(self._rows)))

    def _drop(self, ids: Tokens) -> None:
        if self._rows.pop(ids, None):
            del self._sorted[bisect_left(self._sorted, ids)]


def kept_row(stems: "Stems", row: int, ids: Tokens, prefix: "Stems") -> Kept:
    """Copy what a row of a batch has read: `ids` are its tokens, in all columns that count."""
    begun = prefix.mask.shape[1]
    columns = stems.mask[row].nonzero()[:, 0][begun:]
    layers = [
        (layer.keys[row, :, columns], layer.values[row, :, columns]) for layer in stems.layers
    ]
    return Kept(ids[: begun + len(columns)], prefix, begun, layers)


def gathered(
    reader: "Reader", found: Sequence[tuple[Kept, int] | None], prefix: "Stems"
) -> "Stems":
    """Kept rows as one batch, each with so many of its tokens, padded on the left.

    A row of which nothing is kept has the prefix only.
    """
    from cai_core.models.reader import layer_of, stacked

    begun = prefix.mask.shape[1]
    lengths = [one[1] if one else begun for one in found]
    mask = prefix.mask.new_zeros(len(found), max(lengths))
    for row, length in enumerate(lengths):
        mask[row, mask.shape[1] - length :] = 1
    depth = next(len(one[0].layers) for one in found if one)
    layers = []
    for layer in range(depth):
        pairs = [_of_row(one, prefix, layer) for one in found]
        layers.append(layer_of(*(stacked([pair[which] for pair in pairs]) for which in (0, 1))))
    return reader.of_layers(layers, mask)


def _of_row(one: tuple[Kept, int] | None, prefix: "Stems", layer: int) -> Sequence[list["Tensor"]]:
    """Keys and values of a row in one layer, each in parts (heads, tokens, width)."""
    kept, length = one or (None, 0)
    prefix = kept.prefix if kept else prefix
    parts: tuple[list[Tensor], list[Tensor]] = ([], [])
    if prefix.mask.shape[1]:
        shared = prefix.layers[layer]
        parts = ([shared.keys[0]], [shared.values[0]])
    if kept:
        for some, own in zip(parts, kept.layers[layer], strict=True):
            some.append(own[:, : length - kept.begun])
    return parts

"""Which prompts come when, and where in a batch of answers a pass stands."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from cai_core.train.configs import PpoConfig


@dataclass(frozen=True)
class Place:
    """Of one pass: the number of its batch, and within that its epoch, minibatch and part of it.

    `begins` a batch: its answers are not written yet. `first`: of the first minibatch.
    """

    batch: int
    epoch: int
    mini: int
    part: int

    @property
    def begins(self) -> bool:
        return self.first and self.part == 0

    @property
    def first(self) -> bool:
        return self.epoch == self.mini == 0


def place_of(passes: int, config: PpoConfig) -> Place:
    """Where the next pass stands after so many.

    >>> place_of(5, PpoConfig(gradient_accumulation_steps=1, num_mini_batches=2, num_ppo_epochs=2))
    Place(batch=1, epoch=0, mini=1, part=0)
    """
    minis, parts = divmod(passes, config.gradient_accumulation_steps)
    epochs, mini = divmod(minis, config.num_mini_batches)
    batch, epoch = divmod(epochs, config.num_ppo_epochs)
    return Place(batch, epoch, mini, parts)


class Episodes:
    """Prompt numbers for every episode: passes over the prompts, each in a new seeded order."""

    def __init__(self, prompts: int, episodes: int, seed: int) -> None:
        self._prompts, self._episodes, self._seed = prompts, episodes, seed
        self._orders: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return self._episodes

    def __getitem__(self, episode: int) -> int:
        number, place = divmod(episode, self._prompts)
        if number not in self._orders:
            order = list(range(self._prompts))
            random.Random(f"{self._seed}-{number}").shuffle(order)
            self._orders[number] = order
        return self._orders[number][place]


class Repeats:
    """A sampler that gives each run of `size` episodes `times` over before the next."""

    def __init__(self, episodes: int, *, size: int, times: int) -> None:
        self._episodes, self._size, self._times = episodes, size, times

    def __len__(self) -> int:
        return self._episodes * self._times

    def __iter__(self) -> Iterator[int]:
        for start in range(0, self._episodes, self._size):
            for _ in range(self._times):
                yield from range(start, start + self._size)

"""Who writes a batch of answers, and what is read of them before they are learned from."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from cai_core.schema import Chat
from cai_core.train.configs import PpoConfig
from cai_core.train.policy.advantages import Tensor
from cai_core.train.policy.logprobs import logprobs_of
from cai_core.train.policy.rollouts import Answers, in_parts
from cai_core.train.policy.sampling import Written, sample, write


@dataclass
class Writer:
    """The policy, its reference, and how they are asked.

    Args:
        model: the ActorCritic, unwrapped. copy: the frozen policy it began as; None with LoRA, where the
            policy without its adapters is that. autocast: precision of the learning passes.
        exact: what is found while writing is what the learning passes will find: float32.
    """

    model: Any
    tokenizer: Any
    config: PpoConfig
    copy: Any
    autocast: Callable[[], AbstractContextManager[Any]]
    exact: bool

    def write(self, chats: Sequence[Chat], before_each: Callable[[], None]) -> Written:
        """Answers with log-probabilities and values (B, T), as the learning passes will see them."""
        model, config = self.model, self.config
        head = model.value_of if model.reads_values_on_the_way else None
        with self._ready(model.policy) as policy:
            written = write(
                policy, self.tokenizer, chats, config, head=head, before_each=before_each
            )
        size = config.local_rollout_forward_batch_size
        if not self.exact:
            logprobs, entropy, values = in_parts(written.answers, self._as_learned, size)
            return Written(written.answers, logprobs, entropy, values)
        if head is None:
            (values,) = in_parts(written.answers, lambda part: (model.values(part),), size)
            return dataclasses.replace(written, values=values)
        return written

    def answers(
        self, chats: Sequence[Chat], *, before_each: Callable[[], None], reference: bool = False
    ) -> Answers:
        """Answers alone, of the policy as it is or as it began."""
        with self._policy(reference) as whose, self._ready(whose) as policy:
            return sample(policy, self.tokenizer, chats, self.config, before_each)

    def reference_logprobs(self, answers: Answers) -> Tensor:
        """(B, T), of the policy as it began."""
        size = self.config.local_rollout_forward_batch_size
        with self._policy(reference=True) as policy, self.autocast():
            logprobs, _ = in_parts(
                answers, lambda part: logprobs_of(policy, part, self.config.temperature), size
            )
        return logprobs

    def _as_learned(self, part: Answers) -> tuple[Tensor, Tensor, Tensor]:
        with self.autocast():
            seen = self.model(part, self.config.temperature)
        return seen.logprobs, seen.entropy, seen.values

    @contextmanager
    def _policy(self, reference: bool) -> Iterator[Any]:
        if reference and self.copy is None:
            with self.model.as_reference() as policy:
                yield policy
        else:
            yield self.copy if reference else self.model.policy

    @contextmanager
    def _ready(self, policy: Any) -> Iterator[Any]:
        """Ready to write: a body that learns with activation checkpointing keeps no cache."""
        was_training = policy.training
        policy.eval()
        try:
            with self.autocast():
                yield policy
        finally:
            policy.train(was_training)

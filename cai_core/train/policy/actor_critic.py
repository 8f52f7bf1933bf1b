"""Policy and value model in one module, so that one optimiser and one wrapper hold both.

Where the values come from is a choice: a body of its own (separate), a head on the policy's
backbone (shared), or adapters of their own on one frozen backbone (adapters). With LoRA the
reference is the policy with its adapters off; without, the trainer keeps a copy.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from peft import inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import nn

from cai_core.errors import TrainError
from cai_core.train import sft
from cai_core.train.configs import PpoConfig
from cai_core.train.policy.logprobs import read
from cai_core.train.policy.rollouts import Answers, Rollout, joined, trimmed
from cai_core.train.reward_model import RewardModel

Tensor = torch.Tensor
Of = Literal["both", "values", "policy"]
POLICY, VALUE = "policy", "value"  # names of adapters
LEARNED_FILE = "learned.safetensors"


@dataclass(frozen=True)
class Forward:
    """Of the answer tokens, each (B, T); None where it was not asked for."""

    values: Tensor | None = None
    logprobs: Tensor | None = None
    entropy: Tensor | None = None


class ActorCritic(nn.Module):
    """A policy with its values.

    Args:
        body: of the values; None where they are read from the policy's backbone.
        adapters: the values have adapters of their own on that backbone.
    """

    def __init__(
        self, policy: Any, head: nn.Linear, *, body: Any = None, adapters: bool = False
    ) -> None:
        super().__init__()
        self.policy, self.head, self.body, self.adapters = policy, head, body, adapters
        self.config = policy.config
        self.lora = any(isinstance(module, LoraLayer) for module in policy.modules())
        _disable_dropout(self)

    @classmethod
    def build(
        cls, policy: Any, config: PpoConfig, tokenizer: Any, judge: RewardModel | None = None
    ) -> "ActorCritic":
        """As the configuration says; values start from the reward model where they have a body."""
        if config.value_model == "separate":
            body, head = _own_body(policy, tokenizer, judge)
        else:
            body, head = None, _new_head(policy)
        if config.lora:
            _inject(policy, config, POLICY)
        if config.value_model == "adapters":
            _inject(policy, config, VALUE)
        made = cls(policy, head, body=body, adapters=config.value_model == "adapters")
        made.use(POLICY)
        return made

    @property
    def reads_values_on_the_way(self) -> bool:
        """Whether the pass that gives log-probabilities gives the values too."""
        return self.body is None and not self.adapters

    def forward(self, batch: Answers | Rollout, temperature: float, of: Of = "both") -> Forward:
        """One pass over prompts and answers.

        Args:
            of: the values alone give no gradient to the policy's backbone; the policy alone leaves
                out values of a model of their own.
        """
        length = batch.response_ids.shape[1]
        part: Answers | Rollout = trimmed(cast(Any, batch))
        values = logprobs = entropy = None
        if self.reads_values_on_the_way:
            logprobs, entropy, hidden = read(self.policy, part, temperature)
            values = self.value_of(hidden.detach() if of == "values" else hidden)
            logprobs = None if of == "values" else logprobs
        else:
            if of != "policy":
                values = self._own_values(part)
            if of != "values":
                logprobs, entropy, _ = read(self.policy, part, temperature)
        return Forward(*(_wide(one, length) for one in (values, logprobs, entropy)))

    def value_of(self, hidden: Tensor) -> Tensor:
        """Values (...) of hidden states (..., H)."""
        values: Tensor = self.head(hidden.to(self.head.weight.dtype)).squeeze(-1).float()
        return values

    def values(self, batch: Answers) -> Tensor:
        """Values (B, T) just before each answer token, of a value model of its own."""
        return cast(Tensor, _wide(self._own_values(batch), batch.response_ids.shape[1]))

    def _own_values(self, batch: Answers | Rollout) -> Tensor:
        ids, mask, positions = joined(batch)
        length = batch.response_ids.shape[1]
        with self.using(VALUE if self.adapters else None):
            body = self.body if self.body is not None else self.policy.base_model
            hidden = body(
                input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False
            ).last_hidden_state
        return self.value_of(hidden[:, -length - 1 : -1])

    # -- adapters

    def use(self, name: str | None) -> None:
        """Let these adapters take part in the next passes; None of them: the reference.

        Not through peft's own switch, which takes the gradient from the others: both learn in one step.
        """
        for module in self.policy.modules():
            if isinstance(module, BaseTunerLayer):
                module._active_adapter = [name or POLICY]
                module._disable_adapters = name is None

    @contextmanager
    def using(self, name: str | None) -> Iterator[None]:
        """For the values: their own adapters while the block runs, where there are some."""
        if name is None:
            yield
            return
        self.use(name)
        try:
            yield
        finally:
            self.use(POLICY)

    @contextmanager
    def as_reference(self) -> Iterator[Any]:
        """The policy without its adapters. Only with LoRA."""
        self.use(None)
        try:
            yield self.policy
        finally:
            self.use(POLICY)

    # -- folders

    def save_policy(self, out: Path) -> None:
        """A plain model: adapters are merged in, and kept beside in OUT/adapter."""
        if not self.lora:
            self.policy.save_pretrained(out)
            return
        self.policy.save_pretrained(out, state_dict=_merged(self.policy))
        adapter = out / "adapter"
        adapter.mkdir(parents=True, exist_ok=True)
        self.policy.peft_config[POLICY].save_pretrained(adapter)
        state = get_peft_model_state_dict(self.policy, adapter_name=POLICY)
        save_file(
            {f"base_model.model.{name}": _plain(tensor) for name, tensor in state.items()},
            adapter / "adapter_model.safetensors",
        )

    def save_learned(self, folder: Path) -> None:
        """What a plain policy folder lacks of what learns: the values, and adapters as they are."""
        save_file(
            {name: _plain(tensor) for name, tensor in self._learned().items()},
            folder / LEARNED_FILE,
        )

    def load(self, folder: Path) -> None:
        """Everything that learns, from a checkpoint. Raises TrainError: it is of another kind."""
        if not self.lora:
            self.policy.load_state_dict(sft.load_causal(folder).state_dict())
        there, learned = load_file(folder / LEARNED_FILE), self._learned()
        if there.keys() != learned.keys():
            raise TrainError(f"{folder} holds another kind of value model; start in another --out")
        with torch.no_grad():
            for name, tensor in learned.items():
                tensor.copy_(there[name])

    def _learned(self) -> dict[str, Tensor]:
        beside = () if self.lora else ("policy.",)
        return {
            name: tensor
            for name, tensor in self.named_parameters()
            if tensor.requires_grad and not name.startswith(beside or ("\0",))
        }

    def activation_checkpointing_enable(self, **options: Any) -> None:
        if self.adapters:
            raise TrainError(
                "gradient_checkpointing reads again under the adapters that are on by then; turn it"
                " off, or choose value_model: separate or shared"
            )
        for model in (self.policy, self.body):
            if model is not None:
                model.activation_checkpointing_enable(**options)


def _own_body(policy: Any, tokenizer: Any, judge: RewardModel | None) -> tuple[Any, nn.Linear]:
    """From the reward model, in its scaled units, where it reads the policy's tokens; else fresh."""
    if judge and judge.tokenizer.get_vocab() == tokenizer.get_vocab():
        model = copy.deepcopy(judge.model).requires_grad_(True)
        head = nn.Linear(model.score.in_features, 1)
        with torch.no_grad():
            head.weight.copy_(model.score.weight / judge.scale)
            head.bias.fill_(-judge.shift / judge.scale)
        return model.base_model, head.to(model.device)
    return copy.deepcopy(policy.base_model), _new_head(policy)


def _new_head(policy: Any) -> nn.Linear:
    """A head that says 0 of everything at first."""
    head = nn.Linear(policy.config.get_text_config().hidden_size, 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head.to(policy.device)


def _inject(policy: Any, config: PpoConfig, name: str) -> None:
    """New adapters on every linear layer but the language head; the backbone stops learning."""
    setting = sft.lora(config.lora, "CAUSAL_LM")
    policy.requires_grad_(False)
    inject_adapter_in_model(setting, policy, name)
    for part, tensor in policy.named_parameters():
        tensor.requires_grad_(".lora_" in part)


def _merged(policy: Any) -> dict[str, Tensor]:
    """The state of the plain model, with the policy's adapters added to the weights; nothing changes."""
    state: dict[str, Tensor] = {}
    layers = {n: m for n, m in policy.named_modules() if isinstance(m, LoraLayer)}
    for name, tensor in policy.state_dict().items():
        if ".lora_" in name:
            continue
        place, is_base, rest = name.partition(".base_layer.")
        if is_base and rest == "weight":
            layer: Any = layers[place]
            tensor = tensor + layer.get_delta_weight(POLICY)
        state[f"{place}.{rest}" if is_base else name] = tensor.detach()
    return state


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().clone()


def _wide(values: Tensor | None, length: int) -> Tensor | None:
    """(B, t) as (B, length): 0 where only padding stood."""
    if values is None:
        return None
    return nn.functional.pad(values, (0, length - values.shape[1]))


def _disable_dropout(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            setattr(module, "attention_dropout", 0.0)  # noqa: B010 (nn.Module types it otherwise)

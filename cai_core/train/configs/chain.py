"""Settings of a chain: every stage of it, and what stands between them."""

from typing import Self

from pydantic import Field, model_validator

from cai_core.settings import BUILTIN, JudgeSetting
from cai_core.train.configs.base import Method, Setting, TrainingConfig
from cai_core.train.configs.ppo import PpoConfig
from cai_core.train.configs.reward import RewardConfig
from cai_core.train.configs.sft import SftConfig


class PairSampling(Setting):
    """How the two answers of a prompt are drawn from the supervised policy."""

    temperature: float = Field(0.8, gt=0, le=2, description="the recipe's 0.8")
    max_new_tokens: int = Field(128, ge=1, le=8192, description="tokens an answer")


class Gate(Setting):
    """What the judgements must show before a reward model is trained on them."""

    min_coverage: float = Field(
        0.5, ge=0, le=1, description="least share of pairs with a verdict that leans one way (ours)"
    )
    min_agreement: float | None = Field(
        None,
        ge=0,
        le=1,
        description="least share of human verdicts that the judge shares; empty asks none",
    )


class HelpfulPairs(Setting):
    """Human helpfulness pairs mixed in, so that the reward model does not love refusals only."""

    path: str = Field(min_length=1, description="pairs or labels file (JSONL)")
    share: float = Field(0.43, gt=0, lt=1, description="of the mixture (CAI section 4.2: 43%)")


class ChainConfig(Setting):
    """The whole loop in one file; paths are relative to the configuration's folder."""

    data: str = Field(min_length=1, description="sft dataset folder")
    prompts: str = Field(min_length=1, description="prompts: a dataset folder or a JSONL file")
    constitution: str = Field(min_length=1, description="constitution file of the judge")
    model: str = Field(BUILTIN, description="model id to start from")
    preset: str = Field("", description="settings of a machine or paper that lie under these")
    judge: JudgeSetting = JudgeSetting()
    sampling: PairSampling = PairSampling()
    sft: SftConfig = SftConfig()
    reward: RewardConfig = RewardConfig()
    ppo: PpoConfig = PpoConfig()
    helpful: HelpfulPairs | None = None
    gate: Gate = Gate()
    best_of_n: int = Field(
        4, ge=2, le=64, description="answers a prompt in the preview of the reward model"
    )
    best_of_n_prompts: int = Field(16, ge=1, description="dev prompts in that preview")
    comparison_prompts: int = Field(32, ge=1, description="test prompts of the last comparison")
    audit: bool = Field(False, description="stop after judging, for people to look at the labels")
    seed: int = Field(0, ge=0, description="seed of sampling, judging and every stage")

    @model_validator(mode="after")
    def _one_seed(self) -> Self:
        for name in ("sft", "reward", "ppo"):
            if "seed" in getattr(self, name).model_fields_set:
                raise ValueError(f"the seed stands once, at the top; take it out of '{name}'")
        return self

    def stage(self, name: Method) -> TrainingConfig:
        """The configuration of one training stage, with the chain's seed."""
        config: TrainingConfig = getattr(self, name)
        return config.model_copy(update={"seed": self.seed})

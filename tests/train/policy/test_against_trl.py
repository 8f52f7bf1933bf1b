"""Our PPO beside what TRL 1.12's PPOTrainer computed from the same rollouts (make_trl_fixture.py).

They are the same for answers of full length. For one that ends early TRL puts the score on the
first token *after* its end of turn, a pad that the policy never chose, lets its value model learn
there, and spreads the score back from it; here it stands on the end of turn itself.
"""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cai_core.train import ppo
from cai_core.train.policy import advantages as adv
from cai_core.train.policy import rollouts
from tests.train.policy.make_trl_fixture import FIXTURE, SETTINGS, model_of


@pytest.fixture(scope="module")
def trl() -> dict[str, Any]:
    with np.load(FIXTURE) as found:
        return {name: torch.from_numpy(np.asarray(found[name])) for name in found}


@pytest.fixture(scope="module")
def answers(trl):
    """TRL's rollouts as ours."""
    ids, start = trl["query_responses"], int(trl["context_length"])
    responses = ids[:, start:]
    return rollouts.Answers(
        query_ids=ids[:, :start],
        query_mask=(ids[:, :start] != 0).long(),
        response_ids=responses,
        mask=torch.ones_like(responses),
        ended=torch.zeros(len(ids), dtype=torch.bool),
        texts=("",) * len(ids),
    )


def both() -> ppo.ActorCritic:
    """The policy with its value model, whose head gets no bias, as TRL's has none."""
    start = model_of("value")
    head = nn.Linear(start.config.hidden_size, 1, bias=False)
    head.weight = start.score.weight
    return ppo.ActorCritic(model_of("policy"), ppo.ValueModel(start.base_model, head))


def near(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_log_probabilities_and_values_are_those_of_trl(trl, answers):
    with torch.no_grad():
        logprobs, _, values = both()(answers, SETTINGS["temperature"])
        reference, _ = rollouts.logprobs_of(model_of("reference"), answers, SETTINGS["temperature"])
    near(logprobs, trl["logprobs"])
    near(reference, trl["ref_logprobs"])
    near(logprobs - reference, trl["kl"])
    near(values, trl["values"])


def test_rewards_returns_and_advantages_are_those_of_trl(trl, answers):
    rewards = adv.token_rewards(trl["scores"], trl["kl"], answers.mask, kl_coef=SETTINGS["kl_coef"])
    near(rewards, trl["rewards"])
    advantages, returns = adv.gae(
        rewards, trl["values"], answers.mask, gamma=SETTINGS["gamma"], lam=SETTINGS["lam"]
    )
    near(returns, trl["returns"])
    near(adv.whiten(advantages, answers.mask), trl["advantages"])


def test_four_steps_of_learning_have_the_losses_of_trl(trl, answers):
    """Two passes of two minibatches, in TRL's order of rows, each step after the one before."""
    batch = rollouts.Rollout(
        *(answers.query_ids, answers.query_mask, answers.response_ids, answers.mask),
        *(trl[name] for name in ("logprobs", "values", "advantages", "returns")),
    )
    model = both()
    steps = torch.optim.AdamW(model.parameters(), lr=SETTINGS["learning_rate"], weight_decay=0)
    for at, rows in zip(np.ndindex(2, 2), trl["rows"].flatten(0, 1), strict=True):
        old = batch.take(rows)
        logprobs, _, values = model(old, SETTINGS["temperature"])
        change = logprobs - old.logprobs
        policy = adv.policy_loss(change.exp(), old.advantages, cliprange=SETTINGS["cliprange"])
        value = adv.value_loss(
            values, old.values, old.returns, cliprange=SETTINGS["cliprange_value"]
        )
        loss = policy.loss.mean() + SETTINGS["vf_coef"] * value.loss.mean()
        loss.backward()
        steps.step()
        steps.zero_grad()
        near(policy.loss.mean(), trl["pg_loss_stats"][at])
        near(value.loss.mean(), trl["vf_loss_stats"][at])
        near(loss, trl["total_losses"][at])
        near(0.5 * change.square().mean(), trl["approxkl_stats"][at])
        near(change.exp().mean(), trl["ratio_stats"][at])
        near(policy.clipped.mean(), trl["pg_clipfrac_stats"][at])
        near(value.clipped.mean(), trl["vf_clipfrac_stats"][at])


def test_an_answer_that_ends_early_is_scored_on_its_end_of_turn():
    """Worked out by hand: 3 tokens, the last the end of turn, then a pad; gamma 1, lambda 0.5.

    Rewards: -0.5 kl = -0.1, -0.2, -0.3, and the score 2 on the third: 1.7. Values 1, 2, 3.
    A3 = 1.7 - 3 = -1.3;  A2 = -0.2 + 3 - 2 + 0.5 A3 = 0.15;  A1 = -0.1 + 2 - 1 + 0.5 A2 = 0.975.
    TRL adds the score to the pad's reward instead, so that its A3 is -0.3 + V4 - 3 + 0.5 A4.
    """
    mask = torch.tensor([[1, 1, 1, 0]])
    kl = torch.tensor([[0.2, 0.4, 0.6, 9.0]])
    values = torch.tensor([[1.0, 2.0, 3.0, 7.0]])
    rewards = adv.token_rewards(torch.tensor([2.0]), kl, mask, kl_coef=0.5)
    near(rewards, torch.tensor([[-0.1, -0.2, 1.7, 0.0]]))
    advantages, returns = adv.gae(rewards, values, mask, gamma=1.0, lam=0.5)
    near(advantages, torch.tensor([[0.975, 0.15, -1.3, 0.0]]))
    near(returns, torch.tensor([[1.975, 2.15, 1.7, 0.0]]))
    known = np.array([0.975, 0.15, -1.3])
    white = (known - known.mean()) / known.std(ddof=1)
    near(adv.whiten(advantages, mask), torch.tensor([[*white, 0.0]], dtype=torch.float))


def test_a_pad_after_an_early_end_moves_no_number(trl):
    """The same answer with more padding behind it has the same log-probabilities and values."""
    ids = torch.tensor([[1, 87, 85, 265, 30, 41, 2, 0, 0]])
    short, long = (
        rollouts.Answers(
            query_ids=ids[:, :4],
            query_mask=torch.ones(1, 4, dtype=torch.long),
            response_ids=ids[:, 4:end],
            mask=(torch.arange(end - 4) < 3).long()[None],
            ended=torch.tensor([True]),
            texts=("",),
        )
        for end in (7, 9)
    )
    with torch.no_grad():
        one, other = (both()(part, 1.0) for part in (short, long))
    near(other[0][:, :3], one[0])
    near(other[2][:, :3], one[2])

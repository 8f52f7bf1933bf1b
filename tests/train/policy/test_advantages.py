import math

import pytest
import torch

from cai_core.train.policy import advantages as adv

MASK = torch.tensor([[1, 1, 1], [1, 1, 0]])


def test_gae_matches_an_example_worked_by_hand():
    # gamma 0.9, lambda 0.5, rewards 0 0 1, values 0.2 0.4 0.6
    # delta_2 = 1 - 0.6 = 0.4;                  A_2 = 0.4
    # delta_1 = 0 + 0.9 * 0.6 - 0.4 = 0.14;     A_1 = 0.14 + 0.45 * 0.4 = 0.32
    # delta_0 = 0 + 0.9 * 0.4 - 0.2 = 0.16;     A_0 = 0.16 + 0.45 * 0.32 = 0.304
    rewards, values = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.2, 0.4, 0.6]])
    advantages, returns = adv.gae(rewards, values, MASK[:1], gamma=0.9, lam=0.5)
    assert advantages.tolist()[0] == pytest.approx([0.304, 0.32, 0.4])
    assert returns.tolist()[0] == pytest.approx([0.504, 0.72, 1.0])


def test_gae_ignores_values_after_the_end_of_an_answer():
    rewards = torch.tensor([[0.0, 1.0, 0.0]])
    for after in (0.0, 99.0):
        values = torch.tensor([[0.5, 0.5, after]])
        advantages, returns = adv.gae(rewards, values, MASK[1:], gamma=1.0, lam=1.0)
        assert advantages.tolist() == [[0.5, 0.5, 0.0]]
        assert returns.tolist() == [[1.0, 1.0, 0.0]]


def test_gae_with_lambda_one_is_the_sum_of_rewards_less_the_value():
    torch.manual_seed(0)
    rewards, values = torch.randn(4, 7), torch.randn(4, 7)
    mask = torch.ones(4, 7)
    advantages, _ = adv.gae(rewards, values, mask, gamma=1.0, lam=1.0)
    ahead = rewards.flip(1).cumsum(1).flip(1)
    assert torch.allclose(advantages, ahead - values, atol=1e-5)


def test_score_stands_at_the_end_of_turn_and_kl_at_every_token():
    kl = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    rewards = adv.token_rewards(torch.tensor([10.0, 20.0]), kl, MASK, kl_coef=0.1)
    assert torch.allclose(rewards, torch.tensor([[-0.1, -0.2, 9.7], [-0.1, 19.8, 0.0]]))


def test_whitened_values_have_mean_zero_and_deviation_one_where_they_count():
    torch.manual_seed(0)
    mask = (torch.rand(8, 16) > 0.3).float()
    white = adv.whiten(torch.randn(8, 16) * 5 + 3, mask)
    counted = white[mask.bool()]
    assert counted.mean().item() == pytest.approx(0, abs=1e-5)
    assert counted.std().item() == pytest.approx(1, abs=1e-4)
    assert white[~mask.bool()].abs().max() == 0


def test_policy_loss_is_clipped_only_where_the_clip_makes_it_worse():
    ratio, gain = torch.tensor([1.5, 1.5, 0.5, 0.5]), torch.tensor([1.0, -1.0, 1.0, -1.0])
    found = adv.policy_loss(ratio, gain, cliprange=0.2)
    assert found.loss.tolist() == pytest.approx([-1.2, 1.5, -0.5, 0.8])
    assert found.clipped.tolist() == [1, 0, 0, 1]


def test_value_loss_does_not_reward_a_step_beyond_the_clip():
    found = adv.value_loss(
        torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([1.0]), cliprange=0.2
    )
    assert found.loss.item() == pytest.approx(0.5 * 0.8**2)
    assert found.clipped.item() == 1


def test_explained_variance_is_one_for_perfect_values_and_undefined_for_equal_returns():
    returns, mask = torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1, 3)
    assert adv.explained_variance(returns, returns, mask) == 1
    assert adv.explained_variance(torch.zeros(1, 3), returns, mask) == pytest.approx(0)
    assert math.isnan(adv.explained_variance(returns, torch.ones(1, 3), mask))


def test_kl_coefficient_rises_above_the_target_and_falls_below_it():
    assert adv.steered_kl_coef(0.1, 60, target=6, share=0.5) == pytest.approx(0.11)
    assert adv.steered_kl_coef(0.1, 0, target=6, share=0.5) == pytest.approx(0.09)
    assert adv.steered_kl_coef(0.1, 6, target=6, share=0.5) == 0.1

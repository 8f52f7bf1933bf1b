"""Several reviewers at once, each a process, while one is killed: nothing is lost, nothing stored twice."""

from tests.bench.bench_reviewers import Size, together


def test_reviewers_at_once_lose_nothing_while_one_is_killed_again_and_again():
    found = together(Size(reviewers=4, decisions=40, pairs=400, kills=5), kill_every_s=0.7)
    assert 1 <= found["kills"] <= 5
    assert (found["given"], found["stored"]) == (160, 160)
    assert (found["lost"], found["twice"], found["two"]) == (0, 0, 0)

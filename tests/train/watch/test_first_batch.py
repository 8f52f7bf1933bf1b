"""What is shown of a first batch, from tensors made by hand."""

import pytest
import torch

from cai_core.train.watch import first_batch
from tests.tiny import tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def ids(tokenizer, *texts):
    found = [tokenizer(text)["input_ids"] for text in texts]
    return found, max(len(one) for one in found)


def padded(rows, width, *, left=False):
    made = [[0] * (width - len(r)) + r if left else r + [0] * (width - len(r)) for r in rows]
    return torch.tensor(made)


def mask(rows, width, *, left=False):
    return padded([[1] * len(row) for row in rows], width, left=left)


def test_labels_say_what_is_learned_and_padding_is_counted(tokenizer):
    rows, width = ids(tokenizer, "yes no good", "tea")
    labels = padded(rows, width).masked_fill(mask(rows, width) == 0, -100)
    labels[0, :2] = -100
    inputs = {"input_ids": padded(rows, width), "labels": labels}
    long, short = first_batch.of_labels(tokenizer, inputs | {"attention_mask": mask(rows, width)})
    assert [learned for _, learned in long["pieces"]] == [False, True]
    assert "".join(text for text, _ in long["pieces"]) == "yes no good"
    assert (long["tokens"], long["learned_tokens"]) == (width, width - 2)
    assert (short["padding"], short["pieces"]) == (width - len(rows[1]), [["tea", True]])


def test_an_answer_without_a_learned_token_is_one_piece(tokenizer):
    rows, width = ids(tokenizer, "yes")
    labels = torch.full((1, width), -100)
    inputs = {"input_ids": padded(rows, width), "labels": labels}
    (row,) = first_batch.of_labels(tokenizer, inputs | {"attention_mask": mask(rows, width)})
    assert (row["pieces"], row["learned_tokens"]) == ([["yes", False]], 0)


def test_sides_of_a_pair_stand_together(tokenizer):
    rows, width = ids(tokenizer, "good one", "good two", "bad one", "bad two")
    inputs = {"input_ids": padded(rows, width), "attention_mask": mask(rows, width)}
    found = first_batch.of_scored(tokenizer, inputs | {"p_chosen": torch.tensor([0.9, 0.6])})
    assert ["".join(text for text, _ in row["pieces"]) for row in found] == [
        *("good one", "bad one", "good two", "bad two"),
    ]
    assert [row["side"].split(",")[1] for row in found] == [*[" p = 0.90"] * 2, *[" p = 0.60"] * 2]
    assert all(row["learned_tokens"] == 1 for row in found)
    hard = first_batch.of_scored(tokenizer, inputs)
    assert hard[0]["side"] == "chosen, scored at its end"


def test_answers_are_what_their_mask_leaves_of_them(tokenizer):
    asked, wide = ids(tokenizer, "tea", "How do I make tea")
    said, long = ids(tokenizer, "yes no good", "no")
    prompts = (padded(asked, wide, left=True), mask(asked, wide, left=True))
    first, second = first_batch.of_answers(
        tokenizer, prompts, (padded(said, long), mask(said, long))
    )
    assert first["pieces"] == [["tea", False], ["yes no good", True]]
    assert second["pieces"] == [["How do I make tea", False], ["no", True]]
    assert first["padding"] == wide - len(asked[0])
    assert second["padding"] == long - len(said[1])


def test_no_more_than_a_few_rows_are_shown(tokenizer):
    rows, width = ids(tokenizer, *["tea"] * 30)
    inputs = {"input_ids": padded(rows, width), "attention_mask": mask(rows, width)}
    assert len(first_batch.of_scored(tokenizer, inputs)) == first_batch.ROWS
    labels = padded(rows, width)
    assert len(first_batch.of_labels(tokenizer, inputs | {"labels": labels})) == first_batch.ROWS

"""What a model thought is no part of its answer, whoever opened the thought."""

import pytest

from cai_core.errors import ModelError
from cai_core.models.local import LocalModel
from cai_core.models.thinking import split_thinking, spoken_so_far
from cai_core.models.weights import load_tokenizer
from cai_core.schema import Sampling, assistant, user
from tests.tiny import CHAT_TEMPLATE, save_tiny_model


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>\nHm.\n</think>\n\nYes.", "Hm.", "Yes."),
        ("Hm.\n</think>\n\nYes.", "Hm.", "Yes."),  # the prompt opened it
        ("\n<thinking>a</thinking>b", "a", "b"),
        ("<think></think>Yes.", "", "Yes."),
        ("<think>a</think><think>b</think> Yes.", "a\n\nb", "Yes."),
        ("Yes.", "", "Yes."),
        (" Use <think> and </think> as tags.", "", " Use <think> and </think> as tags."),
        ("A <think> that never ends", "", "A <think> that never ends"),
        ("", "", ""),
    ],
)
def test_a_thought_in_front_is_taken_off(text, thought, answer):
    assert split_thinking(text) == (thought, answer)


def test_a_thought_without_an_end_is_no_answer():
    with pytest.raises(ModelError, match="still thinking when its tokens were used up"):
        split_thinking("<think>Well, on the one hand")
    assert spoken_so_far("<think>Well") == ""
    assert spoken_so_far("<think>Well</think> Yes") == "Yes"


def test_a_thought_that_the_template_opened_comes_back_with_the_answer(tmp_path):
    save_tiny_model(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    opening = "<|im_start|>assistant\n"
    tokenizer.chat_template = CHAT_TEMPLATE.replace(
        "{{ '<|im_start|>assistant\n' }}", "{{ '<|im_start|>assistant\n<think>\n' }}"
    )
    tokenizer.save_pretrained(tmp_path)
    model, params = LocalModel(tmp_path, device="cpu"), Sampling(6, temperature=0)
    (answer,) = model.generate([(user("Tea?"),)], params)
    assert answer.text.startswith("<think>")
    assert "".join(model.stream((user("Tea?"),), params)) == answer.text
    (begun,) = model.generate([(user("Tea?"), assistant("It is"))], params)
    assert not begun.text.startswith("<think>")
    rendered = model._renderer.text((user("Tea?"), assistant("It is")))
    assert rendered.endswith(f"{opening}<think>\n\n</think>\n\nIt is")

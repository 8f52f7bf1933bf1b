"""The whole loop in a real browser, on a tiny real model: every page, real jobs, nothing mocked.

Each step asserts on what a person sees, and on what the workspace holds afterwards.
"""

import pytest

from tests.journey import editing, feedback, principles, questioning, training
from tests.journey.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

STEPS = (
    principles.give_a_name,
    principles.edit_a_principle,
    principles.try_the_draft,
    principles.save_the_version,
    feedback.upload_prompts,
    feedback.revise,
    feedback.sample_pairs,
    feedback.judge,
    feedback.review_three_pairs,
    feedback.keep_a_revision,
    questioning.accept_a_finding,
    questioning.run_its_suite,
    questioning.see_what_the_edit_changes,
    questioning.read_its_report,
    training.freeze_datasets,
    training.train_all_three,
    training.see_curves_and_report,
    training.chat_with_the_result,
    training.compare,
    training.come_full_circle,
)
EDITING = (
    editing.arrive,
    editing.type_and_reload,
    editing.search_and_undo,
    editing.keep_the_browsers_own_undo,
    editing.meet_another_editor,
    editing.read_the_difference,
    editing.fork_a_version,
    editing.discard_and_bring_back,
)


def test_the_whole_loop(walk: Walk):
    for step in STEPS:
        step(walk)
    assert walk.screen.strangers == []
    assert walk.screen.faults == []


def test_two_people_write_one_constitution(walk: Walk):
    for step in EDITING:
        step(walk)
    assert walk.screen.strangers == []
    assert walk.screen.faults == []

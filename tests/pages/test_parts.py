"""Parts that pages share and that need no page: texts, differences, drafts, charts in words."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cai_core.schema import Constitution, Principle, Version
from cai_core.stats import Estimate
from cai_core.text import word_diff
from tests.pages.seed import HONEST, KIND, SAFE, SHORT
from ui.cards import estimate_text, interval_text
from ui.diff import diff_html, joined
from ui.draft import Draft
from ui.plain import block, label

VERSION = Version("v1", 1, SHORT, None, "Grace", "begin", "2026-01-01T00:00:00")
WORDS = st.text(alphabet="ab \n<&", max_size=30)


@given(WORDS, WORDS)
def test_a_joined_difference_still_holds_the_whole_new_text(old, new):
    text = "".join(part.text for part in joined(word_diff(old, new)) if part.op != "removed")
    assert text.split() == new.split()


def test_a_changed_space_is_part_of_the_new_text():
    parts = joined(word_diff("<<<", "< <"))
    assert "".join(part.text for part in parts if part.op != "removed") == "< <"


@given(WORDS, WORDS)
def test_a_difference_is_escaped(old, new):
    html = diff_html(word_diff(old, new))
    bare = html.replace("<div", "").replace("</div", "").replace("<ins", "").replace("</ins", "")
    assert "<" not in bare.replace("<del", "").replace("</del", "")


def test_the_ends_of_a_narrow_interval_have_one_more_digit():
    narrow = Estimate(0.5, 0.498, 0.502, 240_000)
    assert interval_text(narrow, percent=True) == "95% interval 49.8% to 50.2%, n = 240,000"
    assert estimate_text(narrow, percent=True) == "50% (49.8 to 50.2)"
    assert interval_text(narrow) == "95% interval 0.498 to 0.502, n = 240,000"
    slight = Estimate(0.0201, 0.0199, 0.0203, 9)
    assert interval_text(slight, points=True) == "95% interval +1.99 to +2.03, n = 9"


def test_an_interval_without_width_is_said_as_briefly_as_its_number():
    assert interval_text(Estimate(1, 1, 1, 9), percent=True) == "95% interval 100% to 100%, n = 9"


def test_text_of_others_is_no_markdown_in_a_label_and_no_html_in_a_block():
    assert label("**a** `b` $c$ :smile: [d](e)") == (r"\*\*a\*\* \`b\` \$c\$ \:smile\: \[d\]\(e\)")
    assert "<img" not in block("<img src=x onerror=alert(1)>")


def test_a_web_address_in_a_label_is_broken_so_that_it_is_no_link():
    for text in ("see https://a.b", "www.a.b", "a@b.c"):
        assert "\u2060" in label(text)
        assert label(text).replace("\u2060", "").replace("\\", "") == text


def test_a_new_draft_is_the_version_it_was_begun_from():
    draft = Draft.of(SHORT, VERSION)
    assert not draft.unsaved
    assert draft.constitution == SHORT


def test_a_draft_is_unsaved_for_a_description_too():
    assert replace(Draft.of(SHORT, VERSION), description="other").unsaved


def test_a_row_keeps_its_id_when_it_is_renamed_and_moved():
    draft = Draft.of(Constitution("c", (HONEST, KIND, SAFE)))
    row = draft.rows[0][0]
    moved = draft.edit(row, key="truthful").move_to(row, 5)
    assert moved.rows[-1] == (row, replace(HONEST, key="truthful"))
    assert moved.move_to(row, -9).rows[0][0] == row


def test_added_and_copied_principles_get_keys_of_their_own():
    draft = Draft.of(SHORT).add().add()
    copied = draft.duplicate(draft.rows[0][0])
    keys = [principle.key for _, principle in copied.rows]
    assert keys == ["honest", "honest-2", "kind", "new", "new-2"]
    assert isinstance(copied.rows[1][1], Principle)

"""The editor of a constitution: search, groups, moves, steps on all that were found, undo and redo."""

import pytest

from cai_core.schema import Constitution, Principle
from cai_core.store import constitutions
from ui.draft import CURRENT, Draft
from ui.principle_view import GROUPED, SEARCH

TAGS = {"honest": ("truth",), "kind": ("tone", "truth"), "safe": (), "calm": ("tone",)}
FOUR = tuple(
    Principle(key, f"Which response is more {key}?", "Find it.", "Mend it.", tags=tags)
    for key, tags in TAGS.items()
)


@pytest.fixture
def at(empty_workspace, open_page):
    """The page on four principles, every card open."""
    with empty_workspace.db() as db:
        constitutions.save(db, Constitution("four", FOUR), author="Grace")
    at = open_page("constitution", **{CURRENT: "four"})
    return at.button(key="unfold_more").click().run()


def draft_of(at) -> Draft:
    assert not at.exception
    return at.session_state["constitution_drafts"]["four"]


def keys(at) -> list[str]:
    return [principle.key for _, principle in draft_of(at).rows]


def row(at, key: str) -> str:
    return next(row for row, principle in draft_of(at).rows if principle.key == key)


def shown(at) -> list[str]:
    """Keys of the cards, in their order on the page."""
    there = {f"principle_{row}_key": principle.key for row, principle in draft_of(at).rows}
    return [there[box.key] for box in at.text_input if box.key in there]


def field(at, key: str, name: str):
    wanted = f"principle_{row(at, key)}_{name}"
    return next(w for kind in (at.text_area, at.text_input) for w in kind if w.key == wanted)


def search(at, query: str):
    return at.text_input(key=SEARCH).set_value(query).run()


def said(at) -> str:
    return "\n".join(text.value for text in [*at.caption, *at.markdown])


def press(at, key: str):
    return at.button(key=key).click().run()


# -- search


def test_a_search_finds_in_keys_wordings_and_tags_and_says_how_many(at):
    search(at, "TONE")
    assert shown(at) == ["kind", "calm"]
    assert "2 of 4 principles found" in said(at)
    assert shown(search(at, "more safe")) == ["safe"]
    assert shown(search(at, "nowhere")) == []
    assert shown(search(at, "")) == ["honest", "kind", "safe", "calm"]


def test_what_is_edited_stays_in_view_though_it_is_no_longer_what_was_sought(at):
    search(at, "calm")
    field(at, "calm", "text").set_value("Which one soothes?").run()
    field(at, "calm", "key").set_value("soothing").run()
    assert shown(at) == ["soothing"]
    assert keys(at) == ["honest", "kind", "safe", "soothing"]
    assert shown(search(at, "calm ")) == ["soothing"]
    search(at, "honest")
    assert shown(search(at, "calm")) == []


def test_edits_in_a_found_list_lose_and_reorder_nothing(at):
    search(at, "tone")
    press(at, f"content_copy_{row(at, 'kind')}")
    press(at, "add_principle")
    assert shown(at) == ["kind", "kind-2", "calm", "new"]
    assert keys(at) == ["honest", "kind", "kind-2", "safe", "calm", "new"]


def test_up_and_down_step_past_the_next_one_that_is_shown(at):
    search(at, "tone")
    press(at, f"arrow_upward_{row(at, 'calm')}")
    assert keys(at) == ["honest", "calm", "kind", "safe"]
    assert shown(at) == ["calm", "kind"]
    assert at.button(key=f"arrow_upward_{row(at, 'calm')}").disabled


# -- groups


def headings(at) -> list[str]:
    return [text.value for text in at.markdown if "principle" in text.value and "**" in text.value]


def test_groups_stand_under_their_first_tag_with_counts_and_keep_the_order(at):
    at.toggle(key=GROUPED).set_value(True).run()
    assert headings(at) == [
        "**truth** · 1 principle",
        "**tone** · 2 principles",
        "**No tag** · 1 principle",
    ]
    assert shown(at) == ["honest", "kind", "calm", "safe"]
    assert keys(at) == ["honest", "kind", "safe", "calm"]


def test_a_step_in_a_group_stays_in_it(at):
    at.toggle(key=GROUPED).set_value(True).run()
    assert at.button(key=f"arrow_upward_{row(at, 'kind')}").disabled
    press(at, f"arrow_downward_{row(at, 'kind')}")
    assert shown(at) == ["honest", "calm", "kind", "safe"]
    assert keys(at) == ["honest", "safe", "calm", "kind"]


def test_a_principle_is_put_under_another_heading_by_its_first_tag(at):
    at.toggle(key=GROUPED).set_value(True).run()
    at.selectbox(key=f"principle_{row(at, 'kind')}_heading").set_value("truth").run()
    assert dict(draft_of(at).rows)[row(at, "kind")].tags == ("truth", "tone")
    assert shown(at) == ["honest", "kind", "calm", "safe"]


# -- moves


def test_a_principle_goes_to_a_place_to_the_top_and_to_the_bottom(at):
    honest = row(at, "honest")
    at.number_input(key=f"principle_{honest}_place").set_value(3)
    press(at, f"move_{honest}")
    assert keys(at) == ["kind", "safe", "honest", "calm"]
    press(at, f"To the bottom_{honest}")
    assert keys(at) == ["kind", "safe", "calm", "honest"]
    press(at, f"To the top_{honest}")
    assert keys(at) == ["honest", "kind", "safe", "calm"]


# -- all that were found


def test_all_that_were_found_are_disabled_and_tagged_and_nothing_else(at):
    search(at, "tone")
    press(at, "bulk_disable")
    at.text_input(key="principle_bulk_tag").set_value("  manners ")
    press(at, "bulk_tag")
    by = {principle.key: principle for _, principle in draft_of(at).rows}
    assert [key for key, p in by.items() if not p.enabled] == ["kind", "calm"]
    assert by["kind"].tags == ("tone", "truth", "manners")
    assert by["honest"].tags == ("truth",)
    assert not at.toggle(key=f"principle_{row(at, 'kind')}_enabled").value
    press(at, "undo")
    press(at, "undo")
    assert not draft_of(at).unsaved
    assert at.toggle(key=f"principle_{row(at, 'kind')}_enabled").value


def test_a_tag_without_a_name_is_refused(at):
    press(at, "bulk_tag")
    assert "there is no tag to add" in at.error[0].value
    assert not draft_of(at).unsaved


def test_cards_are_opened_and_closed_all_at_once(at):
    assert len(shown(at)) == 4
    press(at, "unfold_less")
    assert shown(at) == []


# -- undo and redo


def test_an_edit_is_undone_and_done_again_in_the_draft_and_in_the_field(at):
    field(at, "kind", "text").set_value("Which one is warmer?").run()
    field(at, "kind", "text").set_value("Which one is warmest?").run()
    press(at, "undo")
    assert field(at, "kind", "text").value == "Which one is warmer?"
    press(at, "undo")
    assert field(at, "kind", "text").value == "Which response is more kind?"
    assert not draft_of(at).unsaved
    assert at.button(key="undo").disabled
    press(at, "redo")
    press(at, "redo")
    assert field(at, "kind", "text").value == "Which one is warmest?"
    assert at.button(key="redo").disabled


def test_deletes_and_moves_are_undone_too(at):
    press(at, f"delete_{row(at, 'kind')}")
    press(at, "confirm_yes")
    press(at, f"arrow_downward_{row(at, 'honest')}")
    assert keys(at) == ["safe", "honest", "calm"]
    press(at, "undo")
    press(at, "undo")
    assert keys(at) == ["honest", "kind", "safe", "calm"]


def test_an_edit_after_an_undo_takes_the_place_of_what_was_undone(at):
    field(at, "kind", "text").set_value("One?").run()
    press(at, "undo")
    field(at, "kind", "text").set_value("Two?").run()
    assert at.button(key="redo").disabled
    press(at, "undo")
    assert field(at, "kind", "text").value == "Which response is more kind?"


def test_undo_reaches_behind_a_save_and_stands_on_the_new_version(at, empty_workspace):
    field(at, "kind", "text").set_value("Which one is warmer?").run()
    press(at, "save")
    assert not draft_of(at).unsaved
    press(at, "undo")
    assert field(at, "kind", "text").value == "Which response is more kind?"
    assert (draft_of(at).unsaved, draft_of(at).base.number) == (True, 2)
    press(at, "save")
    assert not at.error
    with empty_workspace.db() as db:
        assert [v.number for v in constitutions.versions(db, "four")] == [3, 2, 1]


def test_what_others_save_is_no_step_to_undo(at, empty_workspace):
    with empty_workspace.db() as db:
        newest = constitutions.newest(db, "four")
        constitutions.save(db, Constitution("four", FOUR[:3]), author="Grace", parent=newest.id)
    at.run()
    assert keys(at) == ["honest", "kind", "safe"]
    assert at.button(key="undo").disabled


def test_saving_without_a_change_says_so(at, empty_workspace):
    press(at, "save")
    assert at.toast[0].value == "Nothing has changed since version 1."
    with empty_workspace.db() as db:
        assert len(constitutions.versions(db, "four")) == 1


def test_every_shortcut_is_listed(at):
    shortcuts = {b.key: b.proto.shortcut for b in at.button if b.proto.shortcut}
    assert {"save", "undo", "redo", "add_principle"} <= set(shortcuts)
    for keys in [*shortcuts.values(), "t", "shift+t"]:  # the last two try what is pinned, a sample
        line = " ".join(f"`{key.capitalize()}`" for key in keys.split("+"))
        assert f"\n{line} " in said(at), keys


def test_fifty_closed_principles_are_one_card_each_and_no_field(empty_workspace, open_page):
    many = tuple(Principle(f"key-{n}", f"Which response has more of {n}?") for n in range(50))
    with empty_workspace.db() as db:
        constitutions.save(db, Constitution("four", many), author="Grace")
    at = open_page("constitution", **{CURRENT: "four"})
    assert sum("key" in card.label for card in at.expander) == 50
    assert shown(at) == []

"""The constitution page: drafts, versions, conflicts, history, files."""

from cai_core.schema import Constitution, Principle
from cai_core.store import constitutions, pairs, prompts
from ui.draft import CURRENT, Draft
from ui.principle_cards import OPEN_ROWS


def open_short(open_page, **state):
    return open_page("constitution", **{CURRENT: "short", **state})


def draft_of(at) -> Draft:
    return at.session_state["constitution_drafts"]["short"]


def open_cards(at):
    at.session_state[OPEN_ROWS] = {row for row, _ in draft_of(at).rows}
    return at.run()


def field(at, key: str, name: str) -> str:
    row = next(row for row, principle in draft_of(at).rows if principle.key == key)
    return f"principle_{row}_{name}"


def save_behind(workspace) -> None:
    """Grace saves version 3 of `short` meanwhile."""
    with workspace.db() as db:
        newest = constitutions.newest(db, "short")
        kept = newest.constitution.principles[:-1]
        given = Constitution("short", (*kept, Principle("brief", text="Which is shorter?")))
        constitutions.save(db, given, author="Grace", message="brief", parent=newest.id)


def test_an_empty_workspace_says_how_to_begin(empty_workspace, open_page):
    at = open_page("constitution")
    assert not at.exception
    assert any("no constitution yet" in text.value for text in at.markdown)


def test_a_new_constitution_is_a_draft_until_it_is_saved(empty_workspace, open_page):
    at = open_page("constitution")
    at.text_input(key="new_name").set_value("house-rules")
    at.button(key="new_make").click().run()
    assert not at.exception
    assert at.session_state["constitution_drafts"]["house-rules"].unsaved
    with empty_workspace.db() as db:
        assert constitutions.names(db) == []


def test_a_name_that_is_taken_is_refused_in_a_sentence(seeded_workspace, open_page):
    at = open_short(open_page)
    at.text_input(key="new_name").set_value("other")
    at.button(key="new_make").click().run()
    assert "there is a constitution 'other' already" in at.error[0].value.replace("\\", "")


def test_an_edit_marks_the_draft_and_saving_makes_a_version(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_area(key=field(at, "honest", "text")).set_value("Which is true?").run()
    assert any("Unsaved draft" in text.value for text in at.markdown)
    at.text_input(key="constitution_message").set_value("shorter")
    at.button(key="save").click().run()
    assert not at.exception
    assert not draft_of(at).unsaved
    with seeded_workspace.db() as db:
        newest = constitutions.newest(db, "short")
    assert (newest.number, newest.author, newest.message) == (3, "Ada", "shorter")
    assert newest.constitution.principle("honest").text == "Which is true?"
    assert newest.constitution.principle("kind").text == "Which response is kinder and warmer?"


def test_an_open_card_stays_open_while_its_wording_changes(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_area(key=field(at, "kind", "text")).set_value("Which is warmer?").run()
    assert at.text_area(key=field(at, "kind", "text")).value == "Which is warmer?"


def test_the_draft_waits_while_another_page_is_open(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_area(key=field(at, "kind", "text")).set_value("Which is warmer?").run()
    at.switch_page("app.py").run()
    at.switch_page("pages/constitution.py").run()
    assert draft_of(at).constitution.principle("kind").text == "Which is warmer?"
    assert draft_of(at).unsaved


def test_principles_are_added_duplicated_and_moved(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    row = draft_of(at).rows[0][0]
    at.button(key=f"content_copy_{row}").click().run()
    at.button(key="add_principle").click().run()
    at.button(key=f"arrow_downward_{row}").click().run()
    keys = [principle.key for _, principle in draft_of(at).rows]
    assert keys == ["honest-2", "honest", "kind", "safe", "new"]


def test_deleting_asks_first(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.button(key=f"delete_{draft_of(at).rows[1][0]}").click().run()
    assert len(draft_of(at).rows) == 3
    at.button(key="confirm_yes").click().run()
    assert [principle.key for _, principle in draft_of(at).rows] == ["honest", "safe"]


def test_a_principle_without_wording_cannot_be_saved(seeded_workspace, open_page):
    at = open_short(open_page)
    at.button(key="add_principle").click().run()
    at.button(key="save").click().run()
    assert "neither a text nor a critique" in at.error[0].value
    assert draft_of(at).unsaved
    with seeded_workspace.db() as db:
        assert constitutions.newest(db, "short").number == 2


def test_who_saves_second_is_told_and_loses_nothing(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_area(key=field(at, "honest", "text")).set_value("Which is true?").run()
    save_behind(seeded_workspace)
    at.button(key="save").click().run()
    assert "Grace saved version 3" in at.error[0].value
    assert "Grace saved version 3 while you edited version 2" in at.warning[0].value
    assert draft_of(at).constitution.principle("honest").text == "Which is true?"
    at.button(key="rebase").click().run()
    at.button(key="save").click().run()
    assert not at.error
    with seeded_workspace.db() as db:
        newest = constitutions.newest(db, "short")
        assert constitutions.numbered(db, "short", 3).author == "Grace"
    assert (newest.number, newest.author) == (4, "Ada")


def test_both_edits_are_put_together(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_area(key=field(at, "honest", "text")).set_value("Which is true?").run()
    save_behind(seeded_workspace)
    at.run()
    at.button(key="put_together").click().run()
    assert not at.warning
    assert [p.key for p in draft_of(at).constitution.principles] == ["honest", "kind", "brief"]
    assert draft_of(at).constitution.principle("honest").text == "Which is true?"
    assert draft_of(at).base.number == 3
    at.button(key="undo").click().run()
    assert [p.key for p in draft_of(at).constitution.principles] == ["honest", "kind", "safe"]


def test_a_draft_with_a_key_twice_is_not_put_together_but_told(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_input(key=field(at, "safe", "key")).set_value("honest").run()
    save_behind(seeded_workspace)
    at.run()
    assert not at.error
    assert not [button for button in at.button if button.key == "put_together"]
    assert any("the key 'honest' stands twice" in text.value for text in at.caption)
    assert len(draft_of(at).rows) == 3


def test_what_both_changed_is_named_before_it_is_put_together(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    row = next(row for row, p in draft_of(at).rows if p.key == "safe")
    at.number_input(key=f"principle_{row}_weight").set_value(2.0).run()
    save_behind(seeded_workspace)
    at.run()
    assert any("Both of you changed safe" in text.value for text in at.caption)


def test_an_unchanged_draft_follows_what_others_save(seeded_workspace, open_page):
    at = open_short(open_page)
    save_behind(seeded_workspace)
    at.run()
    assert draft_of(at).base.number == 3
    assert not draft_of(at).unsaved


def test_discarding_goes_back_to_the_newest_version(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_area(key=field(at, "kind", "text")).set_value("Which is warmer?").run()
    at.button(key="discard").click().run()
    at.button(key="confirm_yes").click().run()
    assert (
        draft_of(at).constitution.principle("kind").text == "Which response is kinder and warmer?"
    )


def test_an_old_version_is_restored_as_a_draft(seeded_workspace, open_page):
    at = open_short(open_page, constitution_tab="History")
    assert not at.exception
    assert any("and warmer" in html.value for html in at.html)
    at.button(key="restore").click().run()
    assert [principle.key for _, principle in draft_of(at).rows] == ["honest", "kind"]
    assert draft_of(at).base.number == 2
    assert draft_of(at).unsaved


def test_a_yaml_file_becomes_a_draft(seeded_workspace, open_page):
    at = open_short(open_page)
    text = b"name: short\nprinciples:\n  - {key: calm, text: Which response is calmer?}\n"
    at.file_uploader(key="upload").upload("short.yaml", text).run()
    assert not at.exception
    assert [principle.key for _, principle in draft_of(at).rows] == ["calm"]
    assert draft_of(at).base.number == 2


def test_a_bad_file_is_refused_with_its_line(seeded_workspace, open_page):
    at = open_short(open_page)
    text = b"name: short\nprinciples:\n  - {key: calm, txt: oops}\n"
    at.file_uploader(key="upload").upload("short.yaml", text).run()
    assert not at.exception
    assert "short.yaml:3" in at.error[0].value.replace("\\", "")
    assert not draft_of(at).unsaved


def test_a_wording_is_never_read_as_markdown_or_html(seeded_workspace, open_page):
    at = open_cards(open_short(open_page))
    nasty = "![x](http://y/z.png) <img src=q> **bold**"
    at.text_area(key=field(at, "honest", "text")).set_value(nasty).run()
    titles = [expander.label for expander in at.expander]
    assert not any("![x](" in title for title in titles)
    at.button(key="save").click().run()
    at.session_state["constitution_tab"] = "History"
    at.run()
    assert not any("<img src=q" in html.value for html in at.html)


def pin_prompts(at, workspace, n: int = 1):
    with workspace.db() as db:
        ids = [prompt.id for prompt in prompts.of_set(db, "first prompts")][:n]
    at.multiselect(key="pin_some").set_value(ids).run()
    at.button(key="pin_prompts").click().run()
    return ids


def test_a_pinned_prompt_is_tried_on_the_unsaved_draft(talking_workspace, open_page):
    at = open_cards(open_short(open_page))
    at.text_area(key=field(at, "honest", "critique")).set_value("Name the lie.").run()
    (pinned,) = pin_prompts(at, talking_workspace)
    at.selectbox(key="try_principle").set_value("honest")
    at.button(key=f"try_{pinned}").click().run()
    assert not at.exception
    assert not at.error
    (trail,) = at.session_state["try_results"].values()
    assert trail.done
    assert trail.setup.ref.hash == draft_of(at).constitution.hash
    assert trail.calls[1].chat[-1].content.startswith("Name the lie.")


def test_a_principle_without_a_critique_is_asked_by_template(talking_workspace, open_page):
    at = open_short(open_page)
    (pinned,) = pin_prompts(at, talking_workspace)
    at.selectbox(key="try_principle").set_value("kind")
    at.button(key=f"try_{pinned}").click().run()
    (trail,) = at.session_state["try_results"].values()
    assert "Which response is kinder and warmer?" in trail.calls[1].chat[-1].content


def test_a_pinned_pair_is_judged_under_the_saved_version_and_the_draft(
    talking_workspace, open_page
):
    at = open_cards(open_short(open_page))
    with talking_workspace.db() as db:
        pair = pairs.find(db, limit=1)[0]
    at.multiselect(key="pin_pairs").set_value([pair.id]).run()
    at.button(key="pin_pool").click().run()
    at.text_area(key=field(at, "kind", "text")).set_value("Which is warmer?").run()
    at.button(key="try_all").click().run()
    assert not at.exception
    hashes = {key[1] for key in at.session_state["try_results"]}
    draft = draft_of(at)
    assert hashes == {draft.constitution.hash, draft.base.constitution.hash}
    assert at.dataframe[-1].value["Under"].tolist() == ["draft", "saved"]


def test_a_result_says_when_the_draft_has_changed_since(talking_workspace, open_page):
    at = open_cards(open_short(open_page))
    (pinned,) = pin_prompts(at, talking_workspace)
    at.button(key=f"try_{pinned}").click().run()
    at.text_area(key=field(at, "kind", "text")).set_value("Which is warmer?").run()
    assert any("has changed since" in text.value for text in at.caption)


def test_a_typed_pair_needs_both_answers(seeded_workspace, open_page):
    at = open_short(open_page)
    at.text_area(key="pin_prompt").set_value("What now?")
    at.text_area(key="pin_a").set_value("This.")
    at.button(key="pin_typed").click().run()
    assert "a pair needs both answers" in at.error[0].value
    at.text_area(key="pin_b").set_value("That.")
    at.button(key="pin_typed").click().run()
    assert [pin.pair.response_b for pin in at.session_state["try_pins"]] == ["That."]


def test_at_most_ten_are_pinned_and_one_can_be_taken_away(seeded_workspace, open_page):
    at = open_short(open_page)
    ids = pin_prompts(at, seeded_workspace, 6)
    assert len(at.session_state["try_pins"]) == 6
    at.button(key=f"unpin_{ids[0]}").click().run()
    assert [pin.id for pin in at.session_state["try_pins"]] == ids[1:]
    for place in range(6):
        at.text_area(key="pin_prompt").set_value(f"Question {place}?")
        at.button(key="pin_typed").click().run()
    assert len(at.session_state["try_pins"]) == 10
    assert "10 are pinned already" in at.error[0].value


def test_a_model_that_is_missing_stops_the_try_with_a_sentence(seeded_workspace, open_page):
    at = open_short(open_page)
    pin_prompts(at, seeded_workspace, 2)
    at.button(key="try_all").click().run()
    assert not at.exception
    assert "models fetch" in at.error[0].value.replace("\\", "")
    assert at.session_state["try_queue"] == []


def test_two_versions_lead_to_what_the_edit_between_them_changes(seeded_workspace, open_page):
    at = open_page("constitution", constitution_current="short", constitution_tab="History")
    next(b for b in at.button if b.key == "history_impact").click().run()
    assert not at.exception
    assert at.session_state["impact_from"] == "short, version 1"
    assert at.session_state["impact_to"] == "short, version 2"
    assert at.title[0].value == "Impact"


def test_under_the_switch_an_edit_runs_the_pins_anew(talking_workspace, open_page):
    at = open_cards(open_short(open_page))
    (pinned,) = pin_prompts(at, talking_workspace)
    at.toggle(key="try_auto").set_value(True).run()
    assert not at.exception
    assert {key[0] for key in at.session_state["try_results"]} == {pinned}
    at.text_area(key=field(at, "honest", "critique")).set_value("Name the lie.").run()
    assert not at.exception
    hashes = {key[1] for key in at.session_state["try_results"]}
    assert len(hashes) == 2
    assert draft_of(at).constitution.hash in hashes

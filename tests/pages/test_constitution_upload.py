"""Files on the constitution page: every form in and out, and the candidates of long prose."""

import json
import re

from cai_core.schema import Principle
from tests.constitution import prose_maker
from tests.pages.test_constitution import draft_of, open_short

RECIPE = {
    "constitutions": [{"critic": "Say what is rude.", "revision": "Make it polite."}],
    "system_chat": [[{"role": "user", "content": "Hi"}]],
}
PROSE = (
    "# House\n\n## Honesty\n\nThe assistant should explain its reasoning. It should never invent a source.\n\n"
    "## Care\n\nIn such cases the assistant must stay **calm**. Nothing else is asked of it here. "
    + "People come with many things on their minds. "
    * 40
)


def upload(at, name, text):
    at.file_uploader(key="upload").upload(name, text.encode()).run()
    assert not at.exception
    return at


def drafts(at):
    return at.session_state["constitution_drafts"]


def said(at):
    return " ".join(
        element.value for kind in (at.caption, at.text, at.markdown) for element in kind
    )


def wording(at, key):
    return next(a for a in at.text_area if re.fullmatch(rf"shelf_wording_\d+_{key}", a.key))


def choice(at, what):
    return next(s for s in at.selectbox if re.fullmatch(rf"shelf_{what}_\d+", s.key))


def use(at, key):
    return next(g for g in at.button_group if re.fullmatch(rf"shelf_use_\d+_{key}", g.key))


def test_json_becomes_a_draft_and_what_was_left_out_is_said_until_it_is_put_away(
    seeded_workspace, open_page
):
    at = upload(open_short(open_page), "polite.json", json.dumps(RECIPE))
    assert drafts(at)["polite"].constitution.principles[0].critique == "Say what is rude."
    assert "'system_chat' (line 1)" in said(at)
    at.button(key="upload_note_away").click().run()
    assert "system_chat" not in said(at)


def test_markdown_becomes_a_draft(seeded_workspace, open_page):
    at = upload(open_short(open_page), "ours.md", "# Ours\n\n- Be kind\n- Be true\n")
    assert [p.text for p in drafts(at)["Ours"].constitution.principles] == ["Be kind", "Be true"]


def test_a_form_can_be_chosen_after_the_upload(seeded_workspace, open_page):
    at = upload(
        open_short(open_page), "ours.txt", "The assistant should be kind. It must be true.\n"
    )
    at.selectbox(key="upload_form").set_value("prose").run()
    assert not at.exception
    assert "2 sentences say how to answer" in said(at)


def test_a_file_of_another_form_than_chosen_changes_nothing(seeded_workspace, open_page):
    at = open_short(open_page)
    at.selectbox(key="upload_form").set_value("recipe").run()
    at = upload(at, "short.json", '["Which?"]')
    assert "choose that" in at.error[0].value
    assert not draft_of(at).unsaved


def test_candidates_are_accepted_one_by_one_as_they_were_edited(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    assert "3 to decide, 0 accepted" in said(at)
    assert "rules.md:5: The assistant should explain" in said(at)
    wording(at, "invent-source").set_value("Which invents less?").run()
    at.button(key="shelf_accept_invent-source").click().run()
    at.button(key="shelf_skip_explain-reasoning").click().run()
    assert not at.exception
    assert "1 to decide, 1 accepted, 1 skipped" in said(at)
    (principle,) = drafts(at)["rules"].constitution.principles
    assert (principle.key, principle.text, principle.tags) == (
        "invent-source",
        "Which invents less?",
        ("honesty",),
    )
    assert principle.source.startswith("rules.md:5: ")


def test_accepted_ones_go_to_the_constitution_that_is_chosen(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    choice(at, "target").set_value("short").run()
    at.button(key="shelf_accept_invent-source").click().run()
    assert [p.key for p in draft_of(at).constitution.principles] == [
        "honest",
        "kind",
        "safe",
        "invent-source",
    ]
    assert draft_of(at).base.number == 2


def test_a_candidate_without_comparison_is_a_critique_and_may_be_made_one(
    seeded_workspace, open_page
):
    at = upload(open_short(open_page), "rules.md", PROSE)
    use(at, "stay-calm").set_value("text").run()
    wording(at, "stay-calm").set_value("Which is calmer?").run()
    at.button(key="shelf_accept_stay-calm").click().run()
    assert drafts(at)["rules"].constitution.principles == (
        Principle(
            "stay-calm",
            "Which is calmer?",
            tags=("care",),
            source=drafts(at)["rules"].rows[0][1].source,
        ),
    )


def test_a_section_is_accepted_as_a_whole(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    choice(at, "section").set_value("Honesty").run()
    at.button(key="shelf_accept_section").click().run()
    assert [p.key for p in drafts(at)["rules"].constitution.principles] == [
        "explain-reasoning",
        "invent-source",
    ]


def test_an_emptied_wording_is_refused(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    wording(at, "invent-source").set_value(" ").run()
    at.button(key="shelf_accept_invent-source").click().run()
    assert "has no wording" in at.error[0].value
    assert "rules" not in drafts(at)


def test_candidates_wait_while_the_editor_or_another_page_is_open(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    wording(at, "invent-source").set_value("Which invents less?").run()
    at.switch_page("app.py").run()
    at.switch_page("pages/constitution.py").run()
    assert wording(at, "invent-source").value == "Which invents less?"
    at.button(key="shelf_close").click().run()
    assert "3 candidates of rules" in said(at)
    go_on(at, 0)
    assert "3 to decide" in said(at)


def go_on(at, place):
    """Click on the way back to candidates that were put aside."""
    ways = [b for b in at.button if re.fullmatch(r"shelf_open_\d+", b.key)]
    ways[place].click().run()


def test_a_second_file_puts_the_candidates_of_the_first_aside(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    at.button(key="shelf_skip_explain-reasoning").click().run()
    wording(at, "invent-source").set_value("Which invents less?").run()
    at = upload(at, "other.md", PROSE)
    assert "3 to decide" in said(at)
    assert "2 candidates of rules" in said(at)
    go_on(at, 0)
    assert "2 to decide, 0 accepted, 1 skipped" in said(at)
    assert wording(at, "invent-source").value == "Which invents less?"
    assert "3 candidates of other" in said(at)


def test_the_same_file_once_more_goes_on_with_its_candidates(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    at.button(key="shelf_skip_explain-reasoning").click().run()
    at.selectbox(key="upload_form").set_value("prose").run()
    assert "2 to decide, 0 accepted, 1 skipped" in said(at)
    at = upload(at, "rules.md", PROSE.replace("calm", "quiet"))
    assert "3 to decide" in said(at)


def test_a_file_that_was_decided_begins_anew(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", "Claude should be kind. " + "It rained. " * 200)
    at.button(key="shelf_skip_kind").click().run()
    at.selectbox(key="upload_form").set_value("prose").run()
    assert "1 to decide, 0 accepted, 0 skipped" in said(at)


def test_hundreds_of_candidates_are_shown_a_page_at_a_time(seeded_workspace, open_page):
    at = upload(open_short(open_page), "long.md", prose_maker.write(20_000).text)
    first = [area.key for area in at.text_area if area.key.startswith("shelf_wording_")]
    assert len(first) == 8


def test_a_text_without_rules_is_refused_with_a_sentence(seeded_workspace, open_page):
    at = upload(open_short(open_page), "a.txt", "It rained all day. " * 200)
    assert "no sentence that says how to answer" in at.error[0].value


def test_prose_can_begin_an_empty_workspace(empty_workspace, open_page):
    at = upload(open_page("constitution"), "rules.md", PROSE)
    at.button(key="shelf_accept_invent-source").click().run()
    at.button(key="shelf_close").click().run()
    assert not at.exception
    assert len(drafts(at)["rules"].rows) == 1


def test_a_download_says_first_what_its_form_cannot_hold(seeded_workspace, open_page):
    at = open_short(open_page, download_open=True)
    assert "This form holds everything" in said(at)
    at.selectbox(key="download_form").set_value("paper-comparisons").run()
    assert not at.exception
    assert "the critique requests of" in said(at)


def test_the_passage_stands_in_the_card_of_its_principle(seeded_workspace, open_page):
    text = "name: short\nprinciples:\n  - {key: calm, text: Which?, source: 'a.md:3: *Be* calm.'}\n"
    at = upload(open_short(open_page), "short.yaml", text)
    at.session_state["constitution_open_rows"] = {draft_of(at).rows[0][0]}
    at.run()
    assert any(element.value == "a.md:3: *Be* calm." for element in at.text)


def test_edits_of_one_file_are_not_those_of_the_next(seeded_workspace, open_page):
    at = upload(open_short(open_page), "rules.md", PROSE)
    wording(at, "invent-source").set_value("Which invents less?").run()
    at = upload(at, "other.md", PROSE)
    assert wording(at, "invent-source").value.startswith("Which response takes more care")
    assert choice(at, "target").value == "other"

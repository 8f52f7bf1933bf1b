"""The history of a constitution: what each version is used by, any two compared, forks."""

from cai_core.store import constitutions, labels
from tests.pages import seed
from ui.draft import CURRENT, Draft


def open_history(open_page, slot: str = "short"):
    at = open_page("constitution", **{CURRENT: slot}, constitution_tab="History")
    assert not at.exception
    return at


def draft_of(at, slot: str) -> Draft:
    return at.session_state["constitution_drafts"][slot]


def choices(at):
    return [box for box in at.selectbox if box.label in ("From", "To")]


def html(at) -> str:
    return "\n".join(html.value for html in at.html)


def said(at) -> str:
    return "\n".join(text.value.replace("\\", "") for text in [*at.caption, *at.markdown])


def test_the_list_says_who_when_why_how_many_and_what_uses_it(seeded_workspace, open_page):
    table = open_history(open_page).dataframe[0].value
    assert table["Version"].tolist() == [2, 1]
    assert table["Message"].tolist() == ["add safe, reword kind", "begin"]
    assert table["Author"].tolist() == ["Grace", "Grace"]
    assert table["Principles"].tolist() == [3, 2]
    with seeded_workspace.db() as db:
        judged = len(labels.judgements(db))
    assert table["Used by"].tolist() == [f"{judged} labels, {len(seed.QUESTIONS)} revisions", "–"]


def test_there_is_no_way_to_delete_a_version(seeded_workspace, open_page):
    at = open_history(open_page)
    assert not [b for b in at.button if "elete" in b.label]


def test_any_two_versions_are_compared_also_of_two_constitutions(seeded_workspace, open_page):
    at = open_history(open_page)
    old, _ = choices(at)
    assert [option.split(":")[0] for option in old.options] == [
        "short, version 2",
        "short, version 1",
        "other, version 1",
    ]
    with seeded_workspace.db() as db:
        other = constitutions.newest(db, "other")
    old.set_value(other.id).run()
    assert not at.exception
    assert "safe** added" in said(at)
    assert "kind** changed" in said(at)
    assert at.button(key="restore").disabled
    assert at.button(key="history_impact").disabled


def test_the_draft_is_compared_with_any_version(seeded_workspace, open_page):
    at = open_page("constitution", **{CURRENT: "short"})
    at.button(key="unfold_more").click().run()
    row = next(row for row, p in draft_of(at, "short").rows if p.key == "kind")
    at.text_area(key=f"principle_{row}_text").set_value("Which response is softer?").run()
    at.text_input(key=f"principle_{row}_key").set_value("soft").run()
    at.session_state["constitution_tab"] = "History"
    at.run()
    assert choices(at)[1].options[0] == "short, unsaved draft"
    assert "softer" in html(at)
    at.button(key="history_impact").click().run()
    assert at.session_state["impact_to"] == "short, unsaved draft"


def test_a_renamed_principle_is_told_as_renamed(seeded_workspace, open_page):
    at = open_page("constitution", **{CURRENT: "short"})
    at.button(key="unfold_more").click().run()
    row = next(row for row, p in draft_of(at, "short").rows if p.key == "honest")
    at.text_input(key=f"principle_{row}_key").set_value("candid").run()
    assert "1 principle renamed" in said(at)
    at.session_state["constitution_tab"] = "History"
    at.run()
    assert "candid** renamed, was honest" in said(at)


def test_a_version_is_forked_under_another_name_and_its_parent_shown(seeded_workspace, open_page):
    at = open_history(open_page)
    at.text_input(key="fork_name").set_value("gentle")
    at.button(key="fork_make").click().run()
    draft = draft_of(at, "gentle")
    assert at.session_state[CURRENT] == "gentle"
    assert (draft.forked, draft.base.title) == (True, "short, version 1")
    assert [p.key for _, p in draft.rows] == ["honest", "kind"]
    assert "forked from short, version 1: no change yet" in said(at)
    at.button(key="save").click().run()
    assert not at.error
    with seeded_workspace.db() as db:
        saved = constitutions.newest(db, "gentle")
        origin = constitutions.origin(db, saved)
    assert (saved.number, origin.title) == (1, "short, version 1")
    assert "forked from short, version 1" in said(at)
    at.session_state["constitution_tab"] = "History"
    at.run()
    assert "Forked from short, version 1." in said(at)


def test_a_copy_made_anew_is_a_fork_of_the_newest_version(seeded_workspace, open_page):
    at = open_page("constitution")
    at.text_input(key="new_name").set_value("gentle")
    at.selectbox(key="new_from").set_value("short")
    at.button(key="new_make").click().run()
    assert draft_of(at, "gentle").base.title == "short, version 2"


def test_a_fork_under_a_taken_name_is_refused_in_a_sentence(seeded_workspace, open_page):
    at = open_history(open_page)
    at.text_input(key="fork_name").set_value("other")
    at.button(key="fork_make").click().run()
    assert "there is a constitution 'other' already" in at.error[0].value.replace("\\", "")

"""Unsaved drafts outlive the browser, are followed in other tabs, and never overwrite each other unseen."""

from cai_core.store import constitutions, drafts
from ui.draft import CURRENT, Draft

WARM = "Which response is warmer?"


def open_short(open_page, **more):
    """A new tab, or the same one after a reload or a crash."""
    return open_page("constitution", **{CURRENT: "short"}, **more)


def draft_of(at, slot: str = "short") -> Draft:
    assert not at.exception
    return at.session_state["constitution_drafts"][slot]


def text_of(at, key: str = "kind") -> str:
    return draft_of(at).constitution.principle(key).text


def open_cards(at):
    return at.button(key="unfold_more").click().run()


def write(at, text: str, key: str = "kind"):
    """Open the cards where that is needed, and write a wording."""
    row = next(row for row, p in draft_of(at).rows if p.key == key)
    if not [box for box in at.text_area if box.key == f"principle_{row}_text"]:
        open_cards(at)
    return at.text_area(key=f"principle_{row}_text").set_value(text).run()


def said(at) -> str:
    return "\n".join(t.value for t in [*at.caption, *at.markdown, *at.warning, *at.toast])


def kept(workspace, person: str = "Ada"):
    with workspace.db() as db:
        return {name: drafts.get(db, person, name) for name in drafts.stamps(db, person)}


def test_a_draft_is_back_after_a_reload_or_a_crash(seeded_workspace, open_page):
    write(open_short(open_page), WARM)
    at = open_page("constitution")
    assert text_of(at) == WARM
    assert draft_of(at).base.number == 2
    assert at.session_state[CURRENT] == "short"
    assert "Your draft of short is back." in said(at)


def test_it_is_marked_in_the_choice_in_the_title_and_below_the_menu(seeded_workspace, open_page):
    at = write(open_short(open_page), WARM)
    choice = at.selectbox(key=CURRENT)
    assert choice.options[0].startswith("short · unsaved draft from ")
    assert choice.value == "short"
    assert "based on version 2: 1 principle changed" in said(at)
    at = open_page("overview")
    links = [link.proto.label for link in at.sidebar.get("page_link")]
    assert "Unsaved: short" in links


def test_nothing_is_kept_where_nothing_was_changed(seeded_workspace, open_page):
    open_short(open_page)
    assert kept(seeded_workspace) == {}


def test_a_constitution_never_saved_is_back_too(empty_workspace, open_page):
    at = open_page("constitution")
    at.text_input(key="new_name").set_value("house-rules")
    at.button(key="new_make").click().run()
    again = open_page("constitution")
    assert draft_of(again, "house-rules").unsaved
    assert kept(empty_workspace)["house-rules"].base is None


def test_saving_takes_the_draft_out(seeded_workspace, open_page):
    at = write(open_short(open_page), WARM)
    assert set(kept(seeded_workspace)) == {"short"}
    at.button(key="save").click().run()
    assert kept(seeded_workspace) == {}
    assert not draft_of(open_short(open_page)).unsaved


def test_undone_to_its_version_it_is_taken_out(seeded_workspace, open_page):
    at = write(open_short(open_page), WARM)
    at.button(key="undo").click().run()
    assert kept(seeded_workspace) == {}


def test_the_draft_of_another_person_stays_theirs(seeded_workspace, open_page):
    write(open_short(open_page), WARM)
    at = open_short(open_page, person="Grace")
    assert not draft_of(at).unsaved


def test_another_name_in_the_same_browser_finds_its_own_drafts(seeded_workspace, open_page):
    at = write(open_short(open_page), WARM)
    at.session_state["person"] = "Grace"
    at.run()
    assert not draft_of(at).unsaved
    assert kept(seeded_workspace, "Grace") == {}
    at.session_state["person"] = "Ada"
    at.run()
    assert text_of(at) == WARM


def test_a_draft_whose_base_is_old_comes_back_with_the_conflict(seeded_workspace, open_page):
    write(open_short(open_page), WARM)
    with seeded_workspace.db() as db:
        newest = constitutions.newest(db, "short")
        old = constitutions.numbered(db, "short", 1)
        constitutions.save(db, old.constitution, author="Grace", parent=newest.id)
    at = open_short(open_page)
    assert "Grace saved version 3 while you edited version 2" in at.warning[0].value
    at.button(key="rebase").click().run()
    at.button(key="save").click().run()
    assert not at.error
    with seeded_workspace.db() as db:
        assert constitutions.newest(db, "short").constitution.principle("kind").text == WARM


def test_who_takes_a_new_name_first_is_shown_to_the_second(empty_workspace, open_page):
    at = open_page("constitution")
    at.text_input(key="new_name").set_value("rules")
    at.button(key="new_make").click().run()
    write_first(at)
    other = open_page("constitution", person="Grace")
    other.text_input(key="new_name").set_value("rules")
    other.button(key="new_make").click().run()
    write_first(other)
    other.button(key="save").click().run()
    at.run()
    assert "Grace saved version 1 under this name" in at.warning[0].value
    at.button(key="rebase").click().run()
    at.button(key="save").click().run()
    assert not at.error
    with empty_workspace.db() as db:
        assert [v.author for v in constitutions.versions(db, "rules")] == ["Ada", "Grace"]


def write_first(at):
    open_cards(at)
    row = draft_of(at, "rules").rows[0][0]
    text = f"Which response pleases {at.session_state['person']}?"
    at.text_area(key=f"principle_{row}_text").set_value(text).run()


# -- two tabs of one person


def test_another_tab_follows_where_nothing_was_changed_there(seeded_workspace, open_page):
    here, there = open_short(open_page), open_short(open_page)
    write(there, WARM)
    here.run()
    assert text_of(here) == WARM
    assert "was changed in another tab" in said(here)
    open_cards(here)
    write(here, "Which response is warmest?")
    there.run()
    assert text_of(there) == "Which response is warmest?"
    row = next(row for row, p in draft_of(there).rows if p.key == "kind")
    assert there.text_area(key=f"principle_{row}_text").value == "Which response is warmest?"


def both_changed(open_page):
    here, there = (open_cards(open_short(open_page)) for _ in range(2))
    write(there, "Which response is theirs?")
    write(here, "Which response is mine?")
    return here, there


def test_both_are_shown_where_two_tabs_changed_it_and_neither_is_overwritten(
    seeded_workspace, open_page
):
    here, _ = both_changed(open_page)
    assert "You changed this draft in another tab too" in here.warning[0].value
    assert any("theirs" in html.value and "mine" in html.value for html in here.html)
    assert text_of(here) == "Which response is mine?"
    stored = kept(seeded_workspace)["short"].constitution.principle("kind").text
    assert stored == "Which response is theirs?"


def test_the_one_here_is_kept_and_the_other_set_aside(seeded_workspace, open_page):
    here, there = both_changed(open_page)
    here.button(key="clash_keep_mine").click().run()
    assert not here.warning
    there.run()
    assert text_of(there) == text_of(here) == "Which response is mine?"
    with seeded_workspace.db() as db:
        (one,) = drafts.aside(db, "Ada")
    assert one.draft.constitution.principle("kind").text == "Which response is theirs?"


def test_the_other_is_taken_and_the_one_here_set_aside(seeded_workspace, open_page):
    here, _ = both_changed(open_page)
    here.button(key="clash_take").click().run()
    assert not here.warning
    assert text_of(here) == "Which response is theirs?"
    with seeded_workspace.db() as db:
        (one,) = drafts.aside(db, "Ada")
    assert one.draft.constitution.principle("kind").text == "Which response is mine?"


def test_who_has_not_seen_the_newest_of_the_other_looks_again(seeded_workspace, open_page):
    here, there = both_changed(open_page)
    write(there, "Which response is newer?")
    here.button(key="clash_keep_mine").click().run()
    assert "changed it once more" in here.error[0].value
    assert any("newer" in html.value for html in here.html)


def test_a_draft_saved_in_another_tab_is_let_go(seeded_workspace, open_page):
    here, there = open_short(open_page), open_short(open_page)
    write(there, WARM)
    here.run()
    there.button(key="save").click().run()
    here.run()
    assert (draft_of(here).unsaved, draft_of(here).base.number) == (False, 3)
    assert "was saved or discarded in another tab." in said(here)


def test_what_was_changed_here_stays_when_the_other_tab_saves(seeded_workspace, open_page):
    here, there = open_cards(open_short(open_page)), open_cards(open_short(open_page))
    write(there, WARM)
    here.run()
    there.button(key="save").click().run()
    write(here, "Which response is mine?")
    assert text_of(here) == "Which response is mine?"
    assert "Ada saved version 3 while you edited version 2" in said(here)
    assert kept(seeded_workspace)["short"].constitution == draft_of(here).constitution


# -- set aside


def discard(at):
    at.button(key="discard").click().run()
    return at.button(key="confirm_yes").click().run()


def test_a_discarded_draft_is_brought_back(seeded_workspace, open_page):
    discard(write(open_short(open_page), WARM))
    assert kept(seeded_workspace) == {}
    at = open_short(open_page)
    assert not draft_of(at).unsaved
    at.button(key="aside_back").click().run()
    assert text_of(at) == WARM
    assert draft_of(at).base.number == 2


def test_what_stands_in_the_way_of_one_brought_back_is_set_aside_itself(
    seeded_workspace, open_page
):
    at = discard(write(open_short(open_page), WARM))
    write(at, "Which response is newer?")
    at.button(key="aside_back").click().run()
    assert text_of(at) == WARM
    with seeded_workspace.db() as db:
        newest = drafts.aside(db, "Ada")[0]
    assert newest.draft.constitution.principle("kind").text == "Which response is newer?"
    at.button(key="undo").click().run()
    assert text_of(at) == "Which response is newer?"


def test_a_discarded_constitution_without_versions_is_brought_back(empty_workspace, open_page):
    at = open_page("constitution")
    at.text_input(key="new_name").set_value("house-rules")
    at.button(key="new_make").click().run()
    discard(at)
    assert any("no constitution yet" in text.value for text in at.markdown)
    at.button(key="aside_back").click().run()
    assert draft_of(at, "house-rules").unsaved


def test_a_draft_that_a_restored_version_replaces_is_set_aside(seeded_workspace, open_page):
    at = write(open_short(open_page), WARM)
    at.session_state["constitution_tab"] = "History"
    at.run()
    at.button(key="restore").click().run()
    at.button(key="confirm_yes").click().run()
    with seeded_workspace.db() as db:
        (one,) = drafts.aside(db, "Ada")
    assert one.draft.constitution.principle("kind").text == WARM
    assert text_of(at) != WARM

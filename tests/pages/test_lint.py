"""Findings on the constitution page: reason, source, acceptance; and what the model sees."""

import pytest

from cai_core.constitution.lint import lint
from cai_core.schema import Constitution, Principle
from cai_core.settings import Endpoint, JudgeSetting, Settings
from cai_core.store import accepted, constitutions
from ui.clock import moment
from ui.draft import CURRENT, Draft
from ui.principle_cards import OPEN_ROWS

VAGUE = Principle(
    "vague",
    "Which response is more appropriate, without being preachy?",
    "Find preachy words.",
    "Mend.",
)
PLAIN = Principle("plain", "Which response is shorter?", "Find filler.", "Cut the filler.")


def save(workspace, *principles):
    with workspace.db() as db:
        constitutions.save(db, Constitution("mine", principles), author="Grace")


def findings(*principles):
    return lint(Constitution("mine", principles))


def draft_of(at) -> Draft:
    return at.session_state["constitution_drafts"]["mine"]


def row_of(at, key):
    return next(row for row, principle in draft_of(at).rows if principle.key == key)


@pytest.fixture
def at(empty_workspace, open_page):
    """The page on `mine`, with every card open."""
    save(empty_workspace, VAGUE, PLAIN)
    at = open_page("constitution", **{CURRENT: "mine"})
    at.session_state[OPEN_ROWS] = {row for row, _ in draft_of(at).rows}
    return at.run()


def said(at):
    assert not at.exception
    texts = [*at.caption, *at.markdown, *at.text]
    return "\n".join(text.value.replace("\\", "") for text in texts)


def widget_key(at, finding):
    return f"{row_of(at, finding.key)}_{finding.fingerprint}"


def open_why(at, finding):
    at.session_state[f"why_{widget_key(at, finding)}"] = True
    return at.run()


def accept(at, finding, note):
    open_why(at, finding)
    at.text_input(key=f"note_{widget_key(at, finding)}").set_value(note)
    return at.button(key=f"accept_{widget_key(at, finding)}").click().run()


def vague_finding():
    return next(f for f in findings(VAGUE, PLAIN) if f.rule.name == "vague-term")


def test_the_total_stands_above_the_principles(at):
    assert "1 note" in said(at)
    assert "leaves it to the reader what 'appropriate' means" in said(at)


def test_a_constitution_without_a_finding_says_so(empty_workspace, open_page):
    save(empty_workspace, PLAIN, Principle("kind", "Kinder, not preachy?", "Cold?", "Warm it."))
    assert "nothing to remark" in said(open_page("constitution", **{CURRENT: "mine"}))


def test_a_finding_shows_reason_and_source_on_demand(at):
    finding = vague_finding()
    assert finding.rule.reason not in said(at)
    open_why(at, finding)
    assert finding.rule.reason in said(at)
    assert finding.rule.source in said(at)


def test_a_finding_is_accepted_with_a_note_and_folded_away(at, empty_workspace):
    finding = vague_finding()
    accept(at, finding, "the judge knows the audience")
    assert "1 accepted" in said(at)
    assert "leaves it to the reader" not in said(at)
    with empty_workspace.db() as db:
        (stored,) = accepted.standing(db, "mine").values()
    assert (stored.note, stored.who) == ("the judge knows the audience", "Ada")
    at.session_state[f"accepted_{row_of(at, 'vague')}"] = True
    at.run()
    assert "the judge knows the audience" in said(at)
    assert f"Ada, {moment(stored.created)}\n" in said(at)


def test_a_finding_without_a_note_is_not_accepted(at, empty_workspace):
    accept(at, vague_finding(), "  ")
    assert "say why it may stay" in at.error[0].value
    with empty_workspace.db() as db:
        assert accepted.standing(db, "mine") == {}


def test_what_was_accepted_is_taken_back(at, empty_workspace):
    accept(at, vague_finding(), "meant so")
    with empty_workspace.db() as db:
        (stored,) = accepted.standing(db, "mine").values()
    at.session_state[f"accepted_{row_of(at, 'vague')}"] = True
    at.run().button(key=f"take_back_{stored.id}").click().run()
    assert "1 note" in said(at)
    with empty_workspace.db() as db:
        assert accepted.standing(db, "mine") == {}
        assert db["accepted_findings"].count == 1


def test_an_accepted_finding_comes_back_with_another_wording(at):
    accept(at, vague_finding(), "meant so")
    field = f"principle_{row_of(at, 'vague')}_text"
    at.text_area(key=field).set_value("Which is more appropriate, and not preachy?").run()
    assert "leaves it to the reader what 'appropriate' means" in said(at)
    assert "1 accepted" not in said(at)
    at.text_area(key=field).set_value(VAGUE.text).run()
    assert "1 accepted" in said(at)


def test_an_error_cannot_be_accepted(at):
    at.button(key="add_principle").click().run()
    (error,) = (f for f in lint(draft_of(at).constitution) if f.level == "error" and f.key == "new")
    open_why(at, error)
    assert "An error cannot be accepted" in said(at)
    assert not [b for b in at.button if b.key == f"accept_{widget_key(at, error)}"]
    assert "1 error" in said(at)


def test_two_principles_under_one_key_are_shown_and_told_once(at):
    field = f"principle_{row_of(at, 'plain')}"
    at.text_input(key=f"{field}_key").set_value("vague")
    at.text_area(key=f"{field}_text").set_value(VAGUE.text)
    at.text_area(key=f"{field}_critique").set_value(VAGUE.critique)
    at.text_area(key=f"{field}_revision").set_value(VAGUE.revision).run()
    assert "stands twice" in said(at)


# -- what the model sees


def open_sees(at, key):
    at.session_state[f"sees_{row_of(at, key)}"] = True
    return at.run()


def test_the_tokens_of_each_request_stand_beside_a_principle(talking_workspace, open_page):
    save(talking_workspace, VAGUE)
    at = open_page("constitution", **{CURRENT: "mine"})
    assert "Tokens:" not in said(at)
    at.session_state[OPEN_ROWS] = {row for row, _ in draft_of(at).rows}
    at.run()
    (line,) = [text.value for text in at.caption if text.value.startswith("Tokens:")]
    assert "about" not in line
    assert all(name in line for name in ("comparison", "critique", "revision"))


def test_what_the_model_sees_is_shown_as_plain_text_in_its_frame(talking_workspace, open_page):
    nasty = Principle(
        "vague", "Which is <b>kinder</b>, ![x](y) not preachy?", "Find harm.", "Mend."
    )
    save(talking_workspace, nasty)
    at = open_page("constitution", **{CURRENT: "mine"})
    at.session_state[OPEN_ROWS] = {row_of(at, "vague")}
    open_sees(at, "vague")
    shown = "\n".join(html.value for html in at.html)
    assert "<mark>Which is &lt;b&gt;kinder&lt;/b&gt;, ![x](y) not preachy?</mark>" in shown
    assert "[End of response B]" in shown
    assert "Find harm. Write only the critique" in shown
    assert "Mend. Write only the new answer." in shown
    assert "of the window's 1,024" in said(at)


def test_an_endpoint_is_told_to_be_an_estimate(empty_workspace, open_page):
    judge = JudgeSetting(model="endpoint:lab/big")
    lab = Endpoint(name="lab", base_url="http://127.0.0.1:1/v1", models=("big",))
    settings = Settings(endpoints=(lab,), judge=judge, base_model=judge.model)
    settings.save(empty_workspace.home / "settings.yaml")
    save(empty_workspace, PLAIN, VAGUE)
    at = open_page("constitution", **{CURRENT: "mine"})
    at.session_state[OPEN_ROWS] = {row_of(at, "plain")}
    open_sees(at, "plain")
    assert "comparison about 7" in said(at)
    assert "Estimated, 4 characters a token" in said(at)


def test_a_judge_with_a_small_window_is_told_on_the_page(talking_workspace, open_page):
    save(talking_workspace, VAGUE, Principle("long", "Which is calmer " + "now " * 600, "x", "y"))
    at = open_page("constitution", **{CURRENT: "mine"})
    at.session_state[OPEN_ROWS] = {row_of(at, "long")}
    assert "the window of path:" in said(at.run())


def test_a_judge_that_asks_all_at_once_is_told_of_them_together(talking_workspace, open_page):
    settings = Settings.load()
    at_once = settings.judge.model_copy(update={"principles": "whole"})
    settings.model_copy(update={"judge": at_once}).save(talking_workspace.home / "settings.yaml")
    each = [Principle(f"k{n}", "Which is calmer " + "now " * 30, "x", "y") for n in range(20)]
    save(talking_workspace, VAGUE, *each)
    at = open_page("constitution", **{CURRENT: "mine"})
    assert "Its 21 questions are asked in one" in said(at)


def test_a_template_that_is_gone_is_a_sentence_and_no_crash(talking_workspace, open_page):
    settings = Settings.load()
    gone = settings.judge.model_copy(update={"template": "compare-99"})
    settings.model_copy(update={"judge": gone}).save(talking_workspace.home / "settings.yaml")
    save(talking_workspace, VAGUE)
    at = open_page("constitution", **{CURRENT: "mine"})
    at.session_state[OPEN_ROWS] = {row_of(at, "vague")}
    assert "there is no comparison template 'compare-99'" in said(at.run())
    assert at.text_area(key=f"principle_{row_of(at, 'vague')}_text").value == VAGUE.text

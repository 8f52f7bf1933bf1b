"""The frame: what surrounds every page."""

import ast

import pytest
from streamlit.testing.v1 import AppTest

from cai_core.settings import PROJECT_DIR
from ui import menu

PAGES = [path for path in PROJECT_DIR.glob("pages/*.py") if path.stem != "__init__"]


def test_a_workspace_never_made_is_told_how_to_make_one(tmp_path, monkeypatch, open_page):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "nowhere"))
    at = open_page("overview")
    assert not at.exception
    assert {"make run", "python -m cai_core init"} <= {code.value for code in at.code}
    assert not (tmp_path / "nowhere").exists()


def test_a_name_is_asked_before_the_page_and_only_once(empty_workspace, open_page):
    at = open_page("overview", person="")
    at.text_input(key="person_name").set_value("  Grace   Hopper ")
    at.button[0].click().run()
    assert at.session_state["person"] == "Grace Hopper"
    assert not at.exception


def test_a_name_cannot_end_the_script_that_keeps_it(empty_workspace, open_page):
    at = open_page("overview", person="</script><b>';alert(1)//")
    script = next(h.value for h in at.html if "document.cookie" in h.value)
    assert script.count("<") == 2
    assert "alert(1)" not in script.replace("%281%29", "")
    assert script.count("'") == 2


def _script(body: str) -> AppTest:
    head = "import streamlit as st\nfrom cai_core.errors import CaiError\nfrom ui import frame\n"
    at = AppTest.from_string(head + body, default_timeout=30)
    at.session_state["person"] = "Ada"
    return at


@pytest.fixture
def no_menu(monkeypatch):
    monkeypatch.setattr(menu, "show_menu", lambda: None)


def test_an_error_for_people_is_a_red_box_without_markdown(empty_workspace, no_menu):
    at = _script('with frame.page("overview") as db:\n    raise CaiError("no ![x](y/z.png)")').run()
    assert not at.exception
    assert at.error[0].value == r"no \!\[x\]\(y/z\.png\)"


def test_a_bug_stays_a_visible_traceback(empty_workspace, no_menu):
    at = _script('with frame.page("overview") as db:\n    1 / 0').run()
    assert at.exception[0].message == "division by zero"


def test_an_error_in_a_callback_is_shown_once(empty_workspace, no_menu):
    at = _script(
        "def save(db, n):\n    raise CaiError(f'cannot save {n}')\n"
        'with frame.page("overview") as db:\n'
        "    st.button('Save', key='save', on_click=frame.callback(save), args=(3,))\n"
    ).run()
    at.button(key="save").click().run()
    assert [box.value for box in at.error] == ["cannot save 3"]
    at.run()
    assert not at.error


def test_a_fragment_gets_a_connection_of_its_own_and_shows_errors(empty_workspace, no_menu):
    at = _script(
        "@frame.fragment(run_every='5s')\n"
        "def live(db, word):\n"
        "    st.text(db.execute('select 1').fetchone()[0])\n"
        "    raise CaiError(word)\n"
        'with frame.page("overview") as db:\n    live("stopped")\n'
    ).run()
    assert not at.exception
    assert at.text[-1].value == "1"
    assert at.error[0].value == "stopped"


def test_the_connection_is_closed_after_the_run(empty_workspace, no_menu):
    at = _script('with frame.page("overview") as db:\n    st.session_state.kept = db').run()
    with pytest.raises(Exception, match="closed"):
        at.session_state["kept"].execute("select 1")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_opens_with_the_frame_and_does_nothing_outside_it(path):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    first = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)]
    assert len(first) == 1
    assert ast.unparse(first[0]).startswith(f"with frame.page('{path.stem}')")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_stands_in_the_menu(path):
    assert menu.entry(path.stem).exists


def test_the_menu_shows_pages_in_groups():
    groups = [item.group for item in menu.MENU]
    assert groups == sorted(groups, key=groups.index)


def test_what_was_under_way_is_not_gone_on_with_on_coming_back(seeded_workspace, open_page):
    at = open_page("constitution")
    pins = [button for button in at.button if button.key == "pin_typed"]
    assert pins
    at.text_area(key="pin_prompt").set_value("A question?")
    at.button(key="pin_typed").click().run()
    at.switch_page("app.py").run()
    at.session_state["try_queue"] = [
        at.session_state["try_pins"][0].id
    ]  # as a click away leaves it
    at.switch_page("pages/constitution.py").run()
    assert not at.exception
    assert at.session_state["try_queue"] == []
    assert not at.error


def test_a_database_that_cannot_be_opened_is_a_red_box_on_every_page(empty_workspace, open_page):
    with empty_workspace.db() as db:
        db["_sqlite_migrations"].insert(
            {"id": 99, "migration_set": "ratify", "name": "m999_later", "applied_at": "2099-01-01"}
        )
    at = open_page("playground")
    assert not at.exception
    assert "newer Ratify" in at.error[0].value

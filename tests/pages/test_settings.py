"""The settings page: defaults, endpoints, places and health."""

import os

from cai_core.settings import Endpoint, Settings
from tests.models.stub import Stub, scored, serving


def fill_endpoint(at, name: str = "+new", **fields):
    for field, value in fields.items():
        widget = at.text_area if field == "models" else at.text_input
        widget(key=f"ep_{name}_{field}").set_value(value)
    at.button(key=f"save_{name}").click()
    return at.run()


def with_endpoint(workspace, **fields):
    given = {"name": "lab", "base_url": "http://127.0.0.1:9/v1", "models": ("m",)} | fields
    Settings(endpoints=(Endpoint(**given),)).save(workspace.home / "settings.yaml")


def test_it_opens_on_an_empty_and_on_a_seeded_workspace(seeded_workspace, open_page):
    at = open_page("settings")
    assert not at.exception
    assert str(seeded_workspace.home) in at.dataframe[0].value["Path"].tolist()


def test_defaults_are_saved_whole(empty_workspace, open_page):
    at = open_page("settings")
    at.text_area(key="set_models").set_value("hf:org/name\n\n path:/models/x ")
    at.number_input(key="set_slots").set_value(2)
    at.selectbox(key="set_method").set_value("cot")
    at.number_input(key="set_tie_band").set_value(0.05)
    at.form_submit_button[0].click().run()
    assert not at.error
    saved = Settings.load()
    assert saved.models == ("hf:org/name", "path:/models/x")
    assert (saved.slots, saved.judge.method, saved.judge.tie_band) == (2, "cot", 0.05)
    assert "hf:org/name" in at.selectbox(key="set_base_model").options


def test_a_panel_and_the_wording_of_its_questions_are_saved(empty_workspace, open_page):
    Settings(models=("hf:a/x", "hf:a/y")).save()
    at = open_page("settings")
    at.multiselect(key="set_panel").set_value(["hf:a/x", "hf:a/y"])
    at.selectbox(key="set_combine").set_value("mean")
    at.number_input(key="set_examples").set_value(3)
    at.toggle(key="set_abstain").set_value(True)
    at.form_submit_button[0].click().run()
    assert not at.error
    judge = Settings.load().judge
    assert (judge.panel, judge.combine) == (("hf:a/x", "hf:a/y"), "mean")
    assert (judge.template, judge.examples, judge.abstain) == ("compare-1", 3, True)
    assert open_page("settings").multiselect(key="set_panel").value == ["hf:a/x", "hf:a/y"]


def test_an_endpoint_is_added_edited_and_removed(empty_workspace, open_page):
    at = open_page("settings")
    at.text_input(key="ep_+new_name").set_value("lab")
    fill_endpoint(at, base_url="http://h:1/v1", models="a\nb", key_variable="LAB_KEY")
    assert not at.error
    assert Settings.load().endpoint("lab").models == ("a", "b")
    fill_endpoint(at, "lab", models="a")
    assert Settings.load().endpoint("lab").models == ("a",)
    at.button(key="remove_lab").click().run()
    at.button(key="confirm_yes").click().run()
    assert Settings.load().endpoints == ()


def test_a_bad_address_is_refused_and_nothing_is_saved(empty_workspace, open_page):
    at = open_page("settings")
    at.text_input(key="ep_+new_name").set_value("lab")
    fill_endpoint(at, base_url="ftp://h")
    assert "base" in at.error[0].value
    assert Settings.load().endpoints == ()


def test_two_endpoints_cannot_share_a_name(empty_workspace, open_page):
    with_endpoint(empty_workspace)
    at = open_page("settings")
    at.text_input(key="ep_+new_name").set_value("lab")
    fill_endpoint(at, base_url="http://h:1/v1")
    assert "already" in at.error[0].value


def test_only_the_name_of_the_key_is_shown_and_saved(empty_workspace, open_page, monkeypatch):
    monkeypatch.setenv("LAB_KEY", "s3cret-value")
    with_endpoint(empty_workspace, key_variable="LAB_KEY")
    at = open_page("settings")
    shown = " ".join(str(node.value) for node in [*at.markdown, *at.caption, *at.text_input])
    assert "LAB_KEY is set" in shown
    assert "s3cret-value" not in shown
    assert "s3cret-value" not in (empty_workspace.home / "settings.yaml").read_text()
    assert os.environ["LAB_KEY"] == "s3cret-value"


def test_an_endpoint_that_does_not_answer_is_a_sentence(empty_workspace, open_page):
    with_endpoint(empty_workspace, retries=0, timeout_s=2.0)
    at = open_page("settings")
    at.button(key="test_lab").click().run()
    assert not at.exception
    assert any("lab" in text.value and ":red[" in text.value for text in at.markdown)


def test_what_a_model_can_do_is_probed_once_and_shown(empty_workspace, open_page):
    with serving(Stub([scored(A=-0.1, B=-2.0)])) as stub:
        with_endpoint(empty_workspace, base_url=stub.url)
        at = open_page("settings")
        assert any("Not probed yet" in text.value for text in at.caption)
        assert stub.asked == []  # looking asks nothing
        at.button(key="test_lab").click().run()
        assert not at.exception
        asked = len(stub.asked)
        (table,) = [t.value for t in at.dataframe if "Log-probabilities" in t.value.columns]
        assert table["Log-probabilities"].tolist() == ["top 2"]
        assert table["Begun turn"].tolist() == ["begins anew"]
        assert any("begins a new turn" in text.value for text in at.caption)
        at = open_page("settings")
        assert any("Log-probabilities" in t.value.columns for t in at.dataframe)
        assert len(stub.asked) == asked


def test_the_doctor_says_what_is_wrong_when_asked(empty_workspace, open_page):
    at = open_page("settings")
    assert not at.success
    at.button(key="examine").click().run()
    assert not at.exception
    assert any("cannot be used" in text.value for text in at.markdown)


def test_a_settings_file_that_cannot_be_read_is_a_sentence(empty_workspace, open_page):
    (empty_workspace.home / "settings.yaml").write_text("slots: many")
    at = open_page("settings")
    assert not at.exception
    assert "slots" in at.error[0].value

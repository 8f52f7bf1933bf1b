"""Labels as files on the page: what an upload would bring, bringing it in, and making a file."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from cai_core.curate import label_files
from cai_core.store import labels
from cai_core.store.label_stream import stream
from tests.pages.conftest import TIMEOUT_S
from tests.store.rows import judgement, pair, review
from ui.labels_download import content


def importing():
    from cai_core.store import database
    from ui.labels_upload import show_import

    db = database.connect()
    show_import(db)
    db.close()


def exporting():
    from cai_core.store import database
    from ui.labels_download import show_export

    db = database.connect()
    show_export(db)
    db.close()


@pytest.fixture
def run(empty_workspace):
    def start(script):
        at = AppTest.from_function(script, default_timeout=TIMEOUT_S).run()
        assert not at.exception
        return at

    return start


def upload(at, rows, name="of the team.jsonl"):
    data = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
    at.file_uploader(key="labels_file").upload(name, data.encode()).run()
    assert not at.exception
    return at


def counts(at):
    return {metric.label: metric.value for metric in at.metric}


def said(at):
    kinds = (at.caption, at.text, at.markdown, at.error, at.success, at.warning)
    return " ".join(element.value for kind in kinds for element in kind)


def row(verdict="a", annotator="Ada", question="How?"):
    return {**pair(question).to_row(), "label": verdict, "annotator": annotator}


def stored(workspace):
    with workspace.db() as db:
        return [(x.label.annotator, x.label.verdict, x.source) for x in labels.standing(db)]


def test_a_file_is_looked_at_first_and_comes_in_when_that_is_confirmed(empty_workspace, run):
    at = upload(run(importing), [row(), row("b", "Bo"), row("tie", question="Why?")])
    assert counts(at) == {
        "Labels": "3", "New": "3", "Known": "0", "Conflicts": "0", "Bad rows": "0",
    }  # fmt: skip
    assert "1 pair on which people differ" in said(at)
    assert stored(empty_workspace) == []
    at.button(key="labels_bring").click().run()
    assert not at.exception
    assert stored(empty_workspace) == [
        ("Ada", "a", "of the team"),
        ("Bo", "b", "of the team"),
        ("Ada", "tie", "of the team"),
    ]
    assert counts(at)["Known"] == "3"
    assert at.button(key="labels_bring").disabled
    assert "is in the workspace" in said(at)


def test_a_conflict_is_shown_and_what_stands_stays_unless_one_says_otherwise(empty_workspace, run):
    with empty_workspace.db() as db:
        labels.add(db, judgement(pair(), verdict="b", p_a=0.2))
        labels.add_many(db, label_files.labels_of(row("b")))
    at = upload(run(importing), [row("a")])
    assert counts(at)["Conflicts"] == "1"
    assert at.button(key="labels_bring").disabled
    at.radio(key="labels_on_conflict").set_value("append").run()
    at.button(key="labels_bring").click().run()
    assert ("Ada", "a") in [one[:2] for one in stored(empty_workspace)]


def test_bad_rows_are_named_and_left_out_only_when_one_says_so(empty_workspace, run):
    at = upload(run(importing), [row(), {**row(), "response_a": ""}])
    assert "line 2: 'response_a' is missing or empty; fill it" in said(at)
    assert at.button(key="labels_bring").disabled
    at.checkbox(key="labels_skip_bad").check().run()
    at.button(key="labels_bring").click().run()
    assert len(stored(empty_workspace)) == 1


def test_a_file_without_labels_is_refused_in_a_sentence_that_names_it_alone(run):
    at = upload(run(importing), "name,age\nx,3\n", "people.csv")
    assert said(at).count("people\\.csv") == 1
    assert "/tmp" not in said(at)
    assert not at.button


def test_text_of_a_file_is_never_read_as_markdown(run):
    at = upload(run(importing), [{**row(), "label": "![x](http://a.b/c.png)"}])
    assert "![x](http" not in " ".join(e.value for kind in (at.markdown, at.error) for e in kind)


def test_a_file_is_made_of_what_the_filters_take(empty_workspace, run):
    with empty_workspace.db() as db:
        labels.add(db, judgement(pair()))
        labels.add_many(db, label_files.labels_of(row("b") | {"review": review().to_row()}))
    at = run(exporting)
    at.multiselect(key="labels_out_people").select("Ada").run()
    at.button(key="labels_make").click().run()
    assert not at.exception
    made = at.session_state["labels_made"]
    rows = [json.loads(line) for line in content(made.file).splitlines()]
    with empty_workspace.db() as db:
        wanted = [x.label.to_row() for x in stream(db) if x.label.kind == "person"]
    assert rows == wanted
    assert made.labels == 1


def test_what_no_label_passes_is_said(run):
    at = run(exporting)
    at.selectbox(key="labels_out_form").set_value("argilla").run()
    at.button(key="labels_make").click().run()
    assert at.info[0].value == "No label passes these filters."
    assert "does not hold votes" in said(at)

"""settings.yaml of the workspace."""

import pytest

from cai_core.errors import CaiError
from cai_core.settings import Endpoint, JudgeSetting, Settings


def test_settings_survive_a_round_trip(tmp_path):
    settings = Settings(
        endpoints=(Endpoint(name="lab", base_url="http://127.0.0.1:9/v1", key_variable="LAB_KEY"),),
        judge=JudgeSetting(model="endpoint:lab/m", tie_band=0.1),
        slots=2,
    )
    settings.save(tmp_path / "settings.yaml")
    assert Settings.load(tmp_path / "settings.yaml") == settings


def test_a_workspace_without_settings_has_the_defaults(tmp_path):
    assert Settings.load(tmp_path / "none.yaml") == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slots: many", "'slots'"),
        ("colour: red", "'colour'"),
        ("judge: {tie_band: 0.7}", "'judge.tie_band'"),
        ("endpoints: [{name: 'a b', base_url: 'http://x'}]", "'endpoints.0.name'"),
        ("a: [", "cannot be read as YAML"),
        ("- 1", "settings.yaml"),
    ],
)
def test_a_bad_setting_is_named_in_one_sentence(tmp_path, text, said):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(CaiError) as caught:
        Settings.load(path)
    assert said in str(caught.value)


def test_an_unknown_endpoint_says_where_to_add_it():
    with pytest.raises(CaiError, match="settings page"):
        Settings().endpoint("nowhere")

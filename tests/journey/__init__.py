import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{name}" for name in ("screen", "principles", "editing", "feedback", "training"))
)

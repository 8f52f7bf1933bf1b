"""What every test runs under."""

import os

from hypothesis import settings

# A busy machine is no failure; a machine that checks changes repeats the same examples.
settings.register_profile("here", deadline=None)
settings.register_profile("checks", deadline=None, derandomize=True)
settings.load_profile("checks" if os.environ.get("CI") else "here")

"""Overview: how far each stage and each cycle is, what runs now, what to do next."""

from ui import frame, overview

with frame.page("overview") as db:
    overview.show(db)

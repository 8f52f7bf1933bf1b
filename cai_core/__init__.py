"""The core of Ratify: everything but the screen. See docs/architecture.md for who may call whom."""

import os

__version__ = "0.1.0"

# Before torch is loaded: threads that wait for each other sleep. Spinning ones take the cores from
# whoever has work (a generation at load 15: 1 to 3 s, against 20 to 35 s).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

"""Models of this machine and elsewhere. What must be told to libraries before they are imported."""

import os

# Waiting threads of torch sleep instead of spinning: with other programs on the same processors an
# answer of 8 tokens took 1 s instead of 30 s (built-in model, 2 cores, load 15).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

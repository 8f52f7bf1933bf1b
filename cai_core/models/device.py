"""What a local model runs on: the device, its free memory, the processors that may be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from cai_core.errors import ModelError


def best_device() -> str:
    """CUDA, else Apple's GPU, else the processor."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def free_memory(device: str) -> int:
    """Bytes that are free on the device."""
    import torch

    return torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available


def allowed_cpus() -> int:
    """Processors that a container may use; torch sees those of the machine."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return psutil.cpu_count() or 1


@contextmanager
def memory_errors(device: str) -> Iterator[None]:
    """Say in a sentence that memory ran out."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise ModelError(
                f"the {device} has too little free memory for this; close other programs, ask"
                " for shorter answers, or choose a smaller model"
            ) from error
        raise

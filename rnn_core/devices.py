"""Where tensors live, and how that place is made to repeat itself."""

import os

import torch

from rnn_core.errors import DeviceError


def select_device(wanted: str) -> torch.device:
    """The device asked for, "cpu" or "cuda"; "auto" is CUDA where there is one, else the CPU.

    Raises:
        DeviceError: If CUDA is asked for and there is none.
    """
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise DeviceError(
            "device: cuda is asked for, but torch finds no CUDA device; set device to auto or cpu"
        )
    return torch.device("cpu" if wanted == "cpu" or not present else "cuda")


def make_deterministic() -> None:
    """Let this process compute the same bits each time: one thread, no racing kernels.

    `torch.use_deterministic_algorithms` would import PyTorch's compiler to tell it too,
    which takes seconds; nothing is compiled by it here.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    torch.set_num_threads(1)
    name = "_set_deterministic_algorithms"
    getattr(torch._C, name, torch.use_deterministic_algorithms)(True)

"""What every variant computes with: the workload, the network's weights, images and perturbations, as NumPy arrays."""

import json
from pathlib import Path
from types import SimpleNamespace

from safetensors.numpy import load_file


def load(folder):
    folder = Path(folder)
    return SimpleNamespace(
        workload=SimpleNamespace(**json.loads((folder / "workload.json").read_text())),
        weights=load_file(folder / "weights.safetensors"),
        **load_file(folder / "inputs.safetensors"),
    )


def blocks(workload):
    """The residual blocks of a wide residual network: (name, stride)."""
    return [
        (f"group-{group}/block-{block}", 2 if group > 1 and block == 1 else 1)
        for group in (1, 2, 3)
        for block in range(1, (workload.depth - 4) // 6 + 1)
    ]


def is_parameter(name):
    return "/running-" not in name


def decays(name):
    """L2 regularisation is on weights, not on biases or batch norm."""
    return name.endswith(("/filter", "/weights"))

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


def wide_resnet_blocks(workload):
    """The residual blocks of a wide residual network: (name, stride)."""
    return [
        (f"group-{group}/block-{block}", 2 if group > 1 and block == 1 else 1)
        for group in (1, 2, 3)
        for block in range(1, (workload.depth - 4) // 6 + 1)
    ]


def resnet_blocks(workload):
    """The bottlenecks of a residual network: (name, stride)."""
    counts = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}[workload.depth]
    return [
        (f"stage-{stage}/block-{block}", 2 if stage > 1 and block == 1 else 1)
        for stage, count in enumerate(counts, 1)
        for block in range(1, count + 1)
    ]


def is_parameter(name):
    return "/running-" not in name


def decays(name):
    """L2 regularisation is on weights, not on biases or batch norm."""
    return name.endswith(("/filter", "/weights"))

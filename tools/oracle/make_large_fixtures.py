"""Reference values of the paper's networks: `make_large_fixtures.py FOLDER [NAME...]`.

Of each network the weights, one batch and one perturbation, and all of quantities.py at running and at batch
statistics, in float64; and how far PyTorch's own float32 is from it, the yardstick of the test that reads FOLDER.
The fixtures have up to a gigabyte each, so none is committed.
"""

import gc
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

from linearity import LAMBDA, MU, NOMINAL_WEIGHT, Reference
from networks import (
    RESNET_BLOCKS,
    Weights,
    calibrate,
    resnet,
    resnet_stem,
    resnet_weights,
    wide_resnet,
    wide_resnet_weights,
)
from photographs import batch, photographs
from quantities import quantities, relative_errors

CIFAR10 = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2471, 0.2435, 0.2616]}
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}

BOTH = ("running", "batch")


def wrn(depth, width_factor, count):
    config = {"depth": depth, "widthFactor": width_factor, "numClasses": 10, **CIFAR10}
    return {
        "config": {"architecture": "wide-resnet", **config},
        "net": lambda *given: wide_resnet(*given, depth=depth, **CIFAR10),
        "weights": lambda: wide_resnet_weights(11, depth, width_factor, 10),
        "uses": BOTH,
        "batch": {"size": 32, "count": count},
    }


def he(depth, size, activation="softplus"):
    blocks, bottleneck = RESNET_BLOCKS[depth], depth >= 50
    config = {"depth": depth, "numClasses": 1000, "inputShape": [size, size, 3], "activation": activation}
    last_scale = 0.2 if bottleneck else 0.35
    function = getattr(F, activation)
    stem = lambda *given: resnet_stem(*given, **IMAGENET, activation=function)
    return {
        "config": {"architecture": "resnet", **config, **IMAGENET},
        "net": lambda *given, activation=function: resnet(*given, blocks, **IMAGENET, activation=activation),
        "weights": lambda: resnet_weights(Weights(12), blocks, bottleneck, 1000, last_scale),
        # A larger delta leaves the linear regime of a deep network so far behind that only l(x + delta) would count.
        "batch": {"size": size, "count": 1, "epsilon": 0.05, "stem": stem, "relu": activation == "relu"},
        # At 64x64 the last stage has 2x2 pixels: too few for batch statistics of one image.
        "uses": BOTH if size == 224 else BOTH[:1],
    }


NETWORKS = {
    "wrn-16-2": wrn(16, 2, count=4),
    "wrn-28-8": wrn(28, 8, count=1),
    "resnet-18-64": he(18, 64),
    "resnet-18-64-relu": he(18, 64, "relu"),
    "resnet-152-64": he(152, 64),
    "resnet-18-224": he(18, 224),
    "resnet-152-224": he(152, 224),
}


def in_precision(dtype, spec, weights, given, use):
    torch.set_default_dtype(dtype)
    began = time.monotonic()
    found = quantities(Reference(spec["net"], weights, *given, use=use))
    print(f"  {use} statistics, {dtype}: {time.monotonic() - began:.1f} s")
    torch.set_default_dtype(torch.float64)
    return found


def write(folder, name, spec):
    print(name)
    weights = spec["weights"]()
    calibrate(weights, spec["net"], photographs(4, spec["batch"]["size"], np.random.RandomState(13))[0], 14)
    images, labels, delta = batch(spec["net"], weights, uses=spec["uses"], **spec["batch"])
    save(folder / f"{name}.weights.safetensors", weights)
    yardstick = {}
    for use in spec["uses"]:
        given = (weights, (images, labels, delta), use)
        expected = in_precision(torch.float64, spec, *given)
        yardstick[use] = relative_errors(in_precision(torch.float32, spec, *given), expected)
        save(folder / f"{name}.{use}.safetensors", {path: value.numpy() for path, value in expected.items()})
        del expected
        gc.collect()
    save(folder / f"{name}.images.safetensors", {"images": images, "perturbation": delta})
    summary = {
        "config": spec["config"],
        "labels": labels.tolist(),
        "nominalWeight": NOMINAL_WEIGHT,
        "lambda": LAMBDA,
        "mu": MU,
        "float32": yardstick,
    }
    (folder / f"{name}.json").write_text(json.dumps(summary, indent=2) + "\n")


def save(path, arrays):
    save_file({name: np.ascontiguousarray(value, np.float32) for name, value in arrays.items()}, path)


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(NETWORKS)
    unknown = [name for name in names if name not in NETWORKS]
    if unknown:
        raise SystemExit(f"Unknown: {', '.join(unknown)}. There are: {', '.join(NETWORKS)}.")
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_default_dtype(torch.float64)
    for name in names:
        write(folder, name, NETWORKS[name])


if __name__ == "__main__":
    main()

"""WRN-depth-widthFactor in JAX: a function of parameters under the package's names, in its layout (NHWC, HWIO)."""

import jax
from jax import lax

from inputs import blocks


def convolution(x, filter, stride=1):
    margin = (filter.shape[0] - 1) // 2
    padding = [(margin, margin)] * 2
    return lax.conv_general_dilated(
        x, filter, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def wide_resnet(p, x, workload, statistics=None):
    """Logits, and the statistics used: those given, or the batch's own."""
    used = {}

    def norm(name, x):
        used[name] = statistics[name] if statistics else (x.mean((0, 1, 2)), x.var((0, 1, 2)))
        mean, variance = used[name]
        scale = p[f"{name}/scale"] * lax.rsqrt(variance + 1e-5)
        return jax.nn.softplus(x * scale + (p[f"{name}/offset"] - mean * scale))

    x = convolution(x, p["stem/filter"])
    for name, stride in blocks(workload):
        activated = norm(f"{name}/norm-1", x)
        projection = p.get(f"{name}/projection/filter")
        shortcut = x if projection is None else convolution(activated, projection, stride)
        y = convolution(activated, p[f"{name}/conv-1/filter"], stride)
        x = convolution(norm(f"{name}/norm-2", y), p[f"{name}/conv-2/filter"]) + shortcut
    features = norm("norm", x).mean((1, 2))
    return features @ p["logits/weights"] + p["logits/bias"], used

"""The networks in JAX: functions of parameters under the package's names, in its layout (NHWC, HWIO)."""

import jax
import jax.numpy as jnp
from jax import lax

from inputs import resnet_blocks, wide_resnet_blocks


def convolution(x, filter, stride=1):
    margin = (filter.shape[0] - 1) // 2
    padding = [(margin, margin)] * 2
    return lax.conv_general_dilated(
        x, filter, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


class Norm:
    """Batch norm at the statistics given, or at the batch's own, which it records."""

    def __init__(self, p, statistics):
        self.p, self.given, self.used = p, statistics, {}

    def __call__(self, name, x):
        own = lambda: (x.mean((0, 1, 2)), x.var((0, 1, 2)))
        self.used[name] = self.given[name] if self.given else own()
        mean, variance = self.used[name]
        scale = self.p[f"{name}/scale"] * lax.rsqrt(variance + 1e-5)
        return x * scale + (self.p[f"{name}/offset"] - mean * scale)


def wide_resnet(p, x, workload, statistics=None):
    """Logits, and the statistics used: those given, or the batch's own."""
    normalize = Norm(p, statistics)
    norm = lambda name, x: jax.nn.softplus(normalize(name, x))
    x = convolution(x, p["stem/filter"])
    for name, stride in wide_resnet_blocks(workload):
        activated = norm(f"{name}/norm-1", x)
        projection = p.get(f"{name}/projection/filter")
        shortcut = x if projection is None else convolution(activated, projection, stride)
        y = convolution(activated, p[f"{name}/conv-1/filter"], stride)
        x = convolution(norm(f"{name}/norm-2", y), p[f"{name}/conv-2/filter"]) + shortcut
    features = norm("norm", x).mean((1, 2))
    return features @ p["logits/weights"] + p["logits/bias"], normalize.used


def resnet(p, x, workload, statistics=None):
    """The same of a residual network of bottlenecks (He et al. 2016), with the stride in the 3x3 convolution."""
    norm = Norm(p, statistics)

    def layer(name, norm_name, x, stride=1):
        return norm(norm_name, convolution(x, p[f"{name}/filter"], stride))

    x = jax.nn.softplus(layer("stem/conv", "stem/norm", x, 2))
    padding = ((0, 0), (1, 1), (1, 1), (0, 0))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), padding)
    for name, stride in resnet_blocks(workload):
        shortcut = x
        if f"{name}/projection/conv/filter" in p:
            shortcut = layer(f"{name}/projection/conv", f"{name}/projection/norm", x, stride)
        y = jax.nn.softplus(layer(f"{name}/conv-1", f"{name}/norm-1", x))
        y = jax.nn.softplus(layer(f"{name}/conv-2", f"{name}/norm-2", y, stride))
        x = jax.nn.softplus(layer(f"{name}/conv-3", f"{name}/norm-3", y) + shortcut)
    return x.mean((1, 2)) @ p["logits/weights"] + p["logits/bias"], norm.used


networks = {"wide-resnet": wide_resnet, "resnet": resnet}

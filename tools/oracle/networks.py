"""The networks a second time: functions of (parameters, images, statistics), parameters under the packages' names."""

import numpy as np
import torch
import torch.nn.functional as F

from data import to_float32


class Statistics:
    """Which statistics batch norms use: 'batch' (and record them), 'running', or recorded ones."""

    def __init__(self, use):
        self.use = use
        self.recorded = {}

    def of(self, name, x, parameters):
        if self.use == "running":
            return parameters[f"{name}/running-mean"], parameters[f"{name}/running-variance"]
        if self.use == "batch":
            self.recorded[name] = (x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False))
            return self.recorded[name]
        return self.use[name]


def conv(p, name, x, **options):
    return F.conv2d(x, p[f"{name}/filter"].permute(3, 2, 0, 1), p.get(f"{name}/bias"), **options)


def dense(p, name, x):
    return x @ p[f"{name}/weights"] + p[f"{name}/bias"]


def centred_softplus(x):
    return F.softplus(x) - np.log(2)


def channels_first(images):
    return images.permute(0, 3, 1, 2)


def wide_resnet(p, images, statistics, depth, mean, std):
    def norm(name, x):
        average, variance = statistics.of(name, x, p)
        x = (x - average[:, None, None]) / torch.sqrt(variance[:, None, None] + 1e-5)
        return F.softplus(x * p[f"{name}/scale"][:, None, None] + p[f"{name}/offset"][:, None, None])

    x = channels_first((images - torch.tensor(mean)) / torch.tensor(std))
    x = conv(p, "stem", x, padding=1)
    for group in (1, 2, 3):
        for block in range(1, (depth - 4) // 6 + 1):
            name = f"group-{group}/block-{block}"
            stride = 2 if group > 1 and block == 1 else 1
            activated = norm(f"{name}/norm-1", x)
            shortcut = x
            if f"{name}/projection/filter" in p:
                shortcut = conv(p, f"{name}/projection", activated, stride=stride)
            inner = conv(p, f"{name}/conv-1", activated, stride=stride, padding=1)
            x = conv(p, f"{name}/conv-2", norm(f"{name}/norm-2", inner), padding=1) + shortcut
    return dense(p, "logits", norm("norm", x).mean((2, 3)))


def small_conv_net(p, images, _statistics):
    def halve(x):  # [b, c, h, w] to [b, 4c, h/2, w/2], channels ordered by row, column, channel
        return torch.cat([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)

    def layer(name, x):  # a 2x2 filter sees its own pixel, the next row and the next column
        return centred_softplus(conv(p, name, F.pad(halve(x), (0, 1, 0, 1))))

    x = layer("conv-2", layer("conv-1", channels_first(images))).permute(0, 2, 3, 1).flatten(1)
    return dense(p, "logits", centred_softplus(dense(p, "hidden", x)))


def perceptron(p, images, _statistics):
    return dense(p, "logits", torch.tanh(dense(p, "hidden", images.flatten(1))))


# Weights -----------------------------------------------------------------------------------------------


class Weights(dict):
    """Random weights under their names; RandomState's streams never change between versions of NumPy."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)

    def normal(self, name, shape, deviation):
        self[name] = to_float32(self.random.standard_normal(shape) * deviation)

    def uniform(self, name, shape, low, high):
        self[name] = to_float32(self.random.uniform(low, high, shape))

    def conv(self, name, size, inputs, outputs, bias=False):
        deviation = np.sqrt(2 / (size * size * inputs))
        self.normal(f"{name}/filter", (size, size, inputs, outputs), deviation)
        if bias:
            self.normal(f"{name}/bias", outputs, 0.1)

    def dense(self, name, inputs, outputs):
        self.normal(f"{name}/weights", (inputs, outputs), np.sqrt(2 / inputs))
        self.normal(f"{name}/bias", outputs, 0.1)

    def norm(self, name, channels):
        self.uniform(f"{name}/scale", channels, 0.5, 1.5)
        self.normal(f"{name}/offset", channels, 0.2)
        self.normal(f"{name}/running-mean", channels, 0.3)
        self.uniform(f"{name}/running-variance", channels, 0.5, 1.5)


def wide_resnet_weights(seed, depth, width_factor, classes):
    weights = Weights(seed)
    channels = 16
    weights.conv("stem", 3, 3, channels)
    for group, width in ((1, 16), (2, 32), (3, 64)):
        for block in range(1, (depth - 4) // 6 + 1):
            name, out = f"group-{group}/block-{block}", width * width_factor
            weights.norm(f"{name}/norm-1", channels)
            weights.conv(f"{name}/conv-1", 3, channels, out)
            weights.norm(f"{name}/norm-2", out)
            weights.conv(f"{name}/conv-2", 3, out, out)
            if channels != out or (group > 1 and block == 1):
                weights.conv(f"{name}/projection", 1, channels, out)
            channels = out
    weights.norm("norm", channels)
    weights.dense("logits", channels, classes)
    return weights


def small_conv_net_weights(seed, shape, channels, hidden, classes):
    weights = Weights(seed)
    first, second = channels
    weights.conv("conv-1", 2, 4 * shape[2], first, bias=True)
    weights.conv("conv-2", 2, 4 * first, second, bias=True)
    weights.dense("hidden", shape[0] // 4 * (shape[1] // 4) * second, hidden)
    weights.dense("logits", hidden, classes)
    return weights


def perceptron_weights(seed, inputs, hidden, classes):
    weights = Weights(seed)
    weights.dense("hidden", inputs, hidden)
    weights.dense("logits", hidden, classes)
    return weights

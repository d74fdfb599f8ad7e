"""The networks a second time: functions of (parameters, images, statistics), parameters under the packages' names."""

import zlib

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


def pixels(images, mean, std):
    return channels_first((images - torch.tensor(mean)) / torch.tensor(std))


def batch_norm(p, name, x, statistics):
    average, variance = statistics.of(name, x, p)
    x = (x - average[:, None, None]) / torch.sqrt(variance[:, None, None] + 1e-5)
    return x * p[f"{name}/scale"][:, None, None] + p[f"{name}/offset"][:, None, None]


def wide_resnet(p, images, statistics, depth, mean, std, activation=F.softplus):
    def norm(name, x):
        return activation(batch_norm(p, name, x, statistics))

    x = pixels(images, mean, std)
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


# The blocks of each stage (He et al. 2016, Table 1); from 50 layers on they are bottlenecks.
RESNET_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def resnet_stem(p, images, statistics, mean, std, activation=F.softplus):
    """Up to the pool."""
    x = conv(p, "stem/conv", pixels(images, mean, std), stride=2, padding=3)
    return activation(batch_norm(p, "stem/norm", x, statistics))


def resnet(p, images, statistics, blocks, mean, std, activation=F.softplus):
    """He et al. 2016 as torchvision has it: in a bottleneck, the 3x3 convolution has the stride."""

    def convolved(name, i, x, stride=1):
        size = p[f"{name}/conv-{i}/filter"].shape[0]
        x = conv(p, f"{name}/conv-{i}", x, stride=stride, padding=size // 2)
        return batch_norm(p, f"{name}/norm-{i}", x, statistics)

    def residual(name, x, stride):
        if f"{name}/conv-3/filter" in p:
            x = activation(convolved(name, 1, x))
            x = activation(convolved(name, 2, x, stride))
            return convolved(name, 3, x)
        return convolved(name, 2, activation(convolved(name, 1, x, stride)))

    def shortcut(name, x, stride):
        if f"{name}/projection/conv/filter" not in p:
            return x
        x = conv(p, f"{name}/projection/conv", x, stride=stride)
        return batch_norm(p, f"{name}/projection/norm", x, statistics)

    x = resnet_stem(p, images, statistics, mean, std, activation)
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for stage, count in enumerate(blocks, 1):
        for block in range(1, count + 1):
            name, stride = f"stage-{stage}/block-{block}", 2 if stage > 1 and block == 1 else 1
            x = activation(residual(name, x, stride) + shortcut(name, x, stride))
    return dense(p, "logits", x.mean((2, 3)))


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

    def norm(self, name, channels, scale=1.0):
        self.uniform(f"{name}/scale", channels, 0.5 * scale, 1.5 * scale)
        self.normal(f"{name}/offset", channels, 0.2)
        self.normal(f"{name}/running-mean", channels, 0.3)
        self.uniform(f"{name}/running-variance", channels, 0.5, 1.5)


def hashed(name, count):
    """Numbers in [0, 1) that follow from a name and their index, so that a test can make them itself."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) ^ np.uint32(zlib.crc32(name.encode()))
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ x >> np.uint32(shift)) * np.uint32(factor)
    return (x ^ x >> np.uint32(16)) / 2.0**32


class HashedWeights(Weights):
    """Weights that are no part of a fixture: what they are uniform between is enough to make them."""

    def __init__(self):
        self.ranges = {}

    def normal(self, name, shape, deviation):
        self.uniform(name, shape, -np.sqrt(3) * deviation, np.sqrt(3) * deviation)

    def uniform(self, name, shape, low, high):
        low, high = (float(f"{value:.4g}") for value in (low, high))
        self.ranges[name] = [low, high]
        self[name] = to_float32(low + (high - low) * hashed(name, np.prod(shape))).reshape(shape)


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


def resnet_weights(weights, blocks, bottleneck, classes, last_scale):
    """`last_scale`: about which the last scales of the blocks lie; small for a deep network."""
    channels, expansion = 64, 4 if bottleneck else 1
    weights.conv("stem/conv", 7, 3, channels)
    weights.norm("stem/norm", channels)
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        out = width * expansion
        for block in range(1, count + 1):
            name = f"stage-{stage + 1}/block-{block}"
            if bottleneck:
                layers = [(1, channels, width), (3, width, width), (1, width, out)]
            else:
                layers = [(3, channels, width), (3, width, width)]
            for i, (size, inputs, outputs) in enumerate(layers, 1):
                weights.conv(f"{name}/conv-{i}", size, inputs, outputs)
                weights.norm(f"{name}/norm-{i}", outputs, last_scale if i == len(layers) else 1.0)
            if block == 1 and (stage > 0 or channels != out):
                weights.conv(f"{name}/projection/conv", 1, channels, out)
                weights.norm(f"{name}/projection/norm", out)
            channels = out
    weights.dense("logits", channels, classes)
    return weights


def calibrate(weights, net, images, seed):
    """Running statistics near those of `images`, in place: a deep network keeps its size only at such ones."""
    random = np.random.RandomState(seed)
    for name, (mean, variance) in recorded_at(weights, net, images).items():
        moved = mean + 0.1 * np.sqrt(variance) * random.standard_normal(mean.shape)
        weights[f"{name}/running-mean"] = to_float32(moved)
        weights[f"{name}/running-variance"] = to_float32(variance * random.uniform(0.8, 1.25, mean.shape))


def recorded_at(weights, net, images):
    statistics = Statistics("batch")
    with torch.no_grad():
        net({name: torch.tensor(value) for name, value in weights.items()}, torch.tensor(images), statistics)
    return {name: [part.numpy() for part in parts] for name, parts in statistics.recorded.items()}


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

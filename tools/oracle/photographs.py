"""Photographs of any size, and where a network keeps clear of its kinks at them."""

import numpy as np
import torch
import torch.nn.functional as F

from data import EPSILON, cifar10_test, perturbation, to_float32
from networks import Statistics


def photographs(count, size, random):
    """CIFAR-10's, enlarged bilinearly. With grain: in a plain area all candidates of a pool are equally large."""
    images, labels = cifar10_test(count)
    channels_first = torch.tensor(images).permute(0, 3, 1, 2)
    enlarged = F.interpolate(channels_first, size=(size, size), mode="bilinear", align_corners=False)
    images = 0.05 + 0.9 * enlarged.permute(0, 2, 3, 1).numpy()
    return to_float32(images + random.uniform(-0.05, 0.05, images.shape)), labels


# How near, relative to a tensor's root mean square, a preactivation of a ReLU may come to 0, and two candidates
# of a pool to one another. Gradients are others beyond, and float32 must not fall there.
NEAREST = {"relu": 5e-6, "pool": 1e-6}


def size_of(x):
    return x.square().mean().sqrt()


def nearest_in_pool(x):
    padded = F.pad(x, (1, 1, 1, 1), value=-torch.inf)
    first, second = padded.unfold(2, 3, 2).unfold(3, 3, 2).flatten(4).topk(2).values.unbind(-1)
    # Between zeros of a ReLU it doesn't matter.
    return (first - second)[first > 0].min() / size_of(x)


def nearest_in_relus(net, *given):
    nearest = []

    def relu(x):
        nearest.append(x.abs().min() / size_of(x))
        return F.relu(x)

    net(*given, activation=relu)
    return min(nearest)


def is_clear(net, parameters, images, delta, uses, stem, relu):
    """Whether float32 meets every kink on the side where float64 does, at x and at x + delta."""
    images, perturbed = torch.tensor(images), torch.tensor(images + delta)
    for use in uses:
        nominal, own = Statistics(use), Statistics(use)
        passes = [(images, nominal), (perturbed, own)]
        with torch.no_grad():
            for at, statistics in passes:
                if nearest_in_pool(stem(parameters, at, statistics)) < NEAREST["pool"]:
                    return False
                if relu and nearest_in_relus(net, parameters, at, statistics) < NEAREST["relu"]:
                    return False
            if use == "batch":
                given = Statistics(nominal.recorded)
                if nearest_in_pool(stem(parameters, perturbed, given)) < NEAREST["pool"]:
                    return False
    return True


def batch(net, weights, count, size, uses, epsilon=EPSILON, stem=None, relu=False):
    """Images, labels and delta, of the first seed that keeps clear of the kinks.

    `stem` is the network up to its pool, if it has one; `relu` says whether its activation has kinks.
    """
    parameters = {name: torch.tensor(value) for name, value in weights.items()}
    for seed in range(200):
        random = np.random.RandomState(100 + seed)
        images, labels = photographs(count, size, random)
        delta = perturbation(random, images, epsilon)
        if stem is None or is_clear(net, parameters, images, delta, uses, stem, relu):
            return images, labels, delta
    raise SystemExit("No seed keeps clear of the kinks.")

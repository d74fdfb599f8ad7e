"""The penalties of the other regularisers, per example, at perturbations given in advance."""

import torch

from linearity import dot, gradient_at
from losses import cross_entropy, kl
from networks import Statistics

def trades(case):
    """Zhang et al. 2019: KL(p(x) || p(x + delta)), each batch with its own statistics."""
    clean = case.logits(case.images, Statistics("batch"))
    perturbed = case.logits(case.images + case.delta, Statistics("batch"))
    return kl(clean, perturbed)


def cure_direction(case, length):
    """z = h sign(grad l(x)) / ||sign(grad l(x))||, at the running statistics."""
    _, gradient = gradient_at(lambda at: case.loss(at, Statistics("running")), case.images)
    direction = gradient.sign()
    return length * direction / direction.flatten(1).norm(dim=1)[:, None, None, None]


def cure(case, displacement, squared=False):
    """Moosavi-Dezfooli et al. 2019: ||grad l(x + z) - grad l(x)||, at the running statistics.

    The norm as in the authors' code, or squared as in their paper.
    """
    slope = lambda images: gradient_at(
        lambda at: case.loss(at, Statistics("running")), images, create_graph=True
    )[1]
    bend = slope(case.images + displacement) - slope(case.images)
    size = dot(bend, bend)
    return size if squared else torch.sqrt(size)


def grad_align(case, differentiated=False):
    """Andriushchenko & Flammarion 2020: 1 - cos(grad l(x), grad l(x + delta)).

    Both gradients flow through the statistics, each its own batch's. The first is constant for the
    parameters, as in the authors' code, or differentiated too.
    """

    def slope(images):
        return gradient_at(lambda at: case.loss(at, Statistics("batch")), images, create_graph=True)[1]

    clean, perturbed = slope(case.images), slope(case.images + case.delta)
    clean = clean if differentiated else clean.detach()
    return 1 - dot(clean, perturbed) / torch.sqrt(dot(clean, clean) * dot(perturbed, perturbed))


def elle(case, other, share):
    """Abad Rocamora et al. 2024: (l(c) - (1 - a) l(x + delta) - a l(x + other))^2.

    c lies between the two random points, at the share a of the way. The three sets of images make up one
    batch with its own statistics.
    """
    first, second = case.images + case.delta, case.images + other
    at = share[:, None, None, None]
    between = (1 - at) * first + at * second
    logits = case.logits(torch.cat([first, second, between]), Statistics("batch"))
    ends = cross_entropy(logits, case.labels.repeat(3)).reshape(3, -1)
    return (ends[2] - (1 - share) * ends[0] - share * ends[1]) ** 2

"""Which mean and variance batch norms use."""

import torch


def batch_statistics(x):
    return x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)


def recorder(recorded):
    """The batch's own, put into `recorded`."""

    def statistics(layer, x):
        recorded[layer] = batch_statistics(x)
        return recorded[layer]

    return statistics


def given(recorded):
    """Those that another pass recorded."""
    return lambda layer, _x: recorded[layer]


def held_recorder(recorded):
    """The batch's own, put into `recorded`, and constant for gradients taken while `Held.holding`."""

    def statistics(layer, x):
        recorded[layer] = tuple(Held.apply(part) for part in batch_statistics(x))
        return recorded[layer]

    return statistics


def detached(recorded):
    return {layer: tuple(part.detach() for part in parts) for layer, parts in recorded.items()}


class Held(torch.autograd.Function):
    """
    The identity, with no gradient while held: one forward pass then gives the input gradient at constant
    statistics, and the parameters' gradient still goes through them.
    """

    holding = False

    @staticmethod
    def forward(_ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(_ctx, gradient):
        return None if Held.holding else gradient

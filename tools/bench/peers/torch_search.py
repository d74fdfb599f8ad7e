"""The search for the perturbation that maximises g, by steps along the sign of its gradient."""

from collections import namedtuple

import torch

from torch_network import normalize, normalize_at_constants
from torch_problem import linearity_error
from torch_statistics import given

# The loss and its gradient at x, and the statistics that the pass used; constants of the search.
Linearization = namedtuple("Linearization", "loss input_gradient recorded")


class Search:
    def __init__(self, problem, compiled):
        self.problem = problem
        # The compiler fuses a scale and a shift with what is around; by itself, one kernel is faster.
        self.normalize = normalize if compiled else normalize_at_constants
        self.total = torch.compile(self.total_error) if compiled else self.total_error

    def total_error(self, delta, parameters, around):
        perturbed = self.problem.loss(
            self.problem.images + delta, given(around.recorded), parameters, self.normalize
        )
        return linearity_error(around.loss, perturbed, around.input_gradient, delta)[0].sum()

    def gradient(self, delta, parameters, around):
        delta = delta.detach().requires_grad_()
        return torch.autograd.grad(self.total(delta, parameters, around), delta)[0]

    def step(self, delta, parameters, around):
        gradient = self.gradient(delta, parameters, around)
        return self.problem.project(delta + self.problem.workload.stepSize * gradient.sign())

    def maximize(self, delta, around):
        parameters = self.problem.constant_parameters()
        for _ in range(self.problem.workload.steps):
            delta = self.step(delta, parameters, around)
        return delta

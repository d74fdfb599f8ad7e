"""One training step with the Local Linearity Regulariser in PyTorch."""

import torch
from safetensors.numpy import save_file

from inputs import decays
from torch_problem import gradients_to_ours, image_to_ours, linearity_error
from torch_search import Linearization, Search
from torch_statistics import Held, detached, given, held_recorder, recorder


class Separate:
    """Each pass where it is needed, as people write it: the search and the objective share nothing."""

    def __init__(self, problem):
        self.problem = problem

    def linearize(self):
        images, recorded = self.problem.images, {}
        with torch.no_grad():
            self.problem.loss(images, recorder(recorded))
        at = images.clone().requires_grad_()
        loss = self.problem.loss(at, given(recorded))
        (gradient,) = torch.autograd.grad(loss.sum(), at)
        return Linearization(loss.detach(), gradient, recorded)

    def differentiable(self):
        images, recorded = self.problem.images, {}
        loss = self.problem.loss(images, recorder(recorded))
        at = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(
            self.problem.loss(at, given(recorded)).sum(), at, create_graph=True
        )
        return Linearization(loss, gradient, recorded)


class Shared:
    """The loss, its gradient and the statistics from one pass, for the search and for the objective."""

    def __init__(self, problem):
        self.problem = problem

    def linearize(self):
        recorded = {}
        at = self.problem.images.clone().requires_grad_()
        loss = self.problem.loss(at, held_recorder(recorded))
        Held.holding = True
        (gradient,) = torch.autograd.grad(loss.sum(), at, create_graph=True)
        Held.holding = False
        self.around = Linearization(loss, gradient, recorded)
        return Linearization(loss.detach(), gradient.detach(), detached(recorded))

    def differentiable(self):
        around, self.around = self.around, None
        return around


class LlrStep:
    def __init__(self, problem, options):
        self.problem = problem
        self.passes = (Shared if options.shared else Separate)(problem)
        self.search = Search(problem, options.compiled)
        workload = problem.workload
        groups = [
            {"params": self.some(lambda name: decays(name)), "weight_decay": workload.weightDecay},
            {"params": self.some(lambda name: not decays(name))},
        ]
        self.optimizer = torch.optim.SGD(groups, workload.learningRate, workload.momentum)

    def some(self, wanted):
        return [p for name, p in self.problem.parameters.items() if wanted(name)]

    def objective(self, delta):
        """The mean of w l(x) + lambda g + mu |delta.grad l(x)|, and what it is made of."""
        problem, workload = self.problem, self.problem.workload
        around = self.passes.differentiable()
        perturbed = problem.loss(problem.images + delta, given(around.recorded))
        error, directional = linearity_error(around.loss, perturbed, around.input_gradient, delta)
        each = (
            workload.nominalWeight * around.loss
            + workload.linearityWeight * error
            + workload.directionalWeight * directional.abs()
        )
        return each.mean(), around, perturbed, directional

    def step(self):
        problem = self.problem
        delta = self.search.maximize(problem.random_start(), self.passes.linearize())
        objective, around, _, _ = self.objective(delta)
        self.optimizer.zero_grad()
        objective.backward(inputs=list(problem.parameters.values()))
        self.optimizer.step()
        self.update_running(detached(around.recorded))
        return objective.item()

    def update_running(self, recorded):
        for layer, (mean, variance) in recorded.items():
            self.problem.running[f"{layer}/running-mean"].lerp_(mean.float(), 0.1)
            self.problem.running[f"{layer}/running-variance"].lerp_(variance.float(), 0.1)

    def check(self, file):
        problem = self.problem
        around = self.passes.linearize()
        parameters = problem.constant_parameters()
        inner_gradient = self.search.gradient(problem.corner, parameters, around)
        found = self.search.maximize(problem.start, around)
        objective, linearization, perturbed, directional = self.objective(problem.corner)
        gradients = torch.autograd.grad(objective, list(problem.parameters.values()))
        numbers = {
            "loss": linearization.loss,
            "loss at x + delta": perturbed,
            "directional derivative": directional,
            "objective": objective.reshape(1),
        }
        save_file(
            {name: tensor.detach().float().numpy() for name, tensor in numbers.items()}
            | {"inner gradient": image_to_ours(inner_gradient), "found": image_to_ours(found)}
            | gradients_to_ours(problem.parameters, gradients),
            file,
        )

"""Local linearity (Section 4): g at one perturbation, the objectives made of it, and its maximisation."""

import torch

from losses import cross_entropy
from networks import Statistics

NOMINAL_WEIGHT, LAMBDA, MU = 2.0, 4.0, 3.0


def dot(a, b):
    return (a * b).flatten(1).sum(1)


def gradient_at(values_of, x, **options):
    """The values and the gradient of their sum, at a copy of x: whatever else was made of x is constant."""
    at = x.detach().clone().requires_grad_()
    values = values_of(at)
    (gradient,) = torch.autograd.grad(values.sum(), at, **options)
    return values, gradient


class Reference:
    """A network with fixed weights at one batch and one perturbation of it."""

    def __init__(self, net, weights, images, labels, delta, use="batch"):
        """`use`: the statistics of the nominal pass and of adversarial training, 'batch' or 'running'."""
        self.net, self.use = net, use
        dtype = torch.get_default_dtype()
        self.trained = {
            name: torch.tensor(value, dtype=dtype, requires_grad="running" not in name)
            for name, value in weights.items()
        }
        self.images, self.delta = torch.tensor(images, dtype=dtype), torch.tensor(delta, dtype=dtype)
        self.labels = torch.tensor(labels)

    def logits(self, images, statistics):
        return self.net(self.trained, images, statistics)

    def running_logits(self, images):
        return self.logits(images, Statistics("running"))

    def loss(self, images, statistics):
        return cross_entropy(self.logits(images, statistics), self.labels)

    def nominal(self, statistics_gradient="constant"):
        """Logits, recorded statistics, l(x) and its input gradient, differentiable in the parameters.

        'constant': the statistics are those of `images`, and the gradient is taken with respect to another
        tensor, so no gradient of x flows through them (F.2). 'through': it does, so examples couple.
        """
        statistics = Statistics(self.use)
        if statistics_gradient == "through":
            at = self.images.clone().requires_grad_()
            logits = self.logits(at, statistics)
            loss = cross_entropy(logits, self.labels)
            (gradient,) = torch.autograd.grad(loss.sum(), at, create_graph=True)
            return logits, Statistics(statistics.recorded), loss, gradient
        logits = self.logits(self.images, statistics)
        given = Statistics(statistics.recorded if self.use == "batch" else "running")
        loss, gradient = gradient_at(lambda at: self.loss(at, given), self.images, create_graph=True)
        return logits, given, loss, gradient

    def local_linearity(self, statistics_gradient="constant"):
        """Eq. 5: g = |l(x + delta) - l(x) - delta . grad l(x)|, at the nominal statistics (F.2)."""
        logits, given, loss, gradient = self.nominal(statistics_gradient)
        perturbed = self.loss(self.images + self.delta, given)
        directional = dot(self.delta, gradient)
        residual = perturbed - loss - directional
        # Far from the kinks of the absolute values, where float32 could fall on the other side.
        assert (residual.abs() > 1e-5 * perturbed).all() and (directional.abs() > 1e-4).all()
        return {
            "logits": logits,
            "loss": loss,
            "lossPerturbed": perturbed,
            "directional": directional,
            "error": residual.abs(),
            "inputGradient": gradient,
            "recorded": given.use,
        }

    def llr_objective(self, statistics_gradient="constant"):
        """Eq. 8: mean(w l + lambda g + mu |delta . grad l|)."""
        return self.llr_objective_of(self.local_linearity(statistics_gradient))

    def llr_objective_of(self, found):
        penalty = LAMBDA * found["error"] + MU * found["directional"].abs()
        return (NOMINAL_WEIGHT * found["loss"] + penalty).mean()

    def adv_objective(self):
        """Adversarial training: the mean loss at x + delta, with that batch's own statistics where any batch's are used."""
        return self.loss(self.images + self.delta, Statistics(self.use)).mean()

    def parameter_gradients(self, objective):
        parameters = {name: p for name, p in self.trained.items() if p.requires_grad}
        gradients = torch.autograd.grad(objective, list(parameters.values()), retain_graph=True)
        return dict(zip(parameters, gradients))


def ascent(loss_of, images, start, epsilon, steps, step_size):
    """F.1: Adam ascent of g from `start`, projected onto the l-infinity ball and into the pixel box.

    `loss_of` maps images to the loss per example. Yields every iterate, the start included: delta, what
    g is the absolute value of there, and the gradient of g in delta.
    """
    loss, gradient = gradient_at(loss_of, images)
    loss = loss.detach()

    def ascended(delta):
        residual = lambda at: loss_of(images + at) - loss - dot(at, gradient)
        _, up = gradient_at(lambda at: residual(at).abs(), delta)
        return residual(delta).detach(), up

    delta, first, second = start, 0.0, 0.0
    for t in range(1, steps + 1):
        residual, up = ascended(delta)
        yield delta, residual, up
        first = 0.9 * first + 0.1 * up
        second = 0.999 * second + 0.001 * up**2
        step = first / (1 - 0.9**t) / (torch.sqrt(second / (1 - 0.999**t)) + 1e-9)
        delta = (delta + step_size * step).clamp(-epsilon, epsilon)
        delta = (images + delta).clamp(0, 1) - images
    yield delta, *ascended(delta)

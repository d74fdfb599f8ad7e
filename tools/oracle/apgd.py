"""Auto-PGD (Croce & Hein 2020, Algorithm 1) for one example at a time, with everything that it decides on the way.

Where the authors' code differs from the paper, this follows the code, as `apgd` of `@llr/attacks` says it does.
"""

from types import SimpleNamespace

import numpy as np
import torch

import losses
from data import to_float32


def into_linf_ball(point, image, epsilon):
    return torch.minimum(torch.maximum(point, image - epsilon), image + epsilon).clamp(0, 1)


def into_l2_ball(point, image, epsilon):
    delta = point - image
    return (image + delta * min(1.0, epsilon / max(float(delta.norm()), 1e-300))).clamp(0, 1)


BALLS = {
    "linf": SimpleNamespace(project=into_linf_ball, steepest=torch.sign),
    "l2": SimpleNamespace(project=into_l2_ball, steepest=lambda g: g / g.norm()),
}


def checkpoints(steps):
    """After which steps it looks back, by the numbers of Sec. 3.2, in whole steps."""
    length, at, found = max(int(0.22 * steps), 1), 0, []
    while at + length <= steps:
        at += length
        found.append(at)
        length = max(length - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
    return found


class Trace:
    """The iterates x_0 … x_N of one example, with the step size that led to each of x_1 … x_N."""

    def __init__(self):
        self.points, self.losses, self.gradients, self.predictions, self.step_sizes = [], [], [], [], []

    def look(self, logits_of, loss_of, point):
        point = point.detach().requires_grad_()
        logits = logits_of(point[None])
        loss = loss_of(logits)[0]
        (gradient,) = torch.autograd.grad(loss, point)
        self.points.append(point.detach())
        self.losses.append(loss.item())
        self.gradients.append(gradient)
        self.predictions.append(logits.argmax().item())

    def best(self):
        """Which of the iterates so far has the highest loss; the first of equal ones."""
        return int(np.argmax(self.losses))


def auto_pgd(logits_of, loss_of, image, start, ball, epsilon, steps):
    project, steepest = BALLS[ball].project, BALLS[ball].steepest
    trace = Trace()
    trace.look(logits_of, loss_of, start)
    leaving, before, gradient = start, start, trace.gradients[0]
    step_size, halved, best_then, last_checkpoint = 2 * epsilon, True, None, 0
    for k in range(1, steps + 1):
        alpha = 1.0 if k == 1 else 0.75
        z = project(leaving + step_size * steepest(gradient), image, epsilon)
        moved = leaving + alpha * (z - leaving) + (1 - alpha) * (leaving - before)
        before = leaving
        trace.look(logits_of, loss_of, project(moved, image, epsilon))
        trace.step_sizes.append(step_size)
        leaving, gradient = trace.points[k], trace.gradients[k]
        if k in checkpoints(steps):
            compared = [0.0, *trace.losses[1:]]
            window = range(last_checkpoint + 1, k + 1)
            raises = sum(compared[i] > compared[i - 1] for i in window)
            best = trace.best()
            no_better = best_then is not None and trace.losses[best] == best_then
            halve = raises <= 0.75 * len(window) or (not halved and no_better)
            if halve:
                step_size /= 2
                leaving, gradient = trace.points[best], trace.gradients[best]
            halved, best_then, last_checkpoint = halve, trace.losses[best], k
    return trace


def clear_steps(trace, ball):
    """After how many steps float32 is sure to have come to the same decisions.

    Up to there no gradient and no difference of losses is near 0 but not 0.
    """
    best = trace.losses[0]
    for k in range(1, len(trace.losses)):
        gradient, loss = trace.gradients[k - 1].abs(), trace.losses[k]
        gaps = np.abs([loss - trace.losses[k - 1], loss - best])
        if np.any((gaps > 0) & (gaps < 1e-6 * (1 + abs(loss)))):
            return k - 1
        if ball == "linf" and gradient.min() < 1e-5 * gradient.max():
            return k - 1
        best = max(best, loss)
    return len(trace.losses) - 1


def searches(logits_of, images, labels, targets, epsilons, steps, random):
    """Searches in each ball on each loss, as long as float32 decides alike and the example isn't broken."""
    losses_by_name = {
        "cross-entropy": lambda z, label, _: losses.cross_entropy(z, label),
        "dlr": lambda z, label, _: losses.dlr(z, label),
        "targeted-dlr": losses.targeted_dlr,
    }
    found, arrays = {ball: {} for ball in epsilons}, {}
    for ball, epsilon in epsilons.items():
        starts = [
            torch.tensor(to_float32(project_start(random, image, ball, epsilon))) for image in images
        ]
        arrays[f"start/{ball}"] = torch.stack(starts)
        for name, loss in losses_by_name.items():
            examples = []
            for i, (image, start) in enumerate(zip(images, starts)):
                label, target = labels[i : i + 1], targets[i : i + 1]
                loss_of = lambda z: loss(z, label, target)
                trace = auto_pgd(logits_of, loss_of, image, image + start, ball, epsilon, steps)
                wrong = [k for k, prediction in enumerate(trace.predictions) if prediction != label.item()]
                compared = min([clear_steps(trace, ball), *wrong])
                summary = {
                    "compared": compared,
                    "losses": trace.losses[: compared + 1],
                    "stepSizes": trace.step_sizes[:compared],
                    "last": (trace.points[compared] - image).tolist(),
                }
                if compared == steps and not wrong:
                    summary["best"] = (trace.points[trace.best()] - image).tolist()
                examples.append(summary)
            found[ball][name] = examples
    return {"searches": found}, arrays


def project_start(random, image, ball, epsilon):
    """In a random direction as far as the ball reaches, then into the box, as a difference."""
    if ball == "linf":
        direction = random.uniform(-1, 1, image.shape)
        direction /= np.abs(direction).max()
    else:
        direction = random.standard_normal(image.shape)
        direction /= np.linalg.norm(direction)
    return np.clip(image.numpy() + epsilon * direction, 0, 1) - image.numpy()

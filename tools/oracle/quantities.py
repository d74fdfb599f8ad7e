"""Everything of first and second order that is compared on the paper's networks, at fixed delta."""

import torch

from linearity import Reference, dot, gradient_at
from losses import cross_entropy, hessian_of_cross_entropy
from networks import Statistics


def quantities(reference: Reference):
    """By their path; gradients of the two objectives under `llr/` and `adv/` and the parameter's name."""
    found = reference.local_linearity()
    objective = reference.llr_objective_of(found)
    values = {name: value for name, value in found.items() if name != "recorded"}
    values["llrObjective"] = objective
    for name, gradient in reference.parameter_gradients(objective).items():
        values[f"llr/{name}"] = gradient
    recorded = found["recorded"]
    if recorded != "running":
        recorded = {name: [part.detach() for part in parts] for name, parts in recorded.items()}
    values = {name: value.detach() for name, value in values.items()}
    del found, objective

    values["advObjective"] = reference.adv_objective()
    for name, gradient in reference.parameter_gradients(values["advObjective"]).items():
        values[f"adv/{name}"] = gradient
    values.update(of_the_input(reference, recorded))
    return {name: value.detach() for name, value in values.items()}


def of_the_input(reference, recorded):
    """Second order in x, with parameters and statistics constant."""
    images, labels, delta = reference.images, reference.labels, reference.delta
    weights = {name: value.detach() for name, value in reference.trained.items()}
    logits_of = lambda at: reference.net(weights, at, Statistics(recorded))
    loss_of = lambda at: cross_entropy(logits_of(at), labels)

    # J delta by forward mode, which nothing else here uses.
    logits, product = torch.func.jvp(logits_of, (images,), (delta,))
    curvature = product[:, None, :] @ hessian_of_cross_entropy(logits) @ product[:, :, None]

    def directional(at):
        loss, gradient = gradient_at_itself(loss_of, at)
        return loss, dot(delta, gradient)

    _, hessian_product = gradient_at(lambda at: directional(at)[1], images)

    def error(at):
        loss, slope = directional(at)
        return (loss_of(at + delta) - loss - slope).abs()

    _, error_gradient = gradient_at(error, images)
    return {
        "jacobianProduct": product,
        "curvature": curvature[:, 0, 0],
        "hessianProduct": hessian_product,
        "errorGradient": error_gradient,
    }


def gradient_at_itself(values_of, x):
    """As gradient_at, but a function of x."""
    values = values_of(x)
    (gradient,) = torch.autograd.grad(values.sum(), x, create_graph=True)
    return values, gradient


def relative_errors(found, expected):
    """||found - expected|| / ||expected|| of each quantity; of an objective's gradient, that of the worst parameter.

    g is a small difference of losses and as exact as they are: its error is relative to the larger loss.
    """
    errors = {}
    for path, value in expected.items():
        difference = found[path].double() - value
        if path == "error":
            error = (difference.abs() / torch.maximum(expected["loss"], expected["lossPerturbed"])).max()
        else:
            error = difference.norm() / value.norm()
        name = path.split("/")[0]
        errors[name] = max(errors.get(name, 0.0), error.item())
    return errors

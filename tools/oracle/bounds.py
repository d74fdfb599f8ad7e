"""The quadratic model of the loss (C.1) by explicit Jacobians, and both sides of the bounds (4.1, C.1, C.2)."""

import torch

from linearity import dot, gradient_at
from losses import (
    cross_entropy,
    hessian_of_cross_entropy,
    hessian_of_squared_error,
    of_class,
    squared_error,
)

LOSSES = {
    "crossEntropy": (cross_entropy, hessian_of_cross_entropy),
    "squaredError": (squared_error, hessian_of_squared_error),
}


def jacobians(logits_of, images):
    """J of each example, [b, classes, inputs]."""
    one = lambda image: logits_of(image[None])[0]
    return torch.func.vmap(torch.func.jacrev(one))(images).flatten(2)


def quadratic_model(logits_of, images, labels, delta, name):
    """Eq. 5 and Eq. C1, term by term, per example."""
    loss_of, hessian_of = LOSSES[name]
    loss, gradient = gradient_at(lambda at: loss_of(logits_of(at), labels), images)
    change = jacobians(logits_of, images) @ delta.flatten(1)[:, :, None]  # J delta, [b, classes, 1]
    perturbed = loss_of(logits_of(images + delta), labels)
    directional = dot(delta, gradient)
    curvature = (change.mT @ hessian_of(logits_of(images)) @ change)[:, 0, 0]
    linear_error = perturbed - loss - directional
    return {
        "loss": loss,
        "lossPerturbed": perturbed,
        "directional": directional,
        "error": linear_error.abs(),
        "jacobianProduct": change[:, :, 0],
        "curvature": curvature,
        "quadraticError": linear_error - curvature / 2,
    }


def bounds(logits_of, images, labels, delta):
    """For both losses, the terms above and the two sides of every bound, with g(delta) for gamma."""
    result = {}
    for name in LOSSES:
        found = quadratic_model(logits_of, images, labels, delta, name)
        slope, g = found["directional"].abs(), found["error"]
        error = g + found["quadraticError"].abs()  # an upper bound of half the curvature, (C2)
        found["curvatureBound"] = {"left": found["curvature"] / 2, "right": error}
        found["lossBound"] = {
            "left": (found["lossPerturbed"] - found["loss"]).abs(),
            "right": slope + g,
        }
        if name == "squaredError":
            found["slopeBound"] = {
                "left": slope,
                "right": 2 * torch.sqrt(2 * found["loss"] * error),
                "tight": 2 * torch.sqrt(found["loss"] * error),
            }
        else:
            probability = of_class(logits_of(images).softmax(1), labels)
            found["slopeBound"] = {"left": slope, "right": torch.sqrt(2 / probability * error)}
        result[name] = found
    return result

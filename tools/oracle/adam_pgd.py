"""The attacks of F.1 on logit margins, with PyTorch's own Adam, and FGSM-20."""

import torch

from linearity import gradient_at


def project(delta, images, epsilon):
    delta = delta.clamp(-epsilon, epsilon)
    return (images + delta).clamp(0, 1) - images


def adam_pgd(value_of, images, start, epsilon, sizes):
    """delta <- Proj(delta + eta Adam(grad value)), one step for each eta of `sizes`."""
    delta = start.clone().requires_grad_()
    adam = torch.optim.Adam([delta], lr=sizes[0], betas=(0.9, 0.999), eps=1e-9, maximize=True)
    for size in sizes:
        adam.param_groups[0]["lr"] = size
        adam.zero_grad()
        value_of(images + delta).sum().backward()
        adam.step()
        with torch.no_grad():
            delta.copy_(project(delta, images, epsilon))
    return delta.detach()


def fgsm(value_of, images, epsilon, steps, step_size):
    """From the image itself; `step_size` in units of epsilon."""
    delta = torch.zeros_like(images)
    for _ in range(steps):
        _, up = gradient_at(lambda at: value_of(images + at), delta)
        delta = project(delta + step_size * epsilon * up.sign(), images, epsilon)
    return delta

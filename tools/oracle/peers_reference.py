"""What both sides compute of a network, and how they compare it."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

from data import cifar10_test


def images_of_size(size, count):
    """CIFAR-10 test images, resized: [count, size, size, 3] in [0, 1] as float32, and their labels."""
    images, labels = cifar10_test(count)
    channels_first = torch.from_numpy(images).permute(0, 3, 1, 2)
    if size != channels_first.shape[-1]:
        channels_first = F.interpolate(channels_first, (size, size), mode="bilinear")
    resized = channels_first.permute(0, 2, 3, 1).clamp(0, 1).float().contiguous()
    return resized.numpy(), [int(label) for label in labels]


def reference(network, images, labels):
    """
    Of images [b, h, w, c], at the running statistics, in float64: the logits [b, k] and ∇ₓ of the summed
    cross-entropy; and by how much float32 differs from each.
    """
    double = logits_and_gradient(network, images, labels, torch.float64)
    single = logits_and_gradient(network, images, labels, torch.float32)
    errors = [relative_error(found, expected) for found, expected in zip(single, double)]
    if max(errors) > 0.1:
        raise ValueError(f"Float32 itself is {errors} off, so nothing can be compared with it.")
    return *double, errors


def logits_and_gradient(network, images, labels, dtype):
    network = copy.deepcopy(network).to(dtype).eval()
    x = torch.from_numpy(np.array(images)).to(dtype).requires_grad_()
    output = network(x.permute(0, 3, 1, 2))
    logits = getattr(output, "logits", output)
    loss = F.cross_entropy(logits, torch.tensor(labels), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return logits.detach().numpy(), gradient.numpy()


def relative_error(found, expected):
    """‖found − expected‖ / ‖expected‖"""
    found, expected = (np.asarray(values, np.float64) for values in (found, expected))
    if found.shape != expected.shape:
        return float("inf")
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def write_expected(folder, images, logits, gradient):
    """`expected.safetensors`, in float32."""
    arrays = {"images": images, "logits": logits, "inputGradient": gradient}
    single = {name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}
    save_file(single, folder / "expected.safetensors")

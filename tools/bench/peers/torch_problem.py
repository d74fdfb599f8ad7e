"""A network, a batch of images and a threat model in PyTorch, in one memory format."""

import torch
import torch.nn.functional as F

from inputs import is_parameter
from torch_network import from_ours, networks, normalize, to_ours


class Problem:
    def __init__(self, inputs, layout, dtype=torch.float32):
        self.workload = inputs.workload
        self.format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        weights = {
            name: self.formatted(from_ours(name, a).to(dtype)) for name, a in inputs.weights.items()
        }
        self.parameters = {
            name: tensor.requires_grad_() for name, tensor in weights.items() if is_parameter(name)
        }
        self.running = {name: tensor for name, tensor in weights.items() if not is_parameter(name)}
        self.images, self.start, self.corner = (
            self.formatted(torch.from_numpy(array).to(dtype).permute(0, 3, 1, 2))
            for array in (inputs.images, inputs.start, inputs.corner)
        )
        self.labels = torch.from_numpy(inputs.labels).long()

    def formatted(self, tensor):
        return tensor.contiguous(memory_format=self.format) if tensor.dim() == 4 else tensor

    def loss(self, images, statistics, parameters=None, normalize=normalize):
        """Cross-entropy, [b]."""
        parameters = parameters or self.parameters
        network = networks[self.workload.architecture]
        logits = network(parameters, images, self.workload, statistics, normalize)
        return F.cross_entropy(logits, self.labels, reduction="none")

    def constant_parameters(self):
        return {name: parameter.detach() for name, parameter in self.parameters.items()}

    def random_start(self):
        epsilon = self.workload.epsilon
        return self.project(torch.empty_like(self.images).uniform_(-epsilon, epsilon))

    def project(self, delta):
        epsilon = self.workload.epsilon
        return (self.images + delta.clamp(-epsilon, epsilon)).clamp(0, 1) - self.images


def linearity_error(loss, loss_perturbed, input_gradient, delta):
    """g(delta; x) = |l(x + delta) - l(x) - delta.grad l(x)| (Eq. 5), and delta.grad l(x), each [b]."""
    directional = (delta * input_gradient).flatten(1).sum(1)
    return (loss_perturbed - loss - directional).abs(), directional


def image_to_ours(tensor):
    return tensor.detach().float().permute(0, 2, 3, 1).contiguous().numpy()


def gradients_to_ours(parameters, gradients):
    return {f"gradient {name}": to_ours(name, g.detach().float()) for name, g in zip(parameters, gradients)}

"""The networks in PyTorch: functions of parameters under the package's names, filters as OIHW."""

import torch
import torch.nn.functional as F

from inputs import resnet_blocks, wide_resnet_blocks


def from_ours(name, array):
    tensor = torch.from_numpy(array)
    return tensor.permute(3, 2, 0, 1).contiguous() if name.endswith("/filter") else tensor


def to_ours(name, tensor):
    return (tensor.permute(2, 3, 1, 0) if name.endswith("/filter") else tensor).contiguous().numpy()


def normalize(x, mean, variance, scale, offset):
    """Batch norm as a scale and a shift: differentiable in the statistics too."""
    scale = scale * torch.rsqrt(variance + 1e-5)
    shift = offset - mean * scale
    return x * scale[:, None, None] + shift[:, None, None]


def normalize_at_constants(x, mean, variance, scale, offset):
    """The same by one kernel, for statistics that are constants."""
    mean, variance = mean.to(scale.dtype), variance.to(scale.dtype)
    return F.batch_norm(x, mean, variance, scale, offset, training=False, eps=1e-5)


def wide_resnet(p, x, workload, statistics, normalize=normalize):
    """
    Logits of images [b, c, h, w]. `statistics(layer, x)` gives the mean and the variance that batch norm uses:
    the batch's own, or recorded ones.
    """

    def norm(name, x):
        mean, variance = statistics(name, x)
        return F.softplus(normalize(x, mean, variance, p[f"{name}/scale"], p[f"{name}/offset"]))

    x = F.conv2d(x, p["stem/filter"], padding=1)
    for name, stride in wide_resnet_blocks(workload):
        activated = norm(f"{name}/norm-1", x)
        projection = p.get(f"{name}/projection/filter")
        shortcut = x if projection is None else F.conv2d(activated, projection, stride=stride)
        y = F.conv2d(activated, p[f"{name}/conv-1/filter"], stride=stride, padding=1)
        x = F.conv2d(norm(f"{name}/norm-2", y), p[f"{name}/conv-2/filter"], padding=1) + shortcut
    return norm("norm", x).mean((2, 3)) @ p["logits/weights"] + p["logits/bias"]


def resnet(p, x, workload, statistics, normalize=normalize):
    """The same of a residual network of bottlenecks (He et al. 2016), with the stride in the 3x3 convolution."""

    def layer(name, norm_name, x, **options):
        x = F.conv2d(x, p[f"{name}/filter"], **options)
        mean, variance = statistics(norm_name, x)
        return normalize(x, mean, variance, p[f"{norm_name}/scale"], p[f"{norm_name}/offset"])

    x = F.softplus(layer("stem/conv", "stem/norm", x, stride=2, padding=3))
    x = F.max_pool2d(x, 3, 2, 1)
    for name, stride in resnet_blocks(workload):
        shortcut = x
        if f"{name}/projection/conv/filter" in p:
            projection = f"{name}/projection/conv", f"{name}/projection/norm"
            shortcut = layer(*projection, x, stride=stride)
        y = F.softplus(layer(f"{name}/conv-1", f"{name}/norm-1", x))
        y = F.softplus(layer(f"{name}/conv-2", f"{name}/norm-2", y, stride=stride, padding=1))
        x = F.softplus(layer(f"{name}/conv-3", f"{name}/norm-3", y) + shortcut)
    return x.mean((2, 3)) @ p["logits/weights"] + p["logits/bias"]


networks = {"wide-resnet": wide_resnet, "resnet": resnet}

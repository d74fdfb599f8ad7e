"""Reference values in float64, from PyTorch, that the TypeScript packages are tested against.

The networks, the losses and the training objectives are written here a second time, from the papers and
independently of the packages. `make_fixtures.py` writes the fixtures; `make_fixtures.py --check` computes
them again and compares them with the committed ones.
"""

import json
import sys

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

import apgd
import losses
import regularizers
from adam_pgd import adam_pgd, fgsm
from bounds import bounds
from data import EPSILON, ROOT, cifar10_test, perturbation, to_float32
from linearity import LAMBDA, MU, NOMINAL_WEIGHT, Reference, ascent, gradient_at
from networks import (
    RESNET_BLOCKS,
    HashedWeights,
    Statistics,
    calibrate,
    hashed,
    perceptron,
    perceptron_weights,
    resnet,
    resnet_stem,
    resnet_weights,
    small_conv_net,
    small_conv_net_weights,
    wide_resnet,
    wide_resnet_weights,
)
from photographs import batch, photographs
from quantities import quantities

MODELS = ROOT / "packages/models/test/fixtures"
CORE = ROOT / "packages/core/test/fixtures"
ATTACKS = ROOT / "packages/attacks/test/fixtures"

TOLERANCE = 1e-9

torch.set_default_dtype(torch.float64)


def plain(value):
    """Tensors as lists, through any nesting of dictionaries and lists."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.detach().numpy().tolist() if isinstance(value, torch.Tensor) else value


# Each of the following gives what is small enough to be read in a JSON file, and the larger arrays by path.


def linearity(reference):
    """g at one perturbation, and LLR and adversarial training made of it."""
    found = reference.local_linearity()
    names = ("logits", "loss", "lossPerturbed", "directional", "error")
    summary = {
        "labels": reference.labels,
        "epsilon": EPSILON,
        "nominalWeight": NOMINAL_WEIGHT,
        "lambda": LAMBDA,
        "mu": MU,
        **{name: found[name] for name in names},
        "runningLogits": reference.running_logits(reference.images),
        "llrObjective": reference.llr_objective(),
        "advObjective": reference.adv_objective(),
    }
    arrays = {
        "images": reference.images,
        "perturbation": reference.delta,
        "inputGradient": found["inputGradient"],
    }
    for name, (mean, variance) in found["recorded"].items():
        arrays[f"recorded/{name}/mean"] = mean
        arrays[f"recorded/{name}/variance"] = variance
    for objective in ("llr", "adv"):
        value = getattr(reference, f"{objective}_objective")()
        for name, gradient in reference.parameter_gradients(value).items():
            arrays[f"{objective}/{name}"] = gradient
    return summary, arrays


def loss_values(reference, shown):
    """Every loss at the running statistics, and its input gradient for the first `shown` images."""
    images, labels = reference.images, reference.labels
    classes = reference.running_logits(images).shape[1]
    targets = (labels + 1 + torch.arange(len(labels)) % (classes - 1)) % classes
    random = np.random.RandomState(7)
    soft = torch.tensor(random.dirichlet(np.ones(classes), len(labels)))
    other = torch.tensor(random.standard_normal((len(labels), classes)))
    functions = {
        "crossEntropy": lambda z: losses.cross_entropy(z, labels),
        "softCrossEntropy": lambda z: losses.cross_entropy(z, soft),
        "squaredError": lambda z: losses.squared_error(z, labels),
        "margin": lambda z: losses.margin(z, labels),
        "targetedMargin": lambda z: losses.targeted_margin(z, labels, targets),
        "differenceOfLogitsRatio": lambda z: losses.dlr(z, labels),
        "targetedDifferenceOfLogitsRatio": lambda z: losses.targeted_dlr(z, labels, targets),
        "klTo": lambda z: losses.kl(z, other),
        "klFrom": lambda z: losses.kl(other, z),
    }
    values, arrays = {}, {}
    for name, function in functions.items():
        values[name], gradient = gradient_at(lambda at: function(reference.running_logits(at)), images)
        arrays[f"loss/{name}"] = gradient[:shown]
    summary = {"targets": targets, "softLabels": soft, "otherLogits": other, "values": values}
    return {"losses": summary}, arrays


def curvature(reference):
    """The quadratic model and all bounds, at the running statistics."""
    frozen = {name: value.detach() for name, value in reference.trained.items()}
    logits_of = lambda images: reference.net(frozen, images, Statistics("running"))
    return {"curvature": bounds(logits_of, reference.images, reference.labels, reference.delta)}, {}


def trajectories(reference, count):
    """50 Adam steps of 0.1 on g from a fixed start (Fig. F3), for the first `count` images, at two radii."""
    images, labels = reference.images[:count], reference.labels[:count]
    loss_of = lambda at: losses.cross_entropy(reference.running_logits(at), labels)
    summary, arrays = [], {}
    for epsilon in (8 / 255, EPSILON):
        random = np.random.RandomState(8)
        start = torch.tensor(perturbation(random, images.numpy(), epsilon))
        path = list(ascent(loss_of, images, start, epsilon, steps=50, step_size=0.1))
        residuals = torch.stack([residual for _, residual, _ in path])
        at = [0, 10, 50]
        for t in at:
            delta, _, gradient = path[t]
            arrays[f"trajectory/{len(summary)}/{t}/perturbation"] = delta
            arrays[f"trajectory/{len(summary)}/{t}/gradient"] = gradient
        gamma = residuals.abs().amax(0)
        found = {"epsilon": epsilon, "steps": 50, "stepSize": 0.1, "at": at}
        summary.append({**found, "residuals": [residuals[t] for t in at], "gamma": gamma})
    return {"trajectories": summary}, arrays


# Of a gradient with more numbers than this, every fourth output channel is kept.
LARGE = 10_000


def regularizer_gradients(reference):
    """For each regulariser mean(l(x) + weight * penalty), and its gradient for every parameter."""
    random = np.random.RandomState(9)
    images = reference.images
    other = torch.tensor(perturbation(random, images.numpy(), 0.9))
    share = torch.tensor(to_float32(random.uniform(0.2, 0.8, len(images))))
    length = 1.0
    direction = torch.tensor(to_float32(regularizers.cure_direction(reference, length).numpy()))
    loss = reference.loss(images, Statistics("batch")).mean()
    penalties = {
        "trades": regularizers.trades(reference),
        "cure": regularizers.cure(reference, direction),
        "cureSquared": regularizers.cure(reference, direction, squared=True),
        "gradAlign": regularizers.grad_align(reference),
        "gradAlignDifferentiated": regularizers.grad_align(reference, differentiated=True),
        "elle": regularizers.elle(reference, other, share),
    }
    weights = {name: balance(reference, loss, value.mean()) for name, value in penalties.items()}
    objectives = {name: loss + weights[name] * value.mean() for name, value in penalties.items()}
    objectives["llrThrough"] = reference.llr_objective("through")
    arrays = {"elle-b": other, "cure-direction": direction}
    for objective, value in objectives.items():
        for name, gradient in reference.parameter_gradients(value).items():
            kept = gradient[..., ::4] if gradient.numel() > LARGE else gradient
            arrays[f"{objective}/{name}"] = kept
    found = {"weights": weights, "objectives": objectives, "elleShare": share, "cureLength": length}
    return {"regularizers": found}, arrays


def balance(reference, loss, penalty):
    """A round weight at which the two have gradients of about one size, so that neither hides the other's errors."""
    size = [
        torch.cat([part.flatten() for part in reference.parameter_gradients(value).values()]).norm()
        for value in (loss, penalty)
    ]
    return float(f"{size[0] / size[1]:.1g}")


# Fixtures ----------------------------------------------------------------------------------------------


def merged(*parts):
    summary, arrays = {}, {}
    for small, large in parts:
        summary.update(plain(small))
        arrays.update({name: value.detach().numpy() for name, value in large.items()})
    return summary, arrays


def model_fixtures(name, config, reference, weights, shown):
    summary, arrays = merged(linearity(reference))
    oracle, oracle_arrays = merged(
        loss_values(reference, shown),
        curvature(reference),
        trajectories(reference, shown),
        regularizer_gradients(reference),
    )
    return {
        MODELS / f"{name}.json": {"config": config, **summary, **oracle},
        MODELS / f"{name}.weights.safetensors": dict(weights),
        MODELS / f"{name}.expected.safetensors": arrays,
        MODELS / f"{name}.mathematics.safetensors": oracle_arrays,
    }


def wide_resnet_fixtures():
    mean, std = [0.4914, 0.4822, 0.4465], [0.2471, 0.2435, 0.2616]
    config = {"depth": 10, "widthFactor": 1, "numClasses": 10, "mean": mean, "std": std}
    images, labels = cifar10_test(4)
    delta = perturbation(np.random.RandomState(1), images)
    weights = wide_resnet_weights(2, 10, 1, 10)
    net = lambda *given: wide_resnet(*given, depth=10, mean=mean, std=std)
    reference = Reference(net, weights, images, labels, delta)
    return model_fixtures("wrn-10-1", config, reference, weights, shown=1)


def small_conv_net_fixtures():
    shape, channels, hidden = [8, 8, 3], [4, 6], 10
    config = {"inputShape": shape, "channels": channels, "hidden": hidden, "numClasses": 10}
    images, labels = cifar10_test(4)
    images = images[:, 12:20, 12:20]
    delta = perturbation(np.random.RandomState(3), images)
    weights = small_conv_net_weights(4, shape, channels, hidden, 10)
    reference = Reference(small_conv_net, weights, images, labels, delta)
    return model_fixtures("small-conv-net", config, reference, weights, shown=4)


# Of every quantity of the network with 25 million weights, so many numbers are kept.
SAMPLES = 64


def sampled(path, value):
    """All numbers of a small array, or those at indices that follow from its path."""
    flat = value.flatten()
    return flat[(hashed(path, SAMPLES) * len(flat)).astype(int)] if len(flat) > SAMPLES else flat


def bottleneck_fixtures():
    """ResNet-50 has bottlenecks of all four stages, with and without a projection. Running statistics are given."""
    pixels = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    config = {"depth": 50, "numClasses": 10, "inputShape": [32, 32, 3], **pixels}
    net = lambda *given: resnet(*given, RESNET_BLOCKS[50], **pixels)
    stem = lambda *given: resnet_stem(*given, **pixels)
    weights = resnet_weights(HashedWeights(), RESNET_BLOCKS[50], True, 10, last_scale=0.35)
    weights.ranges = {name: ends for name, ends in weights.ranges.items() if "running" not in name}
    calibrate(weights, net, photographs(10, 32, np.random.RandomState(15))[0], 16)
    images, labels, delta = batch(net, weights, 1, 32, ["running"], stem=stem)
    found = quantities(Reference(net, weights, images, labels, delta, use="running"))
    arrays = {path: sampled(path, value.numpy()) for path, value in found.items()}
    arrays.update({name: value for name, value in weights.items() if name not in weights.ranges})
    summary = {"config": config, "labels": labels.tolist(), "nominalWeight": NOMINAL_WEIGHT, "lambda": LAMBDA, "mu": MU}
    return {
        MODELS / "resnet-50.json": {**plain(summary), "samples": SAMPLES, "ranges": weights.ranges},
        MODELS / "resnet-50.expected.safetensors": {"images": images, "perturbation": delta, **arrays},
    }


def perceptron_fixtures():
    images, labels = cifar10_test(4)
    images = images[:, 14:18, 14:18]
    delta = perturbation(np.random.RandomState(5), images)
    reference = Reference(perceptron, perceptron_weights(6, 48, 12, 10), images, labels, delta)
    loss_of = lambda at: reference.loss(at, Statistics("running"))
    *_, (last, _, _) = ascent(loss_of, reference.images, reference.delta, EPSILON, 4, 0.01)
    summary, arrays = merged(
        linearity(reference),
        loss_values(reference, 4),
        curvature(reference),
        trajectories(reference, 4),
        regularizer_gradients(reference),
    )
    content = {
        **summary,
        "weights": plain(reference.trained),
        "arrays": {name: value.tolist() for name, value in arrays.items()},
        "ascent": {"steps": 4, "stepSize": 0.01, "perturbation": plain(last)},
    }
    return {CORE / "perceptron.json": content}


def attack_fixtures():
    """F.1 on the perceptron: the schedule of its 200 steps in 20, from a fixed start, at two radii; and FGSM-20."""
    images, labels = cifar10_test(4)
    images = images[:, 14:18, 14:18]
    weights = perceptron_weights(6, 48, 12, 10)
    sizes = [0.1] * 10 + [0.01] * 5 + [0.001] * 5
    found = []
    for epsilon in (8 / 255, EPSILON):
        start = perturbation(np.random.RandomState(10), images, epsilon)
        reference = Reference(perceptron, weights, images, labels, start)
        y, targets = reference.labels, (reference.labels + 3) % 10
        value = lambda loss, *classes: lambda at: loss(reference.running_logits(at), *classes)
        given = reference.images, reference.delta, epsilon, sizes
        found.append({
            "epsilon": epsilon,
            "start": reference.delta,
            "targets": targets,
            "untargeted": adam_pgd(value(losses.margin, y), *given),
            "targeted": adam_pgd(value(losses.targeted_margin, y, targets), *given),
            "fgsm20": fgsm(value(losses.cross_entropy, y), reference.images, epsilon, 20, 0.1),
        })
    content = {"images": reference.images, "labels": y, "weights": reference.trained, "sizes": sizes, "balls": found}
    return {ATTACKS / "adam-pgd.json": plain(content)}


def apgd_fixtures():
    """A perceptron so curved that steps of many sizes matter."""
    images, _ = cifar10_test(8)
    images = images[:, 14:18, 14:18]
    weights = perceptron_weights(6, 48, 12, 10)
    weights["hidden/weights"] *= 8
    weights["logits/weights"] *= 2
    net = {name: torch.tensor(value) for name, value in weights.items()}
    logits_of = lambda at: perceptron(net, at, Statistics("running"))
    order = logits_of(torch.tensor(images)).argsort(1, descending=True)
    labels, targets = order[:, 0], order[torch.arange(len(order)), 1 + torch.arange(len(order)) % 3]
    epsilons, steps = {"linf": 0.04, "l2": 0.2}, 30
    random = np.random.RandomState(16)
    summary, arrays = merged(
        apgd.searches(logits_of, torch.tensor(images), labels, targets, epsilons, steps, random)
    )
    content = {
        "labels": plain(labels),
        "targets": plain(targets),
        "epsilons": epsilons,
        "steps": steps,
        "images": images.tolist(),
        "weights": plain(net),
        "arrays": {name: value.tolist() for name, value in arrays.items()},
        **summary,
    }
    return {ATTACKS / "apgd.json": content}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_text(json.dumps(content) + "\n")
    else:
        save_file({name: np.ascontiguousarray(value, np.float32) for name, value in content.items()}, path)


def flatten(content, path=""):
    if isinstance(content, dict):
        for name, value in content.items():
            yield from flatten(value, f"{path}/{name}")
    elif isinstance(content, list) and isinstance(content[0], dict):
        yield from flatten(dict(enumerate(content)), path)
    else:
        yield path, content


def differences(path, content):
    """What of a fixture is further from the committed one than TOLERANCE, relative to the largest element."""
    if not path.exists():
        return [f"{path.name}: missing"]
    stored_in_float32 = path.suffix != ".json"
    committed = load_file(path) if stored_in_float32 else json.loads(path.read_text())
    committed, computed = dict(flatten(committed)), dict(flatten(content))
    if committed.keys() != computed.keys():
        return [f"{path.name}: other entries: {sorted(committed.keys() ^ computed.keys())}"]
    found = []
    for name, value in computed.items():
        expected, value = np.asarray(committed[name], np.float64), np.asarray(value, np.float64)
        if expected.shape != value.shape:
            found.append(f"{path.name}{name}: shape {expected.shape}, now {value.shape}")
            continue
        rounding = 2.0**-24 * np.abs(value) if stored_in_float32 else 0
        excess = np.abs(expected - value) - rounding
        worst = excess.max() / max(np.abs(value).max(), 1e-300)
        if not worst <= TOLERANCE:
            found.append(f"{path.name}{name}: differs by {worst:.1e} of its largest element")
    return found


def main():
    fixtures = {
        **wide_resnet_fixtures(),
        **small_conv_net_fixtures(),
        **bottleneck_fixtures(),
        **perceptron_fixtures(),
        **attack_fixtures(),
        **apgd_fixtures(),
    }
    if "--check" not in sys.argv[1:]:
        for path, content in fixtures.items():
            write(path, content)
        return
    found = [line for path, content in fixtures.items() for line in differences(path, content)]
    print("\n".join(found) or f"{len(fixtures)} fixtures agree with PyTorch {torch.__version__}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

"""Reference values in float64, from PyTorch, that the TypeScript packages are tested against.

The networks, the losses and the training objectives are written here a second time, from the papers and
independently of the packages. `make_fixtures.py` writes the fixtures; `make_fixtures.py --check` computes
them again and compares them with the committed ones.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
CIFAR10 = ROOT / "packages/datasets/test/fixtures/cifar10-test-first-20.bin"
MODELS = ROOT / "packages/models/test/fixtures"
CORE = ROOT / "packages/core/test/fixtures"

# Large for images, so that second-order terms stand far above the rounding errors of float32.
EPSILON = 0.2
NOMINAL_WEIGHT, LAMBDA, MU = 2.0, 4.0, 3.0
TOLERANCE = 1e-9

torch.set_default_dtype(torch.float64)


# Data ------------------------------------------------------------------------------------------------


def cifar10_test(count):
    """The first images of CIFAR-10's test set, NHWC in [0, 1], and their labels."""
    records = np.frombuffer(CIFAR10.read_bytes(), np.uint8).reshape(-1, 1 + 3 * 32 * 32)[:count]
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return to_float32(images / 255), records[:, 0].astype(int)


def to_float32(array):
    """Rounded to what float32 can hold, so that both sides compute with the same numbers."""
    return np.ascontiguousarray(array, np.float32).astype(np.float64)


def perturbation(random, images):
    """Uniform in the ball of radius EPSILON, met with the pixel box."""
    delta = random.uniform(-EPSILON, EPSILON, images.shape)
    return to_float32(np.clip(images + delta, 0, 1) - images)


# Networks: functions of (parameters, images, statistics), parameters under the packages' names ----------


class Statistics:
    """Which statistics batch norms use: 'batch' (and record them), 'running', or recorded ones."""

    def __init__(self, use):
        self.use = use
        self.recorded = {}

    def of(self, name, x, parameters):
        if self.use == "running":
            return parameters[f"{name}/running-mean"], parameters[f"{name}/running-variance"]
        if self.use == "batch":
            self.recorded[name] = (x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False))
            return self.recorded[name]
        return self.use[name]


def conv(p, name, x, **options):
    return F.conv2d(x, p[f"{name}/filter"].permute(3, 2, 0, 1), p.get(f"{name}/bias"), **options)


def dense(p, name, x):
    return x @ p[f"{name}/weights"] + p[f"{name}/bias"]


def centred_softplus(x):
    return F.softplus(x) - np.log(2)


def channels_first(images):
    return images.permute(0, 3, 1, 2)


def wide_resnet(p, images, statistics, depth, mean, std):
    def norm(name, x):
        average, variance = statistics.of(name, x, p)
        x = (x - average[:, None, None]) / torch.sqrt(variance[:, None, None] + 1e-5)
        return F.softplus(x * p[f"{name}/scale"][:, None, None] + p[f"{name}/offset"][:, None, None])

    x = channels_first((images - torch.tensor(mean)) / torch.tensor(std))
    x = conv(p, "stem", x, padding=1)
    for group in (1, 2, 3):
        for block in range(1, (depth - 4) // 6 + 1):
            name = f"group-{group}/block-{block}"
            stride = 2 if group > 1 and block == 1 else 1
            activated = norm(f"{name}/norm-1", x)
            shortcut = x
            if f"{name}/projection/filter" in p:
                shortcut = conv(p, f"{name}/projection", activated, stride=stride)
            inner = conv(p, f"{name}/conv-1", activated, stride=stride, padding=1)
            x = conv(p, f"{name}/conv-2", norm(f"{name}/norm-2", inner), padding=1) + shortcut
    return dense(p, "logits", norm("norm", x).mean((2, 3)))


def small_conv_net(p, images, _statistics):
    def halve(x):  # [b, c, h, w] to [b, 4c, h/2, w/2], channels ordered by row, column, channel
        return torch.cat([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)

    def layer(name, x):  # a 2x2 filter sees its own pixel, the next row and the next column
        return centred_softplus(conv(p, name, F.pad(halve(x), (0, 1, 0, 1))))

    x = layer("conv-2", layer("conv-1", channels_first(images))).permute(0, 2, 3, 1).flatten(1)
    return dense(p, "logits", centred_softplus(dense(p, "hidden", x)))


def perceptron(p, images, _statistics):
    return dense(p, "logits", torch.tanh(dense(p, "hidden", images.flatten(1))))


# Weights -----------------------------------------------------------------------------------------------


class Weights(dict):
    """Random weights under their names; RandomState's streams never change between versions of NumPy."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)

    def normal(self, name, shape, deviation):
        self[name] = to_float32(self.random.standard_normal(shape) * deviation)

    def uniform(self, name, shape, low, high):
        self[name] = to_float32(self.random.uniform(low, high, shape))

    def conv(self, name, size, inputs, outputs, bias=False):
        deviation = np.sqrt(2 / (size * size * inputs))
        self.normal(f"{name}/filter", (size, size, inputs, outputs), deviation)
        if bias:
            self.normal(f"{name}/bias", outputs, 0.1)

    def dense(self, name, inputs, outputs):
        self.normal(f"{name}/weights", (inputs, outputs), np.sqrt(2 / inputs))
        self.normal(f"{name}/bias", outputs, 0.1)

    def norm(self, name, channels):
        self.uniform(f"{name}/scale", channels, 0.5, 1.5)
        self.normal(f"{name}/offset", channels, 0.2)
        self.normal(f"{name}/running-mean", channels, 0.3)
        self.uniform(f"{name}/running-variance", channels, 0.5, 1.5)


def wide_resnet_weights(seed, depth, width_factor, classes):
    weights = Weights(seed)
    channels = 16
    weights.conv("stem", 3, 3, channels)
    for group, width in ((1, 16), (2, 32), (3, 64)):
        for block in range(1, (depth - 4) // 6 + 1):
            name, out = f"group-{group}/block-{block}", width * width_factor
            weights.norm(f"{name}/norm-1", channels)
            weights.conv(f"{name}/conv-1", 3, channels, out)
            weights.norm(f"{name}/norm-2", out)
            weights.conv(f"{name}/conv-2", 3, out, out)
            if channels != out or (group > 1 and block == 1):
                weights.conv(f"{name}/projection", 1, channels, out)
            channels = out
    weights.norm("norm", channels)
    weights.dense("logits", channels, classes)
    return weights


def small_conv_net_weights(seed, shape, channels, hidden, classes):
    weights = Weights(seed)
    first, second = channels
    weights.conv("conv-1", 2, 4 * shape[2], first, bias=True)
    weights.conv("conv-2", 2, 4 * first, second, bias=True)
    weights.dense("hidden", shape[0] // 4 * (shape[1] // 4) * second, hidden)
    weights.dense("logits", hidden, classes)
    return weights


def perceptron_weights(seed, inputs, hidden, classes):
    weights = Weights(seed)
    weights.dense("hidden", inputs, hidden)
    weights.dense("logits", hidden, classes)
    return weights


# Quantities --------------------------------------------------------------------------------------------


def dot(a, b):
    return (a * b).flatten(1).sum(1)


class Reference:
    """What the paper defines, at one perturbation of one batch."""

    def __init__(self, net, weights, images, labels, delta):
        self.net = net
        self.trained = {
            name: torch.tensor(value, requires_grad="running" not in name)
            for name, value in weights.items()
        }
        self.images, self.delta = torch.tensor(images), torch.tensor(delta)
        self.labels = torch.tensor(labels)

    def logits(self, images, statistics):
        return self.net(self.trained, images, statistics)

    def loss(self, images, statistics):
        return F.cross_entropy(self.logits(images, statistics), self.labels, reduction="none")

    def nominal(self):
        """Logits, recorded statistics, l(x) and its input gradient, to which the statistics are constants.

        They are computed from `images`, and the gradient is taken with respect to `at`, another tensor, so
        no gradient of x flows through them; those of the parameters do.
        """
        statistics = Statistics("batch")
        logits = self.logits(self.images, statistics)
        given = Statistics(statistics.recorded)
        at = self.images.clone().requires_grad_()
        loss = self.loss(at, given)
        (gradient,) = torch.autograd.grad(loss.sum(), at, create_graph=True)
        return logits, given, loss, gradient

    def local_linearity(self):
        """Section 4, Eq. 5: g = |l(x + delta) - l(x) - delta . grad l(x)|, at the nominal statistics (F.2)."""
        logits, given, loss, gradient = self.nominal()
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

    def llr_objective(self):
        """Eq. 8: mean(w l + lambda g + mu |delta . grad l|)."""
        found = self.local_linearity()
        penalty = LAMBDA * found["error"] + MU * found["directional"].abs()
        return (NOMINAL_WEIGHT * found["loss"] + penalty).mean()

    def adv_objective(self):
        """Adversarial training: the mean loss at x + delta, with that batch's own statistics."""
        return self.loss(self.images + self.delta, Statistics("batch")).mean()

    def parameter_gradients(self, objective):
        parameters = {name: p for name, p in self.trained.items() if p.requires_grad}
        gradients = torch.autograd.grad(objective, list(parameters.values()))
        return dict(zip(parameters, gradients))

    def ascent(self, steps, step_size):
        """F.1: Adam ascent of g from `delta`, projected onto the ball and into the pixel box."""
        _, given, loss, gradient = self.nominal()
        loss, gradient = loss.detach(), gradient.detach()
        delta, first, second = self.delta, 0.0, 0.0
        for t in range(1, steps + 1):
            at = delta.clone().requires_grad_()
            g = (self.loss(self.images + at, given) - loss - dot(at, gradient)).abs()
            (up,) = torch.autograd.grad(g.sum(), at)
            first = 0.9 * first + 0.1 * up
            second = 0.999 * second + 0.001 * up**2
            step = first / (1 - 0.9**t) / (torch.sqrt(second / (1 - 0.999**t)) + 1e-9)
            delta = (delta + step_size * step).clamp(-EPSILON, EPSILON)
            delta = (self.images + delta).clamp(0, 1) - self.images
        return delta


# Fixtures ----------------------------------------------------------------------------------------------


def numbers(tensor):
    return tensor.detach().numpy().tolist()


def summary(reference):
    """What is small enough to be read in a JSON file."""
    found = reference.local_linearity()
    names = ("logits", "loss", "lossPerturbed", "directional", "error")
    return {
        "labels": reference.labels.tolist(),
        "epsilon": EPSILON,
        "nominalWeight": NOMINAL_WEIGHT,
        "lambda": LAMBDA,
        "mu": MU,
        **{name: numbers(found[name]) for name in names},
        "runningLogits": numbers(reference.logits(reference.images, Statistics("running"))),
        "llrObjective": reference.llr_objective().item(),
        "advObjective": reference.adv_objective().item(),
    }


def arrays(reference):
    """The larger quantities, each under a path."""
    found = reference.local_linearity()
    result = {
        "images": reference.images,
        "perturbation": reference.delta,
        "inputGradient": found["inputGradient"],
    }
    for name, (mean, variance) in found["recorded"].items():
        result[f"recorded/{name}/mean"] = mean
        result[f"recorded/{name}/variance"] = variance
    for objective in ("llr", "adv"):
        value = getattr(reference, f"{objective}_objective")()
        for name, gradient in reference.parameter_gradients(value).items():
            result[f"{objective}/{name}"] = gradient
    return {name: value.detach().numpy() for name, value in result.items()}


def model_fixtures(name, config, net, weights, images, labels, delta):
    reference = Reference(net, weights, images, labels, delta)
    return {
        MODELS / f"{name}.json": {"config": config, **summary(reference)},
        MODELS / f"{name}.weights.safetensors": dict(weights),
        MODELS / f"{name}.expected.safetensors": arrays(reference),
    }


def wide_resnet_fixtures():
    mean, std = [0.4914, 0.4822, 0.4465], [0.2471, 0.2435, 0.2616]
    config = {"depth": 10, "widthFactor": 1, "numClasses": 10, "mean": mean, "std": std}
    images, labels = cifar10_test(4)
    delta = perturbation(np.random.RandomState(1), images)
    weights = wide_resnet_weights(2, 10, 1, 10)
    net = lambda *given: wide_resnet(*given, depth=10, mean=mean, std=std)
    return model_fixtures("wrn-10-1", config, net, weights, images, labels, delta)


def small_conv_net_fixtures():
    shape, channels, hidden = [8, 8, 3], [4, 6], 10
    config = {"inputShape": shape, "channels": channels, "hidden": hidden, "numClasses": 10}
    images, labels = cifar10_test(4)
    images = images[:, 12:20, 12:20]
    delta = perturbation(np.random.RandomState(3), images)
    weights = small_conv_net_weights(4, shape, channels, hidden, 10)
    return model_fixtures("small-conv-net", config, small_conv_net, weights, images, labels, delta)


def perceptron_fixtures():
    images, labels = cifar10_test(4)
    images = images[:, 14:18, 14:18]
    delta = perturbation(np.random.RandomState(5), images)
    reference = Reference(perceptron, perceptron_weights(6, 48, 12, 10), images, labels, delta)
    plain = {name: value.tolist() for name, value in arrays(reference).items()}
    content = {
        **summary(reference),
        "weights": {name: numbers(value) for name, value in reference.trained.items()},
        "arrays": plain,
        "ascent": {"steps": 4, "stepSize": 0.01, "perturbation": numbers(reference.ascent(4, 0.01))},
    }
    return {CORE / "perceptron.json": content}


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
    fixtures = {**wide_resnet_fixtures(), **small_conv_net_fixtures(), **perceptron_fixtures()}
    if "--check" not in sys.argv[1:]:
        for path, content in fixtures.items():
            write(path, content)
        return
    found = [line for path, content in fixtures.items() for line in differences(path, content)]
    print("\n".join(found) or f"{len(fixtures)} fixtures agree with PyTorch {torch.__version__}")
    sys.exit(1 if found else 0)


main()

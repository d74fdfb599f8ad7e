"""Steps of the paper's recipe (F.2) in float64, by PyTorch's own SGD and schedule, that @llr/train is tested against.

LLR at given perturbations, on batches split into micro-batches: each is normalised by its own statistics, its gradients
are summed up by backward(), and the running statistics are moved once a step, by the moments of all micro-batches.
`make_recipe_fixture.py --check` computes the fixture again and compares it with the committed one.
"""

import sys

import numpy as np
import torch
from safetensors.numpy import load_file

from data import ROOT, cifar10_test
from linearity import LAMBDA, MU, NOMINAL_WEIGHT, Reference
from make_fixtures import MODELS, differences, write
from networks import wide_resnet

PATH = ROOT / "packages/train/test/fixtures/recipe.json"

STEPS, STEPS_PER_EPOCH, MICRO_BATCHES = 4, 2, (4, 3)
LEARNING_RATE, DECAYED_AT, MOMENTUM, WEIGHT_DECAY = 0.02, (1, 1.5), 0.9, 0.01
EPSILON, AVERAGING = 0.05, 0.25
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2471, 0.2435, 0.2616]


def net(parameters, images, statistics):
    return wide_resnet(parameters, images, statistics, 10, MEAN, STD)


def perturbation(images):
    """Up at pixels that are even bytes, down at odd ones."""
    odd = np.rint(images * 255).astype(int) % 2
    return np.clip(images + EPSILON * (1 - 2 * odd), 0, 1) - images


def merged(parts, weights):
    """The mean and E[x^2] are averaged."""
    mean = sum(w * m for w, (m, _) in zip(weights, parts))
    square = sum(w * (v + m**2) for w, (m, v) in zip(weights, parts))
    return mean, square - mean**2


def sample(value):
    """Eight numbers of an array, spread over it."""
    flat = value.detach().flatten()
    return [flat[i * (len(flat) - 1) // 7].item() for i in range(8)]


def train():
    images, labels = cifar10_test(14)
    images = images[:, 12:20, 12:20]
    weights = load_file(MODELS / "wrn-10-1.weights.safetensors")
    state = Reference(net, weights, images, labels, images).trained
    trained = {name: p for name, p in state.items() if p.requires_grad}
    decays = [p for name, p in trained.items() if name.endswith(("filter", "weights"))]
    others = [p for name, p in trained.items() if not name.endswith(("filter", "weights"))]
    groups = [{"params": decays, "weight_decay": WEIGHT_DECAY}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=MOMENTUM)
    milestones = [int(epoch * STEPS_PER_EPOCH) for epoch in DECAYED_AT]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)
    averages = {name: p.detach().clone() for name, p in trained.items()}
    size, objectives = sum(MICRO_BATCHES), []
    for step in range(STEPS):
        optimizer.zero_grad()
        recorded, objective, first = [], 0.0, size * (step % 2)
        for count in MICRO_BATCHES:
            x, y = images[first : first + count], labels[first : first + count]
            part = Reference(net, {}, x, y, perturbation(x))
            part.trained = state
            found = part.local_linearity()
            loss = part.llr_objective_of(found) * (count / size)
            loss.backward()
            objective += loss.item()
            recorded.append({name: (m.detach(), v.detach()) for name, (m, v) in found["recorded"].items()})
            first += count
        optimizer.step()
        schedule.step()
        for layer in recorded[0]:
            moments = merged([part[layer] for part in recorded], [count / size for count in MICRO_BATCHES])
            for kind, value in zip(("mean", "variance"), moments):
                running = state[f"{layer}/running-{kind}"]
                running.mul_(0.9).add_(0.1 * value)
        decay = min(AVERAGING, (1 + step) / (10 + step))
        for name, p in trained.items():
            averages[name].mul_(decay).add_((1 - decay) * p.detach())
        objectives.append(objective)
    return {
        "images": np.rint(images * 255).astype(int).tolist(),
        "labels": labels.tolist(),
        "steps": STEPS,
        "stepsPerEpoch": STEPS_PER_EPOCH,
        "microBatchSize": MICRO_BATCHES[0],
        "learningRate": LEARNING_RATE,
        "decayedAt": list(DECAYED_AT),
        "momentum": MOMENTUM,
        "weightDecay": WEIGHT_DECAY,
        "epsilon": EPSILON,
        "averaging": AVERAGING,
        "nominalWeight": NOMINAL_WEIGHT,
        "lambda": LAMBDA,
        "mu": MU,
        "mean": MEAN,
        "std": STD,
        "objectives": objectives,
        "state": {name: sample(p) for name, p in state.items()},
        "averages": {name: sample(p) for name, p in averages.items()},
    }


if __name__ == "__main__":
    fixture = train()
    if "--check" in sys.argv[1:]:
        found = differences(PATH, fixture)
        print("\n".join(found) or "the recipe's fixture agrees")
        sys.exit(1 if found else 0)
    write(PATH, fixture)

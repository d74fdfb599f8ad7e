"""
The attacks of other libraries, as their users run them. Each takes a task and gives the perturbed images of each of its runs, all
images at a time: an example is broken if one of them is misclassified.
"""

import logging
import time
import warnings
from dataclasses import dataclass, field

import foolbox
import numpy as np
import pyautoattack
import torch
import torchattacks
from art.attacks import evasion as art
from art.estimators.classification import PyTorchClassifier

warnings.filterwarnings("ignore")
for chatty in ("art", "auto-attack"):
    logging.getLogger(chatty).setLevel(logging.ERROR)

CLASSES = 10


@dataclass
class Task:
    network: torch.nn.Module
    images: torch.Tensor
    labels: torch.Tensor
    epsilon: float
    batch: int
    options: dict
    # Seconds of the parts of a suite, and what each was given and gave.
    parts: dict = field(default_factory=dict)
    tried: list = field(default_factory=list)

    def batches(self):
        return zip(self.images.split(self.batch), self.labels.split(self.batch))

    def targets(self):
        """Every wrong class of every example, one after another."""
        return [(self.labels + offset) % CLASSES for offset in range(1, CLASSES)]


def in_batches(task, attack):
    return torch.cat([attack(images, labels) for images, labels in task.batches()])


# Foolbox


def foolbox_model(task):
    return foolbox.PyTorchModel(task.network, bounds=(0, 1), device="cpu")


def foolbox_runs(task, attack, criterion=foolbox.Misclassification):
    model = foolbox_model(task)

    def run(images, classes):
        _, clipped, _ = attack(model, images, criterion(classes), epsilons=task.epsilon)
        return clipped

    return run


def foolbox_fgsm(task):
    return [in_batches(task, foolbox_runs(task, foolbox.attacks.LinfFastGradientAttack()))]


def foolbox_pgd_attack(task):
    return foolbox.attacks.LinfProjectedGradientDescentAttack(
        steps=task.options["steps"], abs_stepsize=task.options["stepSize"], random_start=True
    )


def foolbox_pgd(task):
    attack = foolbox_pgd_attack(task)
    restarts = task.options.get("restarts", 1)
    return [in_batches(task, foolbox_runs(task, attack.repeat(restarts) if restarts > 1 else attack))]


def foolbox_targeted(task):
    run = foolbox_runs(task, foolbox_pgd_attack(task), foolbox.criteria.TargetedMisclassification)
    return [
        torch.cat([run(*part) for part in zip(task.images.split(task.batch), targets.split(task.batch))])
        for targets in task.targets()
    ]


# The Adversarial Robustness Toolbox


def art_classifier(task):
    return PyTorchClassifier(
        task.network,
        torch.nn.CrossEntropyLoss(),
        input_shape=tuple(task.images.shape[1:]),
        nb_classes=CLASSES,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )


def art_run(task, attack, labels=None):
    one_hot = np.eye(CLASSES, dtype=np.float32)[(task.labels if labels is None else labels).numpy()]
    return torch.from_numpy(attack.generate(task.images.numpy(), one_hot))


def art_fgsm(task):
    attack = art.FastGradientMethod(art_classifier(task), eps=task.epsilon, batch_size=task.batch)
    return [art_run(task, attack)]


def art_pgd_attack(task, **options):
    return art.ProjectedGradientDescent(
        art_classifier(task),
        eps=task.epsilon,
        eps_step=task.options["stepSize"],
        max_iter=task.options["steps"],
        batch_size=task.batch,
        verbose=False,
        **options,
    )


def art_pgd(task):
    return [art_run(task, art_pgd_attack(task, num_random_init=task.options.get("restarts", 1)))]


def art_targeted(task):
    attack = art_pgd_attack(task, num_random_init=1, targeted=True)
    return [art_run(task, attack, targets) for targets in task.targets()]


def art_apgd(loss):
    def run(task):
        attack = art.AutoProjectedGradientDescent(
            art_classifier(task),
            eps=task.epsilon,
            eps_step=2 * task.epsilon,
            max_iter=task.options["steps"],
            nb_random_init=1,
            batch_size=task.batch,
            loss_type=loss,
            verbose=False,
        )
        return [art_run(task, attack)]

    return run


def art_square(task):
    attack = art.SquareAttack(
        art_classifier(task),
        eps=task.epsilon,
        max_iter=task.options["queries"],
        batch_size=task.batch,
        verbose=False,
    )
    return [art_run(task, attack)]


# Torchattacks


def torchattacks_fgsm(task):
    return [in_batches(task, torchattacks.FGSM(task.network, eps=task.epsilon))]


def torchattacks_pgd_attack(task):
    return torchattacks.PGD(
        task.network,
        eps=task.epsilon,
        alpha=task.options["stepSize"],
        steps=task.options["steps"],
        random_start=True,
    )


def torchattacks_pgd(task):
    restarts = task.options.get("restarts", 1)
    attacks = [torchattacks_pgd_attack(task) for _ in range(restarts)]
    return [in_batches(task, torchattacks.MultiAttack(attacks) if restarts > 1 else attacks[0])]


def torchattacks_targeted(task):
    attack = torchattacks_pgd_attack(task)
    attack.set_mode_targeted_by_label(quiet=True)
    return [
        torch.cat([attack(*part) for part in zip(task.images.split(task.batch), targets.split(task.batch))])
        for targets in task.targets()
    ]


def torchattacks_apgd(loss):
    def run(task):
        attack = torchattacks.APGD(
            task.network, eps=task.epsilon, steps=task.options["steps"], loss=loss, n_restarts=1
        )
        return [in_batches(task, attack)]

    return run


def torchattacks_apgd_t(task):
    attack = torchattacks.APGDT(
        task.network, eps=task.epsilon, steps=task.options["steps"], n_classes=CLASSES
    )
    return [in_batches(task, attack)]


def torchattacks_square(task):
    attack = torchattacks.Square(task.network, eps=task.epsilon, n_queries=task.options["queries"])
    return [in_batches(task, attack)]


def torchattacks_suite(task):
    """Its AutoAttack: the three gradient attacks make 10 steps each, where AutoAttack makes 100."""
    suite = torchattacks.AutoAttack(task.network, eps=task.epsilon, n_classes=CLASSES, seed=0)
    for attack in suite._autoattack.attacks:
        measure(task, attack, "forward", attack.attack)
    return [in_batches(task, suite)]


# AutoAttack


def autoattack(task, attacks):
    adversary = pyautoattack.AutoAttack(
        task.network, norm="Linf", eps=task.epsilon, seed=0, version="custom", attacks=attacks
    )
    # Of the standard version, which `custom` leaves to its user.
    adversary.apgd.n_restarts = 1
    adversary.fab.n_restarts = 1
    adversary.verbose = False
    return adversary


def autoattack_of(name):
    def run(task):
        adversary = autoattack(task, [name])
        for attack in (adversary.apgd, adversary.apgd_targeted):
            attack.n_iter = task.options.get("steps", attack.n_iter)
        adversary.square.n_queries = task.options.get("queries", adversary.square.n_queries)
        return [autoattack_run(task, adversary)]

    return run


def autoattack_run(task, adversary):
    perturbed, _ = adversary.run_standard_evaluation(task.images, task.labels, batch_size=task.batch)
    return perturbed


def autoattack_suite(task):
    adversary = autoattack(task, ["apgd-ce", "apgd-t", "fab-t", "square"])
    for name, attack in (
        ("APGD-CE", adversary.apgd),
        ("APGD-T", adversary.apgd_targeted),
        ("FAB", adversary.fab),
        ("Square", adversary.square),
    ):
        measure(task, attack, "perturb", name)
    return [autoattack_run(task, adversary)]


def measure(task, attack, method, name):
    """Adds up the seconds that a part of a suite takes, and remembers what it found."""
    perform = getattr(attack, method)

    def measured(images, labels):
        began = time.perf_counter(), time.process_time()
        result = perform(images, labels)
        part = task.parts.setdefault(name, {"seconds": 0, "cpuSeconds": 0, "broken": 0})
        part["seconds"] += time.perf_counter() - began[0]
        part["cpuSeconds"] += time.process_time() - began[1]
        task.tried.append((name, images, labels, result))
        return result

    setattr(attack, method, measured)


LIBRARIES = {
    "foolbox": {"fgsm": foolbox_fgsm, "pgd": foolbox_pgd, "targeted": foolbox_targeted},
    "art": {
        "fgsm": art_fgsm,
        "pgd": art_pgd,
        "targeted": art_targeted,
        "apgd-ce": art_apgd("cross_entropy"),
        "apgd-dlr": art_apgd("difference_logits_ratio"),
        "square": art_square,
    },
    "torchattacks": {
        "fgsm": torchattacks_fgsm,
        "pgd": torchattacks_pgd,
        "targeted": torchattacks_targeted,
        "apgd-ce": torchattacks_apgd("ce"),
        "apgd-dlr": torchattacks_apgd("dlr"),
        "apgd-t": torchattacks_apgd_t,
        "square": torchattacks_square,
        "suite": torchattacks_suite,
    },
    "autoattack": {
        "apgd-ce": autoattack_of("apgd-ce"),
        "apgd-dlr": autoattack_of("apgd-dlr"),
        "apgd-t": autoattack_of("apgd-t"),
        "square": autoattack_of("square"),
        "suite": autoattack_suite,
    },
}

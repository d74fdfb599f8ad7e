"""The LLR step and one step of its search in JAX (Qin et al. 2019, F.1 and F.2)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from safetensors.numpy import save_file

from inputs import decays, is_parameter
from jax_network import networks


class Problem:
    def __init__(self, inputs):
        self.workload = inputs.workload
        arrays = {name: jnp.asarray(array) for name, array in inputs.weights.items()}
        self.parameters = {name: a for name, a in arrays.items() if is_parameter(name)}
        self.running = {name: a for name, a in arrays.items() if not is_parameter(name)}
        self.images, self.start, self.corner = map(
            jnp.asarray, (inputs.images, inputs.start, inputs.corner)
        )
        self.labels = jax.nn.one_hot(inputs.labels.astype(int), inputs.workload.classes)

    def loss(self, parameters, images, statistics=None):
        """Cross-entropy [b], and the statistics used."""
        network = networks[self.workload.architecture]
        logits, used = network(parameters, images, self.workload, statistics)
        return -(jax.nn.log_softmax(logits) * self.labels).sum(1), used

    def project(self, delta):
        epsilon = self.workload.epsilon
        return jnp.clip(self.images + jnp.clip(delta, -epsilon, epsilon), 0, 1) - self.images

    def linearize(self, parameters):
        """The loss and its gradient at x, and the batch's statistics, constants for that gradient."""
        _, statistics = self.loss(parameters, self.images)
        loss, pull_back = jax.vjp(lambda x: self.loss(parameters, x, statistics)[0], self.images)
        return loss, pull_back(jnp.ones_like(loss))[0], statistics

    def gradient_of_error(self, parameters, around, delta):
        loss, input_gradient, statistics = around

        def total(delta):
            perturbed, _ = self.loss(parameters, self.images + delta, statistics)
            return jnp.abs(perturbed - loss - (delta * input_gradient).sum((1, 2, 3))).sum()

        return jax.grad(total)(delta)

    def search_step(self, parameters, around, delta):
        gradient = self.gradient_of_error(parameters, around, delta)
        return self.project(delta + self.workload.stepSize * jnp.sign(gradient))

    def search(self, parameters, around, start):
        step = lambda _, delta: self.search_step(parameters, around, delta)
        return lax.fori_loop(0, self.workload.steps, step, start)

    def objective(self, parameters, delta):
        """The mean of w l(x) + lambda g + mu |delta.grad l(x)|, and what it is made of."""
        loss, statistics = self.loss(parameters, self.images)
        perturbed, _ = self.loss(parameters, self.images + delta, statistics)
        at_x = lambda x: self.loss(parameters, x, statistics)[0]
        _, directional = jax.jvp(at_x, (self.images,), (delta,))
        each = (
            self.workload.nominalWeight * loss
            + self.workload.linearityWeight * jnp.abs(perturbed - loss - directional)
            + self.workload.directionalWeight * jnp.abs(directional)
        )
        return each.mean(), (loss, perturbed, directional, statistics)


class LlrStep:
    def __init__(self, problem):
        self.problem = problem
        self.velocities = jax.tree.map(jnp.zeros_like, problem.parameters)
        self.key = jax.random.key(0)
        self.train = jax.jit(self.train)

    def train(self, parameters, velocities, running, key):
        problem, workload = self.problem, self.problem.workload
        epsilon = workload.epsilon
        start = jax.random.uniform(key, problem.images.shape, minval=-epsilon, maxval=epsilon)
        delta = problem.search(parameters, problem.linearize(parameters), problem.project(start))
        (objective, (*_, statistics)), gradients = jax.value_and_grad(
            problem.objective, has_aux=True
        )(parameters, delta)
        for name, gradient in gradients.items():
            decay = workload.weightDecay * parameters[name] if decays(name) else 0
            velocities[name] = workload.momentum * velocities[name] + gradient + decay
            parameters[name] = parameters[name] - workload.learningRate * velocities[name]
        for layer, parts in statistics.items():
            for name, part in zip(("mean", "variance"), parts):
                at = f"{layer}/running-{name}"
                running[at] = 0.9 * running[at] + 0.1 * part
        return objective, parameters, velocities, running

    def step(self):
        problem = self.problem
        self.key, key = jax.random.split(self.key)
        objective, problem.parameters, self.velocities, problem.running = self.train(
            problem.parameters, self.velocities, problem.running, key
        )
        return float(objective)

    def check(self, file):
        problem = self.problem
        around = jax.jit(problem.linearize)(problem.parameters)
        (objective, (loss, perturbed, directional, _)), gradients = jax.jit(
            jax.value_and_grad(problem.objective, has_aux=True)
        )(problem.parameters, problem.corner)
        write(
            file,
            {
                "loss": loss,
                "loss at x + delta": perturbed,
                "directional derivative": directional,
                "objective": objective.reshape(1),
                "inner gradient": jax.jit(problem.gradient_of_error)(
                    problem.parameters, around, problem.corner
                ),
                "found": jax.jit(problem.search)(problem.parameters, around, problem.start),
            }
            | {f"gradient {name}": gradient for name, gradient in gradients.items()},
        )


class PgdStep:
    def __init__(self, problem):
        self.problem = problem
        self.around = jax.jit(problem.linearize)(problem.parameters)
        self.search_step = jax.jit(problem.search_step)
        self.delta = problem.start

    def step(self):
        self.delta = self.search_step(self.problem.parameters, self.around, self.delta)
        return float(self.delta[0, 0, 0, 0])

    def check(self, file):
        problem = self.problem
        at_corner = problem.parameters, self.around, problem.corner
        write(
            file,
            {
                "loss": self.around[0],
                "input gradient": self.around[1],
                "inner gradient": jax.jit(problem.gradient_of_error)(*at_corner),
                "found": self.search_step(problem.parameters, self.around, problem.start),
            },
        )


def write(file, arrays):
    save_file({name: np.asarray(array) for name, array in arrays.items()}, file)

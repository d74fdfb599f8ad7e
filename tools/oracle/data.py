"""Real images, and numbers that float32 holds exactly."""

from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CIFAR10 = ROOT / "packages/datasets/test/fixtures/cifar10-test-first-20.bin"

# Large for images, so that second-order terms stand far above the rounding errors of float32.
EPSILON = 0.2


def cifar10_test(count):
    """The first images of CIFAR-10's test set, NHWC in [0, 1], and their labels."""
    records = np.frombuffer(CIFAR10.read_bytes(), np.uint8).reshape(-1, 1 + 3 * 32 * 32)[:count]
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return to_float32(images / 255), records[:, 0].astype(int)


def to_float32(array):
    """Rounded to what float32 can hold, so that both sides compute with the same numbers."""
    return np.ascontiguousarray(array, np.float32).astype(np.float64)


def perturbation(random, images, epsilon=EPSILON):
    """Uniform in the ball of radius epsilon, met with the pixel box."""
    delta = random.uniform(-epsilon, epsilon, images.shape)
    return to_float32(np.clip(images + delta, 0, 1) - images)

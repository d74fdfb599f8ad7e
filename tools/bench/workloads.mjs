/** The hyperparameters of the paper's CIFAR-10 networks, with steps of the sign of the gradient. */
const paper = {
  epsilon: 8 / 255,
  stepSize: 0.1,
  linearityWeight: 4,
  directionalWeight: 3,
  nominalWeight: 2,
  learningRate: 1e-4,
  momentum: 0.9,
  weightDecay: 2e-4,
  /** How far the objectives of first steps may be apart, whose random starts are not the same. */
  sameObjective: 0.05,
};

const cifar10 = { architecture: 'wide-resnet', size: 32, classes: 10, tolerance: 1e-4 };

/** The gradient of g is a difference of two gradients that are nearly equal here: PyTorch's own may be 4e-4 off in float32. */
const imageNet = {
  architecture: 'resnet',
  size: 224,
  classes: 1000,
  epsilon: 4 / 256,
  tolerance: 1e-3,
  // Two images and two steps from them: the start still counts.
  sameObjective: 0.2,
};

/**
 * What is timed: `llr` is a whole training step (search, penalty, gradients, update), `pgd` one step of the search.
 * `rounds` is how many of them a round of the default length takes its name from: short steps are repeated more often.
 */
export const workloads = [
  {
    name: 'wrn-16-4',
    title: 'LLR step, WRN-16-4, batch 32, 10 inner steps',
    kind: 'llr',
    depth: 16,
    widthFactor: 4,
    batch: 32,
    steps: 10,
  },
  {
    name: 'wrn-28-8',
    title: 'LLR step, WRN-28-8, batch 8, 1 inner step',
    kind: 'llr',
    depth: 28,
    widthFactor: 8,
    batch: 8,
    steps: 1,
  },
  {
    name: 'pgd',
    title: 'One step of the search, WRN-16-4, batch 32',
    kind: 'pgd',
    depth: 16,
    widthFactor: 4,
    batch: 32,
    steps: 1,
    repeat: 5,
  },
  {
    name: 'tiny',
    title: 'LLR step, WRN-10-1, batch 4, 2 inner steps: to try the bench itself',
    kind: 'llr',
    depth: 10,
    widthFactor: 1,
    batch: 4,
    steps: 2,
    asked: true,
  },
  {
    ...imageNet,
    name: 'resnet-152',
    title: 'LLR step, ResNet-152 at 224x224, batch 2, 2 inner steps',
    kind: 'llr',
    depth: 152,
    batch: 2,
    steps: 2,
    asked: true,
  },
].map((workload) => ({ repeat: 1, asked: false, ...paper, ...cifar10, ...workload }));

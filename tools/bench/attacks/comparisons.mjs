// What is compared: an attack, or several in turn, with one budget for all.

/** More than the 0.1 that the robust network is trained for: here it holds for about half of the images. */
export const epsilon = 29 / 255;

const gradients = ['foolbox', 'art', 'torchattacks'];
const automatic = ['art', 'torchattacks', 'autoattack'];
const ofAutoAttack = ['torchattacks', 'autoattack'];
const tenth = epsilon / 10;

/**
 * `asks`: what the comparison is about. `images`: of those that are asked for, the first so many. `rounds`: of the rounds that
 * are asked for, at most so many. `attacks`: with several, a peer runs each on all images, as it has no way to do otherwise.
 */
export const comparisons = [
  ...strength('robust'),
  {
    name: 'restarts',
    images: 100,
    title: 'PGD-50, 10 restarts',
    asks: 'speed',
    network: 'robust',
    rounds: 1,
    peers: gradients,
    attacks: [{ attack: 'pgd', options: { steps: 50, stepSize: tenth, restarts: 10 } }],
  },
  {
    name: 'targets',
    images: 100,
    title: 'every wrong class, 50 steps each',
    asks: 'speed',
    network: 'robust',
    rounds: 1,
    peers: gradients,
    attacks: [{ attack: 'targeted', options: { steps: 50, stepSize: tenth } }],
  },
  {
    name: 'not-robust-restarts',
    title: 'PGD-50, 20 restarts',
    asks: 'speed',
    network: 'not-robust',
    images: 100,
    rounds: 1,
    peers: gradients,
    attacks: [{ attack: 'pgd', options: { steps: 50, stepSize: tenth, restarts: 20 } }],
  },
  {
    name: 'not-robust-all',
    title: 'FGSM; PGD-50, 5 restarts; every wrong class, 20 steps each',
    asks: 'speed',
    network: 'not-robust',
    rounds: 1,
    peers: gradients,
    attacks: [
      { attack: 'fgsm', options: {} },
      { attack: 'pgd', options: { steps: 50, stepSize: tenth, restarts: 5 } },
      { attack: 'targeted', options: { steps: 20, stepSize: tenth } },
    ],
  },
  {
    name: 'suite',
    title: 'standardSuite, and AutoAttack',
    asks: 'suite',
    network: 'robust',
    images: 100,
    rounds: 1,
    peers: ['autoattack'],
    attacks: [{ attack: 'suite', options: { steps: 100 } }],
  },
  {
    name: 'suite-10',
    title: 'standardSuite of 10 steps, and torchattacks’ AutoAttack',
    asks: 'suite',
    network: 'robust',
    images: 100,
    rounds: 1,
    peers: ['torchattacks'],
    attacks: [{ attack: 'suite', options: { steps: 10 } }],
  },
  activeSet('active-set', 'robust'),
  activeSet('not-robust-active-set', 'not-robust'),
];

function strength(network) {
  const one = (name, title, peers, options, rounds = 2) => ({
    name,
    title,
    asks: 'strength',
    network,
    rounds,
    peers,
    attacks: [{ attack: name.replace(/-\d+$/, ''), options }],
  });
  return [
    one('fgsm', 'FGSM', gradients, {}),
    one('pgd-50', 'PGD-50', gradients, { steps: 50, stepSize: tenth }),
    one(
      'targeted-20',
      'every wrong class, 20 steps each',
      gradients,
      { steps: 20, stepSize: tenth },
      1,
    ),
    one('apgd-ce-50', 'APGD-CE, 50 steps', automatic, { steps: 50 }),
    one('apgd-dlr-50', 'APGD-DLR, 50 steps', automatic, { steps: 50 }, 1),
    one('apgd-t-20', 'APGD-T, 9 targets of 20 steps', ofAutoAttack, { steps: 20 }, 1),
    one('square-500', 'Square, 500 queries', automatic, { queries: 500 }, 1),
  ];
}

function activeSet(name, network) {
  return {
    name,
    title: 'the active set: FGSM; PGD-50, 5 restarts; every wrong class, 20 steps each',
    asks: 'active set',
    network,
    images: 100,
    rounds: 1,
    peers: [],
    activeSets: ['across-attacks', 'within-attack', 'off'],
    attacks: [
      { attack: 'fgsm', options: {} },
      { attack: 'pgd', options: { steps: 50, stepSize: tenth, restarts: 5 } },
      { attack: 'targeted', options: { steps: 20, stepSize: tenth } },
    ],
  };
}

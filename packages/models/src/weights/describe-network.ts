type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * Which network weights are of, for errors: “wrn-28-10 for 10 classes”.
 *
 * @param shapes - under this package's names and in its layout
 * @returns undefined when they are of none that has a depth
 */
export function describeNetwork(shapes: Shapes): string | undefined {
  const network = wideResNetName(shapes) ?? resNetName(shapes);
  const classes = shapes.get('logits/bias')?.[0];
  return network && (classes === undefined ? network : `${network} for ${classes} classes`);
}

function wideResNetName(shapes: Shapes): string | undefined {
  const blocks = countBlocks(shapes, /^group-1\/block-\d+\/conv-1\/filter$/);
  const channels = shapes.get('group-1/block-1/conv-1/filter')?.[3];
  return channels ? `wrn-${6 * blocks + 4}-${channels / 16}` : undefined;
}

function resNetName(shapes: Shapes): string | undefined {
  const blocks = countBlocks(shapes, /^stage-\d+\/block-\d+\/conv-1\/filter$/);
  if (blocks === 0) return undefined;
  const convolutions = shapes.has('stage-1/block-1/conv-3/filter') ? 3 : 2;
  const stem = shapes.get('stem/conv/filter')?.[0] === 3 ? " with stem: 'cifar'" : '';
  return `resnet-${convolutions * blocks + 2}${stem}`;
}

const countBlocks = (shapes: Shapes, filter: RegExp) =>
  [...shapes.keys()].filter((name) => filter.test(name)).length;

import type { Problem } from '@llr/core';
import { type Tensor, tensor4d } from '@tensorflow/tfjs-core';

/*
 * The Square attack pixel by pixel, in float64: nothing of it is shared with the attack but the random numbers and the network.
 * `[channel][row][column]` as the authors have it.
 */

type Image = number[][][];

interface Search {
  images: Image[];
  labels: number[];
  epsilon: number[];
  deltas: Image[];
  /** z_y − max z_j: the authors' loss, to be lowered. */
  losses: number[];
  /** A loss below this one ends an example's search until the next stage. */
  wanted: number[];
  /** Queries done, the first aside. */
  done: number[];
}

const clip = (value: number) => Math.min(1, Math.max(0, value));

function imagesOf(tensor: Tensor): Image[] {
  const [batch, height, width, channels] = tensor.shape as [number, number, number, number];
  const values = tensor.dataSync();
  return grid(batch, (b) =>
    grid(channels, (c) =>
      grid(height, (y) =>
        grid(width, (x) => values[((b * height + y) * width + x) * channels + c]!),
      ),
    ),
  );
}

const grid = <T>(count: number, of: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => of(at));

const mapped = (image: Image, of: (value: number, c: number, y: number, x: number) => number) =>
  image.map((plane, c) => plane.map((row, y) => row.map((value, x) => of(value, c, y, x))));

export const flat = (image: Image): number[] =>
  image[0]!.flatMap((row, y) => row.flatMap((_, x) => image.map((plane) => plane[y]![x]!)));

const squaredNorm = (image: Image) => image.flat(2).reduce((sum, value) => sum + value ** 2, 0);

/** Draws of the attack's own random numbers: value `[row, …]`. */
function draws(random: Problem['random'], name: string, shape: number[]) {
  const values = random.fork(name).uniform(shape).dataSync();
  return (...at: number[]) => values[at.reduce((index, i, axis) => index * shape[axis]! + i, 0)]!;
}

function lossesOf({ logits }: Problem, images: Image[], labels: number[]): number[] {
  const plane = images[0]![0]!;
  const shape: [number, number, number, number] = [
    images.length,
    plane.length,
    plane[0]!.length,
    images[0]!.length,
  ];
  const pixels = tensor4d(images.flatMap(flat), shape);
  const rows = logits(pixels).arraySync();
  return rows.map((row, b) => {
    const others = row.filter((_, k) => k !== labels[b]);
    return row[labels[b]!]! - Math.max(...others);
  });
}

const perturbed = (image: Image, delta: Image) =>
  mapped(image, (value, c, y, x) => clip(value + delta[c]![y]![x]!));

function searchFrom(problem: Problem, deltas: Image[]): Search {
  const images = imagesOf(problem.images);
  const labels = Array.from(problem.labels.dataSync());
  const radii = problem.threat.radius.dataSync();
  const epsilon = images.map((_, b) => radii[radii.length === 1 ? 0 : b]!);
  // As the box allows.
  const allowed = deltas.map((delta, b) =>
    mapped(delta, (d, c, y, x) => clip(images[b]![c]![y]![x]! + d) - images[b]![c]![y]![x]!),
  );
  const candidates = images.map((image, b) => perturbed(image, allowed[b]!));
  const losses = lossesOf(problem, candidates, labels);
  return {
    images,
    labels,
    epsilon,
    deltas: allowed,
    losses,
    wanted: [],
    done: losses.map(() => 0),
  };
}

/** One query of each example that still searches: `propose` gives its next perturbation. */
function query(
  problem: Problem,
  search: Search,
  budget: number,
  propose: (b: number) => Image,
): void {
  const { images, losses, deltas, wanted, done } = search;
  const searching = losses.map((loss, b) => loss >= wanted[b]! && done[b]! < budget);
  const candidates = images.map((image, b) => {
    const proposed = searching[b] ? propose(b) : deltas[b]!;
    return mapped(image, (value, c, y, x) => clip(value + proposed[c]![y]![x]!) - value);
  });
  const perturbedImages = images.map((image, b) => perturbed(image, candidates[b]!));
  lossesOf(problem, perturbedImages, search.labels).forEach((loss, b) => {
    if (!searching[b]) return;
    done[b]! += 1;
    if (!(loss < losses[b]!)) return;
    losses[b] = loss;
    deltas[b] = candidates[b]!;
  });
}

const shareAt = (done: number, budget: number): number => {
  const it = Math.floor((done / budget) * 10000);
  if (it <= 10) return 0.8;
  if (it <= 50) return 0.8 / 2;
  if (it <= 200) return 0.8 / 4;
  if (it <= 500) return 0.8 / 8;
  if (it <= 1000) return 0.8 / 16;
  if (it <= 2000) return 0.8 / 32;
  if (it <= 4000) return 0.8 / 64;
  if (it <= 6000) return 0.8 / 128;
  if (it <= 8000) return 0.8 / 256;
  return 0.8 / 512;
};

/** Algorithm 2, from the vertical stripes. */
export function linfByHand(start: Problem, stages: readonly Problem[], budget: number): Search {
  const [batch, height, width, channels] = start.images.shape;
  const stripe = draws(start.random, 'stripes', [batch, 1, width, channels]);
  const radii = start.threat.radius.dataSync();
  const radius = (b: number) => radii[radii.length === 1 ? 0 : b]!;
  const search = searchFrom(
    start,
    grid(batch, (b) =>
      grid(channels, (c) =>
        grid(height, () => grid(width, (x) => (stripe(b, 0, x, c) < 0.5 ? -1 : 1) * radius(b))),
      ),
    ),
  );
  for (const problem of stages) {
    search.wanted = search.losses.map((loss) => Math.min(0, loss));
    const inStage = Math.ceil(budget / stages.length);
    const place = draws(problem.random, 'places', [batch, inStage, 2]);
    const colour = draws(problem.random, 'colours', [batch, inStage, channels]);
    const other = draws(problem.random, 'other colours', [batch, inStage]);
    for (let q = 0; q < inStage; q++) {
      query(problem, search, budget, (b) => {
        const share = shareAt(search.done[b]!, budget);
        const side = Math.max(1, Math.round(Math.sqrt(share * height * width)));
        const top = Math.floor(place(b, q, 0) * (height - side + 1));
        const left = Math.floor(place(b, q, 1) * (width - side + 1));
        const painted = (signs: number[]) =>
          mapped(search.deltas[b]!, (delta, c, y, x) =>
            y >= top && y < top + side && x >= left && x < left + side
              ? clip(search.images[b]![c]![y]![x]! + signs[c]! * search.epsilon[b]!) -
                search.images[b]![c]![y]![x]!
              : delta,
          );
        const drawn = grid(channels, (c) => (colour(b, q, c) < 0.5 ? -1 : 1));
        const first = painted(drawn);
        const old = search.deltas[b]!.flat(2);
        const same = first.flat(2).every((value, at) => Math.abs(value - old[at]!) < 1e-7);
        if (!same) return first;
        const others = 2 ** channels - 1;
        const change = 1 + Math.floor(other(b, q) * others);
        return painted(drawn.map((sign, c) => ((change >> c) & 1 ? -sign : sign)));
      });
    }
  }
  return search;
}

/** The authors' pseudo-Gaussian rectangles, as they write them: one square after the other. */
function rectangles(height: number, width: number): number[][] {
  const pile = grid(height, () => grid(width, () => 0));
  const half = [Math.floor(height / 2) + 1, Math.floor(width / 2) + 1] as const;
  let [top, left] = [half[0] - 1, half[1] - 1];
  for (let k = 0; k < Math.max(...half); k++, top--, left--) {
    for (let y = Math.max(top, 0); y < Math.min(top + 2 * k + 1, height); y++) {
      for (let x = Math.max(left, 0); x < Math.min(left + 2 * k + 1, width); x++) {
        pile[y]![x]! += 1 / (k + 1) ** 2;
      }
    }
  }
  return pile;
}

const normalized = (plane: number[][]) => {
  const norm = Math.sqrt(squaredNorm([plane]));
  return plane.map((row) => row.map((value) => value / norm));
};

function eta(side: number, lying: boolean): number[][] {
  const above = Math.floor(side / 2);
  const upright = normalized([
    ...normalized(rectangles(above, side)),
    ...normalized(rectangles(side - above, side)).map((row) => row.map((value) => -value)),
  ]);
  return lying ? grid(side, (y) => grid(side, (x) => upright[x]![y]!)) : upright;
}

const scaledTo = (delta: Image, epsilon: number): Image => {
  const norm = Math.sqrt(squaredNorm(delta));
  return mapped(delta, (value) => (value / norm) * epsilon);
};

/** Algorithm 3, from the grid of patterns. Heights and widths of 5 or more, whose fifths leave less than a fifth over. */
export function l2ByHand(start: Problem, stages: readonly Problem[], budget: number): Search {
  const [batch, height, width, channels] = start.images.shape;
  const tile = Math.floor(height / 5);
  const [down, across] = [Math.floor(height / tile), Math.floor(width / tile)];
  const [top0, left0] = [
    Math.floor((height - down * tile) / 2),
    Math.floor((width - across * tile) / 2),
  ];
  const sign = draws(start.random, 'signs', [batch, down, across, channels]);
  const orientation = draws(start.random, 'orientations', [batch, down, across, 1]);
  const radii = start.threat.radius.dataSync();
  const initial = grid(batch, (b) => {
    const delta = grid(channels, () => grid(height, () => grid(width, () => 0)));
    for (let i = 0; i < down; i++) {
      for (let j = 0; j < across; j++) {
        const pattern = eta(tile, orientation(b, i, j, 0) >= 0.5);
        for (let c = 0; c < channels; c++) {
          pattern.forEach((row, y) => {
            row.forEach((value, x) => {
              delta[c]![top0 + i * tile + y]![left0 + j * tile + x] =
                value * (sign(b, i, j, c) < 0.5 ? -1 : 1);
            });
          });
        }
      }
    }
    return scaledTo(delta, radii[radii.length === 1 ? 0 : b]!);
  });
  const search = searchFrom(start, initial);
  for (const problem of stages) {
    search.wanted = search.losses.map((loss) => Math.min(0, loss));
    const inStage = Math.ceil(budget / stages.length);
    const place = draws(problem.random, 'places', [batch, inStage, 4]);
    const signs = draws(problem.random, 'signs', [batch, inStage, channels]);
    const orientations = draws(problem.random, 'orientations', [batch, inStage]);
    for (let q = 0; q < inStage; q++) {
      query(problem, search, budget, (b) => {
        const share = shareAt(search.done[b]!, budget);
        let side = Math.max(3, Math.round(Math.sqrt(share * height * width)));
        if (side % 2 === 0) side += 1;
        const [top, left, top2, left2] = grid(4, (k) =>
          Math.floor(place(b, q, k) * ((k % 2 === 0 ? height : width) - side + 1)),
        ) as [number, number, number, number];
        const within = (y: number, x: number, t: number, l: number) =>
          y >= t && y < t + side && x >= l && x < l + side;
        const delta = search.deltas[b]!;
        const pattern = eta(side, orientations(b, q) >= 0.5);
        const unused = Math.max(0, search.epsilon[b]! ** 2 - squaredNorm(delta)) / channels;
        const next = delta.map((plane, c) => {
          const window = grid(side, (y) => grid(side, (x) => plane[top + y]![left + x]!));
          const norm = Math.sqrt(squaredNorm([window]));
          const ofBoth = plane.flatMap((row, y) =>
            row.filter((_, x) => within(y, x, top, left) || within(y, x, top2, left2)),
          );
          const budgetOf = unused + ofBoth.reduce((sum, value) => sum + value ** 2, 0);
          const rho = signs(b, q, c) < 0.5 ? -1 : 1;
          const updated = normalized(
            window.map((row, y) =>
              row.map((value, x) => rho * pattern[y]![x]! + value / (1e-12 + norm)),
            ),
          );
          return plane.map((row, y) =>
            row.map((value, x) => {
              if (within(y, x, top, left)) {
                return updated[y - top]![x - left]! * Math.sqrt(budgetOf);
              }
              return within(y, x, top2, left2) ? 0 : value;
            }),
          );
        });
        return scaledTo(next, search.epsilon[b]!);
      });
    }
  }
  return search;
}

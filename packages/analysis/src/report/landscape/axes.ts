import { type Camera, type Point, project, turned } from './camera.ts';

/** A line of text along an edge of the floor, or a number beside an axis. */
export interface Label {
  text: string;
  at: Point;
  /** Radians, clockwise. */
  angle: number;
  align: 'middle' | 'end';
}

/** What stands around a landscape: lines and texts, in the frame. */
export interface Axes {
  floor: Point[];
  /** The upright axis and the two edges of the floor that are nearest. */
  lines: Point[][];
  labels: Label[];
}

/** @param ticks - heights from 0 to 1, and what is written at them */
export function axes(camera: Camera, ticks: readonly { z: number; text: string }[]): Axes {
  const corner = ([u, v]: Corner, z = 0) => project(camera, u, v, z);
  const near = nearest(camera);
  // The neighbours of the nearest corner, along either direction.
  const ends = [
    { from: [1 - near[0], near[1]] as Corner, text: 'adversarial direction (ε)' },
    { from: [near[0], 1 - near[1]] as Corner, text: 'random direction (ε)' },
  ];
  const left = ends.map(({ from }) => from).sort((a, b) => corner(a)[0] - corner(b)[0])[0]!;
  const upright = ticks.map(({ z, text }): Label => {
    const [x, y] = corner(left, z);
    return { text, at: [x - 7, y], angle: 0, align: 'end' };
  });
  return {
    floor: corners.map((one) => corner(one)),
    lines: [
      [corner(left, 1), corner(left)],
      ...ends.map(({ from }) => [corner(from), corner(near)]),
      ...ticks.map(({ z }) => {
        const [x, y] = corner(left, z);
        return [
          [x, y],
          [x - 4, y],
        ] as Point[];
      }),
    ],
    labels: [
      ...upright,
      ...ends.map(({ from, text }) => alongEdge(corner(from), corner(near), text)),
    ],
  };
}

type Corner = readonly [u: number, v: number];
const corners: Corner[] = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
];

/** The corner of the floor that is nearest to whoever looks. */
function nearest({ azimuth }: Camera): Corner {
  const depth = ([u, v]: Corner) => turned(azimuth, u - 0.5, v - 0.5)[1];
  return corners.reduce((best, one) => (depth(one) > depth(best) ? one : best));
}

/** Below the middle of an edge, and never upside down. */
function alongEdge(a: Point, b: Point, text: string): Label {
  const [[x1, y1], [x2, y2]] = a[0] <= b[0] ? [a, b] : [b, a];
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const away = 15;
  const at: Point = [
    (x1 + x2) / 2 - away * Math.sin(angle),
    (y1 + y2) / 2 + away * Math.cos(angle),
  ];
  return { text, at, angle, align: 'middle' };
}

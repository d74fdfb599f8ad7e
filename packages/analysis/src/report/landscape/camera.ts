/** Where a landscape is looked at from: angles in radians. */
export interface Camera {
  /** About the upright axis. */
  azimuth: number;
  /** Above the floor: 0 is level with it, π/2 straight from above. */
  elevation: number;
  /** 1 shows all of it. */
  zoom: number;
}

/** The view of the pages that stand still, and of the others at first. */
export const startingCamera: Camera = { azimuth: Math.PI / 4, elevation: 0.459, zoom: 1 };

/** The size of the drawing that `project` draws into. */
export const frame = { width: 360, height: 286 };
const centre = { x: 190, y: 196 };
const [side, rise] = [198, 125];

export type Point = readonly [x: number, y: number];

/**
 * Orthographic projection into the frame.
 *
 * @param u - 0 to 1 on the floor, along the adversarial direction
 * @param v - 0 to 1 on the floor, along the random direction
 * @param z - the height, 0 to 1
 */
export function project({ azimuth, elevation, zoom }: Camera, u: number, v: number, z: number) {
  const [across, depth] = turned(azimuth, u - 0.5, v - 0.5);
  const x = centre.x + zoom * side * across;
  // Zooming keeps the middle of the drawing, half the height up, where it is.
  const up = rise * Math.cos(elevation);
  const y = centre.y + zoom * (side * depth * Math.sin(elevation) - up * z) + ((zoom - 1) * up) / 2;
  return [x, y] as Point;
}

/** Across the picture, and towards whoever looks at it. */
export const turned = (azimuth: number, u: number, v: number): [across: number, depth: number] => [
  u * Math.cos(azimuth) - v * Math.sin(azimuth),
  u * Math.sin(azimuth) + v * Math.cos(azimuth),
];

import { dot } from '../../numbers.ts';
import { type Camera, type Point, project, startingCamera, turned } from './camera.ts';

/** A piece of the surface between four points of the grid. */
export interface Face {
  corners: Point[];
  /** Of the four heights. */
  mean: number;
  light: number;
}

/**
 * The surface in pieces, the farthest first, so that each may be painted over those before it. For a height
 * over a grid, going through rows and columns from back to front is such an order.
 *
 * @param heights - 0 to 1; rows along the random direction (v), columns along the adversarial one (u)
 */
export function faces(heights: readonly (readonly number[])[], camera: Camera): Face[] {
  const [rows, columns] = [heights.length - 1, heights[0]!.length - 1];
  const points = heights.map((row, i) =>
    row.map((height, j) => project(camera, j / columns, i / rows, height)),
  );
  const found: Face[] = [];
  for (const i of backToFront(rows, Math.cos(camera.azimuth))) {
    for (const j of backToFront(columns, Math.sin(camera.azimuth))) {
      const [a, b] = [heights[i]![j]!, heights[i]![j + 1]!];
      const [d, c] = [heights[i + 1]![j]!, heights[i + 1]![j + 1]!];
      found.push({
        corners: [points[i]![j]!, points[i]![j + 1]!, points[i + 1]![j + 1]!, points[i + 1]![j]!],
        mean: (a + b + c + d) / 4,
        light: lightOn(((b + c - a - d) / 2) * columns, ((c + d - a - b) / 2) * rows, camera),
      });
    }
  }
  return found;
}

/** 0 … n−1, or backwards where the axis points away from whoever looks. */
const backToFront = (n: number, towards: number): number[] =>
  Array.from({ length: n }, (_, i) => (towards >= 0 ? i : n - 1 - i));

/** Lambert's law with a lamp at the upper left of the picture; 1 on level ground. */
function lightOn(slopeU: number, slopeV: number, { azimuth }: Camera): number {
  const lamp = [...turned(startingCamera.azimuth - azimuth, -0.35, 0.15), 0.92];
  const normal = [-slopeU, -slopeV, 2];
  const cosine = dot(lamp, normal) / Math.sqrt(dot(normal, normal) * dot(lamp, lamp));
  return 0.72 + 0.3 * Math.max(0, cosine);
}

import { levelsAt } from '../colour-scale.ts';
import { number } from '../format.ts';
import { axes, type Label } from '../landscape/axes.ts';
import { type Camera, frame, type Point, project, startingCamera } from '../landscape/camera.ts';
import { faces } from '../landscape/faces.ts';
import { heightTicks } from '../landscape/ticks.ts';
import type { SurfaceData } from '../surface-data.ts';
import { type Gestures, listen } from './gestures.ts';
import { gridPoint, type Spot } from './spot.ts';
import { hint, tools } from './tools.ts';

/** A landscape that can be turned, in the place of one that stands still. */
interface Landscape {
  draw(camera: Camera, spot: Spot | undefined): void;
}

/**
 * Landscapes of one figure that turn together, so that what is compared is seen from one side.
 *
 * @returns what marks a point in all of them
 */
export function landscapes(
  figure: Element,
  surfaces: readonly SurfaceData[],
): (spot: Spot | undefined) => void {
  let camera = startingCamera;
  let spot: Spot | undefined;
  let waiting = false;
  const draw = () => {
    waiting = false;
    for (const one of all) one.draw(camera, spot);
  };
  const drawSoon = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  const look = (changed: Partial<Camera>) => {
    camera = within({ ...camera, ...changed });
    drawSoon();
  };
  const gestures: Gestures = {
    move: (dx, dy) =>
      look({ azimuth: camera.azimuth - dx / 110, elevation: camera.elevation + dy / 150 }),
    zoom: (factor) => look({ zoom: camera.zoom * factor }),
    reset: () => look(startingCamera),
  };
  const drawings = [...figure.querySelectorAll('.landscape')];
  const all = surfaces.map((data, i) => landscape(drawings[i]!, data, gestures, draw));
  figure.querySelector('.landscapes')!.before(
    hint(
      'Drag a landscape to turn it (on a touch screen with two fingers also up and down), pinch or Ctrl + wheel to zoom; or use the arrow keys, + and −, and 0 to go back. All turn together.',
    ),
    tools('View of the landscapes', [
      ['↺', 'Turn left', () => gestures.move(40, 0)],
      ['↻', 'Turn right', () => gestures.move(-40, 0)],
      ['↑', 'Look more from above', () => gestures.move(0, 24)],
      ['↓', 'Look more from the side', () => gestures.move(0, -24)],
      ['+', 'Zoom in on the landscapes', () => gestures.zoom(1.25)],
      ['−', 'Zoom out of the landscapes', () => gestures.zoom(0.8)],
      ['Reset', 'Reset the view of the landscapes', gestures.reset],
    ]),
  );
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawSoon);
  draw();
  return (to) => {
    spot = to;
    drawSoon();
  };
}

function within({ azimuth, elevation, zoom }: Camera): Camera {
  return {
    azimuth,
    elevation: Math.min(Math.PI / 2, Math.max(0.05, elevation)),
    zoom: Math.min(8, Math.max(0.6, zoom)),
  };
}

function landscape(
  still: Element,
  data: SurfaceData,
  gestures: Gestures,
  redraw: () => void,
): Landscape {
  const canvas = document.createElement('canvas');
  canvas.className = 'chart landscape';
  canvas.tabIndex = 0;
  // The arrow keys are the drawing's own, also under a screen reader.
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', `${still.getAttribute('aria-label')} The arrow keys turn it.`);
  canvas.style.touchAction = 'pan-y';
  still.replaceWith(canvas);
  listen(canvas, gestures);
  new ResizeObserver(redraw).observe(canvas);
  const levels = levelsAt(data.limits);
  const relative = (value: number) => (value - levels.low) / (levels.high - levels.low);
  const heights = data.values.map((row) => row.map(relative));
  return {
    draw(camera, spot) {
      const pen = prepared(canvas);
      const ink = colours();
      const { floor, lines, labels } = axes(camera, heightTicks(levels));
      fill(pen, floor, ink.soft, ink.rule);
      pen.lineWidth = 0.6;
      for (const { corners, mean, light } of faces(heights, camera)) {
        const value = levels.low + mean * (levels.high - levels.low);
        fill(pen, corners, levels.colour(value, light), levels.colour(value, 0.86 * light));
      }
      pen.lineWidth = 1;
      for (const line of lines) stroke(pen, line, ink.muted);
      for (const label of labels) write(pen, label, ink.ink);
      if (spot) mark(pen, placed(spot, data, heights, camera), ink);
      canvas.dataset.camera = [camera.azimuth, camera.elevation, camera.zoom].map(number).join(' ');
    },
  };
}

/** A cleared canvas whose units are those of the frame, as sharp as the screen. */
function prepared(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const scale = ((canvas.clientWidth || frame.width) / frame.width) * devicePixelRatio;
  const [width, height] = [Math.round(frame.width * scale), Math.round(frame.height * scale)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext('2d')!;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, frame.width, frame.height);
  pen.lineJoin = 'round';
  pen.font = '11px system-ui, sans-serif';
  pen.textBaseline = 'middle';
  return pen;
}

/** The page's colours, which follow the reader's theme. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const named = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: named('ink'),
    muted: named('muted'),
    soft: named('soft'),
    rule: named('rule'),
    ground: named('ground'),
  };
}

function trace(pen: CanvasRenderingContext2D, points: readonly Point[]): void {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
}

function fill(
  pen: CanvasRenderingContext2D,
  points: readonly Point[],
  inside: string,
  edge: string,
) {
  trace(pen, points);
  pen.closePath();
  pen.fillStyle = inside;
  pen.fill();
  pen.strokeStyle = edge;
  pen.stroke();
}

function stroke(pen: CanvasRenderingContext2D, points: readonly Point[], colour: string): void {
  trace(pen, points);
  pen.strokeStyle = colour;
  pen.stroke();
}

function write(pen: CanvasRenderingContext2D, { text, at, angle, align }: Label, colour: string) {
  pen.save();
  pen.translate(...at);
  pen.rotate(angle);
  pen.fillStyle = colour;
  pen.textAlign = align === 'end' ? 'right' : 'center';
  pen.fillText(text, 0, 0);
  pen.restore();
}

/** Where a place of the plane is on the drawn surface. */
function placed(
  spot: Spot,
  data: SurfaceData,
  heights: readonly (readonly number[])[],
  camera: Camera,
): Point {
  const { row, column } = gridPoint(data, spot);
  const [rows, columns] = [heights.length - 1, heights[0]!.length - 1];
  return project(camera, column / columns, row / rows, heights[row]![column]!);
}

function mark(pen: CanvasRenderingContext2D, at: Point, ink: ReturnType<typeof colours>) {
  pen.beginPath();
  pen.arc(at[0], at[1], 4, 0, 2 * Math.PI);
  pen.fillStyle = ink.ground;
  pen.fill();
  pen.lineWidth = 2;
  pen.strokeStyle = ink.ink;
  pen.stroke();
}

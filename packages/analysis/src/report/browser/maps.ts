import { roundStep } from '../colour-scale.ts';
import { number } from '../format.ts';
import { mapFrame } from '../map-frame.ts';
import type { SurfaceData } from '../surface-data.ts';
import { type Gestures, listen } from './gestures.ts';
import { gridPoint, type Spot } from './spot.ts';
import { hint, tools } from './tools.ts';

/** What all maps of a figure show: a part of the plane around (u, v), and a place that is read. */
interface Window extends Spot {
  zoom: number;
}

interface SurfaceMap {
  show(window: Window, spot: Spot | undefined): void;
}

const whole: Window = { u: 0, v: 0, zoom: 1 };

/**
 * Maps of one figure that are zoomed and read together.
 *
 * @param onSpot - told of the place that is read
 */
export function maps(
  figure: Element,
  surfaces: readonly SurfaceData[],
  onSpot: (spot: Spot | undefined) => void,
): void {
  let window = whole;
  let spot: Spot | undefined;
  const show = () => {
    for (const one of all) one.show(window, spot);
  };
  const look = (changed: Partial<Window>) => {
    window = within({ ...window, ...changed }, surfaces[0]!);
    show();
  };
  const read = (to: Spot | undefined) => {
    spot = to;
    onSpot(to);
    show();
  };
  const reset = () => {
    window = whole;
    read(undefined);
  };
  const gesturesOf = (data: SurfaceData, svg: SVGSVGElement): Gestures => {
    const at = (place: { x: number; y: number }) => planeAt(svg, data, window, place);
    return {
      move(dx, dy) {
        const [from, to] = [at({ x: 0, y: 0 }), at({ x: dx, y: dy })];
        look({ u: window.u + from.u - to.u, v: window.v + from.v - to.v });
      },
      zoom(factor, place) {
        const about = place ? at(place) : (spot ?? window);
        const zoom = Math.min(16, Math.max(1, window.zoom * factor));
        const keep = window.zoom / zoom;
        look({
          zoom,
          u: about.u + (window.u - about.u) * keep,
          v: about.v + (window.v - about.v) * keep,
        });
      },
      reset,
      hover: (place) => read(place && inside(at(place), data)),
      arrow(dx, dy) {
        const { row, column } = gridPoint(data, spot ?? { u: 0, v: 0 });
        const [right, up] = [Math.sign(dx), -Math.sign(dy)];
        const next = spot ? { row: row + up, column: column + right } : { row, column };
        const [u, v] = [data.adversarial[next.column], data.random[next.row]];
        if (u === undefined || v === undefined) return;
        read({ u, v });
        // What is read is never out of sight.
        const half = halfOf(data, window);
        look({
          u: Math.min(Math.max(window.u, u - half.u), u + half.u),
          v: Math.min(Math.max(window.v, v - half.v), v + half.v),
        });
      },
    };
  };
  const drawings = [...figure.querySelectorAll<SVGSVGElement>('svg.map')];
  const all = surfaces.map((data, i) =>
    surfaceMap(drawings[i]!, data, gesturesOf(data, drawings[i]!)),
  );
  const first = gesturesOf(surfaces[0]!, drawings[0]!);
  figure.querySelector('.maps')!.before(
    hint(
      'Point at a map to read the loss there, in all of them; pinch or Ctrl + wheel to zoom, drag to move. By keyboard the arrow keys choose the point, + and − zoom, and 0 goes back.',
    ),
    tools('View of the maps', [
      ['+', 'Zoom in on the maps', () => first.zoom(1.5)],
      ['−', 'Zoom out of the maps', () => first.zoom(1 / 1.5)],
      ['Reset', 'Reset the view of the maps', reset],
    ]),
  );
  show();
}

/** Half of what the window shows, along either axis. */
const halfOf = ({ adversarial, random }: SurfaceData, { zoom }: Window): Spot => ({
  u: adversarial.at(-1)! / zoom,
  v: random.at(-1)! / zoom,
});

function within(window: Window, data: SurfaceData): Window {
  const half = halfOf(data, window);
  const [u, v] = [data.adversarial.at(-1)! - half.u, data.random.at(-1)! - half.v];
  return {
    ...window,
    u: Math.min(u, Math.max(-u, window.u)),
    v: Math.min(v, Math.max(-v, window.v)),
  };
}

const inside = (spot: Spot, { adversarial, random }: SurfaceData): Spot | undefined =>
  Math.abs(spot.u) <= adversarial.at(-1)! && Math.abs(spot.v) <= random.at(-1)! ? spot : undefined;

const { left, top, width, height } = {
  ...mapFrame,
  width: mapFrame.width - mapFrame.left - mapFrame.right,
  height: mapFrame.height - mapFrame.top - mapFrame.bottom,
};

/** From CSS pixels within the map to the plane. */
function planeAt(
  svg: SVGSVGElement,
  data: SurfaceData,
  window: Window,
  place: { x: number; y: number },
): Spot {
  const scale = mapFrame.width / svg.getBoundingClientRect().width;
  const half = halfOf(data, window);
  return {
    u: window.u + half.u * ((2 * (place.x * scale - left)) / width - 1),
    v: window.v - half.v * ((2 * (place.y * scale - top)) / height - 1),
  };
}

/** What a figure's scale makes of the plane: the middle of the frame is the middle of the window. */
function frameAt(data: SurfaceData, window: Window, { u, v }: Spot): { x: number; y: number } {
  const half = halfOf(data, window);
  return {
    x: left + (width / 2) * (1 + (u - window.u) / half.u),
    y: top + (height / 2) * (1 - (v - window.v) / half.v),
  };
}

function surfaceMap(svg: SVGSVGElement, data: SurfaceData, gestures: Gestures): SurfaceMap {
  const alternative = svg.getAttribute('aria-label');
  svg.setAttribute('tabindex', '0');
  svg.setAttribute('role', 'application');
  svg.setAttribute('aria-label', `${alternative} The arrow keys read it point by point.`);
  listen(svg, gestures);
  const reading = document.createElement('output');
  reading.className = 'reading';
  svg.after(reading);
  const cross = crossIn(svg);
  const axes = [ticksOf(svg, 'x'), ticksOf(svg, 'y')] as const;
  const bands = [...svg.querySelectorAll('[data-mark="contour"] path')];
  const marks = marksOf(svg, data);
  return {
    show(window, spot) {
      svg.style.touchAction = window.zoom > 1 ? 'none' : 'pan-y';
      svg.dataset.zoom = number(window.zoom);
      const middle = frameAt(data, whole, window);
      const [x, y] = [left + width / 2, top + height / 2];
      const transform = `translate(${x},${y}) scale(${window.zoom}) translate(${-middle.x},${-middle.y})`;
      for (const band of bands) band.setAttribute('transform', transform);
      for (const mark of marks) mark(window);
      axes[0]((u) => frameAt(data, window, { u, v: window.v }).x, window.u, halfOf(data, window).u);
      axes[1]((v) => frameAt(data, window, { u: window.u, v }).y, window.v, halfOf(data, window).v);
      cross(spot && measured(spot), window);
      reading.textContent = spot ? read(spot) : '';
    },
  };

  function measured(spot: Spot): Spot {
    const { row, column } = gridPoint(data, spot);
    return { u: data.adversarial[column]!, v: data.random[row]! };
  }

  function read(spot: Spot): string {
    const { row, column } = gridPoint(data, spot);
    const { u, v } = measured(spot);
    return `${number(u)} ε adversarial, ${number(v)} ε random: loss ${number(data.values[row]![column]!)}`;
  }

  function crossIn(svg: SVGSVGElement) {
    const path = element('path', { class: 'cross' });
    svg.append(path);
    return (spot: Spot | undefined, window: Window) => {
      const { x, y } = spot ? frameAt(data, window, spot) : { x: -1, y: -1 };
      const seen = x >= left && x <= left + width && y >= top && y <= top + height;
      path.setAttribute('d', seen ? `M${left},${y}h${width}M${x},${top}v${height}` : '');
    };
  }
}

/** The points x and x + δ with their names. */
function marksOf(svg: SVGSVGElement, data: SurfaceData): ((window: Window) => void)[] {
  const dots = [...svg.querySelectorAll('[data-mark="dot"] circle')];
  const names = [...svg.querySelectorAll('[data-mark="text"] text')];
  return dots.map((dot, i) => {
    const place = { x: Number(dot.getAttribute('cx')), y: Number(dot.getAttribute('cy')) };
    const half = halfOf(data, whole);
    const spot = {
      u: half.u * ((2 * (place.x - left)) / width - 1),
      v: -half.v * ((2 * (place.y - top)) / height - 1),
    };
    return (window: Window) => {
      const { x, y } = frameAt(data, window, spot);
      const seen = x >= left && x <= left + width && y >= top && y <= top + height;
      dot.setAttribute('cx', String(x));
      dot.setAttribute('cy', String(y));
      names[i]?.setAttribute('transform', `translate(${x},${y})`);
      for (const one of [dot, names[i]])
        one?.setAttribute('visibility', seen ? 'visible' : 'hidden');
    };
  });
}

/** Redraws the ticks of an axis: round numbers within the window. */
function ticksOf(svg: SVGSVGElement, axis: 'x' | 'y') {
  const lines = svg.querySelector(`[data-mark="${axis}-axis tick"]`)!;
  const numbers = svg.querySelector(`[data-mark="${axis}-axis tick label"]`)!;
  return (at: (value: number) => number, centre: number, half: number) => {
    const shown = roundNumbers(centre - half, centre + half);
    const placed = shown.map((value) =>
      axis === 'x' ? `translate(${at(value)},${top + height})` : `translate(${left},${at(value)})`,
    );
    lines.replaceChildren(
      ...placed.map((transform) =>
        element('path', { d: axis === 'x' ? 'M0,0L0,6' : 'M0,0L-6,0', transform }),
      ),
    );
    numbers.replaceChildren(
      ...shown.map((value, i) => {
        const text = element('text', {
          y: axis === 'x' ? '0.71em' : '0.32em',
          transform: placed[i]!,
        });
        text.textContent = number(value);
        return text;
      }),
    );
  };
}

/** Four to ten of them. */
function roundNumbers(from: number, to: number): number[] {
  const step = roundStep((to - from) / 6);
  const first = Math.ceil(from / step - 1e-6);
  const last = Math.floor(to / step + 1e-6);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(6)),
  );
}

function element(name: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

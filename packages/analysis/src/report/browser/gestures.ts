/** What was done to a drawing, by mouse, touch or keyboard. Lengths are in CSS pixels from its upper left corner. */
export interface Gestures {
  /** Dragged, with one finger or several, or moved by an arrow key. */
  move(dx: number, dy: number): void;
  /** Enlarged by a factor about a point; about the middle where there is none. */
  zoom(factor: number, at?: { x: number; y: number }): void;
  reset(): void;
  /** A mouse is over it, or has left it. */
  hover?(at: { x: number; y: number } | undefined): void;
  /** The arrow keys, where they do something else than move. */
  arrow?(dx: number, dy: number): void;
}

const keyStep = 16;

/** Listens to one element. The wheel zooms where the element is in focus, or with Ctrl; else the page scrolls. */
export function listen(element: HTMLElement | SVGElement, gestures: Gestures): void {
  listenToPointers(element, gestures);
  on(
    element,
    'wheel',
    (event) => {
      if (!event.ctrlKey && document.activeElement !== element) return;
      event.preventDefault();
      gestures.zoom(
        Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)),
        within(element, event),
      );
    },
    { passive: false },
  );
  on(element, 'keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (pressed(event.key, gestures)) event.preventDefault();
  });
}

const arrows: Record<string, [number, number]> = {
  ArrowLeft: [-keyStep, 0],
  ArrowRight: [keyStep, 0],
  ArrowUp: [0, -keyStep],
  ArrowDown: [0, keyStep],
};

/** Whether the key means something. */
function pressed(key: string, gestures: Gestures): boolean {
  const arrow = arrows[key];
  if (arrow) (gestures.arrow ?? gestures.move)(...arrow);
  else if (key === '+' || key === '=') gestures.zoom(1.25);
  else if (key === '-') gestures.zoom(0.8);
  else if (key === '0') gestures.reset();
  else return false;
  return true;
}

function listenToPointers(element: HTMLElement | SVGElement, gestures: Gestures): void {
  const down = new Map<number, { x: number; y: number }>();
  on(element, 'pointerdown', (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, within(element, event));
    element.setPointerCapture(event.pointerId);
  });
  on(element, 'pointermove', (event) => {
    const at = within(element, event);
    const before = down.get(event.pointerId);
    if (!before) {
      if (event.pointerType === 'mouse') gestures.hover?.(at);
      return;
    }
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    down.set(event.pointerId, at);
    const share = 1 / down.size;
    gestures.move((at.x - before.x) * share, (at.y - before.y) * share);
    const [other] = others;
    if (other) {
      const factor = distance(at, other) / Math.max(distance(before, other), 1);
      gestures.zoom(factor, { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
    }
  });
  const up = (event: PointerEvent) => down.delete(event.pointerId);
  on(element, 'pointerup', up);
  on(element, 'pointercancel', up);
  on(element, 'pointerleave', () => gestures.hover?.(undefined));
}

function on<Type extends keyof GlobalEventHandlersEventMap>(
  element: Element,
  type: Type,
  listener: (event: GlobalEventHandlersEventMap[Type]) => void,
  options?: AddEventListenerOptions,
): void {
  element.addEventListener(type, listener as EventListener, options);
}

type Place = { x: number; y: number };
const distance = (a: Place, b: Place) => Math.hypot(a.x - b.x, a.y - b.y);

function within(element: Element, event: MouseEvent): Place {
  const box = element.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

import { type Html, html } from './html.ts';

/** A share as a bar, with its interval; the number stands beside it. */
export function bar(value: number, [low, high]: readonly [low: number, high: number]): Html {
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  return html`<svg class="bar" width="100%" height="9" aria-hidden="true"><rect class="track" y="2" width="100%" height="5" rx="2.5"/><rect class="share" y="2" width="${percent(value)}" height="5" rx="2.5"/><rect class="limits" x="${percent(low)}" y="0" width="${percent(high - low)}" height="9"/></svg>`;
}

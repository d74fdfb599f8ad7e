// What a page does once it is there. Without it the page says the same, standing still.
import type { SurfaceData } from '../surface-data.ts';
import { landscapes } from './landscapes.ts';
import { maps } from './maps.ts';
import { sortable } from './sortable.ts';

for (const figure of document.querySelectorAll<HTMLElement>('figure.loss-surface')) {
  const surfaces = JSON.parse(figure.dataset.surfaces!) as SurfaceData[];
  maps(figure, surfaces, landscapes(figure, surfaces));
}
for (const table of document.querySelectorAll<HTMLTableElement>('table.sortable')) sortable(table);

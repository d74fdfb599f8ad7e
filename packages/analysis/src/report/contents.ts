import { type Html, html } from './html.ts';

/** Links to the sections. */
export const contents = (sections: readonly { id: string; name: string }[]): Html =>
  html`<nav aria-label="Contents"><ul class="contents">${sections.map(
    ({ id, name }) => html`<li><a href="#${id}">${name}</a></li>`,
  )}</ul></nav>`;

/** The script of the pages, as one line of JavaScript: see browser/main.ts. */
export const browserScript: string;

import { createHash } from 'node:crypto';
import { browserScript } from './browser-script.generated.js';
import { Html, html } from './html.ts';
import { style } from './style.ts';

/**
 * A whole page that asks the network for nothing. Its only style sheet and its only script are allowed by their
 * hashes; whatever else would style, run, load or send is forbidden.
 *
 * @param width - wide for what is mostly tables
 */
export function page(title: string, main: Html, width: 'normal' | 'wide' = 'normal'): string {
  const policy = [
    `default-src 'none'`,
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(browserScript)}'`,
    'img-src data:',
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}"/>
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main class="${width}">
${main}
</main>
<script>${new Html(browserScript)}</script>
</body>
</html>
`.text;
}

/** As content security policies write it. */
const hashOf = (text: string): string =>
  `sha256-${createHash('sha256').update(text).digest('base64')}`;

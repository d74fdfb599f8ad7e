import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requires } from '../../../tools/requires.ts';
import { writeBoard, writeReport } from '../src/index.ts';
import { entry } from './made-up-board.ts';
import { madeUpVerdict } from './made-up-measures.ts';
import { madeUpReport } from './made-up-report.ts';

describe('the report in a browser', () => {
  let browser: Browser | undefined;
  let folder: string;
  let url: string;
  let axe: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llr-report-'));
    const file = join(folder, 'report.html');
    await writeReport(file, madeUpReport());
    url = pathToFileURL(file).href;
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  });

  const launch = async (executablePath: string) => {
    browser ??= await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return browser;
  };

  afterAll(async () => {
    await browser?.close();
    if (folder && !process.env.LLR_KEEP_SCREENSHOTS) await rm(folder, { recursive: true });
  });

  const settings = [400, 1400].flatMap((width) =>
    (['light', 'dark'] as const).map((scheme) => ({ width, scheme })),
  );
  it.for(settings)('is whole at $width pixels, $scheme', async ({ width, scheme }, { skip }) => {
    const page = await (await launch(requires('browser', skip))).newPage({
      viewport: { width, height: 900 },
      colorScheme: scheme,
    });
    const problems: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('requestfailed', (request) => problems.push(`failed: ${request.url().slice(0, 100)}`));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(url);

    for (const name of [
      'Accuracy',
      'Training',
      'Is the robustness real?',
      'The loss around an image',
      'Local linearity over the test set',
      'The bounds of the paper',
      'Attacked images',
      'Details',
    ]) {
      expect(await page.getByRole('heading', { name, exact: true }).isVisible(), name).toBe(true);
    }
    expect(await page.getByRole('rowheader', { name: 'LLR' }).first().isVisible()).toBe(true);
    expect(await page.getByRole('cell', { name: /61\.8/ }).isVisible()).toBe(true);
    for (const [role, name] of [
      ['img', /^loss by epoch/],
      ['img', /^Accuracy by steps/],
      ['application', /^Landscape.*LLR/],
      ['application', /^Map.*nominal/],
      ['img', /^Histogram/],
      ['img', /^Prop. C.2/],
    ] as const) {
      const box = (await page.getByRole(role, { name }).boundingBox())!;
      expect(box.width, String(name)).toBeGreaterThan(300);
      expect(box.x + box.width, String(name)).toBeLessThanOrEqual(width);
    }
    const images = page.locator('.panels img');
    expect(await images.count()).toBe(18);
    const decoded = await images.evaluateAll((all) =>
      all.every(
        (one) =>
          (one as HTMLImageElement).complete && (one as HTMLImageElement).naturalWidth === 28,
      ),
    );
    expect(decoded).toBe(true);

    const pageWidth = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(pageWidth).toBeLessThanOrEqual(width);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const brightness = Math.max(...ground.match(/\d+/g)!.map(Number));
    expect(brightness > 128).toBe(scheme === 'light');

    await page.screenshot({ path: join(folder, `${width}-${scheme}.png`), fullPage: true });
    expect(problems).toEqual([]);
    expect(requests.filter((request) => !request.startsWith('data:'))).toEqual([url]);
    await page.close();
  });

  const open = async (skip: (note: string) => never, options: BrowserContextOptions = {}) => {
    const browser = await launch(requires('browser', skip));
    const page = await browser.newPage({ viewport: { width: 1000, height: 900 }, ...options });
    await page.goto(url);
    return page;
  };

  const faults = async (page: Page) => {
    await page.addScriptTag({ content: axe });
    return page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } };
      const { violations } = await axe.run();
      return violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html }) => html) }));
    });
  };

  it('turns and zooms all landscapes together, by mouse, touch, keyboard and buttons', async ({
    skip,
  }) => {
    const page = await open(skip, { hasTouch: true });
    const [first, second] = await page.locator('canvas.landscape').all();
    const camera = async (of = first!) => {
      await page.evaluate(() => new Promise(requestAnimationFrame));
      const [azimuth, elevation, zoom] = (await of.getAttribute('data-camera'))!.split(' ');
      return { azimuth: azimuth!, elevation: elevation!, zoom: Number(zoom) };
    };
    const pixels = (of = second!) => of.evaluate((one) => (one as HTMLCanvasElement).toDataURL());
    const start = await camera();
    const before = await pixels();
    await first!.scrollIntoViewIfNeeded();
    const box = (await first!.boundingBox())!;
    const [x, y] = [box.x + 150, box.y + 120];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 60, y - 30, { steps: 3 });
    await page.mouse.up();
    const dragged = await camera();
    expect(dragged.azimuth).not.toBe(start.azimuth);
    expect(dragged.elevation).not.toBe(start.elevation);
    expect(await camera(second!)).toEqual(dragged);
    expect(await pixels()).not.toBe(before);

    await first!.focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('+');
    const pressed = await camera();
    expect(pressed.azimuth).not.toBe(dragged.azimuth);
    expect(pressed.zoom).toBeGreaterThan(dragged.zoom);
    await page.mouse.wheel(0, -200);
    await expect.poll(async () => (await camera()).zoom).toBeGreaterThan(pressed.zoom);
    await page.keyboard.press('0');
    expect(await camera()).toEqual(start);
    expect(await pixels()).toBe(before);

    await page.getByRole('button', { name: 'Turn left' }).click();
    const turned = await camera();
    expect(turned.azimuth).not.toBe(start.azimuth);
    await page.getByRole('button', { name: 'Reset the view of the landscapes' }).click();
    expect(await camera()).toEqual(start);

    const fingers = await page.context().newCDPSession(page);
    const touch = (type: string, ...points: [x: number, y: number][]) =>
      fingers.send('Input.dispatchTouchEvent', {
        type: type as 'touchStart',
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    await touch('touchStart', [x - 20, y], [x + 20, y]);
    await touch('touchMove', [x - 60, y], [x + 60, y]);
    await touch('touchEnd');
    expect((await camera()).zoom).toBeGreaterThan(1.5);
    await page.close();
  });

  it('reads maps point by point and zooms them, all at once', async ({ skip }) => {
    const page = await open(skip);
    const [first, second] = await page.locator('svg.map').all();
    const readings = () => page.locator('.maps output').allTextContents();
    const ticks = () => first!.locator('[data-mark="x-axis tick label"] text').allTextContents();
    await first!.focus();
    expect(await readings()).toEqual(['', '']);
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowUp']) await page.keyboard.press(key);
    // The first arrow shows the image itself; the grid's points are 1/12 ε apart.
    const at = (u: number, v: number, loss: number) =>
      `${Number(u.toPrecision(3))} ε adversarial, ${Number(v.toPrecision(3))} ε random: loss ${Number(loss.toPrecision(3))}`;
    const [u, v] = [1 / 12, 1 / 12];
    const nominal = 0.04 + 4.4 / (1 + Math.exp(-7 * (u + 0.35 * Math.cos(4 * v + 1) - 0.4)));
    const linear = 0.62 + 0.55 * u + 0.06 * v + 0.05 * u * u;
    expect(await readings()).toEqual([at(u, v, nominal), at(u, v, linear)]);

    expect(await ticks()).toContain('1');
    for (let i = 0; i < 4; i++) await page.keyboard.press('+');
    expect(Number(await second!.getAttribute('data-zoom'))).toBeCloseTo(1.25 ** 4, 1);
    expect(await ticks()).not.toContain('1');
    const box = (await second!.boundingBox())!;
    await page.mouse.move(box.x + 100, box.y + 100);
    const [hovered] = await readings();
    expect(hovered).toMatch(/^−0\.\d+ ε adversarial, 0\.\d+ ε random: loss/);
    await page.getByRole('button', { name: 'Reset the view of the maps' }).click();
    expect(await readings()).toEqual(['', '']);
    expect(await ticks()).toContain('1');
    await page.close();
  });

  it('says the same without scripts', async ({ skip }) => {
    const page = await open(skip, { javaScriptEnabled: false });
    for (const name of [/^Landscape.*LLR/, /^Map.*nominal/]) {
      expect(await page.getByRole('img', { name }).isVisible(), String(name)).toBe(true);
    }
    expect(await page.getByRole('button').count()).toBe(0);
    await page.close();
  });

  it('can all be reached by keyboard, in order', async ({ skip }) => {
    const page = await open(skip);
    const reached: string[] = [];
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      reached.push(
        await page.evaluate(() => {
          const { activeElement: one } = document;
          return one?.getAttribute('aria-label') ?? one?.textContent?.trim() ?? '';
        }),
      );
    }
    const order = [
      'Accuracy',
      'Turn left',
      'Zoom in on the maps',
      '√γ in numbers',
      'This run',
      'The networks',
      'The attacks',
    ].map((name) => reached.indexOf(name));
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    await page.close();
  });

  it.for(settings.filter((_, i) => i === 1 || i === 2))(
    'has no fault that axe finds, at $width pixels, $scheme',
    async ({ width, scheme }, { skip }) => {
      const page = await open(skip, {
        viewport: { width, height: 900 },
        colorScheme: scheme,
        // For axe only: the page's own policy lets no other script run.
        bypassCSP: true,
      });
      for (const one of await page.locator('summary').all()) await one.click();
      expect(await faults(page)).toEqual([]);
      await page.close();
    },
  );

  it('has boards that are sorted by mouse and keyboard, readable by all', async ({ skip }) => {
    const entries = [
      entry('a', 40, { parameters: 30, verdict: madeUpVerdict('clear') }),
      entry('b', 50, { warnings: [{ check: 'x', message: 'Look again.' }] }),
      entry('c', 10, { parameters: 200 }),
    ];
    const file = join(folder, 'board.html');
    await writeBoard(file, { title: 'Board', entries, leftOut: [] });
    const page = await (await launch(requires('browser', skip))).newPage({
      viewport: { width: 400, height: 800 },
      colorScheme: 'dark',
      bypassCSP: true,
    });
    await page.goto(pathToFileURL(file).href);
    const order = async () => (await page.locator('.board tbody th').allTextContents()).join('');
    const sorted = (name: string) =>
      page.getByRole('columnheader', { name }).getAttribute('aria-sort');
    expect([await order(), await sorted('Worst case')]).toEqual(['bac', 'descending']);
    await page.getByRole('button', { name: 'Parameters' }).click();
    // What has no number is last, whichever way.
    expect([await order(), await sorted('Parameters')]).toEqual(['cab', 'descending']);
    expect(await sorted('Worst case')).toBeNull();
    await page.keyboard.press('Enter');
    expect([await order(), await sorted('Parameters')]).toEqual(['acb', 'ascending']);
    await page.getByRole('button', { name: 'Rank' }).focus();
    await page.keyboard.press('Space');
    expect([await order(), await sorted('Rank')]).toEqual(['bac', 'ascending']);
    await page.getByRole('button', { name: 'Run' }).click();
    expect(await order()).toBe('abc');
    const pageWidth = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(pageWidth).toBeLessThanOrEqual(400);
    expect(await faults(page)).toEqual([]);
    await page.close();
  });
});

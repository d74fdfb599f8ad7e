import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requires } from '../../../tools/requires.ts';
import { writeReport } from '../src/index.ts';
import { madeUpReport } from './made-up-report.ts';

describe('the report in a browser', () => {
  let browser: Browser | undefined;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llr-report-'));
    const file = join(folder, 'report.html');
    await writeReport(file, madeUpReport());
    url = pathToFileURL(file).href;
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
      'The loss around one image',
      'Attacked images',
      'Details',
    ]) {
      expect(await page.getByRole('heading', { name, exact: true }).isVisible(), name).toBe(true);
    }
    expect(await page.getByRole('rowheader', { name: 'LLR' }).first().isVisible()).toBe(true);
    expect(await page.getByRole('cell', { name: /61\.8/ }).isVisible()).toBe(true);
    for (const name of [/^loss by epoch/, /^Landscape.*LLR/, /^Map.*nominal/, /^Histogram/]) {
      const box = (await page.getByRole('img', { name }).boundingBox())!;
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

    const reached = new Set<string | undefined>();
    for (let presses = 0; presses < 6; presses++) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement?.textContent?.trim()));
    }
    expect([...reached]).toEqual(
      expect.arrayContaining(['This run', 'The networks', 'The attacks']),
    );

    await page.screenshot({ path: join(folder, `${width}-${scheme}.png`), fullPage: true });
    expect(problems).toEqual([]);
    expect(requests.filter((request) => !request.startsWith('data:'))).toEqual([url]);
    await page.close();
  });
});

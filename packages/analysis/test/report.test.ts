import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { panels, type ReportInput, type ReportNetwork, report, writeReport } from '../src/index.ts';
import { madeUpBounds, madeUpVerdict } from './made-up-measures.ts';
import { madeUpReport } from './made-up-report.ts';

const textOf = (page: string) => parseHTML(page).document.body.textContent!.replace(/\s+/g, ' ');
const withNetworks = (
  change: (network: ReportNetwork, i: number) => ReportNetwork,
): ReportInput => {
  const input = madeUpReport();
  return { ...input, networks: input.networks.map(change) };
};

/** The page without its script, in which < is no tag. */
const markup = (page: string) => page.replace(/<script>.*?<\/script>/gs, '');

/** Whether every tag is closed in its turn; the style sheet has none. */
function unbalanced(page: string): string | undefined {
  const open: string[] = [];
  for (const [tag, end, name, closed] of markup(page).matchAll(
    /<(\/?)([a-zA-Z][\w-]*)(?:\s+[\w:-]+(?:="[^"<>]*")?)*\s*(\/?)>/g,
  )) {
    if (end) {
      if (open.pop() !== name) return tag;
    } else if (!closed) open.push(name!);
  }
  return open.pop();
}

describe('report', () => {
  const page = report(madeUpReport());

  it('is well-formed: every tag closed, every < a tag, no id twice', () => {
    expect(unbalanced(page)).toBeUndefined();
    const tags = markup(page).match(/<\/?[a-zA-Z]/g)!.length;
    const whole = markup(page).match(
      /<\/?[a-zA-Z][\w-]*(?:\s+[\w:-]+(?:="[^"<>]*")?)*\s*\/?>/g,
    )!.length;
    expect(whole).toBe(tags);
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of page.matchAll(/(?:url\(#|aria-labelledby=")([^)"]+)/g))
      expect(ids).toContain(id);
  });

  it('is self-contained: nothing from elsewhere, and only what its policy allows by hash', () => {
    const { document } = parseHTML(page);
    expect(document.querySelectorAll('link, iframe, object, embed, base, form').length).toBe(0);
    const policy = document.querySelector('[http-equiv]')!.getAttribute('content')!;
    expect(policy).toMatch(/^default-src 'none'; .*base-uri 'none'; form-action 'none'$/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    for (const [kind, name] of [
      ['style', 'style-src'],
      ['script', 'script-src'],
    ] as const) {
      const [text, ...others] = [...page.matchAll(new RegExp(`<${kind}>(.*?)</${kind}>`, 'gs'))];
      const hash = createHash('sha256').update(text![1]!).digest('base64');
      expect(others).toEqual([]);
      expect(policy).toContain(`${name} 'sha256-${hash}'`);
    }
    // The policy would drop these.
    expect([...document.querySelectorAll('[style], [onclick], script[src]')]).toEqual([]);
    const sources = [...document.querySelectorAll('[src]')].map((one) => one.getAttribute('src')!);
    expect(sources.length).toBe(18);
    expect(sources.every((source) => source.startsWith('data:image/png;base64,'))).toBe(true);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org\/)/);
    expect(page).not.toMatch(/@import|url\((?!#)/);
  });

  it('shows the numbers it was given, and explains them', () => {
    const text = textOf(page);
    expect(text).toContain('Two networks were tested on 1,000 images');
    expect(text).toMatch(
      /Against whichever of FGSM, PGD-20 and Multi-Targeted is the strongest on each image, LLR keeps 61\.8.% of the images right, nominal 8\.3.%; unperturbed, LLR is 4\.1.points worse \(84\.0.% against 88\.1.%\)/,
    );
    expect(text).toContain('at most ε = 0.1,');
    expect(text).toContain('58.7 to 64.8');
    expect(text).toContain('1.97 for nominal and 0.0319 for LLR');
    expect(text).toContain('LLR, λ = 4, μ = 3, 3 Adam steps');
  });

  it('marks the best of each column', () => {
    const { document } = parseHTML(page);
    const best = [...document.querySelectorAll('.summary tbody tr')].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.classList.contains('best')),
    );
    expect(best).toEqual([
      [true, false, false, false, false],
      [false, true, true, true, true],
    ]);
  });

  it('describes every picture', () => {
    const { document } = parseHTML(page);
    const pictures = [...document.querySelectorAll('[role=img]')];
    expect(pictures.length).toBe(3 + 3 + 1 + 4 + 1 + 3);
    for (const one of pictures) expect(one.getAttribute('aria-label')!.length).toBeGreaterThan(20);
    for (const one of document.querySelectorAll('img'))
      expect(one.getAttribute('alt')).toMatch(/mage \d/);
    for (const one of document.querySelectorAll('table'))
      expect(one.querySelector('caption')).not.toBeNull();
    for (const one of document.querySelectorAll('figure'))
      expect(one.querySelector('figcaption')).not.toBeNull();
  });

  it('gives the same bytes for the same input', () => {
    expect(report(madeUpReport())).toBe(page);
  });

  it('escapes whatever it is given', () => {
    const evil = `<script>alert("1 & '2'")</script>`;
    const input = withNetworks((network, i) => ({
      ...network,
      name: `${evil}${i}`,
      curves: network.curves.map((curve) => ({ ...curve, name: `${evil}${curve.name}` })),
      evaluation: {
        ...network.evaluation,
        threat: { name: evil, epsilon: 0.1 },
        attacks: network.evaluation.attacks.map((attack) => ({
          ...attack,
          name: evil + attack.name,
        })),
      },
      surfaces: [{ ...network.surfaces![0]!, loss: evil }],
      bounds: madeUpBounds(1, [3]),
      verdict: { ...madeUpVerdict('masked'), summary: evil },
      classNames: new Array<string>(10).fill(evil),
      settings: { [evil]: evil },
      panels: panels({
        inputShape: [1, 1, 1],
        classNames: [evil],
        epsilon: 0.1,
        examples: [
          {
            index: 0,
            image: [0.5],
            perturbation: [0.1],
            label: 0,
            prediction: 0,
            adversarialPrediction: 0,
          },
        ],
      }),
      details: { [evil]: evil },
    }));
    const escaped = report({
      ...input,
      title: evil,
      summary: evil,
      details: { [evil]: evil },
    });
    expect(escaped.match(/<\/?script/gi)).toEqual(['<script', '</script']);
    expect(unbalanced(escaped)).toBeUndefined();
    const { document } = parseHTML(escaped);
    expect(document.querySelector('h1')!.textContent).toBe(evil);
    expect(document.querySelector('.panels b')!.textContent).toBe(evil);
    expect(
      [...document.querySelectorAll('*')].some((one) =>
        [...one.attributes].some((a) => a.name.startsWith('on')),
      ),
    ).toBe(false);
  });

  it('leaves out what is missing', () => {
    const bare = report({
      title: 'Bare',
      networks: madeUpReport()
        .networks.slice(0, 1)
        .map(({ name, evaluation }) => ({ name, evaluation, curves: [], details: {} })),
      details: {},
    });
    const headings = [...parseHTML(bare).document.querySelectorAll('h2')].map((h) => h.textContent);
    expect(headings).toEqual(['Accuracy', 'Details']);
    expect(textOf(bare)).toMatch(
      /This network was tested .* nominal keeps 8\.3.% of the images right; unperturbed, 88\.1.%/,
    );
    expect(bare).not.toContain('class="best"');
    expect(bare).not.toContain('undefined');
    expect(unbalanced(bare)).toBeUndefined();
  });

  it("doesn't compare networks that were attacked in different ways", () => {
    const text = textOf(
      report(
        withNetworks((network, i) => ({
          ...network,
          evaluation: { ...network.evaluation, attacks: network.evaluation.attacks.slice(i) },
        })),
      ),
    );
    expect(text).toMatch(
      /of FGSM, PGD-20 and Multi-Targeted .*, nominal keeps 8\.3.% .* of PGD-20 and Multi-Targeted .*, LLR keeps 61\.8/,
    );
    expect(text).not.toContain('worse');
    expect(text).toContain('not run');
  });

  it('says how many √γ are beyond the last bar', () => {
    const gammas = [
      ...Array.from({ length: 995 }, (_, i) => (i / 995) ** 2),
      ...new Array<number>(5).fill(100 ** 2),
    ];
    const text = textOf(report(withNetworks((network) => ({ ...network, gammas }))));
    expect(text).toMatch(/larger than 1(\.\d+)?: 10 of 2,000/);
  });

  it('draws what is flat: one value, γ = 0', () => {
    const flat = withNetworks((network) => ({
      ...network,
      gammas: [0, 0],
      surfaces: network.surfaces!.map((surface) => ({
        ...surface,
        values: surface.values.map((row) => row.map(() => 2)),
      })),
    }));
    const drawn = report(flat);
    expect(drawn).not.toMatch(/NaN|Infinity/);
    expect(textOf(drawn)).toContain('0 for nominal and 0 for LLR');
  });

  it.each<[string, Partial<ReportNetwork>, RegExp]>([
    [
      'a curve that diverged',
      { curves: [{ name: 'loss', points: [{ epoch: 3, value: Number.NaN }] }] },
      /"loss" of LLR is NaN at epoch 3/,
    ],
    ['a γ below 0', { gammas: [0, -1] }, /γ number 1 of LLR is -1/],
    ['a name twice', { name: 'nominal' }, /called "nominal"/],
    [
      'a torn surface',
      { surfaces: [{ ...madeUpReport().networks[1]!.surfaces![0]!, values: [[1]] }] },
      /loss surface of LLR must have 25 rows/,
    ],
    [
      'a verdict whose curve is in percent',
      {
        verdict: {
          ...madeUpVerdict('clear'),
          curves: {
            steps: [
              { at: 5, accuracy: { correct: 84, total: 100, value: 84, interval: [80, 88] } },
            ],
            restarts: [],
            epsilon: [],
          },
        },
      },
      /"steps 5" of LLR is 84/,
    ],
    [
      'an accuracy in percent',
      {
        evaluation: {
          ...madeUpReport().networks[1]!.evaluation,
          clean: { correct: 84, total: 100, value: 84, interval: [80, 88] },
        },
      },
      /"clean" of LLR is 84/,
    ],
  ])('refuses %s', (_, wrong, message) => {
    expect(() =>
      report(withNetworks((network, i) => (i === 1 ? { ...network, ...wrong } : network))),
    ).toThrow(message);
  });

  it('says first what speaks against its numbers, and loudly which bounds are violated', () => {
    const doubtful = report(
      withNetworks((network, i) => ({
        ...network,
        bounds: madeUpBounds(1, i === 1 ? [7, 126] : []),
        verdict: madeUpVerdict(i === 1 ? 'masked' : 'clear'),
        evaluation: {
          ...network.evaluation,
          warnings: i === 0 ? [{ check: 'zero-gradients', message: '3 gradients are 0.' }] : [],
        },
      })),
    );
    const { document } = parseHTML(doubtful);
    const items = [...document.querySelectorAll('header .alarm li')].map((one) => one.textContent);
    expect(items).toEqual([
      'LLR: Attacks without gradients break images that attacks by gradients do not.',
      'Prop. 4.1 fails for LLR, though it is proven.',
      'nominal: 3 gradients are 0.',
    ]);
    const alarm = document.querySelector('section[aria-labelledby=bounds] .alarm')!;
    expect(alarm.textContent).toContain('LLR, Prop. 4.1: 2 of 600 checks fail, at 2 images');
    const rows = [...alarm.querySelectorAll('tbody tr')].map((row) =>
      [...row.querySelectorAll('th, td')].slice(0, 3).map((cell) => cell.textContent),
    );
    expect(rows).toEqual([
      ['7', 'c', 'least linear'],
      ['126', 'b', 'least linear'],
    ]);
    // Drawn as crosses, however many points are left out.
    expect(
      document.querySelectorAll('svg[aria-label^="Prop. 4.1"] [stroke="var(--bad)"] path').length,
    ).toBe(2);
    expect(textOf(doubtful)).toContain('Gradients are masked');
    expect(textOf(page)).toContain('✓ Every bound holds in all 3,600 checks');
    expect(page).not.toContain('class="alarm"');
  });

  it('draws the same images of different data apart', () => {
    const figures = (input: ReportInput) =>
      parseHTML(report(input)).document.querySelectorAll('figure.loss-surface').length;
    expect(figures(madeUpReport())).toBe(1);
    const other = withNetworks((network, i) => ({
      ...network,
      evaluation: { ...network.evaluation, data: `data ${i}, test` },
    }));
    expect(figures(other)).toBe(2);
  });

  it('has the script that its sources make', () => {
    const tool = new URL('../../../tools/bundle-report-script.mjs', import.meta.url).pathname;
    execFileSync(process.execPath, [tool, '--check']);
  });

  it('refuses no networks', () => {
    expect(() => report({ title: '', networks: [], details: {} })).toThrow(/at least one/);
  });
});

describe('writeReport', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llr-report-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('writes the page, in a folder it makes, and nothing else', async () => {
    await writeReport(join(folder, 'runs', 'report.html'), madeUpReport());
    expect(await readdir(join(folder, 'runs'))).toEqual(['report.html']);
    expect(await readFile(join(folder, 'runs', 'report.html'), 'utf8')).toBe(
      report(madeUpReport()),
    );
  });

  it('leaves the old page where the new one is refused', async () => {
    const file = join(folder, 'report.html');
    await writeFile(file, 'old');
    await expect(writeReport(file, { title: '', networks: [], details: {} })).rejects.toThrow();
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['report.html']);
  });

  it('says which file it could not write', async () => {
    await writeFile(join(folder, 'taken'), '');
    const file = join(folder, 'taken', 'report.html');
    await expect(writeReport(file, madeUpReport())).rejects.toThrow(file);
  });
});

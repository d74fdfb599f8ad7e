import type { Evaluation, ExampleResult } from '@llr/attacks';
import { accuracyOf } from '@llr/attacks';
import { presetNamed, presets, publishedTables } from '@llr/train';
import { describe, expect, it } from 'vitest';
import { output } from '../src/output.ts';
import { artefacts } from '../src/reproduce/artefacts.ts';
import { above, below, claimOf, higher } from '../src/reproduce/claims.ts';
import { attacksFor, measured, outcomes } from '../src/reproduce/columns.ts';
import { markdownOf } from '../src/reproduce/markdown.ts';
import { networksOf } from '../src/reproduce/networks.ts';
import { pairedDifference } from '../src/reproduce/paired.ts';
import { distance, larger, nearer } from '../src/reproduce/paired-mean.ts';
import { scaleFor } from '../src/reproduce/scale.ts';

const of = (rights: number, alone: readonly [number, number], wrongs: number) => ({
  first: [
    ...Array(rights).fill(true),
    ...Array(alone[0]).fill(true),
    ...Array(alone[1] + wrongs).fill(false),
  ],
  second: [
    ...Array(rights).fill(true),
    ...Array(alone[0]).fill(false),
    ...Array(alone[1]).fill(true),
    ...Array(wrongs).fill(false),
  ],
});

describe('a paired difference', () => {
  it('has the interval of Agresti and Min', () => {
    // Their formulas by hand for 794 | 150, 86 | 570, the approval ratings of Agresti's textbook, n = 1600.
    const { first, second } = of(794, [150, 86], 570);
    const { value, interval } = pairedDifference(first, second);
    expect(value).toBeCloseTo(0.04, 10);
    // Agresti (2002), 10.1.1: Wald's interval for these is 0.021 to 0.059 (for 86 less 150, of opposite sign).
    expect(interval[0]).toBeCloseTo(0.021, 3);
    expect(interval[1]).toBeCloseTo(0.059, 3);
  });

  it('turns around with its networks', () => {
    const { first, second } = of(10, [7, 2], 5);
    const [there, back] = [pairedDifference(first, second), pairedDifference(second, first)];
    expect(back.value).toBeCloseTo(-there.value, 12);
    expect(back.interval[0]).toBeCloseTo(-there.interval[1], 12);
  });

  it('is never sure where networks agree on everything', () => {
    const { first } = of(10, [0, 0], 10);
    const [low, high] = pairedDifference(first, first).interval;
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
  });

  it('refuses other examples', () => {
    expect(() => pairedDifference([true], [true, false])).toThrow(/1 and 2/);
    expect(() => pairedDifference([], [])).toThrow(RangeError);
  });
});

describe('distributions', () => {
  it('are as far apart as they are shifted', () => {
    const values = [3, 1, 2, 5];
    expect(distance(values, values.toReversed())).toBe(0);
    expect(
      distance(
        values,
        values.map((value) => value + 0.5),
      ),
    ).toBeCloseTo(0.5, 12);
  });

  const spread = (name: string, shift: number) => ({
    name,
    values: Array.from({ length: 200 }, (_, i) => (i % 20) / 20 + shift),
  });

  it('are nearer or not', () => {
    const [model, near, far] = [spread('ADV-20', 0), spread('LLR-2', 0.1), spread('ADV-2', 1)];
    expect(nearer(near, far, model, 'γ').outcome).toBe('confirmed');
    expect(nearer(far, near, model, 'γ').outcome).toBe('not confirmed');
    expect(nearer(near, { ...near, name: 'twin' }, model, 'γ').outcome).toBe('undecided');
  });

  it('are larger on average by the interval of the paired differences', () => {
    // Differences 1, 2, 3: mean 2, standard deviation 1, so ± 1.96 / √3.
    const found = larger({ name: 'a', values: [2, 3, 4] }, { name: 'b', values: [1, 1, 1] }, 'g');
    expect(found.outcome).toBe('confirmed');
    expect(found.evidence).toContain('difference 2.00, 95 % interval 0.868 to 3.13');
    expect(larger({ name: 'a', values: [1, 4] }, { name: 'b', values: [0, 0] }, 'g').outcome).toBe(
      'undecided',
    );
  });
});

/** An evaluation of 100 images by its counts. */
function evaluation(right: number, robust: number): Evaluation {
  const examples: ExampleResult[] = Array.from({ length: 100 }, (_, index) => ({
    index,
    label: 0,
    prediction: index < right ? 0 : 1,
    brokenBy: index < robust ? null : index < right ? 'multi-targeted-20' : 'clean',
    brokenIn: index < right ? { 'multi-targeted-20': index < robust ? null : 'restart 0' } : {},
  }));
  return {
    classes: 10,
    clean: accuracyOf(right, 100),
    robust: accuracyOf(robust, 100),
    attacks: [{ name: 'multi-targeted-20', accuracy: accuracyOf(robust, 100) }],
    examples,
  } as unknown as Evaluation;
}

describe('claims', () => {
  const named = (name: string, right: number, robust: number) => ({
    name,
    evaluation: evaluation(right, robust),
  });
  const strong = 'Multi-Targeted';

  it('are decided by the interval', () => {
    const [low, high] = [named('ADV', 80, 20), named('LLR', 80, 60)];
    expect(higher(high, low, strong)).toMatchObject({ outcome: 'confirmed' });
    expect(higher(low, high, strong)).toMatchObject({ outcome: 'not confirmed' });
    expect(higher(high, low, 'nominal')).toMatchObject({ outcome: 'undecided' });
    expect(higher(high, low, strong).evidence).toMatch(/LLR less ADV .*: \+40\.0 points/);
    expect(above('ADV', accuracyOf(20, 100), 0.1).outcome).toBe('confirmed');
    expect(below('ADV', accuracyOf(20, 100), 0.1).outcome).toBe('not confirmed');
    expect(below('ADV', accuracyOf(0, 100), 0.1).outcome).toBe('confirmed');
    expect(below('ADV', accuracyOf(8, 100), 0.1).outcome).toBe('undecided');
  });

  it('hold where all parts do', () => {
    const part = (outcome: 'confirmed' | 'undecided' | 'not confirmed') => ({
      outcome,
      evidence: outcome,
    });
    const all = (...outcomes: Parameters<typeof part>[0][]) =>
      claimOf('a', 'b', outcomes.map(part)).outcome;
    expect(all('confirmed', 'confirmed')).toBe('confirmed');
    expect(all('confirmed', 'undecided')).toBe('undecided');
    expect(all('undecided', 'not confirmed', 'confirmed')).toBe('not confirmed');
  });

  it('count each image', () => {
    const found = evaluation(80, 20);
    expect(outcomes(found, 'nominal').filter(Boolean)).toHaveLength(80);
    expect(outcomes(found, strong).filter(Boolean)).toHaveLength(20);
    expect(measured(found, strong).correct).toBe(20);
    expect(() => measured(found, 'PGD-50')).toThrow(/not attacked for PGD-50/);
  });
});

describe('networks', () => {
  const recipe = (scale: 'mini' | 'paper', set: string[] = []) => ({ scale, seed: 0, set });
  const needs = artefacts.flatMap(({ needs: of }) => of('mini'));
  const few = { preset: 'cifar10-wrn-28-8-few-steps', variant: 'ADV-2' };
  const steps = { preset: 'cifar10-wrn-28-10-adv-steps', variant: 'ADV-2' };

  it('are shared by tables where they are made alike', () => {
    const [mini, paper] = [networksOf(needs, recipe('mini')), networksOf(needs, recipe('paper'))];
    expect(mini(few).id).toBe(mini(steps).id);
    // WRN-28-8 and WRN-28-10.
    expect(paper(few).id).not.toBe(paper(steps).id);
    // λ = 4 and μ/λ = 0.5 are the network of Table F3.
    const f3 = { preset: 'cifar10-wrn-28-8-llr', variant: 'LLR' };
    const f2 = { preset: 'cifar10-wrn-28-8-sweep', variant: 'LLR-4-0.5' };
    // Under one name, whichever table is made first: else the run would be another's to the next.
    for (const networkOf of [mini, paper]) expect(networkOf(f3)).toEqual(networkOf(f2));
  });

  it('have names of their own otherwise', () => {
    const networkOf = networksOf(needs, recipe('paper'));
    const recipes = new Map<string, string>();
    for (const { id, experiment } of needs.map(networkOf)) {
      const { name: _, evaluation: __, variants, ...rest } = experiment;
      const made = JSON.stringify([rest, Object.values(variants)]);
      expect(recipes.get(id) ?? made).toBe(made);
      recipes.set(id, made);
    }
    expect(new Set(recipes.values()).size).toBe(recipes.size);
  });

  it('take what the command line changes', () => {
    const networkOf = networksOf(needs, recipe('mini', ['train.epochs=2']));
    expect(networkOf(few).experiment.train.epochs).toBe(2);
  });
});

describe('tables of the paper', () => {
  it.each(Object.values(publishedTables))('$place has presets for all rows', ({ rows }) => {
    for (const { preset, variant } of rows) {
      expect(Object.keys(presets)).toContain(preset);
      expect(Object.keys(presetNamed(preset).experiment.variants)).toContain(variant);
    }
  });

  it('are attacked as F.1 says, and less so in miniature', () => {
    const attacks = (preset: string, scale: 'paper' | 'mini') =>
      attacksFor(
        ['nominal', 'PGD-50', 'Untargeted', 'Multi-Targeted', 'Random-Targeted success'],
        presetNamed(preset, scale).experiment,
      );
    for (const preset of ['cifar10-wrn-28-8-llr', 'imagenet-4-llr']) {
      const published = attacks(preset, 'paper');
      expect(published.map(({ name }) => name)).toEqual([
        'pgd-50',
        'untargeted-200',
        'multi-targeted-200',
        'random-targeted-200',
      ]);
      expect(published[1]!.settings).toMatchObject({ steps: 200, restarts: 20 });
      expect(attacks(preset, 'mini')[1]!.settings).toMatchObject({ steps: 20, restarts: 1 });
    }
  });
});

describe('Markdown', () => {
  it('has the paper’s numbers beside ours, and every claim', () => {
    const text = markdownOf({
      format: 1,
      artefact: 'table-f4',
      title: 'Table F4',
      scale: 'mini',
      made: {
        command: 'llr reproduce table-f4',
        engine: 'wasm 4',
        seed: 0,
        llr: '1',
        commit: undefined,
      },
      networks: [],
      images: 100,
      rows: [
        {
          label: 'ADV-1',
          network: 'x',
          cells: [
            { column: 'nominal', paper: 88.45, ours: accuracyOf(80, 100), difference: -8.45 },
          ],
        },
      ],
      claims: [
        {
          claim: 'the term |δᵀ∇ₓℓ| helps',
          source: 'F.3',
          outcome: 'undecided',
          evidence: 'numbers',
        },
      ],
      measures: [{ what: 'median √γ', values: { 'LLR-2': 0.1234 } }],
      figures: [{ file: 'a.svg', alt: 'a surface' }],
      notes: ['a note'],
    });
    expect(text).toContain('| ADV-1 | 88.45 % | 80.0 % ± 7.8 | −8.4 |');
    expect(text).toContain('the term \\|δᵀ∇ₓℓ\\| helps | F.3 | **undecided** | numbers |');
    expect(text).toContain('![a surface](a.svg)');
    expect(text).toContain('| median √γ | 0.123 |');
    expect(text).toContain('a note');
  });
});

describe('the scale', () => {
  const chosen = artefacts.filter(({ name }) => name === 'table-f4');

  it('is the paper’s where its images are there, and the miniature otherwise', async () => {
    const said: string[] = [];
    const out = { ...output(true), say: (line: string) => void said.push(line) };
    expect(await scaleFor(chosen, 'folder:nowhere', out)).toBe('mini');
    expect(said.pop()).toContain('no images of folder:nowhere');
    expect(await scaleFor(chosen, 'fashion-mnist', out)).toBe('paper');
    expect(said.pop()).toContain('--scale paper');
  });
});

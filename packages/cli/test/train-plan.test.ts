import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainingPlan } from '@llr/train';
import { afterAll, describe, expect, it } from 'vitest';
import { planTable, stagesTable } from '../src/train/plan-table.ts';
import { llrHere, stripesConfig } from './llr.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-plan-'));
afterAll(() => rmSync(root, { recursive: true }));
const out = join(root, 'runs');

describe('train --plan', () => {
  it('measures steps of each network, says what all will take, and trains nothing', async () => {
    const { code, stdout, stderr } = await llrHere([
      'train',
      stripesConfig,
      '--out',
      out,
      '--plan',
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/Measuring nominal[\s\S]*Measuring LLR/);
    // 2 epochs of 48 images in batches of 12.
    expect(stdout).toMatch(/network .* parameters .* a step .* in all .* memory/);
    expect(stdout).toMatch(/LLR +│ +[\d,]+ +│ +8 +│/);
    expect(stdout).toMatch(
      /network .* nominal pass .* search .* penalties, gradients .* optimiser/,
    );
    expect(stdout.match(/LLR +│/g)).toHaveLength(2);
    expect(stdout).toContain('steps were run');
    expect(existsSync(out)).toBe(false);
  });

  it('says seconds, minutes, hours and days as people do', () => {
    const plan = (seconds: number) =>
      ({
        variant: 'LLR',
        parameters: 36_500_000,
        steps: 1000,
        measured: { step: 0.083, data: 0.0017 },
        predicted: { validation: 42.42, seconds, peakBytes: 1.5 * 2 ** 30 },
      }) as TrainingPlan;
    const shown = planTable([750, 11_100, 187_200].map(plan));
    for (const part of ['36,500,000', '83 ms', ' 2 %', '42.4 s', '1.5 GiB']) {
      expect(shown).toContain(part);
    }
    for (const part of ['13 min', '3 h 05 min', '2 d 4 h']) expect(shown).toContain(part);
  });

  it('says where the time of a step goes, where that was measured', () => {
    const stages = { step: 1.5, nominal: 0.2, search: 0.75, gradients: 0.545, optimizer: 0.0051 };
    const plan = { variant: 'LLR', measured: { step: 2, data: 0.033, stages } } as TrainingPlan;
    const shown = stagesTable([plan]).split('\n').at(-2);
    expect(shown?.split('│').map((cell) => cell.trim())).toEqual([
      '',
      'LLR',
      '1.50 s',
      '33 ms',
      '200 ms',
      '750 ms',
      '545 ms',
      '5.1 ms',
      '',
    ]);
    expect(stagesTable([{ ...plan, measured: { step: 2, data: 0 } } as TrainingPlan])).toBe('');
  });
});

import { describe, expect, it } from 'vitest';
import { callEach } from '../src/callbacks.ts';

describe('callbacks', () => {
  it('are called one after the other, each awaited', async () => {
    const told: string[] = [];
    const slow = {
      onMetrics: async () => {
        await new Promise((done) => setTimeout(done, 5));
        told.push('slow');
      },
    };
    const quick = { onMetrics: () => void told.push('quick') };
    await callEach([slow, {}, quick]).onMetrics({ step: 1, epoch: 1 });
    expect(told).toEqual(['slow', 'quick']);
  });

  it('all end, though one of them fails', async () => {
    const told: string[] = [];
    const failing = {
      onEnd: () => {
        throw new Error('no end');
      },
    };
    const ended = callEach([failing, { onEnd: () => void told.push('end') }]).onEnd();
    await expect(ended).rejects.toThrow('no end');
    expect(told).toEqual(['end']);
  });

  it('keep their own this', async () => {
    const counter = {
      count: 0,
      onStep() {
        this.count += 1;
      },
    };
    await callEach([counter]).onStep({} as never);
    expect(counter.count).toBe(1);
  });
});

import { openData } from '@llr/datasets';
import { describe, expect, it, vi } from 'vitest';

describe('openData', () => {
  it('opens Fashion-MNIST by its name', async () => {
    const data = openData('fashion-mnist');
    expect(data.name).toBe('fashion-mnist');
    expect(await data.open('test')).toMatchObject({ name: 'fashion-mnist', split: 'test' });
  });

  it('looks for the files of CIFAR-10 only when a split is opened', async () => {
    const data = openData('cifar10:/no/such:folder');
    expect(data.name).toBe('cifar10');
    await expect(data.open('train')).rejects.toThrow(/^There is no folder or file .*such:folder/);
  });

  it('takes a name alone for what was downloaded', async () => {
    vi.stubEnv('LLR_CACHE', '/no/such/cache');
    for (const name of ['cifar10', 'cifar100']) {
      const data = openData(name);
      expect(data.name).toBe(name);
      await expect(data.open('test')).rejects.toThrow(`llr data get ${name} downloads it`);
    }
    vi.unstubAllEnvs();
  });

  it.each([
    [
      'mnist',
      "Unknown data 'mnist': known are fashion-mnist, cifar10[:PATH], cifar100[:PATH], imagenet:PATH and folder:PATH.",
    ],
    [
      '',
      "Unknown data '': known are fashion-mnist, cifar10[:PATH], cifar100[:PATH], imagenet:PATH and folder:PATH.",
    ],
    [
      'constructor',
      "Unknown data 'constructor': known are fashion-mnist, cifar10[:PATH], cifar100[:PATH], imagenet:PATH and folder:PATH.",
    ],
    [
      '/data/cifar10',
      "Unknown data '/data/cifar10': known are fashion-mnist, cifar10[:PATH], cifar100[:PATH], imagenet:PATH and folder:PATH.",
    ],
    ['cifar10:', "Data 'cifar10:' should be written cifar10[:PATH]."],
    ['fashion-mnist:data', "Data 'fashion-mnist:data' should be written fashion-mnist."],
  ])('refuses %j', (spec, message) => {
    expect(() => openData(spec)).toThrow(new RangeError(message));
  });
});

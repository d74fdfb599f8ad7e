import { openData } from '@llr/datasets';
import { describe, expect, it } from 'vitest';

describe('openData', () => {
  it('opens Fashion-MNIST by its name', async () => {
    const data = openData('fashion-mnist');
    expect(data.name).toBe('fashion-mnist');
    expect(await data.open('test')).toMatchObject({ name: 'fashion-mnist', split: 'test' });
  });

  it('looks for the files of CIFAR-10 only when a split is opened', async () => {
    const data = openData('cifar10:/no/such:folder');
    expect(data.name).toBe('cifar10');
    await expect(data.open('train')).rejects.toThrow(/^There is no folder .*such:folder/);
  });

  it.each([
    ['mnist', "Unknown data 'mnist': known are fashion-mnist and cifar10:DIR."],
    ['', "Unknown data '': known are fashion-mnist and cifar10:DIR."],
    ['constructor', "Unknown data 'constructor': known are fashion-mnist and cifar10:DIR."],
    ['/data/cifar10', "Unknown data '/data/cifar10': known are fashion-mnist and cifar10:DIR."],
    ['cifar10', "Data 'cifar10' should be written cifar10:DIR."],
    ['cifar10:', "Data 'cifar10:' should be written cifar10:DIR."],
    ['fashion-mnist:data', "Data 'fashion-mnist:data' should be written fashion-mnist."],
  ])('refuses %j', (spec, message) => {
    expect(() => openData(spec)).toThrow(new RangeError(message));
  });
});

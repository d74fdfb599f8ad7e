import { publishedTables } from '@llr/train';
import { claimOf, higher, type Named as NamedNetwork } from './claims.ts';
import { tableArtefact } from './table.ts';

const source = 'F.3, Table F3';

/** The ablation: with and without the term |δᵀ∇ₓℓ|. */
export const tableF3 = tableArtefact({
  name: 'table-f3',
  title: 'the term |δᵀ∇ₓℓ|',
  table: publishedTables.f3,
  labelOf: ({ preset, variant }) =>
    `${preset.startsWith('imagenet') ? 'ImageNet' : 'CIFAR-10'}: ${variant === 'gamma' ? 'λγ alone' : 'μ|δᵀ∇ₓℓ| + λγ'}`,
  claims: (rows) => {
    const of = (preset: string, name: string): NamedNetwork => ({
      name,
      evaluation: rows.find(({ row }) => row.preset === preset)!.evaluation,
    });
    const cifar = {
      both: of('cifar10-wrn-28-8-llr', 'both terms'),
      gamma: of('cifar10-wrn-28-8-gamma', 'λγ alone'),
    };
    const imageNet = {
      both: of('imagenet-4-llr', 'both terms'),
      gamma: of('imagenet-4-gamma', 'λγ alone'),
    };
    return [
      claimOf('The term |δᵀ∇ₓℓ| makes the CIFAR-10 network more robust', source, [
        higher(cifar.both, cifar.gamma, 'Multi-Targeted'),
      ]),
      claimOf('and raises its nominal accuracy', source, [
        higher(cifar.both, cifar.gamma, 'nominal'),
      ]),
      claimOf('It makes the ImageNet network more robust', source, [
        higher(imageNet.both, imageNet.gamma, 'Untargeted'),
        higher(imageNet.gamma, imageNet.both, 'Random-Targeted success'),
      ]),
    ];
  },
  notes: ['Random-Targeted success is the attacker’s: lower is better.'],
});

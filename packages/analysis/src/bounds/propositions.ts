import type { PropositionReport } from '../bounds-report.ts';

/** What the inequalities say. */
export const propositions: readonly Pick<
  PropositionReport,
  'name' | 'source' | 'formula' | 'loss'
>[] = [
  {
    name: 'Prop. 4.1',
    source: 'Section 4; proof: B',
    formula: { left: '|ℓ(x+δ) − ℓ(x)|', right: '|δᵀ∇ₓℓ(x)| + γ(ε, x)' },
    loss: 'cross-entropy',
  },
  {
    name: 'Prop. C.1',
    source: 'Appendix C, as printed; proof: D.1',
    formula: { left: '|δᵀ∇ₓℓ(x)|', right: '2√(2ℓ(x)(γ(ε, x) + |ε(δ)|))' },
    loss: 'squared error',
  },
  {
    name: 'Prop. C.1, tight',
    source: 'as its proof gives it: D.1',
    formula: { left: '|δᵀ∇ₓℓ(x)|', right: '2√(ℓ(x)(γ(ε, x) + |ε(δ)|))' },
    loss: 'squared error',
  },
  {
    name: 'Prop. C.2',
    source: 'Appendix C; proof: D.2',
    formula: { left: '|δᵀ∇ₓℓ(x)|', right: '√(2/(yᵀp) · (γ(ε, x) + |ε(δ)|))' },
    loss: 'cross-entropy',
  },
];

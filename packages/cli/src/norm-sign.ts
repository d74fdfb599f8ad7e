import type { ThreatDescription } from '@llr/train';

/** Norms as people write them. */
export const normSign: Record<ThreatDescription['norm'], string> = { linf: 'ℓ∞', l2: 'ℓ2' };

import type { VerdictWord } from '../obfuscation/verdict.ts';

/** How verdicts are shown: never by colour alone. */
export const verdictWords: Record<VerdictWord, { sign: string; words: string; mood: string }> = {
  masked: { sign: '✗', words: 'Gradients are masked', mood: 'broken' },
  suspicious: { sign: '!', words: 'Suspicious', mood: 'doubtful' },
  clear: { sign: '✓', words: 'No sign of masked gradients', mood: 'held' },
};

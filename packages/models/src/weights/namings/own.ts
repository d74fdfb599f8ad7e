import type { Naming } from '../naming.ts';

/** The network's own names and layout: also those of a user's `TrainableClassifier`. */
export const ownNaming: Naming = {
  title: "this package's names",
  layout: 'own',
  ownName: (name) => name,
  theirName: (name) => name,
  unused: () => false,
};

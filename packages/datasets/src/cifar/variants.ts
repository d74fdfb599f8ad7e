import type { Split } from '../split.ts';

/** One of the labels that every image has. */
export interface LabelField {
  /** As users name it. */
  readonly name: 'label' | 'fine' | 'coarse';
  /** The key in a batch of the Python version. */
  readonly key: string;
  /** The column in a parquet file. */
  readonly column: string;
  /** The names of the classes, as the official files list them. */
  readonly classNames: readonly string[];
  /** Where the binary version lists them. */
  readonly namesFile: string;
}

/** What tells CIFAR-10 and CIFAR-100 apart. */
export interface Variant {
  readonly name: 'cifar10' | 'cifar100';
  /** For people. */
  readonly title: string;
  /** In the order of the label bytes of a binary record. */
  readonly fields: readonly LabelField[];
  /** The files of each split in their official order; the binary version adds `.bin`. */
  readonly files: Readonly<Record<Split, readonly string[]>>;
  /** The folders inside the official archives, by form. */
  readonly folders: { readonly binary: string; readonly python: string; readonly parquet: string };
}

/** How many images each split of both has. */
export const officialSize: Readonly<Record<Split, number>> = { train: 50_000, test: 10_000 };

export const cifar10Variant: Variant = {
  name: 'cifar10',
  title: 'CIFAR-10',
  fields: [
    {
      name: 'label',
      key: 'labels',
      column: 'label',
      classNames: words('airplane automobile bird cat deer dog frog horse ship truck'),
      namesFile: 'batches.meta.txt',
    },
  ],
  files: {
    train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}`),
    test: ['test_batch'],
  },
  folders: {
    binary: 'cifar-10-batches-bin',
    python: 'cifar-10-batches-py',
    parquet: 'plain_text',
  },
};

export const cifar100Variant: Variant = {
  name: 'cifar100',
  title: 'CIFAR-100',
  fields: [
    {
      name: 'coarse',
      key: 'coarse_labels',
      column: 'coarse_label',
      classNames: words(
        `aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
        household_furniture insects large_carnivores large_man-made_outdoor_things
        large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
        non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2`,
      ),
      namesFile: 'coarse_label_names.txt',
    },
    {
      name: 'fine',
      key: 'fine_labels',
      column: 'fine_label',
      classNames: words(
        `apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
        butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab
        crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard
        lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
        oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
        possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
        spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
        train trout tulip turtle wardrobe whale willow_tree wolf woman worm`,
      ),
      namesFile: 'fine_label_names.txt',
    },
  ],
  files: { train: ['train'], test: ['test'] },
  folders: { binary: 'cifar-100-binary', python: 'cifar-100-python', parquet: 'cifar100' },
};

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}

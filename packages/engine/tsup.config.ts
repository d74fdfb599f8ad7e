import { library } from '../../tools/tsup.base.ts';

// One build, so that both entries share one copy of the gradient registrations.
export default library({
  entry: ['src/index.ts', 'src/node.ts'],
  tsconfig: 'src/node/tsconfig.json',
});

import { library } from '../../tools/tsup.base.ts';

export default library({ entry: ['src/index.ts', 'src/bin.ts'] });

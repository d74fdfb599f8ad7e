const both = ['llr', 'pgd'];

/**
 * What is compared. `runtime` says what runs it, `kinds` which workloads it makes sense for; of a `slow` one every
 * fifth round is enough; `asked` ones run only when they are named.
 */
export const variants = [
  { name: 'ours-graph', title: 'LLR, graph', runtime: 'node' },
  { name: 'ours-eager', title: 'LLR, eager', runtime: 'node', env: { LLR_GRAPH: '0' } },
  {
    name: 'ours-graph-bf16',
    title: 'LLR, graph, search in bfloat16',
    runtime: 'node',
    precision: 'bfloat16',
    args: ['bfloat16'],
  },
  {
    name: 'ours-wasm',
    title: 'LLR, wasm',
    runtime: 'node',
    env: { LLR_ENGINE: 'wasm' },
    slow: true,
    asked: true,
  },
  { name: 'pytorch', title: 'PyTorch, as people write it', runtime: 'torch' },
  {
    name: 'pytorch-shared',
    title: 'PyTorch, shared passes',
    runtime: 'torch',
    args: ['--shared'],
    kinds: ['llr'],
  },
  {
    name: 'pytorch-compile',
    title: 'PyTorch, shared passes, search by torch.compile',
    runtime: 'torch',
    args: ['--shared', '--compiled'],
  },
  {
    name: 'pytorch-bf16',
    title: 'PyTorch, shared passes, bfloat16 autocast',
    runtime: 'torch',
    precision: 'bfloat16',
    args: ['--shared', '--bfloat16'],
  },
  {
    name: 'pytorch-bf16-compile',
    title: 'PyTorch, bfloat16 autocast, torch.compile',
    runtime: 'torch',
    precision: 'bfloat16',
    args: ['--compiled', '--bfloat16'],
    kinds: ['pgd'],
  },
  { name: 'jax', title: 'JAX, jit', runtime: 'jax' },
].map((variant) => ({
  precision: 'float32',
  args: [],
  env: {},
  kinds: both,
  slow: false,
  asked: false,
  ...variant,
}));

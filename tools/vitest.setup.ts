import { useEngine } from '@llr/engine/node';

// Every test file runs on the engine the suite was started for: wasm unless LLR_ENGINE says otherwise.
process.env.LLR_ENGINE ??= 'wasm';
await useEngine();

// A vitest reporter that writes down what tools/test.mjs ends with: how many tests passed, failed and were
// skipped, the skipped ones by name, and everything that failed without being a test.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';

export default class TestSummary {
  onInit(vitest) {
    this.root = vitest.config.root;
  }

  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const of = (state) => tests.filter((test) => test.result().state === state);
    const unfinished = of('pending');
    const file = (module) => relative(this.root, module.moduleId);
    const summary = {
      passed: of('passed').length,
      failed: of('failed').length,
      skipped: of('skipped').map((test) => ({
        name: `${file(test.module)}: ${test.fullName}`,
        reason: test.result().note ?? '',
      })),
      // A file that can't be loaded, a hook that throws, a test that never ran, a stray rejection.
      broken: [
        ...modules
          .filter((module) => suites(module).some((suite) => suite.errors().length > 0))
          .map(file),
        ...unfinished.map((test) => `${file(test.module)}: ${test.fullName}`),
        ...unhandledErrors.map((error) => error.message ?? String(error)),
      ],
    };
    const target = process.env.LLR_TEST_SUMMARY;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, JSON.stringify(summary));
  }
}

const suites = (module) => [module, ...module.children.allSuites()];

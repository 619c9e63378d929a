import { defineConfig } from 'vitest/config';

// The specs run from the sources; what they spawn (services, command line) is the build.
export default defineConfig({
  ssr: { resolve: { conditions: ['@postrider/source'] } },
  resolve: { conditions: ['@postrider/source'] },
  test: {
    include: ['libs/*/src/**/*.spec.ts', 'services/*/src/**/*.spec.ts', 'test/src/**/*.spec.ts'],
    // Two cores: more workers than that only make the end-to-end tests wait for each other.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

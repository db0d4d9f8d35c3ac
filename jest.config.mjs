/** Jest runs what tsc has compiled: native ES modules, decorators as TypeScript emits them, no second compiler. */
export default {
  rootDir: 'dist',
  testEnvironment: 'node',
  testRegex: '(\\.|-)spec\\.js$',
  transform: {},
  injectGlobals: false,
  testTimeout: 60_000,
  coverageProvider: 'v8',
  coverageDirectory: '../coverage',
  coverageReporters: ['json-summary', 'html'],
};

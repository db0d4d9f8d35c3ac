import { allMetrics, type MetricSpec } from '#runtime';
import type { GeneratedFile } from './event-docs.ts';

const head = [
  '# Metrics',
  '',
  'Generated from `libs/runtime/telemetry/metrics/metrics.constants.ts` by `npm run generate`; do not edit. Every app also has',
  'the `process_*` and `nodejs_*` metrics of its own process. Labels never hold the id of anything, and a metric has at most',
  '1,000 series: what goes beyond is counted under the label `other`. Over StatsD `streams_` is the prefix `streams.`.',
  '',
  '| metric | kind | labels | apps | meaning |',
  '|---|---|---|---|---|',
];

function row({ name, kind, labels, apps, help }: MetricSpec): string {
  return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${apps.join(', ')} | ${help} |`;
}

/** docs/METRICS.md: the names that dashboards and alarms are built on. */
export function metricFiles(): readonly GeneratedFile[] {
  return [{ path: 'docs/METRICS.md', text: `${[...head, ...allMetrics.map(row)].join('\n')}\n` }];
}

import { benchNames, barLine, loadBench, runBench, type Bar } from './harness/index.ts';

const here = new URL('./', import.meta.url);
const results = new URL('../../bench/results/', import.meta.url);

const names = await benchNames(here);
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const wanted = words.includes('all') ? names : words;
const unknown = wanted.filter((name) => !names.includes(name));
if (wanted.length === 0 || unknown.length > 0) {
  process.stderr.write(
    `${unknown.length > 0 ? `No such benchmark: ${unknown.join(', ')}. ` : ''}Usage: bench NAME… | all [--quick]; there are: ${names.join(', ')}\n`,
  );
  process.exit(2);
}

const bars: Bar[] = [];
for (const name of wanted) bars.push(...(await runBench(await loadBench(here, name), process.argv.includes('--quick'), results)));
process.stdout.write(`\n${bars.map(barLine).join('\n')}\n`);
process.exit(bars.every((bar) => bar.ok) ? 0 : 1);

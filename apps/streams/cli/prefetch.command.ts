import type { CommandContext } from './context.ts';
import { table } from './table.ts';
import { sizeText } from './traffic.commands.ts';

interface Models {
  readonly items: ReadonlyArray<{
    readonly zoneName: string;
    readonly mirroredFrom: string | null;
    readonly number: number;
    readonly cid: string | null;
    readonly sizeBytes: number;
    readonly trainedAt: string | null;
    readonly transitions: number;
    readonly precision: number;
    readonly coverage: number;
  }>;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** What edges foresee, by zone. */
export async function showPrefetch({ api, print }: CommandContext): Promise<void> {
  const models = await api.call<Models>('GET', '/api/v1/cdn/prefetch/models');
  print(models, () => {
    if (models.items.length === 0) return ['Nothing is foreseen yet: a model is made when enough was asked for by browsers, of what caches may keep.'];
    const rows = models.items.map(({ cid, coverage, mirroredFrom, number, precision, sizeBytes, trainedAt, transitions, zoneName }) => [
      mirroredFrom === null ? zoneName : `${mirroredFrom}/${zoneName}`,
      String(number),
      trainedAt ?? '',
      ...(cid === null ? ['none', '', '', ''] : [String(transitions), sizeText(sizeBytes), percent(precision), percent(coverage)]),
    ]);
    return table(['ZONE', 'MODEL', 'TRAINED', 'TRANSITIONS', 'SIZE', 'PRECISION', 'COVERAGE'], rows);
  });
}

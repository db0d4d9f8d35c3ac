import { useCallback } from 'react';
import type { Api } from '../model/api.ts';
import { formatMoment } from '../model/time.ts';
import { whatOf, type ZoneVersion } from '../model/zones.ts';
import { usePolling } from '../polling.tsx';
import { Waiting } from './problem.tsx';
import { TypedConfirm } from './typed-confirm.tsx';

interface ZoneVersionsProps {
  readonly api: Api;
  readonly path: string;
  readonly serving: number;
  onRollBack(version: number): void;
}

/** What a zone was, and back to any of it. */
export function ZoneVersions({ api, onRollBack, path, serving }: ZoneVersionsProps) {
  const polled = usePolling(
    useCallback((signal) => api.get<{ items: readonly ZoneVersion[] }>(`${path}/versions`, signal), [api, path]),
    4000,
  );
  return (
    <>
      <Waiting polled={polled} />
      {polled.value?.items.map((one) => (
        <div className="row" key={one.version} data-testid={`version-${one.version}`}>
          <span className="label">
            version {one.version} · {whatOf(one)} · {one.at === null ? '' : `${formatMoment(one.at)} · `}
            {one.by}
            {one.reason === '' ? '' : ` · ${one.reason}`}
          </span>
          {one.removed || one.version === serving ? null : <TypedConfirm word="back" label="Bring back" onConfirm={() => onRollBack(one.version)} />}
        </div>
      ))}
    </>
  );
}

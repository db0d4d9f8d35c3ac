import { useCallback } from 'react';
import { useAction } from '../action.tsx';
import type { Api } from '../model/api.ts';
import { usePolling } from '../polling.tsx';
import { Problem, Waiting } from './problem.tsx';

const path = '/api/v1/cdn/purge-policy';

const policies = {
  default: 'what each edge is set to',
  serve: 'serve what is there, marked',
  revalidate: 'ask the origin each time',
  refuse: 'answer 503',
} as const;

/** One line: what edges do with what is ours while they cannot know what was purged. */
export function PurgePolicyLine({ api }: { readonly api: Api }) {
  const polled = usePolling(
    useCallback((signal) => api.get<{ policy: keyof typeof policies }>(path, signal), [api]),
    10_000,
  );
  const { problem, act } = useAction(polled.refresh);
  return (
    <section className="panel" aria-label="In doubt">
      <header>
        <h2>In doubt</h2>
      </header>
      <Waiting polled={polled} />
      <Problem text={problem} />
      <form className="search">
        <label className="field">
          <span className="label">While an edge cannot know what was purged</span>
          <select
            aria-label="Policy in doubt"
            value={polled.value?.policy ?? 'default'}
            onChange={(event) => void act(() => api.put(path, { policy: event.target.value, reason: 'console' }, {}))}
          >
            {Object.entries(policies).map(([policy, meaning]) => (
              <option key={policy} value={policy}>
                {meaning}
              </option>
            ))}
          </select>
        </label>
      </form>
    </section>
  );
}

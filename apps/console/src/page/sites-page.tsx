import type { Api } from '../model/api.ts';
import { PurgePolicyLine } from '../view/purge-policy.tsx';
import { ZoneList } from '../view/zone-list.tsx';

/** What edges serve besides the platform's own media. */
export function SitesPage({ api }: { readonly api: Api }) {
  return (
    <main className="page">
      <ZoneList api={api} />
      <PurgePolicyLine api={api} />
    </main>
  );
}

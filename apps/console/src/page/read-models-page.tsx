import type { Api } from '../model/api.ts';
import { ParkedPanel } from '../view/parked-panel.tsx';
import { ProjectionPanel } from '../view/projection-panel.tsx';

/** What is kept of the log for readers. */
export function ReadModelsPage({ api }: { readonly api: Api }) {
  return (
    <main className="page">
      <ProjectionPanel api={api} />
      <ParkedPanel api={api} />
    </main>
  );
}

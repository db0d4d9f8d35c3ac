import type { Api } from '../model/api.ts';
import { placeOf } from '../model/sandbox.ts';
import { useRoute } from '../route.tsx';
import { SandboxList } from '../view/sandbox-list.tsx';
import { SandboxView } from '../view/sandbox-view.tsx';

/** Read models of a part of the log, beside the platform: all of them, or one from the inside. */
export function SandboxesPage({ api }: { readonly api: Api }) {
  const { name, table } = placeOf(useRoute());
  return <main className="page">{name === undefined ? <SandboxList api={api} /> : <SandboxView key={name} api={api} name={name} picked={table} />}</main>;
}

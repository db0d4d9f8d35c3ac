import { type FormEvent, useState } from 'react';
import type { Api } from '../model/api.ts';
import { judgeProof, type EventProof, type ProofVerdict } from '../model/ledger.ts';

interface Proven {
  readonly proof: EventProof;
  readonly verdict: ProofVerdict;
}

/** Asks for the proof of an event, and works it out again in the browser. */
export function ProofPanel({ api }: { readonly api: Api }) {
  const [id, setId] = useState('');
  const [proven, setProven] = useState<Proven>();
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setProblem(undefined);
    setProven(undefined);
    try {
      const proof = await api.get<EventProof>(`/api/v1/ledger/events/${encodeURIComponent(id.trim())}/proof`);
      setProven({ proof, verdict: judgeProof(proof) });
    } catch (failure) {
      setProblem(failure instanceof Error ? failure.message : String(failure));
    }
  };
  return (
    <section className="panel" aria-label="Prove an event">
      <header>
        <h2>Prove an event</h2>
      </header>
      <form className="row" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span className="label">Id of an event; the answer is verified here, in this browser</span>
          <input value={id} onChange={(event) => setId(event.target.value)} spellCheck={false} placeholder="0192…" />
        </label>
        <button type="submit" className="btn" disabled={id.trim() === ''}>
          Prove
        </button>
      </form>
      {problem === undefined ? null : (
        <p className="note error" role="alert">
          {problem}
        </p>
      )}
      {proven === undefined ? null : <Verdict {...proven} />}
    </section>
  );
}

function Verdict({ proof, verdict }: Proven) {
  const { index, treeSize, topic, partition, offset } = proof;
  return (
    <div className="proof" role="status">
      <p className={verdict.included ? 'note good' : 'note error'}>
        {verdict.included
          ? `It is on the log as it was recorded: record ${index + 1} of ${treeSize.toLocaleString('en')} of ${topic}/${partition}, at offset ${offset}.`
          : 'The proof does not hold: the root that it leads to is not the one that was signed.'}
      </p>
      <p className="label">
        {proof.proof.length} hashes lead to the root of {verdict.origin}, signed by {verdict.signers.join(', ')}. An auditor verifies the signatures without us:
        streams audit verify --offline.
      </p>
      <pre>{proof.checkpoint}</pre>
    </div>
  );
}

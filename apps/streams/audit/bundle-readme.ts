import { formatVerifierKey, type VerifierKey } from '#core/ledger';

/** What an auditor finds in a bundle, and how to verify it without us. */
export function bundleReadme(name: string, keys: readonly VerifierKey[], withRecords: boolean): string {
  return `# Audit bundle of ${name}

Each partition of the event log is a Merkle tree (RFC 6962, SHA-256) over the exact bytes of its records. The ledger signs
the root every few seconds (C2SP tlog-checkpoint, Ed25519), and the edges cosign it as witnesses (C2SP tlog-cosignature).

Keys of the ledger, oldest first. Compare them with what you were told by another way:

${keys.map((key) => `    ${formatVerifierKey(key)}`).join('\n')}

## Verify it

    node dist/apps/auditor/main.js THIS_FOLDER --key '${formatVerifierKey(keys.at(-1) as VerifierKey)}'

Add --since OLDER_FOLDER when you have an earlier bundle: what was signed then must still hold.

The program needs Node.js and no network, database or package. It checks every signature, that no tree is missing, that each checkpoint is the
beginning of the next, that the witnesses have seen no other history,${withRecords ? ' and every record that the ledger has signed to be in this bundle against the signed tree: it names the first one that was altered, dropped, inserted, moved or repeated.' : ' and the tiles. Records are not in this bundle, as the ledger has signed; "streams audit verify --offline THIS_FOLDER --log" compares those of a log.'}

## What is in it

    keys                                  the keys, in a note that all of them sign
    trees                                 the export, all trees, their sizes and roots, signed: none of them may be missing
    witness-keys                          keys of the witnesses
    <topic>/<partition>/checkpoint        the newest signed checkpoint; checkpoints/<size> the earlier ones
    <topic>/<partition>/tile/...          C2SP tlog-tiles, as any such log serves them
    <topic>/<partition>/seen/<edge>       the checkpoint that an edge has cosigned last, from the edge itself
    <topic>/<partition>/holding           which records are in this bundle: first leaf, first and last offset, or none; and keys, cosignatures and
                                          checkpoints of witnesses that it was made with; signed
    <topic>/<partition>/records/...       256 records a file: offset (uint64), length (uint32), then 0x00 and the record

A record is the text "r1" and the lengths in bytes of key, header names and values in turn, and value, each after a space;
a newline; and these texts. Its leaf hash is SHA-256 of 0x00 and these bytes. The origin of a tree is
${name}/<topic>/<partition>, and the key that signs it has that name.
`;
}

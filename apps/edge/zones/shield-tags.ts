import { fieldValue, isTagField, type Fields } from '#core/http-cache';
import { edgeProofHeader, edgeProofOf } from '#runtime';
import { MadeOfHeads, replyHead, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';

/** Tags on the way from a shield to another edge; viewers never see them. */
const carrier = 'streams-cache-tag';

/** What proves to a shield that an edge of the same platform asks, for a zone. */
export function shieldProof(secret: string, zoneId: string): readonly [string, string] {
  return [edgeProofHeader, edgeProofOf(secret, `shield ${zoneId}`)];
}

/** At the shield: a response with its tags once more, under a name that is stored and sent. */
export function withCarriedTags(fields: Fields): Fields {
  const tags = fields.filter(isTagField).flatMap(([name, value]) => (name === 'surrogate-key' ? value.split(/\s+/) : value.split(/[\s,]+/)));
  const named = tags.filter((tag) => tag !== '');
  return named.length === 0 ? fields.filter(([name]) => name !== carrier) : [...fields.filter(([name]) => name !== carrier), [carrier, named.join(' ')]];
}

/** At the edge that asked: the tags as an origin would have sent them. */
export function withTagsTaken(fields: Fields): Fields {
  const tags = fieldValue(fields, carrier);
  return tags === undefined ? fields : [...fields.filter(([name]) => name !== carrier), ['surrogate-key', tags]];
}

/** Takes carried tags off every answer but those to edges. Of hits that is once a second. */
export function carriedTagsHider(secret: string | undefined, zoneId: string): (request: EdgeRequest, reply: EdgeReply) => EdgeReply {
  const [, proof] = secret === undefined ? [] : shieldProof(secret, zoneId);
  const hidden = new MadeOfHeads((head) => {
    const fields = head.fields.filter(([name]) => name !== carrier);
    return fields.length === head.fields.length ? undefined : replyHead(head.status, fields);
  });
  return (request, reply) => {
    if (proof !== undefined && request.field(edgeProofHeader) === proof) return reply;
    const head = hidden.of(reply.head);
    return head === undefined ? reply : { head, body: reply.body };
  };
}

import { MadeOfHeads, replyHead, switched, type EdgeHandler, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';

export interface DrainingInit {
  /** Whether clients should go elsewhere now. */
  readonly isOutside: () => boolean;
}

/**
 * While it drains, an edge ends connections with the answers that are under way (RFC 9112 section 9.6): who comes again asks anew
 * where to go. The servers take the field `connection` out of answers over HTTP/2 and 3, which must not have it (RFC 9113 section 8.2.2).
 */
export function closingWhileDraining(handler: EdgeHandler, { isOutside }: DrainingInit): EdgeHandler {
  const closing = new MadeOfHeads(({ fields, status }) => replyHead(status, [...fields.filter(([name]) => name !== 'connection'), ['connection', 'close']]));
  const close = (reply: EdgeReply): EdgeReply => (reply === switched ? reply : { head: closing.of(reply.head), body: reply.body });
  return (request: EdgeRequest) => {
    const reply = handler(request);
    if (!isOutside()) return reply;
    return reply instanceof Promise ? reply.then(close) : close(reply);
  };
}

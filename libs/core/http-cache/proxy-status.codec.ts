import type { Fields } from './fields.ts';

/** Why an intermediary answers itself (RFC 9209 section 2.3). */
export type ProxyError =
  | 'dns_error'
  | 'destination_unavailable'
  | 'destination_ip_prohibited'
  | 'connection_refused'
  | 'connection_timeout'
  | 'connection_terminated'
  | 'connection_limit_reached'
  | 'tls_certificate_error'
  | 'http_request_error'
  | 'http_request_denied'
  | 'http_response_incomplete'
  | 'http_response_timeout'
  | 'http_protocol_error'
  | 'http_upgrade_failed'
  | 'proxy_internal_error'
  | 'proxy_loop_detected';

/**
 * The Proxy-Status field with this intermediary's member at the end of the list, nearest to the user (RFC 9209 section 2).
 * @param name as a Structured Fields item
 */
export function withProxyStatus(fields: Fields, name: string, error: ProxyError): Fields {
  const own = `${name}; error=${error}`;
  const before = fields.filter(([other]) => other === 'proxy-status').map(([, value]) => value);
  return [...fields.filter(([other]) => other !== 'proxy-status'), ['proxy-status', [...before, own].join(', ')]];
}

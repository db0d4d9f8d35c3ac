import { relative } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from './http/problem.filter.ts';

const immutableCaching = 'public, max-age=31536000, immutable';
/** Asked about again each time: a new build changes its content, never its name. */
const indexCaching = 'no-cache';
/** Players load media from the edge, which may be another origin; hls.js works in a blob: worker. */
const policyFor = (ancestors: string): string =>
  [
    "default-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "style-src 'self' 'unsafe-inline'",
    // hls.js gives each track of captions an empty one of its own, as a `data:` address.
    "media-src 'self' blob: data: http: https:",
    "connect-src 'self' http: https:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    `frame-ancestors ${ancestors}`,
  ].join('; ');
const contentPolicy = policyFor("'self'");
/** Every site may frame the player: it shows what its playlists show to everybody, and nobody is signed in to it. */
const embedPolicy = policyFor('*');

/** The player's page is the same for all streams: which one it plays it reads from its address. */
const embedPage = 'embed.html';
const embedPath = /^\/embed\/[^/]+\/?$/;

/** Where the console's page is. What it shows is not in its address, so it has no other. */
const pages: ReadonlySet<string> = new Set(['/', '/index.html']);

/**
 * Serves the built console: its page, and its files by name. What is not there is left to `refuse`: a mistyped address is a
 * 404, which caches may keep as such, never a page that says yes.
 */
export async function serveConsole(fastify: FastifyInstance, root: string, refuse: (request: FastifyRequest, reply: FastifyReply) => void): Promise<void> {
  // Set for files that are there alone: a missing one is a 404 that nobody may keep for a year.
  const setHeaders = (reply: FastifyReply, file: string): void => {
    const name = relative(root, file);
    const policy = name === embedPage ? embedPolicy : contentPolicy;
    reply.headers({ 'cache-control': name.startsWith('assets') ? immutableCaching : indexCaching, 'content-security-policy': policy });
  };
  await fastify.register(fastifyStatic, { root, serve: false, cacheControl: false, setHeaders });
  fastify.get('/*', (request: FastifyRequest, reply: FastifyReply) => {
    const path = pathOf(request.url);
    if (pages.has(path)) return reply.sendFile('index.html');
    if (embedPath.test(path)) return reply.sendFile(embedPage);
    return /\.[A-Za-z0-9]{1,8}$/.test(path) ? reply.sendFile(path.slice(1)) : refuse(request, reply);
  });
}

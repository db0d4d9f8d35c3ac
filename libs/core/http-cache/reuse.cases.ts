/** clause | response | seconds later | Cache-Control of the request | fresh, swr (served while it is revalidated), stale (served as accepted), validate */
export const reuseCases = `
4        | 200 cc: max-age=60                                  | 59  |                        | fresh
4        | 200 cc: max-age=60                                  | 60  |                        | validate
4.2.4    | 200 cc: max-age=60, must-revalidate                 | 60  |                        | validate
5861-3   | 200 cc: max-age=60, stale-while-revalidate=10       | 59  |                        | fresh
5861-3   | 200 cc: max-age=60, stale-while-revalidate=10       | 60  |                        | swr
5861-3   | 200 cc: max-age=60, stale-while-revalidate=10       | 69  |                        | swr
5861-3   | 200 cc: max-age=60, stale-while-revalidate=10       | 70  |                        | validate
5861-3   | 200 cc: max-age=60, stale-while-revalidate=x        | 60  |                        | validate
5861-3   | 200 cc: max-age=60, stale-while-revalidate          | 60  |                        | validate
5861-3   | 200 cc: max-age=0, stale-while-revalidate=10        | 0   |                        | swr
5861-3   | 200 cc: s-maxage=60, stale-while-revalidate=10      | 60  |                        | swr
5861-3   | 200 cc: max-age=60, stale-while-revalidate=10, must-revalidate  | 60 |             | validate
5861-3   | 200 cc: max-age=60, stale-while-revalidate=10, proxy-revalidate | 60 |             | validate
5861-3   | 200 cc: no-cache, stale-while-revalidate=10 ; etag: "a" | 1 |                      | validate
5861-3   | 200 cdn: max-age=60, stale-while-revalidate=10      | 69  |                        | swr
5861-3   | 200 expires: @60 ; cc: stale-while-revalidate=10    | 69  |                        | swr
5.2.1.1  | 200 cc: max-age=60                                  | 30  | max-age=30             | fresh
5.2.1.1  | 200 cc: max-age=60                                  | 31  | max-age=30             | validate
5.2.1.1  | 200 cc: max-age=60                                  | 30  | max-age=0              | validate
5.2.1.1  | 200 cc: max-age=60 ; age: 20                        | 15  | max-age=30             | validate
5.2.1.1  | 200 cc: max-age=60                                  | 70  | max-age=100            | validate
5.2.1.1  | 200 cc: max-age=60                                  | 30  | max-age=x              | validate
5.2.1.1  | 200 cc: max-age=60, stale-while-revalidate=10       | 65  | max-age=30             | validate
5.2.1.2  | 200 cc: max-age=60                                  | 65  | max-stale=5            | stale
5.2.1.2  | 200 cc: max-age=60                                  | 66  | max-stale=5            | validate
5.2.1.2  | 200 cc: max-age=60                                  | 6000 | max-stale             | stale
5.2.1.2  | 200 cc: max-age=60                                  | 30  | max-stale=5            | fresh
5.2.1.2  | 200 cc: max-age=60, must-revalidate                 | 61  | max-stale              | validate
5.2.1.2  | 200 cc: max-age=60, proxy-revalidate                | 61  | max-stale              | validate
5.2.1.2  | 200 cc: s-maxage=60                                 | 61  | max-stale              | validate
5.2.1.2  | 200 cc: no-cache ; etag: "a"                        | 5   | max-stale              | validate
5.2.1.2  | 200 cc: max-age=60                                  | 65  | max-stale=5, no-cache  | validate
5.2.1.2  | 200 cc: max-age=60                                  | 65  | max-stale=5, max-age=60 | validate
5.2.1.2  | 200 cc: max-age=60                                  | 65  | max-stale=5, max-age=65 | stale
5.2.1.3  | 200 cc: max-age=60                                  | 30  | min-fresh=30           | fresh
5.2.1.3  | 200 cc: max-age=60                                  | 31  | min-fresh=30           | validate
5.2.1.3  | 200 cc: max-age=60                                  | 2   | min-fresh=100          | validate
5.2.1.3  | 200 cc: max-age=60 ; age: 30                        | 2   | min-fresh=30           | validate
5.2.1.4  | 200 cc: max-age=60                                  | 2   | no-cache               | validate
5.2.1.4  | 200 cc: max-age=60                                  | 2   | No-Cache               | validate
5.2.1.4  | 200 cc: max-age=60                                  | 0   | no-cache               | fresh
5.2.1.5  | 200 cc: max-age=60                                  | 2   | no-store               | fresh
5.2.1.6  | 200 cc: max-age=60                                  | 2   | no-transform           | fresh
5.2.1.7  | 200 cc: max-age=60                                  | 2   | only-if-cached         | fresh
5.2.3    | 200 cc: max-age=60                                  | 2   | nothing-to-see-here    | fresh
`;

/** clause | response | seconds later | yes when it may stand in for an error */
export const errorCases = `
5861-4   | 200 cc: max-age=60, stale-if-error=10                   | 69 | yes
5861-4   | 200 cc: max-age=60, stale-if-error=10                   | 70 | no
5861-4   | 200 cc: max-age=60, stale-if-error=0                    | 60 | no
5861-4   | 200 cc: max-age=60, stale-if-error=x                    | 60 | no
5861-4   | 200 cc: max-age=60                                      | 89 | yes
5861-4   | 200 cc: max-age=60                                      | 90 | no
5861-4   | 200 cdn: max-age=60, stale-if-error=10                  | 69 | yes
4.2.4    | 200 cc: max-age=60, must-revalidate                     | 61 | no
4.2.4    | 200 cc: max-age=60, proxy-revalidate                    | 61 | no
4.2.4    | 200 cc: max-age=60, stale-if-error=10, must-revalidate  | 61 | no
4.2.4    | 200 cc: s-maxage=60                                     | 61 | no
4.2.4    | 200 cc: s-maxage=60, stale-if-error=10                  | 61 | yes
4.2.4    | 200 cc: no-cache, stale-if-error=10 ; etag: "a"         | 1  | no
`;

/** clause | Vary | the request that brought the response | another request | same or other */
export const varyCases = `
4.1 |                      | foo: 1                               | foo: 2                                   | same
4.1 | foo                  | foo: 1                               | foo: 1                                   | same
4.1 | foo                  | foo: 1                               | foo: 2                                   | other
4.1 | foo                  | foo: 1                               |                                          | other
4.1 | foo                  |                                      | foo: 1                                   | other
4.1 | foo                  |                                      |                                          | same
4.1 | foo                  | foo: 1 ; bar: 1                      | foo: 1 ; bar: 2                          | same
4.1 | FOO                  | foo: 1                               | foo: 1                                   | same
4.1 | foo, bar             | foo: 1 ; bar: a                      | foo: 1 ; bar: a                          | same
4.1 | foo, bar             | foo: 1 ; bar: a                      | foo: 1 ; bar: b                          | other
4.1 | bar, foo             | foo: 1 ; bar: a                      | foo: 1                                   | other
4.1 | foo, foo             | foo: 1                               | foo: 1                                   | same
4.1 | , foo ,              | foo: 1                               | foo: 2                                   | other
4.1 | foo                  | foo: 1, 2                            | foo: 1,2                                 | same
4.1 | foo                  | foo: 1,  2                           | foo: 1 , 2                               | same
4.1 | foo                  | foo: 1, 2                            | foo: 2, 1                                | other
4.1 | foo                  | foo: "1,2"                           | foo: "1, 2"                              | other
4.1 | foo                  | foo: a                               | foo: A                                   | other
4.1 | accept-language      | accept-language: en, de              | accept-language: de, en                  | same
4.1 | accept-language      | accept-language: en, de              | accept-language: eN, De                  | same
4.1 | accept-language      | accept-language: en, de              | accept-language: en,de;q=1.0             | same
4.1 | accept-language      | accept-language: en;q=0.8, de        | accept-language: de, en; q=0.8           | same
4.1 | accept-language      | accept-language: en;q=0.8, de        | accept-language: de, en;q=0.7            | other
4.1 | accept-language      | accept-language: en, de;q=0.5        | accept-language: de, en;q=0.5            | other
4.1 | accept-language      | accept-language: en                  | accept-language: en-GB                   | other
4.1 | accept-language      | accept-language: en                  |                                          | other
4.1 | accept-language      | accept-language: en, !               | accept-language: !, en                   | other
4.1 | accept-encoding      | accept-encoding: gzip, br            | accept-encoding: br;q=0.9, gzip          | same
4.1 | accept-encoding      | accept-encoding: gzip                | accept-encoding: gzip, deflate           | same
4.1 | accept-encoding      | accept-encoding: gzip                | accept-encoding: br                      | other
4.1 | accept-encoding      | accept-encoding: gzip                | accept-encoding: gzip;q=0                | other
4.1 | accept-encoding      | accept-encoding: identity            |                                          | same
4.1 | accept               | accept: text/html, image/*           | accept: text/html,image/*                | same
`;

/** clause | response (ten bytes of body) | request | what of it answers */
export const selectionCases = `
4.3.2 | 200 etag: "a"                | if-none-match: "a"                                | not-modified
4.3.2 | 200 etag: "a"                | if-none-match: W/"a"                              | not-modified
4.3.2 | 200 etag: W/"a"              | if-none-match: "a"                                | not-modified
4.3.2 | 200 etag: "a"                | if-none-match: "b", "a", "c"                      | not-modified
4.3.2 | 200 etag: "a"                | if-none-match: "b"                                | whole
4.3.2 | 200 etag: "a"                | if-none-match: a                                  | whole
4.3.2 | 200 etag: "a"                | if-none-match: *                                  | not-modified
4.3.2 | 200                          | if-none-match: "a"                                | whole
4.3.2 | 200 etag: "a" ; lm: @-10     | if-none-match: "b" ; if-modified-since: @0        | whole
4.3.2 | 200 etag: "a" ; lm: @-10     | if-none-match: "a" ; if-modified-since: @-99      | not-modified
4.3.2 | 200 lm: @-10                 | if-modified-since: @-10                           | not-modified
4.3.2 | 200 lm: @-10                 | if-modified-since: @-5                            | not-modified
4.3.2 | 200 lm: @-10                 | if-modified-since: @-11                           | whole
4.3.2 | 200 lm: @-10                 | if-modified-since: yesterday                      | whole
4.3.2 | 200                          | if-modified-since: @0                             | not-modified
4.3.2 | 200                          | if-modified-since: @-1                            | whole
4.3.2 | 404 etag: "a"                | if-none-match: "a"                                | whole
4.3.2 | 200 etag: "a"                | if-match: "b"                                     | whole
4.3.2 | 200 lm: @-10                 | if-unmodified-since: @-99                         | whole
3.3   | 200                          | range: bytes=2-4                                  | part 2-4
3.3   | 200                          | range: bytes=-3                                   | part 7-9
3.3   | 200                          | range: bytes=7-                                   | part 7-9
3.3   | 200                          | range: bytes=0-99                                 | part 0-9
3.3   | 200                          | range: bytes=-99                                  | part 0-9
3.3   | 200                          | range: bytes=10-                                  | unsatisfiable
3.3   | 200                          | range: bytes=-0                                   | unsatisfiable
3.3   | 200                          | range: bytes=4-2                                  | whole
3.3   | 200                          | range: bytes=0-1,3-4                              | whole
3.3   | 200                          | range: bytes=0-4,5-6                              | part 0-6
3.3   | 200                          | range: lines=1-2                                  | whole
3.3   | 200                          | HEAD range: bytes=2-4                             | whole
3.3   | 404                          | range: bytes=2-4                                  | whole
3.3   | 200 etag: "a"                | range: bytes=2-4 ; if-range: "a"                  | part 2-4
3.3   | 200 etag: "a"                | range: bytes=2-4 ; if-range: "b"                  | whole
3.3   | 200 etag: W/"a"              | range: bytes=2-4 ; if-range: W/"a"                | whole
3.3   | 200 lm: @-10                 | range: bytes=2-4 ; if-range: @-10                 | part 2-4
3.3   | 200 lm: @0                   | range: bytes=2-4 ; if-range: @0                   | whole
3.3   | 200 lm: @-10                 | range: bytes=2-4 ; if-range: @-9                  | whole
3.3   | 200 etag: "a"                | range: bytes=2-4 ; if-none-match: "a"             | not-modified
`;

/** clause | stored fields | fields of the 304 | a field and its value afterwards; `-` for none; `no` when nothing is confirmed */
export const freshenCases = `
3.2   | etag: "a" ; x: 1               | etag: "a" ; x: 2                          | x=2
3.2   | etag: "a" ; x: 1               | etag: "a"                                 | x=1
3.2   | etag: "a" ; x: 1               | etag: "a" ; y: 2                          | y=2
3.2   | etag: "a" ; x: 1 ; x: 2        | etag: "a" ; x: 3                          | x=3
3.2   | etag: "a" ; ct: text/a         | etag: "a" ; ct: text/b                    | content-type=text/b
3.2   | etag: "a"                      | etag: "a" ; cc: max-age=7                 | cache-control=max-age=7
3.2   | etag: "a" ; content-encoding: br | etag: "a" ; content-encoding: gzip      | content-encoding=br
3.2   | etag: "a"                      | etag: "a" ; content-length: 3             | content-length=-
3.2   | etag: "a" ; repr-digest: a     | etag: "a" ; repr-digest: b                | repr-digest=a
3.2   | etag: "a"                      | etag: "a" ; connection: x ; x: 1          | x=-
3.2   | etag: "a"                      | etag: "a" ; cc: max-age=7, no-cache="x" ; x: 1 | x=-
4.3.4 | etag: "a"                      | etag: "b"                                 | no
4.3.4 | etag: "a"                      | etag: W/"a"                               | etag=W/"a"
4.3.4 | lm: @-10                       | lm: @-10                                  | etag=-
4.3.4 | lm: @-10                       | lm: @-9                                   | no
4.3.4 | x: 1                           | etag: "b"                                 | no
4.3.4 | etag: "a"                      | x: 1                                      | x=1
4.3.4 | etag: "a"                      | etag: "a" ; cc: no-store                  | no
4.3.4 | etag: "a"                      | etag: "a" ; cc: private                   | no
4.3.4 | etag: "a"                      | etag: "a" ; set-cookie: a=b               | no
4.3.4 | etag: "a"                      | etag: "a" ; cdn: no-store                 | no
`;

/** clause | stored fields (ten bytes of body) | status and fields of the HEAD | renewed, outdated or unrelated */
export const headCases = `
4.3.5 | etag: "a"             | 200 etag: "a" ; content-length: 10 | renewed
4.3.5 | etag: "a"             | 200 etag: "a"                      | renewed
4.3.5 | lm: @-10              | 200 lm: @-10                       | renewed
4.3.5 | etag: "a" ; lm: @-10  | 200 etag: "a" ; lm: @-10           | renewed
4.3.5 | etag: "a" ; lm: @-10  | 200 etag: "a" ; lm: @-9            | outdated
4.3.5 | etag: "a"             | 200 etag: "b"                      | outdated
4.3.5 | etag: "a"             | 200 etag: W/"a"                    | outdated
4.3.5 | etag: "a"             | 200 etag: "a" ; content-length: 9  | outdated
4.3.5 | x: 1                  | 200 etag: "a"                      | outdated
4.3.5 | x: 1                  | 200 content-length: 9              | outdated
4.3.5 | x: 1                  | 200 content-length: 10             | unrelated
4.3.5 | etag: "a"             | 200 x: 1                           | unrelated
4.3.5 | etag: "a"             | 404 etag: "a"                      | unrelated
4.3.5 | etag: "a"             | 410 cc: max-age=60                 | unrelated
4.3.5 | etag: "a"             | 200 etag: "a" ; cc: no-store       | outdated
`;

/** clause | method | response on /a/b?q at edge.example | the keys that it voids */
export const invalidationCases = `
4.4 | POST     | 200                                              | /a/b?q
4.4 | PUT      | 204                                              | /a/b?q
4.4 | DELETE   | 200                                              | /a/b?q
4.4 | PATCH    | 200                                              | /a/b?q
4.4 | M-SEARCH | 200                                              | /a/b?q
4.4 | FOO      | 301                                              | /a/b?q
4.4 | GET      | 200                                              |
4.4 | HEAD     | 200                                              |
4.4 | OPTIONS  | 200                                              |
4.4 | TRACE    | 200                                              |
4.4 | POST     | 400                                              |
4.4 | POST     | 500                                              |
4.4 | POST     | 201 location: /c                                 | /a/b?q /c
4.4 | POST     | 201 location: c                                  | /a/b?q /a/c
4.4 | POST     | 201 location: ../c?z&y                           | /a/b?q /c?y&z
4.4 | POST     | 201 location: ?r                                 | /a/b?q /a/b?r
4.4 | POST     | 201 content-location: /c                         | /a/b?q /c
4.4 | POST     | 201 location: /c ; content-location: /d          | /a/b?q /c /d
4.4 | POST     | 201 location: http://edge.example/c              | /a/b?q /c
4.4 | POST     | 201 location: HTTP://EDGE.example/c#f            | /a/b?q /c
4.4 | POST     | 201 location: http://other.example/c             | /a/b?q
4.4 | POST     | 201 location: //other.example/c                  | /a/b?q
4.4 | POST     | 201 location: mailto:a@b                         | /a/b?q
4.4 | POST     | 500 location: /c                                 |
`;

/** clause | field of a response | stored or dropped */
export const fieldCases = `
3.1 | content-type: text/a                  | stored
3.1 | content-security-policy: default-src  | stored
3.1 | x-frame-options: deny                 | stored
3.1 | set-cookie2: a=b                      | stored
3.1 | content-md5: x                        | stored
3.1 | clear-site-data: "cache"              | stored
3.1 | cdn-cache-control: max-age=60         | stored
3.1 | connection: close                     | dropped
3.1 | keep-alive: 5                         | dropped
3.1 | proxy-connection: close               | dropped
3.1 | te: trailers                          | dropped
3.1 | trailer: x                            | dropped
3.1 | transfer-encoding: chunked            | dropped
3.1 | upgrade: h2c                          | dropped
3.1 | proxy-authenticate: Basic             | dropped
3.1 | proxy-authentication-info: x          | dropped
3.1 | proxy-authorization: x                | dropped
3.1 | streams-cache-control: max-age=60     | dropped
5.1 | age: 5                                | dropped
9211-2 | cache-status: a; hit               | dropped
`;

/** Fields of a request: whether they reach the origin in a fill, which everybody shares. */
export const fillCases = `
keys | accept: text/html             | goes
keys | accept-language: de           | goes
keys | user-agent: x                 | goes
keys | cookie: a=b                   | goes
keys | authorization: x              | goes
keys | origin: http://a              | goes
keys | foo: 1                        | goes
keys | x-forwarded-host: evil        | stays
keys | x-forwarded-proto: http       | stays
keys | x-forwarded-scheme: http      | stays
keys | x-forwarded-port: 1           | stays
keys | x-forwarded-for: 6.6.6.6      | stays
keys | x-forwarded-prefix: /evil     | stays
keys | forwarded: host=evil          | stays
keys | x-host: evil                  | stays
keys | x-original-url: /admin        | stays
keys | x-rewrite-url: /admin         | stays
keys | x-http-method-override: POST  | stays
keys | x-method-override: POST       | stays
keys | x-middleware-subrequest: x    | stays
keys | x-real-ip: 6.6.6.6            | stays
keys | true-client-ip: 6.6.6.6       | stays
keys | x_forwarded_host: evil        | stays
keys | range: bytes=0-1              | stays
keys | if-none-match: "a"            | stays
keys | cache-control: no-cache       | stays
keys | pragma: no-cache              | stays
keys | expect: 100-continue          | stays
keys | te: trailers                  | stays
keys | upgrade: h2c                  | stays
keys | host: evil                    | stays
`;

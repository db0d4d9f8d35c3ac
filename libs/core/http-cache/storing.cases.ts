/**
 * Cases by clause, one a line: clause | request | response | what comes of it.
 *
 * A request is `[METHOD] [/target] name: value ; name: value`, a response `status name: value ; …`. `cc` is Cache-Control,
 * `cdn` CDN-Cache-Control, `own` Streams-Cache-Control, `lm` Last-Modified, `ct` Content-Type; `@-30` is the date of 30 s
 * ago. A response has the Date of now unless it says another, or `date: none`. What comes of it is the freshness left, s,
 * the reason why it is not stored, or `shared` for what only those get who wait for it.
 */
export const storingCases = `
3        |                   | 200 cc: max-age=60                                            | 60
3        | POST              | 200 cc: max-age=60                                            | method
3        | PUT               | 200 cc: max-age=60                                            | method
3        | HEAD              | 200 cc: max-age=60                                            | method
3        | FOO               | 200 cc: max-age=60                                            | method
3        |                   | 203 cc: max-age=60                                            | 60
3        |                   | 204 cc: max-age=60                                            | 60
3        |                   | 299 cc: max-age=60                                            | 60
3        |                   | 301 cc: max-age=60                                            | 60
3        |                   | 302 cc: max-age=60                                            | 60
3        |                   | 303 cc: max-age=60                                            | 60
3        |                   | 307 cc: max-age=60                                            | 60
3        |                   | 308 cc: max-age=60                                            | 60
3        |                   | 400 cc: max-age=60                                            | 60
3        |                   | 403 cc: max-age=60                                            | 60
3        |                   | 404 cc: max-age=60                                            | 60
3        |                   | 410 cc: max-age=60                                            | 60
3        |                   | 451 cc: max-age=60                                            | 60
3        |                   | 499 cc: max-age=60                                            | 60
3        |                   | 500 cc: max-age=60                                            | 60
3        |                   | 503 cc: max-age=60                                            | 60
3        |                   | 599 cc: max-age=60                                            | 60
3        |                   | 200                                                           | no-lifetime
3        |                   | 201                                                           | no-lifetime
3        |                   | 302                                                           | no-lifetime
3        |                   | 403                                                           | no-lifetime
3        |                   | 599                                                           | no-lifetime
3        |                   | 200 etag: "a"                                                 | no-lifetime
3        |                   | 200 cc: max-age=60, no-store                                  | no-store
3        |                   | 200 cc: no-store ; expires: @60                               | no-store
3        |                   | 200 cc: max-age=60, private                                   | private
3        |                   | 304 cc: max-age=60                                            | status
3        |                   | 401 cc: max-age=60                                            | status
3        |                   | 407 cc: max-age=60                                            | status
3        |                   | 412 cc: max-age=60                                            | status
3        |                   | 413 cc: max-age=60                                            | status
3        |                   | 416 cc: max-age=60                                            | status
3        |                   | 421 cc: max-age=60                                            | status
3        |                   | 425 cc: max-age=60                                            | status
3        |                   | 428 cc: max-age=60                                            | status
3        |                   | 429 cc: max-age=60                                            | status
3        |                   | 431 cc: max-age=60                                            | status
3        |                   | 511 cc: max-age=60                                            | status
3.3      |                   | 206 cc: max-age=60                                            | partial
3.5      | authorization: a  | 200 cc: max-age=60                                            | authorization
3.5      | authorization: a  | 200 expires: @60                                              | authorization
3.5      | authorization: a  | 200 cc: max-age=60, public                                    | 60
3.5      | authorization: a  | 200 cc: s-maxage=60                                           | 60
3.5      | authorization: a  | 200 cc: s-maxage=0 ; etag: "a"                                | 0
3.5      | authorization: a  | 200 cc: max-age=60, must-revalidate                           | 60
3.5      | authorization: a  | 200 cc: max-age=60, proxy-revalidate                          | authorization
3.5      | authorization: a  | 200 cc: max-age=60, private                                   | private
3.5      | authorization: a  | 200 cdn: max-age=60                                           | authorization
3.5      | authorization: a  | 200 cdn: max-age=60, public                                   | 60
3.5      | authorization: a  | 200 cc: public ; lm: @-1000                                   | 100
4.1      |                   | 200 cc: max-age=60 ; vary: *                                  | vary
4.1      |                   | 200 cc: max-age=60 ; vary: foo, *                             | vary
4.1      |                   | 200 cc: max-age=60 ; vary: , *                                | vary
4.1      |                   | 200 cc: max-age=60 ; vary: foo                                | 60
4.2.1    |                   | 200 cc: max-age=10, s-maxage=20 ; expires: @30                | 20
4.2.1    |                   | 200 cc: s-maxage=20, max-age=10                               | 20
4.2.1    |                   | 200 cc: s-maxage=10, max-age=20                               | 10
4.2.1    |                   | 200 cc: max-age=10 ; expires: @30                             | 10
4.2.1    |                   | 200 cc: max-age=10 ; expires: 0                               | 10
4.2.1    |                   | 200 cc: max-age=0 ; expires: @30                              | no-lifetime
4.2.1    |                   | 200 expires: @30                                              | 30
4.2.1    |                   | 200 expires: @30 ; date: @10                                  | 20
4.2.1    |                   | 200 expires: @30 ; date: @-10                                 | 30
4.2.1    |                   | 200 expires: @30 ; date: none                                 | 30
4.2.1    |                   | 200 cc: max-age=20, max-age=10                                | 20
4.2.1    |                   | 200 cc: max-age=20 ; cc: max-age=10                           | 20
4.2.1    |                   | 200 cc: max-age=abc                                           | no-lifetime
4.2.1    |                   | 200 cc: max-age=-1                                            | no-lifetime
4.2.1    |                   | 200 cc: max-age=1.5                                           | no-lifetime
4.2.1    |                   | 200 cc: max-age='60'                                          | no-lifetime
4.2.1    |                   | 200 cc: max-age=60a                                           | no-lifetime
4.2.1    |                   | 200 cc: max-age = 60                                          | no-lifetime
4.2.1    |                   | 200 cc: max-age                                               | no-lifetime
4.2.1    |                   | 200 cc: max-age="60"                                          | 60
4.2.1    |                   | 200 cc: max-age=0060                                          | 60
4.2.1    |                   | 200 cc: MaX-aGe=60                                            | 60
4.2.1    |                   | 200 cc: foobar, max-age=60                                    | 60
4.2.1    |                   | 200 cc: max-age=60, foo="bar, no-store"                       | 60
4.2.1    |                   | 200 cc: foo="max-age=60", max-age=5                           | 5
4.2.1    |                   | 200 cc: foo="max-age=60"                                      | no-lifetime
4.2.2    |                   | 200 lm: @-1000                                                | 100
4.2.2    |                   | 200 lm: @-9000000                                             | 3600
4.2.2    |                   | 200 lm: @100                                                  | no-lifetime
4.2.2    |                   | 200 lm: yesterday                                             | no-lifetime
4.2.2    |                   | 200 lm: @-1000 ; date: none                                   | 100
4.2.2    |                   | 203 lm: @-1000                                                | 100
4.2.2    |                   | 204 lm: @-1000                                                | 100
4.2.2    |                   | 300 lm: @-1000                                                | 100
4.2.2    |                   | 301 lm: @-1000                                                | 100
4.2.2    |                   | 308 lm: @-1000                                                | 100
4.2.2    |                   | 404 lm: @-1000                                                | 60
4.2.2    |                   | 405                                                           | 60
4.2.2    |                   | 410                                                           | 60
4.2.2    |                   | 414                                                           | 60
4.2.2    |                   | 501                                                           | 60
4.2.2    |                   | 201 lm: @-1000                                                | no-lifetime
4.2.2    |                   | 202 lm: @-1000                                                | no-lifetime
4.2.2    |                   | 302 lm: @-1000                                                | no-lifetime
4.2.2    |                   | 403 lm: @-1000                                                | no-lifetime
4.2.2    |                   | 500 lm: @-1000                                                | shared
4.2.2    |                   | 502 lm: @-1000                                                | shared
4.2.2    |                   | 503                                                           | shared
4.2.2    |                   | 504                                                           | shared
4.2.2    |                   | 599 lm: @-1000                                                | no-lifetime
4.2.2    |                   | 599 lm: @-1000 ; cc: public                                   | 100
4.2.2    |                   | 200 lm: @-1000 ; cc: max-age=5                                | 5
4.2.2    |                   | 200 lm: @-1000 ; expires: @5                                  | 5
4.2.2    |                   | 200 lm: @-1000 ; expires: 0                                   | 0
4.2.2    | cookie: a=b       | 200 lm: @-1000                                                | no-lifetime
4.2.2    | cookie: a=b       | 200 lm: @-1000 ; cc: public                                   | 100
4.2.2    | cookie: a=b       | 200 cc: max-age=5                                             | 5
4.2.2    | /a?b=c            | 200 lm: @-1000                                                | 100
4.2.2    |                   | 200 ct: application/vnd.apple.mpegurl ; lm: @-90000           | 1
4.2.2    |                   | 200 ct: text/event-stream ; lm: @-90000                       | no-lifetime
4.2.3    |                   | 200 cc: max-age=60 ; age: 20                                  | 40
4.2.3    |                   | 200 cc: max-age=60 ; date: @-15                               | 45
4.2.3    |                   | 200 cc: max-age=60 ; date: @-15 ; age: 20                     | 40
4.2.3    |                   | 200 cc: max-age=60 ; date: @-30 ; age: 20                     | 30
4.2.3    |                   | 200 cc: max-age=60 ; date: @100                               | 60
4.2.3    |                   | 200 cc: max-age=60 ; age: 61 ; etag: "a"                      | -1
4.2.3    |                   | 200 expires: @60 ; age: 20                                    | 40
5.1      |                   | 200 cc: max-age=60 ; age: abc                                 | 60
5.1      |                   | 200 cc: max-age=60 ; age: -20                                 | 60
5.1      |                   | 200 cc: max-age=60 ; age: 20.5                                | 60
5.1      |                   | 200 cc: max-age=60 ; age: 20;foo=bar                          | 60
5.1      |                   | 200 cc: max-age=60 ; age: 20, 0                               | 40
5.1      |                   | 200 cc: max-age=60 ; age: 0, 20                               | 60
5.1      |                   | 200 cc: max-age=60 ; age: 20 ; age: 0                         | 40
5.1      |                   | 200 cc: max-age=60 ; age: 99999999999                         | no-lifetime
5.2.2.1  |                   | 200 cc: max-age=60, must-revalidate                           | 60
5.2.2.3  |                   | 200 cc: max-age=60, must-understand, no-store                 | 60
5.2.2.3  |                   | 404 cc: max-age=60, must-understand, no-store                 | 60
5.2.2.3  |                   | 299 cc: max-age=60, must-understand, no-store                 | status
5.2.2.3  |                   | 599 cc: max-age=60, must-understand                           | status
5.2.2.3  |                   | 200 cc: max-age=60, must-understand                           | 60
5.2.2.4  |                   | 200 cc: max-age=60, no-cache                                  | no-lifetime
5.2.2.4  |                   | 200 cc: max-age=60, no-cache ; etag: "a"                      | 0
5.2.2.4  |                   | 200 cc: no-cache ; etag: "a"                                  | 0
5.2.2.4  |                   | 200 cc: no-cache ; lm: @-1000                                 | 0
5.2.2.4  |                   | 200 cc: No-CaChE, max-age=60                                  | no-lifetime
5.2.2.4  |                   | 200 cc: max-age=60, no-cache="foo"                            | 60
5.2.2.4  |                   | 200 cc: max-age=60, no-cache="foo, bar"                       | 60
5.2.2.4  |                   | 200 cc: max-age=60, no-cache=foo                              | 60
5.2.2.4  |                   | 200 cc: max-age=60, no-cache="foo", no-cache                  | no-lifetime
5.2.2.4  |                   | 200 cc: max-age=60, no-cache="foo bar"                        | no-lifetime
5.2.2.4  |                   | 200 cc: max-age=60, no-cache=""                               | no-lifetime
5.2.2.5  |                   | 200 cc: No-StOrE, max-age=60                                  | no-store
5.2.2.5  |                   | 200 cc: no-store=1, max-age=60                                | no-store
5.2.2.7  |                   | 200 cc: PRIVATE, max-age=60                                   | private
5.2.2.7  |                   | 200 cc: max-age=60, private="foo"                             | 60
5.2.2.7  |                   | 200 cc: max-age=60, private=""                                | private
5.2.2.7  |                   | 200 cc: max-age=60, private="foo", private                    | private
5.2.2.9  |                   | 200 cc: public                                                | no-lifetime
5.2.2.9  |                   | 404 cc: public                                                | 60
5.2.2.10 |                   | 200 cc: s-maxage=60, private                                  | private
5.2.2.10 |                   | 200 cc: S-MaxAge=60                                           | 60
5.2.2.10 |                   | 200 cc: s-maxage=0, max-age=60                                | no-lifetime
5.3      |                   | 200 expires: @-5                                              | no-lifetime
5.3      |                   | 200 expires: 0                                                | no-lifetime
5.3      |                   | 200 expires: soon                                             | no-lifetime
5.3      |                   | 200 expires: @60 ; expires: @61                               | no-lifetime
5.3      |                   | 200 expires: @-5 ; etag: "a"                                  | 0
5.4      |                   | 200 cc: max-age=60 ; pragma: no-cache                         | 60
5.4      | pragma: no-cache  | 200 cc: max-age=60                                            | 60
7.3      |                   | 200 cc: max-age=60 ; set-cookie: a=b                          | set-cookie
7.3      |                   | 200 cc: max-age=60, public ; set-cookie: a=b                  | set-cookie
7.3      |                   | 200 cc: max-age=60, no-cache="set-cookie" ; set-cookie: a=b   | 60
7.3      |                   | 200 cc: max-age=60, private="Set-Cookie" ; set-cookie: a=b    | 60
9213-2.2 |                   | 200 cdn: max-age=60                                           | 60
9213-2.2 |                   | 200 cdn: max-age=60 ; cc: max-age=5                           | 60
9213-2.2 |                   | 200 cdn: max-age=5 ; cc: max-age=60                           | 5
9213-2.2 |                   | 200 cdn: max-age=60 ; cc: no-store                            | 60
9213-2.2 |                   | 200 cdn: max-age=60 ; cc: private                             | 60
9213-2.2 |                   | 200 cdn: no-store ; cc: max-age=60                            | no-store
9213-2.2 |                   | 200 cdn: private ; cc: max-age=60                             | private
9213-2.2 |                   | 200 cdn: no-cache ; cc: max-age=60                            | no-lifetime
9213-2.2 |                   | 200 cdn: max-age=60 ; expires: @-5                            | 60
9213-2.2 |                   | 200 cdn: max-age=0 ; expires: @60                             | no-lifetime
9213-2.2 |                   | 200 cdn: public ; expires: @60                                | no-lifetime
9213-2.2 |                   | 200 cdn: foo ; lm: @-1000                                     | 100
9213-2.2 |                   | 200 cdn: max-age=60 ; age: 20                                 | 40
9213-2.2 |                   | 200 own: max-age=60 ; cdn: max-age=5                          | 60
9213-2.2 |                   | 200 own: & ; cdn: max-age=5                                   | 5
9213-2.2 |                   | 200 cdn: max-age=60 ; set-cookie: a=b                         | set-cookie
9213-2.2 |                   | 200 surrogate-control: max-age=60                             | no-lifetime
deception | /a/x.css         | 200 cc: max-age=60 ; ct: text/html                            | deception
deception | /a/x.css?y       | 200 cc: max-age=60 ; ct: TEXT/HTML; charset=utf-8             | deception
deception | /a/x.JPG         | 200 cc: max-age=60 ; ct: application/json                     | deception
deception | /a/x.js          | 200 cc: max-age=60 ; ct: application/ld+json                  | deception
deception | /a/x.m4s         | 200 cc: max-age=60 ; ct: application/xhtml+xml                | deception
deception | /a/x.ico         | 200 lm: @-1000 ; ct: text/html                                | deception
deception | /a/x.css         | 200 cc: public, max-age=60 ; ct: text/html                    | 60
deception | /a/x.css         | 200 cc: s-maxage=60 ; ct: text/html                           | 60
deception | /a/x.css         | 200 cdn: max-age=60 ; ct: text/html                           | 60
deception | /a/x.css         | 200 cc: max-age=60 ; ct: text/css                             | 60
deception | /a/x.js.map      | 200 cc: max-age=60 ; ct: application/json                     | 60
deception | /a/x.html        | 200 cc: max-age=60 ; ct: text/html                            | 60
deception | /a/x.json        | 200 cc: max-age=60 ; ct: application/json                     | 60
deception | /a.css/x         | 200 cc: max-age=60 ; ct: text/html                            | 60
deception | /a/x.css         | 404 cc: max-age=60 ; ct: text/html                            | 60
`;

/** clause | value of CDN-Cache-Control beside `Cache-Control: max-age=5` | seconds that it gives, or `ignored` */
export const targetedCases = `
9213-2.1 | max-age=60                        | 60
9213-2.1 |   max-age=60                      | 60
9213-2.1 | max-age=60, foo                   | 60
9213-2.1 | foo, max-age=60                   | 60
9213-2.1 | foo=bar;baz=1, max-age=60         | 60
9213-2.1 | max-age=60;foo                    | 60
9213-2.1 | max-age=60;foo="b,c";d=?0         | 60
9213-2.1 | a=(1 2), max-age=60               | 60
9213-2.1 | a=("x" y;z), max-age=60           | 60
9213-2.1 | a=:AAAA:, max-age=60              | 60
9213-2.1 | a=1.5, max-age=60                 | 60
9213-2.1 | a=@1700000000, max-age=60         | 60
9213-2.1 | max-age=5, max-age=60             | 60
9213-2.1 | max-age=60, no-store=?0           | 60
9213-2.1 | max-age=99999999999               | 2147483648
9213-2.1 | max-age=-1                        | -
9213-2.1 | max-age="60"                      | ignored
9213-2.1 | max-age=60.0                      | ignored
9213-2.1 | max-age=sixty                     | ignored
9213-2.1 | max-age                           | ignored
9213-2.1 | no-store=1                        | ignored
9213-2.1 | private="a b"                     | ignored
9213-2.1 |                                   | ignored
9213-2.1 | max-age =60                       | ignored
9213-2.1 | max-age= 60                       | ignored
9213-2.1 | Max-Age=60                        | ignored
9213-2.1 | max-age=60, &&&&                  | ignored
9213-2.1 | max-age=60,                       | ignored
9213-2.1 | , max-age=60                      | ignored
9213-2.1 | max-age=60 foo                    | ignored
9213-2.1 | max-age=60, foo="a                | ignored
9213-2.1 | max-age=60, foo=(1                | ignored
9213-2.1 | max-age=60, foo=?2                | ignored
9213-2.1 | max-age=60, 1foo                  | ignored
9213-2.1 | max-age=60; =1                    | ignored
9213-2.1 | max-age=1234567890123456          | ignored
`;

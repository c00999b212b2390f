import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readWord, type Word } from './limit_headers.ts'

const now = new Date('2026-01-01T12:00:00Z')
const EPOCH_S = now.getTime() / 1000
const NOTHING: Word = { pause_ms: 0, remaining: null, resets_ms: null, retry_after_ms: null }

type Case = [what: string, status: number, headers: Record<string, string>, word: Partial<Word> | null]

const CASES: Case[] = [
  ['an answer without a word', 200, { 'content-type': 'text/plain' }, null],
  ['a 404 with Retry-After, which is not about limits', 404, { 'retry-after': '9' }, null],

  ['429 and no time', 429, {}, { pause_ms: 1000 }],
  ['429 and seconds', 429, { 'retry-after': '40' }, { pause_ms: 40_000, retry_after_ms: 40_000 }],
  [
    '429 and a date',
    429,
    { 'retry-after': 'Thu, 01 Jan 2026 12:00:07 GMT' },
    { pause_ms: 7000, retry_after_ms: 7000 },
  ],
  ['503 and seconds', 503, { 'retry-after': '3' }, { pause_ms: 3000, retry_after_ms: 3000 }],
  ['503 and no time', 503, {}, {}],
  ["GitHub's secondary limit", 403, { 'retry-after': '60' }, { pause_ms: 60_000, retry_after_ms: 60_000 }],
  ['a plain 403', 403, {}, {}],

  [
    'the draft: calls are left',
    200,
    { ratelimit: '"default";r=50;t=30', 'ratelimit-policy': '"default";q=100;w=60' },
    { remaining: 50, resets_ms: 30_000 },
  ],
  [
    'the draft: of two policies the lower counts, and the spent one pauses',
    200,
    { ratelimit: '"burst";r=0;t=5, "daily";r=900;t=3600, "hourly";r=70;t=600' },
    { pause_ms: 5000, remaining: 70, resets_ms: 600_000 },
  ],
  [
    'the draft: a quota of bytes is none of calls',
    200,
    { ratelimit: '"b";r=0;t=5', 'ratelimit-policy': '"b";q=65535;qu="content-bytes";w=10;pk=:QS0=:' },
    null,
  ],
  [
    'the draft: names without quotes',
    200,
    { ratelimit: 'default;r=5;t=30, daily;r=2;t=60', 'ratelimit-policy': 'default;q=100;w=60;qu="request"' },
    { remaining: 2, resets_ms: 60_000 },
  ],
  ['the draft: no time', 200, { ratelimit: '"default";r=50' }, {}],
  ['draft 7', 200, { ratelimit: 'limit=100, remaining=7, reset=30' }, { remaining: 7, resets_ms: 30_000 }],
  [
    'draft 7, spent, with a 429',
    429,
    { ratelimit: 'limit=100, remaining=0, reset=30' },
    { pause_ms: 30_000, retry_after_ms: 30_000 },
  ],

  [
    'three headers, seconds from now',
    200,
    { 'ratelimit-limit': '100', 'ratelimit-remaining': '9', 'ratelimit-reset': '20' },
    { remaining: 9, resets_ms: 20_000 },
  ],
  [
    'GitHub: seconds of the epoch',
    200,
    {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '4999',
      'x-ratelimit-reset': String(EPOCH_S + 90),
    },
    { remaining: 4999, resets_ms: 90_000 },
  ],
  [
    'GitHub: spent',
    403,
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(EPOCH_S + 90) },
    { pause_ms: 90_000 },
  ],
  [
    'X, by the clock of X, which is ten seconds behind ours',
    200,
    {
      date: 'Thu, 01 Jan 2026 11:59:50 GMT',
      'x-rate-limit-remaining': '0',
      'x-rate-limit-reset': String(EPOCH_S + 90),
    },
    { pause_ms: 100_000 },
  ],
  [
    'milliseconds of the epoch',
    200,
    { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': String(EPOCH_S * 1000 + 1500) },
    { remaining: 3, resets_ms: 1500 },
  ],
  [
    'Discord: a fraction of a second',
    200,
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1', 'x-ratelimit-reset-after': '0.25' },
    { pause_ms: 250 },
  ],
  [
    'a reset as a date',
    200,
    { 'x-ratelimit-remaining': '2', 'x-ratelimit-reset': '2026-01-01T12:00:30Z' },
    { remaining: 2, resets_ms: 30_000 },
  ],
  [
    'a reset that has passed',
    200,
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(EPOCH_S - 5) },
    {},
  ],
  ['spent, and no reset', 200, { 'x-ratelimit-remaining': '0' }, {}],
  [
    'Retry-After is the plainer word',
    429,
    { 'retry-after': '2', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '600' },
    { pause_ms: 2000, retry_after_ms: 2000 },
  ],
  ['what is no number', 200, { 'x-ratelimit-remaining': '-1', 'x-ratelimit-reset': 'soon' }, null],
]

for (const [what, status, headers, word] of CASES) {
  test(`${what} is read as it is meant`, () => {
    assert.deepEqual(readWord({ status, headers }, now), word && { ...NOTHING, ...word })
  })
}

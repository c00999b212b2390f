import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TransactionRow } from './list_queries.ts'
import { ofxEntry } from './ofx.ts'

const entryAt = (at: string): string =>
  ofxEntry({
    ...{ id: '019c5a10-0000-7000-8000-000000000001', amount: '-1234', currency: 'BRL', exact: null },
    ...{ description: 'Padaria', counterparty: null, at: new Date(at) },
  } as TransactionRow)

test('an entry of the evening is of the day it happened on, also to who reads the date alone', () => {
  assert.match(entryAt('2026-03-11T01:30:05.900Z'), /<DTPOSTED>20260310223005\[-3:BRT\]<\/DTPOSTED>/)
  assert.match(entryAt('2026-03-10T03:00:00.000Z'), /<DTPOSTED>20260310000000\[-3:BRT\]<\/DTPOSTED>/)
  assert.match(entryAt('2018-12-11T01:30:00.000Z'), /<DTPOSTED>20181210233000\[-2:BRT\]<\/DTPOSTED>/)
})

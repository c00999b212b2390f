import assert from 'node:assert/strict'
import { test } from 'node:test'
import { back, onward } from './proxy.ts'

test('a vendor neither opens our address to its scripts nor sets or clears anything there', () => {
  const said = {
    'content-type': 'text/html',
    etag: '"1"',
    'content-security-policy': 'script-src *',
    'content-security-policy-report-only': 'script-src *',
    'clear-site-data': '"cookies"',
    'set-cookie': 'trilho_session=theirs',
    'strict-transport-security': 'max-age=1; includeSubDomains; preload',
    'access-control-allow-origin': 'https://theirs.example',
    'access-control-allow-credentials': 'true',
    'alt-svc': 'h3="theirs.example:443"',
    nel: '{"report_to":"theirs","max_age":1,"include_subdomains":true}',
    'report-to': '{"group":"theirs","max_age":1,"endpoints":[]}',
    'reporting-endpoints': 'theirs="https://theirs.example"',
  }
  assert.deepEqual(back(said), { 'content-type': 'text/html', etag: '"1"' })
})

test('what proves a person to us is not told to the vendor', () => {
  const sent = { accept: '*/*', cookie: 'trilho_session=x', 'trilho-csrf': 'y', 'trilho-environment': 'test' }
  assert.deepEqual(onward(sent), { accept: '*/*' })
})

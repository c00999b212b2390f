import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from './bodies.ts'
import { textIn } from './charsets.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

test('what is not UTF-8 is read as its content type or its XML declaration says', () => {
  const xml = '<?xml version="1.0" encoding="ISO-8859-1"?><a>São João</a>'
  assert.equal(textIn(latin1(xml), 'text/xml'), xml)
  assert.equal(textIn(latin1(xml), 'text/xml; charset=utf-8'), xml)
  assert.equal(textIn(latin1('nome;cidade\nJoão;São Paulo'), 'text/csv; charset="windows-1252"')?.at(-1), 'o')
  assert.equal(textIn(latin1('{"a":"ç"}'), 'application/json;charset=iso-8859-1'), '{"a":"ç"}')
  assert.equal(textIn(Buffer.from('\ufeffé'), 'text/plain; charset=iso-8859-1'), 'é')
})

test('what says nothing of itself, or says what it is not, is no text', () => {
  assert.equal(textIn(latin1('São'), undefined), null)
  assert.equal(textIn(latin1('São'), 'text/plain; charset=utf-8'), null)
  assert.equal(textIn(latin1('São'), 'text/plain; charset=none-such'), null)
  assert.equal(textIn(Buffer.from([0x25, 0x50, 0, 1, 0xe3]), 'application/pdf; charset=ISO-8859-1'), null)
})

test('a webhook of XML is read in its own character set, and refused where nobody can say which that is', () => {
  const body = latin1('<?xml version="1.0" encoding="ISO-8859-1"?><a>São</a>')
  assert.equal(textOf({ 'content-type': 'text/xml' }, body, null), '{"a":"São"}')
  assert.throws(() => textOf({ 'content-type': 'text/xml' }, latin1('<a>São</a>'), null), /neither UTF-8/)
})

test('UTF-16 is read by its mark, or by its name where every byte of it could be UTF-8 too', () => {
  const text = '<?xml version="1.0" encoding="utf-16"?><a>senha</a>'
  const little = Buffer.from(text, 'utf16le')
  const big = Buffer.from(little).swap16()
  assert.equal(textIn(Buffer.concat([Buffer.from([0xff, 0xfe]), little]), 'text/xml'), text)
  assert.equal(textIn(Buffer.concat([Buffer.from([0xfe, 0xff]), big]), undefined), text)
  assert.equal(textIn(little, 'text/xml; charset=utf-16'), text)
  assert.equal(textIn(big, 'text/xml; charset=UTF-16BE'), text)
  assert.equal(textIn(Buffer.from(text), 'text/xml; charset=utf-16'), text)
})

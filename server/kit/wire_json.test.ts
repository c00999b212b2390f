import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rawElements, rawMember, readJson } from './wire_json.ts'

test('no digit of a number is lost', () => {
  const read = readJson('{"a":12.50,"b":9007199254740993,"c":[1e3,-0.1],"d":15050,"e":"1.5","f":null,"g":-7}')
  assert.deepEqual(read, {
    a: '12.50',
    b: '9007199254740993',
    c: ['1e3', '-0.1'],
    d: 15050,
    e: '1.5',
    f: null,
    g: -7,
  })
  assert.equal(readJson('12.50'), '12.50')
})

test('integers a double holds stay numbers, larger ones become their text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (number) => {
      const [read] = readJson(`[${number}]`) as [number | string]
      assert.equal(String(read), String(number))
      assert.equal(
        typeof read === 'number',
        Number.isSafeInteger(Number(number)) && BigInt(Number(number)) === number,
      )
    }),
  )
})

test('what holds no numbers reads as with JSON.parse, and what is not JSON is a SyntaxError', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const plain = JSON.parse(text)
      const whole = JSON.stringify(plain, (_, value) =>
        typeof value === 'number' && !/^-?\d{1,15}$/.test(JSON.stringify(value)) ? null : value,
      )
      assert.deepEqual(readJson(whole), JSON.parse(whole))
    }),
  )
  assert.throws(() => readJson('{"a":1.5'), SyntaxError)
})

test('a member comes out byte for byte', () => {
  const data = '{ "b" : 1.50,\n"a":[ "x}\\"]", {"data": 2} ] }'
  assert.equal(rawMember(`{"type":"a","data": ${data} ,"z":1}`, 'data'), data)
  assert.equal(rawMember('{"data":"a,b"}', 'data'), '"a,b"')
  assert.equal(rawMember('{"data":1,"data":2.0}', 'data'), '2.0')
  assert.equal(rawMember('{"d\\u0061ta":true}', 'data'), 'true')
  assert.equal(rawMember('{"other":{"data":1}}', 'data'), null)
  assert.equal(rawMember('[{"data":1}]', 'data'), null)
  assert.equal(rawMember('{}', 'data'), null)
})

test('every member of every object is found as JSON.parse finds it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.nat(4), (object, spaces) => {
      const text = JSON.stringify(object, null, spaces)
      const plain = JSON.parse(text)
      for (const key of Object.keys(plain)) {
        assert.deepEqual(JSON.parse(rawMember(text, key) ?? 'nothing'), plain[key])
      }
    }),
  )
})

test('any text is searched without throwing or hanging', () => {
  const pieces = fc.array(fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'data', '1', ' '), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(pieces, (text) => void rawMember(text.join(''), 'data')),
    { numRuns: 2000 },
  )
  assert.equal(rawMember('{"data":'.repeat(20_000), 'data'), null)
})

test('the elements of an array come byte for byte, whatever stands in them', () => {
  assert.deepEqual(rawElements(' [ {"a":[1,2]} , 1.50,"x,]" , [] ]'), ['{"a":[1,2]}', '1.50', '"x,]"', '[]'])
  for (const none of ['[]', ' [ ] ', '{"a":1}', '', '[', '[,]', '[1', 'x'])
    assert.deepEqual(rawElements(none), [])
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const texts = values.map((value) => JSON.stringify(value))
      assert.deepEqual(rawElements(`[${texts.join(' ,')}]`), texts)
    }),
  )
})

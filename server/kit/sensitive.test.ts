import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hideSensitive } from './sensitive.ts'

const PATHS = ['card.number', 'birth_date']

test('a member is hidden where its path ends so, and every other byte stays', () => {
  const text =
    '{ "number": 1, "card": {"holder": "Ana", "number" : 42.50, "exp": {"number":"7"}}, "list":[{"card":[{"number":{"a":"]}"}}]}], "birth_date":null,"z":"card.number" }'
  assert.equal(
    hideSensitive(text, PATHS),
    '{ "number": 1, "card": {"holder": "Ana", "number" : "[masked]", "exp": {"number":"7"}}, "list":[{"card":[{"number":"[masked]"}]}], "birth_date":"[masked]","z":"card.number" }',
  )
})

test('forms, queries and XML are covered as well', () => {
  const cases = [
    ['card[number]=4242&x=1', 'card[number]=[masked]&x=1'],
    ['a=1&source%5Bcard%5D%5Bnumber%5D=4242', 'a=1&source%5Bcard%5D%5Bnumber%5D=[masked]'],
    ['/v1/find?birth_date=1990-01-31&card.number=1', '/v1/find?birth_date=[masked]&card.number=[masked]'],
    ['number=4242', 'number=4242'],
    ['<card><ns:number id="1">42</ns:number></card>', '<card><ns:number id="1">[masked]</ns:number></card>'],
    ['<card><number><![CDATA[42]]></number></card>', '<card><number>[masked]</number></card>'],
    ['<card number="42" brand="x"/>', '<card number="[masked]" brand="x"/>'],
    [
      'form-data; name="card[number]"\r\n\r\n42\r\n--',
      'form-data; name="card[number]"\r\n\r\n[masked]\r\n--',
    ],
  ]
  for (const [text = '', hidden] of cases) assert.equal(hideSensitive(text, PATHS), hidden)
})

test('a text that is cut off shows no part of the value', () => {
  const whole = '{"card":{"number":{"first":"4242","last":"1881"}}}'
  for (let length = 20; length < whole.length; length++)
    assert.doesNotMatch(hideSensitive(whole.slice(0, length), PATHS), /42|18/, whole.slice(0, length))
})

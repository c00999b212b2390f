import { script } from '../../platform/redis/redis.ts'

/**
 * What `take_rates` and its neighbours do in PostgreSQL, in Redis: a hash for each ring (slot → what was taken in it)
 * and one for each vendor's word, all of which go when their time is over. A script runs alone, so nothing is locked.
 * Only what is true of one Redis is used: no keys beside KEYS, no clock beside its own.
 */

const CLOCK = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function read(key)
  local flat, slots, newest = redis.call('HGETALL', key), {}, 0
  for i = 1, #flat, 2 do
    slots[tonumber(flat[i])] = tonumber(flat[i + 1])
    newest = math.max(newest, tonumber(flat[i]))
  end
  return slots, newest
end
local function write(key, slot, n)
  redis.call('HSET', key, string.format('%d', slot), string.format('%d', n))
end
`

/** KEYS: the rings, then the words of vendors. ARGV[1]: JSON of the rings and of what is asked. */
export const TAKE = script(`${CLOCK}
local asked = cjson.decode(ARGV[1])
local rings, at = {}, now
for i, ring in ipairs(asked.rings) do
  local taken, newest = read(KEYS[i])
  rings[i] = taken
  at = math.max(at, newest * ring.slot_ms)
end
local granted, wait, by, ends, room, bytes_room = asked.want, 0, -1, -1, -1, -1
local function least(a, b) if a < 0 then return b end return math.min(a, b) end
for i, ring in ipairs(asked.rings) do
  local taken = rings[i]
  local slot = math.floor(at / ring.slot_ms)
  local oldest = slot - ring.slots + 1
  for s in pairs(taken) do
    if s < oldest then
      taken[s] = nil
      redis.call('HDEL', KEYS[i], string.format('%d', s))
    end
  end
  local back_slot = math.floor(asked.back_at / ring.slot_ms)
  if ring.is_bytes then
    if asked.bytes ~= 0 then
      taken[slot] = math.max(0, (taken[slot] or 0) + asked.bytes)
      write(KEYS[i], slot, taken[slot])
    end
  elseif asked.back > 0 and back_slot >= oldest and taken[back_slot] then
    taken[back_slot] = math.max(0, taken[back_slot] - asked.back)
    write(KEYS[i], back_slot, taken[back_slot])
  end
  local left = ring.most
  for _, n in pairs(taken) do left = left - n end
  ends = least(ends, (slot + 1) * ring.slot_ms - at)
  if ring.is_bytes then bytes_room = least(bytes_room, math.max(0, left))
  else
    granted = math.max(0, math.min(granted, left))
    if ring.is_own then room = least(room, math.max(0, left)) end
  end
  if left <= 0 then
    granted = 0
    while left <= 0 and oldest <= slot do
      left = left + (taken[oldest] or 0)
      oldest = oldest + 1
    end
    local its_wait = (oldest - 1 + ring.slots) * ring.slot_ms - at
    if its_wait > wait then wait = its_wait by = i end
  end
end
for i = #asked.rings + 1, #KEYS do
  local word = redis.call('HMGET', KEYS[i], 'paused', 'remaining', 'resets')
  local paused, remaining, resets = tonumber(word[1]) or 0, tonumber(word[2]), tonumber(word[3]) or 0
  local its_wait = paused - at
  if remaining and resets > at then
    granted = math.min(granted, remaining)
    room = least(room, remaining)
    if remaining <= 0 then its_wait = math.max(its_wait, resets - at) end
  end
  if its_wait > 0 then
    granted = 0
    if its_wait > wait then wait = its_wait by = 0 end
  end
end
if room >= 0 then room = room - granted end
for i, ring in ipairs(asked.rings) do
  if granted > 0 and not ring.is_bytes then
    local slot = math.floor(at / ring.slot_ms)
    write(KEYS[i], slot, (rings[i][slot] or 0) + granted)
  end
  redis.call('PEXPIRE', KEYS[i], (ring.slots + 1) * ring.slot_ms)
end
for i = #asked.rings + 1, #KEYS do
  local resets = tonumber(redis.call('HGET', KEYS[i], 'resets')) or 0
  if granted > 0 and resets > at then redis.call('HINCRBY', KEYS[i], 'remaining', -granted) end
end
return { granted, at, ends, wait, by, room, bytes_room }
`)

/** KEYS[1]: the word of a vendor. ARGV: how long it asks to wait, what remains and until when; -1 where it says nothing. */
export const HEED = script(`${CLOCK}
local pause, left, resets = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local word = redis.call('HMGET', KEYS[1], 'paused', 'remaining', 'resets')
local paused, known, known_until = tonumber(word[1]) or 0, tonumber(word[2]), tonumber(word[3]) or 0
if pause >= 0 then paused = math.max(paused, now + pause) end
local holds = known and known_until > now and (left < 0 or known <= left)
if left >= 0 and not holds then known, known_until = left, now + resets end
redis.call('HSET', KEYS[1], 'paused', string.format('%d', paused))
if known then
  redis.call('HSET', KEYS[1], 'remaining', string.format('%d', known), 'resets', string.format('%d', known_until))
end
redis.call('PEXPIRE', KEYS[1], math.max(1, math.max(paused, known_until) - now))
`)

/** KEYS: rings. Answers the clock, then each as slots and what was taken in them, flat. */
export const READ = script(`${CLOCK}
local answer = { now }
for i = 1, #KEYS do answer[i + 1] = redis.call('HGETALL', KEYS[i]) end
return answer
`)

/** KEYS: rings. ARGV[1]: for each how long it is kept and what another count has in its slots: the larger holds. */
export const CATCH_UP = script(`${CLOCK}
for i, ring in ipairs(cjson.decode(ARGV[1])) do
  local taken = read(KEYS[i])
  for _, pair in ipairs(ring.slots) do
    if pair[2] > (taken[pair[1]] or 0) then write(KEYS[i], pair[1], pair[2]) end
  end
  if #ring.slots > 0 then redis.call('PEXPIRE', KEYS[i], ring.kept_ms) end
end
`)

/**
 * Compares and writes; knows no rule. Of each change in turn: where every record still has the stamp that was read, all of it is
 * written under a new sequence number, else nothing. What was written is published in the order of those numbers.
 * KEYS: meta, versions, then a hash for each kind of record. ARGV: epoch, the replica's time and how far it may be off (-1: any),
 * origin, channel; then for each change its stamp, how many records it touches and, for each of these, kind, id, the stamp that was
 * read and the new record (empty: only touched; '-': removed). Answers how it went, the time, the last sequence number before, and
 * a 1 or 0 for each change.
 */
export const APPLY_SCRIPT = `
local told = redis.call('TIME')
local known = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'time')
local now = math.max(told[1] * 1000 + math.floor(told[2] / 1000), tonumber(known[3] or 0))
if known[1] ~= ARGV[1] then return {'fenced', now} end
local off, before = tonumber(ARGV[3]), tonumber(known[2])
if off >= 0 and math.abs(now - ARGV[2]) > off then return {'late', now, before} end
local sequence, at, answers, lines = before, 6, {}, {}
while ARGV[at] do
  local stamp, last, stands = ARGV[at], at + 1 + ARGV[at + 1] * 4, 1
  for i = at + 2, last, 4 do
    if (redis.call('HGET', KEYS[2], ARGV[i] .. ARGV[i + 1]) or '') ~= ARGV[i + 2] then stands = 0 break end
  end
  if stands == 1 then
    sequence = sequence + 1
    lines[#lines + 1], lines[#lines + 2] = stamp, ARGV[at + 1]
    for i = at + 2, last, 4 do
      local kind, id, record = ARGV[i], ARGV[i + 1], ARGV[i + 3]
      lines[#lines + 1], lines[#lines + 2], lines[#lines + 3] = kind, id, record
      if record == '-' then
        redis.call('HDEL', KEYS[2], kind .. id)
        redis.call('HDEL', KEYS[tonumber(kind)], id)
      else
        redis.call('HSET', KEYS[2], kind .. id, stamp)
        if record ~= '' then redis.call('HSET', KEYS[tonumber(kind)], id, record) end
      end
    end
  end
  answers[#answers + 1], at = stands, last + 1
end
if sequence > before then
  redis.call('HSET', KEYS[1], 'sequence', sequence, 'time', now)
  redis.call('PUBLISH', ARGV[5], ARGV[4] .. ' ' .. before .. ' ' .. sequence .. '\\n' .. table.concat(lines, '\\n'))
end
return {'done', now, before, answers}
`;

/**
 * Compares and writes; knows no rule. Of each change in turn: where every record still has the stamp that was read, all of it is
 * written under a new sequence number, else nothing. What was written is published in the order of those numbers.
 * A replica whose time is behind decided on what is over; one whose time is ahead remembers it from a server that was ahead, and time
 * goes on from there. KEYS: meta, versions, then a hash for each kind of record. ARGV: epoch, the replica's time and how far it may be
 * behind (-1: any), origin, channel; then for each change its stamp, how many records it touches and, for each of these, kind, id, the stamp that was
 * read and the new record (empty: only touched; '-': removed). Answers how it went, the time, the last sequence number before, and
 * a 1 or 0 for each change.
 */
export const APPLY_SCRIPT = `
local told = redis.call('TIME')
local known = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'time')
local now = math.max(told[1] * 1000 + math.floor(told[2] / 1000), tonumber(known[3] or 0))
if known[1] ~= ARGV[1] then return {'fenced', now} end
local off, before, ahead = tonumber(ARGV[3]), tonumber(known[2]), ARGV[2] - now
if off >= 0 and -ahead > off then return {'late', now, before} end
if off >= 0 and ahead > 100 then now = tonumber(ARGV[2]) end
local function many(command, key, args)
  local found = {}
  for i = 1, #args, 4000 do
    local part = redis.call(command, key, unpack(args, i, math.min(i + 3999, #args)))
    if command == 'HMGET' then for j = 1, #part do found[i + j - 1] = part[j] end end
  end
  return found
end
local stamps, names, at = {}, {}, 6
while ARGV[at] do
  local last = at + 1 + ARGV[at + 1] * 4
  for i = at + 2, last, 4 do names[#names + 1] = ARGV[i] .. ARGV[i + 1] end
  at = last + 1
end
for i, stamp in pairs(many('HMGET', KEYS[2], names)) do stamps[names[i]] = stamp or '' end
local sequence, answers, lines, written, records = before, {}, {}, {}, {}
at = 6
while ARGV[at] do
  local stamp, last, stands = ARGV[at], at + 1 + ARGV[at + 1] * 4, 1
  for i = at + 2, last, 4 do if stamps[ARGV[i] .. ARGV[i + 1]] ~= ARGV[i + 2] then stands = 0 break end end
  if stands == 1 then
    sequence = sequence + 1
    lines[#lines + 1], lines[#lines + 2] = stamp, ARGV[at + 1]
    for i = at + 2, last, 4 do
      local kind, id, record = ARGV[i], ARGV[i + 1], ARGV[i + 3]
      lines[#lines + 1], lines[#lines + 2], lines[#lines + 3] = kind, id, record
      stamps[kind .. id] = record == '-' and '' or stamp
      written[kind .. id] = true
      if record ~= '' then records[kind] = records[kind] or {}; records[kind][id] = record end
    end
  end
  answers[#answers + 1], at = stands, last + 1
end
if sequence == before then return {'done', now, before, answers} end
local function put(key, values, nothing)
  local set, gone = {}, {}
  for id, value in pairs(values) do
    if value == nothing then gone[#gone + 1] = id else set[#set + 1], set[#set + 2] = id, value end
  end
  many('HSET', key, set)
  many('HDEL', key, gone)
end
for name in pairs(written) do written[name] = stamps[name] end
put(KEYS[2], written, '')
for kind, values in pairs(records) do put(KEYS[tonumber(kind)], values, '-') end
redis.call('HSET', KEYS[1], 'sequence', sequence, 'time', now)
redis.call('PUBLISH', ARGV[5], ARGV[4] .. ' ' .. before .. ' ' .. sequence .. '\\n' .. table.concat(lines, '\\n'))
return {'done', now, before, answers}
`;

import { CONFLICT } from './message.ts';

/**
 * Compares and writes; knows no rule. Of each parcel in turn: where every record that is compared still has the stamp that was read, all
 * of it is written, else nothing. What was written gets one new sequence number and is published as it came, in one message; that
 * something was not, in another.
 * A replica whose time is behind decided on what is over; one whose time is ahead remembers it from a server that was ahead, and time
 * goes on from there. KEYS: meta, versions, then a hash for each kind of record. ARGV: epoch, the replica's time and how far it may be
 * behind (-1: any), origin, channel; then the parcels as `message.ts` writes them, no two of which name one record. Answers how it went,
 * the time, the last sequence number before, and a 1 or 0 for each parcel.
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
  if #args == 0 then return {} end
  if #args <= 4000 then return redis.call(command, key, unpack(args)) end
  local found = {}
  for i = 1, #args, 4000 do
    local part = redis.call(command, key, unpack(args, i, math.min(i + 3999, #args)))
    if command == 'HMGET' then for j = 1, #part do found[i + j - 1] = part[j] end end
  end
  return found
end
local names, named, at = {}, 0, 6
while ARGV[at] do
  local compared = at + 4 + ARGV[at] * 4
  for i = at + 4, compared - 1, 4 do named = named + 1; names[named] = ARGV[i] end
  at = compared + ARGV[at + 1] * 2 + ARGV[at + 2] + ARGV[at + 3] * 2
end
local found = many('HMGET', KEYS[2], names)
local stamps, unstamped, answers, lines = {}, {}, {}, {}
local set, gone = {}, {}
for kind = 3, 8 do set[kind], gone[kind] = {}, {} end
named, at = 0, 6
while ARGV[at] do
  local leases, stands = at + 4 + ARGV[at] * 4, 1
  local ends = leases + ARGV[at + 1] * 2
  local usage = ends + ARGV[at + 2]
  local after = usage + ARGV[at + 3] * 2
  for i = at + 4, leases - 1, 4 do
    named = named + 1
    if (found[named] or '') ~= ARGV[i + 1] then stands = 0 end
  end
  if stands == 1 then
    lines[#lines + 1] = table.concat(ARGV, '\\n', at, after - 1)
    for i = at + 4, leases - 1, 4 do
      local name, record = ARGV[i], ARGV[i + 3]
      if record == '-' then
        unstamped[#unstamped + 1] = name
        local from = gone[tonumber(string.sub(name, 1, 1))]
        from[#from + 1] = string.sub(name, 2)
      else
        local n = #stamps
        stamps[n + 1], stamps[n + 2] = name, ARGV[i + 2]
        if record ~= '' then
          local into = set[tonumber(string.sub(name, 1, 1))]
          n = #into
          into[n + 1], into[n + 2] = string.sub(name, 2), record
        end
      end
    end
    local into, from = set[6], gone[6]
    local n = #into - leases + 1
    for i = leases, ends - 1 do into[n + i] = ARGV[i] end
    n = #from - ends + 1
    for i = ends, usage - 1 do from[n + i] = ARGV[i] end
    into = set[8]
    n = #into - usage + 1
    for i = usage, after - 1 do into[n + i] = ARGV[i] end
  end
  answers[#answers + 1], at = stands, after
end
if #lines < #answers then redis.call('PUBLISH', ARGV[5], ARGV[4] .. ' ${CONFLICT}\\n') end
if #lines == 0 then return {'done', now, before, answers} end
many('HSET', KEYS[2], stamps)
many('HDEL', KEYS[2], unstamped)
for kind = 3, 8 do
  many('HSET', KEYS[kind], set[kind])
  many('HDEL', KEYS[kind], gone[kind])
end
redis.call('HSET', KEYS[1], 'sequence', before + 1, 'time', now)
redis.call('PUBLISH', ARGV[5], ARGV[4] .. ' ' .. before .. '\\n' .. table.concat(lines, '\\n'))
return {'done', now, before, answers}
`;

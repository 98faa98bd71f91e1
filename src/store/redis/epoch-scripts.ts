/**
 * What a primary forgets when it fails, the replicas remember. An epoch is a stretch of a pool's life on one run of one primary. KEYS:
 * meta, versions, a hash for each kind of record, then who shares the pool (and when each last gave a sign of life) and who is missed.
 */

/** Defines `now`: the store's time, which never steps back whatever server tells it. */
const NOW = `
local told = redis.call('TIME')
local now = math.max(told[1] * 1000 + math.floor(told[2] / 1000), tonumber(redis.call('HGET', KEYS[1], 'time') or 0))
`;

/** Who gave no sign of life for so long before the last that is stored was gone before anything could be lost. */
const GONE_MS = 5_000;

/** A replica that never came back is forgotten. */
const FORGOTTEN_MS = 86_400_000;

/**
 * Joins a pool. On another run than it was last written on, or with less in it than the replica knows, an epoch begins: nobody who
 * believes in the one before can write, and every replica that was there is missed until it has said what it knows.
 * A store that was never written is left alone for a moment by who knows nothing either: it may have lost everything. ARGV: run, replica,
 * the epoch and sequence it knows (0: none), how long the others are waited for, the longest lease, 1 where this store loses nothing, how
 * long a store that was never written is left alone. Answers epoch, sequence, and up to which sequence number everything of the replica's epoch was kept.
 */
export const JOIN_SCRIPT = `${NOW}
local known = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'sequence', 'time')
local epoch, sequence, last = tonumber(known[1] or 0), tonumber(known[3] or 0), tonumber(known[4] or 0)
local mine, seen = tonumber(ARGV[3]), tonumber(ARGV[4])
if known[2] ~= ARGV[1] or epoch < mine or (epoch == mine and sequence < seen) then
  redis.call('DEL', KEYS[10])
  local signs = redis.call('HGETALL', KEYS[9])
  for i = 1, #signs, 2 do
    local sign = tonumber(signs[i + 1])
    if ARGV[7] ~= '1' and sign >= last - ${GONE_MS} then redis.call('HSET', KEYS[10], signs[i], 1) end
    if sign < now - ${FORGOTTEN_MS} then redis.call('HDEL', KEYS[9], signs[i]) end
  end
  epoch = math.max(epoch, mine) + 1
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[1], 'sequence', sequence, 'from:' .. epoch, sequence,
    'opens', now + ARGV[5], 'learns', now + ARGV[6])
  if not known[1] and mine == 0 then
    redis.call('HSET', KEYS[10], '', 1)
    redis.call('HSET', KEYS[1], 'opens', now + ARGV[8], 'learns', now + ARGV[8])
  end
end
local kept = sequence
for e = mine + 1, epoch do kept = math.min(kept, tonumber(redis.call('HGET', KEYS[1], 'from:' .. e) or 0)) end
return {epoch, sequence, kept}
`;

/**
 * Puts back all that a replica knows, where the store has less and nobody has read it, and so nobody written, since the replica's epoch:
 * however long it took, as its first try may have come to nothing. ARGV: epoch, the
 * epoch and sequence the replica knows, then for each record kind, id, stamp (empty: none is kept) and record (empty: none of its own). Answers 1 where the
 * store now has all of it.
 */
export const RESTORE_SCRIPT = `${NOW}
local known = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'opened')
if known[1] ~= ARGV[1] or tonumber(known[3] or 0) > tonumber(ARGV[2]) then return 0 end
if tonumber(ARGV[3]) <= tonumber(known[2]) then return 1 end
for i = 2, 8 do redis.call('DEL', KEYS[i]) end
for i = 4, #ARGV, 4 do
  if ARGV[i + 2] ~= '' then redis.call('HSET', KEYS[2], ARGV[i] .. ARGV[i + 1], ARGV[i + 2]) end
  if ARGV[i + 3] ~= '' then redis.call('HSET', KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 3]) end
end
redis.call('HSET', KEYS[1], 'sequence', ARGV[3], 'from:' .. ARGV[1], ARGV[3])
return 1
`;

/** Ends with what every script answers that tells how things stand: epoch, time, when it opens, until when nothing is granted, who shares it. */
const STANDING = `
local known, signs = redis.call('HMGET', KEYS[1], 'epoch', 'opens', 'learns'), redis.call('HGETALL', KEYS[9])
if redis.call('EXISTS', KEYS[10]) == 0 then return {tonumber(known[1] or 0), now, 0, 0, signs} end
return {tonumber(known[1] or 0), now, tonumber(known[2] or 0), tonumber(known[3] or 0), signs}
`;

/**
 * A replica has said what it knows and is no longer missed. ARGV: replica, and when the last of the grants is over that it knows and the
 * store has lost for good (0: there are none).
 */
export const SETTLE_SCRIPT = `${NOW}
redis.call('HDEL', KEYS[10], ARGV[1])
redis.call('HSET', KEYS[9], ARGV[1], now)
local over = tonumber(ARGV[2])
if over > now then
  if redis.call('EXISTS', KEYS[10]) == 1 then over = math.max(over, tonumber(redis.call('HGET', KEYS[1], 'learns') or 0)) end
  redis.call('HSET', KEYS[10], 'lost', 1)
  redis.call('HSET', KEYS[1], 'learns', over)
end
${STANDING}`;

/** A sign of life. ARGV: replica. */
export const BEAT_SCRIPT = `${NOW}
redis.call('HSET', KEYS[9], ARGV[1], now)
redis.call('HSET', KEYS[1], 'time', now)
${STANDING}`;

/** A replica leaves, all that it wrote being stored: nobody has to miss it. ARGV: replica. */
export const LEAVE_SCRIPT = "return redis.call('HDEL', KEYS[9], ARGV[1])";

/**
 * Opens a pool and reads it whole, at one moment. ARGV: epoch. Answers epoch (empty: another one has begun), sequence, time, the stamps
 * of all records by kind and id, then the records of each kind by id.
 */
export const LOAD_SCRIPT = `${NOW}
local known = redis.call('HMGET', KEYS[1], 'epoch', 'sequence')
if known[1] ~= ARGV[1] then return {''} end
redis.call('HSET', KEYS[1], 'opened', known[1])
local answer = {known[1], tonumber(known[2]), now}
for i = 2, 8 do answer[#answer + 1] = redis.call('HGETALL', KEYS[i]) end
return answer
`;

/**
 * Reads a pool whole, at one moment. KEYS as for applying. Answers epoch, sequence, time, the stamps of all records by kind and id,
 * then the records of each kind by id.
 */
export const LOAD_SCRIPT = `
local told = redis.call('TIME')
local known = redis.call('HMGET', KEYS[1], 'epoch', 'sequence', 'time')
local now = math.max(told[1] * 1000 + math.floor(told[2] / 1000), tonumber(known[3] or 0))
local answer = {known[1] or '', tonumber(known[2] or 0), now}
for i = 2, #KEYS do answer[#answer + 1] = redis.call('HGETALL', KEYS[i]) end
return answer
`;

/**
 * Joins a pool on this run of its primary. Where the pool was last written on another run, or was never written, an epoch begins, so
 * that whoever still believes in the one before is refused. ARGV: the run. Answers epoch and sequence.
 */
export const JOIN_SCRIPT = `
local known = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'sequence')
local epoch, sequence = tonumber(known[1] or 0), tonumber(known[3] or 0)
if known[2] ~= ARGV[1] then
  epoch = epoch + 1
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[1], 'sequence', sequence)
end
return {epoch, sequence}
`;

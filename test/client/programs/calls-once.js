/** Run by whichever Node a test wants: one call, one stream, one stream that is left. It closes nothing, and has to end by itself. */
const [clientPath, grpc, provider] = process.argv.slice(2);
const { createKeyLease, leasedFetch } = await import(clientPath);

const keys = createKeyLease({ address: grpc });
const fetch = leasedFetch(keys, { hosts: [new URL(provider).host] });
const ask = (stream) =>
  fetch(`${provider}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-sonnet-5', max_tokens: 8, stream, messages: [{ role: 'user', content: 'word' }] }),
  });
const { usage } = await (await ask(false)).json();
const events = await (await ask(true)).text();
for await (const _ of (await ask(true)).body) break;
process.stdout.write(JSON.stringify({ version: process.version, usage, whole: events.includes('message_stop') }));

import { keyCard, poolTab, reportLine, summaryTiles } from './draw.js';
import { amount, words } from './format.js';

/** Holds what the server told, draws what changed, and listens to the keyboard. */

const STALE_MS = 5_000;
const FILTER_DELAY_MS = 200;

const at = (id) => document.getElementById(id);
const chosen = { pool: new URLSearchParams(location.hash.slice(1)).get('pool') ?? '', filter: '' };
const keys = new Map();
const cards = new Map();
let source;
let sight;
let heardAt = 0;

function listen() {
  source?.close();
  keys.clear();
  source = new EventSource(`events?${new URLSearchParams(chosen)}`);
  source.onopen = () => keys.clear();
  source.onmessage = ({ data }) => take(JSON.parse(data));
  source.onerror = () => showConnection();
}

function take(news) {
  heardAt = performance.now();
  const before = sight;
  sight = news;
  chosen.pool = news.pool;
  for (const key of news.keys) {
    tellChange(keys.get(key.id), key);
    keys.set(key.id, key);
  }
  for (const id of keys.keys()) if (!news.order.includes(id)) keys.delete(id);
  draw(before?.pool !== news.pool);
}

/** For those who cannot see the page: what became of a key. */
function tellChange(before, { id, state, reason }) {
  if (before === undefined || before.state === state) return;
  at('news').textContent = `key ${id} is ${words(state)}${reason === null ? '' : `: ${words(reason)}`}`;
}

function draw(isOther) {
  showConnection();
  const pool = sight.pools.find(({ id }) => id === sight.pool);
  drawTabs();
  at('generation').textContent = `configuration ${sight.generation}`;
  at('pool').setAttribute('aria-labelledby', `pool-${sight.pool}`);
  at('summary').replaceChildren(...(pool === undefined ? [] : summaryTiles(pool, sight)));
  drawKeys(isOther);
  at('matched').textContent = matchedText(pool);
  at('reports').replaceChildren(...sight.badReports.slice(0, 12).map(reportLine));
  at('no-reports').hidden = sight.badReports.length > 0;
}

function drawTabs() {
  const hadFocus = document.activeElement?.getAttribute('role') === 'tab' ? document.activeElement.dataset.pool : undefined;
  at('pools').replaceChildren(...sight.pools.map((pool) => poolTab(pool, pool.id === sight.pool)));
  if (hadFocus !== undefined) at(`pool-${hadFocus}`)?.focus({ preventScroll: true });
}

/** Only cards of keys that changed, or whose times run, are drawn anew. */
function drawKeys(isOther) {
  if (isOther) cards.clear();
  const focused = document.activeElement?.closest?.('[data-key]')?.dataset.key;
  const wanted = sight.order.filter((id) => keys.has(id)).map((id) => cardOf(keys.get(id)));
  const shown = [...at('keys').children];
  if (wanted.length !== shown.length || wanted.some((card, place) => card !== shown[place])) at('keys').replaceChildren(...wanted);
  for (const id of cards.keys()) if (!keys.has(id)) cards.delete(id);
  if (focused !== undefined) cards.get(focused)?.card.focus({ preventScroll: true });
  const empty = emptyText();
  at('empty').hidden = empty === '';
  at('empty').textContent = empty;
}

function cardOf(key) {
  const known = cards.get(key.id);
  const runs =
    key.availableTime !== null ||
    key.blocks.length > 0 ||
    key.limits.some(({ resetTime }) => resetTime !== null && resetTime > sight.now - 1_500);
  if (known !== undefined && known.key === key && !runs) return known.card;
  const card = keyCard(key, sight.now);
  cards.set(key.id, { key, card });
  return card;
}

function emptyText() {
  if (!sight.isStoreUp) return 'The store is lost: nothing is known of keys until it is back.';
  if (sight.order.length > 0) return '';
  return chosen.filter === '' ? 'This pool has no keys.' : `No key matches “${chosen.filter}”.`;
}

function matchedText(pool) {
  if (pool === undefined) return '';
  const of = chosen.filter === '' ? `${amount(pool.keys)} keys` : `${amount(sight.matched)} of ${amount(pool.keys)} keys match`;
  return sight.order.length < sight.matched ? `${of}, ${sight.order.length} shown: those in trouble first. A filter shows the others.` : of;
}

function showConnection() {
  const isStale = performance.now() - heardAt > STALE_MS;
  const state = sight === undefined ? 'waiting' : isStale ? 'stale' : sight.isStoreUp ? 'live' : 'lost';
  const text = { waiting: 'connecting', stale: 'no news: connecting again', live: 'live', lost: 'the store is lost' }[state];
  const connection = at('connection');
  if (connection.dataset.state === state) return;
  connection.dataset.state = state;
  connection.textContent = text;
}

function choosePool(id) {
  if (id === undefined || id === chosen.pool) return;
  chosen.pool = id;
  history.replaceState(null, '', `#${new URLSearchParams({ pool: id })}`);
  if (sight !== undefined) sight.pool = id;
  drawTabs();
  listen();
}

function stepPool(step) {
  const ids = sight?.pools.map(({ id }) => id) ?? [];
  choosePool(ids.at((ids.indexOf(chosen.pool) + step + ids.length) % ids.length));
}

function stepKey(step) {
  const all = [...at('keys').children];
  const place = all.indexOf(document.activeElement?.closest?.('[data-key]'));
  const next = all[place < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, place + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

const SHORTCUTS = {
  '[': () => stepPool(-1),
  ']': () => stepPool(1),
  j: () => stepKey(1),
  k: () => stepKey(-1),
  '/': () => at('filter').focus(),
  '?': () => at('help').showModal(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || at('help').open) return;
  const isTyping = event.target === at('filter');
  if (isTyping && event.key === 'Escape') {
    at('filter').value = '';
    filterLater(0);
    at('filter').blur();
    return;
  }
  const act = isTyping ? undefined : SHORTCUTS[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

at('pools').addEventListener('click', ({ target }) => choosePool(target.closest('[data-pool]')?.dataset.pool));
at('pools').addEventListener('keydown', (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  stepPool(step);
  at(`pool-${chosen.pool}`)?.focus();
});
at('help-button').addEventListener('click', () => at('help').showModal());
at('filter').addEventListener('input', () => filterLater(FILTER_DELAY_MS));

let filterTimer;
function filterLater(ms) {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => {
    chosen.filter = at('filter').value;
    listen();
  }, ms);
}

setInterval(showConnection, 1_000);
listen();

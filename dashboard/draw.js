import { amount, span, sparkPoints, windowText, words } from './format.js';

/** Elements from what the server tells. Text is always set as text, never as markup. */

const SVG = 'http://www.w3.org/2000/svg';

export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const STATES = ['available', 'probation', 'cooldown', 'unhealthy', 'draining'];

/** Each state has a form as well as a colour. */
const FORMS = {
  available: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z',
  probation: 'M8 2.5A5.5 5.5 0 1 1 8 13.5 5.5 5.5 0 0 1 8 2.5Zm0 0v11',
  cooldown: 'M4 2h8L8 8l4 6H4l4-6Z',
  unhealthy: 'M3 3l10 10M13 3 3 13',
  draining: 'M2.5 8h11M9 3.5 13.5 8 9 12.5',
};

function stateIcon(state) {
  return shape('svg', { viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true' }, shape('path', { d: FORMS[state] }));
}

export function stateChip(state) {
  return make('span', { class: 'chip', 'data-state': state }, stateIcon(state), words(state));
}

/** A pool as a tab. */
export function poolTab(pool, isChosen) {
  const trouble = pool.states.unhealthy + pool.states.cooldown;
  const worst = pool.states.unhealthy > 0 ? 'unhealthy' : pool.states.cooldown > 0 ? 'cooldown' : 'available';
  const label = `${pool.id}: ${pool.states.available} of ${pool.keys} keys available`;
  return make(
    'button',
    {
      type: 'button',
      role: 'tab',
      id: `pool-${pool.id}`,
      'data-pool': pool.id,
      'data-state': worst,
      'aria-label': label,
      'aria-selected': String(isChosen),
      'aria-controls': 'pool',
      tabindex: isChosen ? '0' : '-1',
    },
    stateIcon(worst),
    make('span', { class: 'name' }, pool.id),
    make('span', { class: 'count' }, trouble === 0 ? amount(pool.keys) : `${amount(pool.states.available)} / ${amount(pool.keys)}`),
  );
}

/** The row of figures above the keys. */
export function summaryTiles(pool, { grants, rateLimited, now }) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return [
    tile('Keys', amount(pool.keys), stateBar(pool), stateLegend(pool)),
    tile('Leases under way', amount(pool.activeLeases), note(`${pool.provider}, ${words(pool.strategy)}`), learning(pool, now)),
    tile('In line', amount(pool.waiting), note(pool.waiting === 0 ? 'nobody waits' : 'waiting for room')),
    tile('Grants, 2 min', amount(sum(grants)), spark(grants, 'grants')),
    tile('429s, 2 min', amount(sum(rateLimited)), spark(rateLimited, 'limited')),
  ];
}

/** While the store may have forgotten grants. */
function learning({ grantsFrom }, now) {
  return grantsFrom === null ? null : troubleLine('learning: nothing is granted', '', grantsFrom, 'cooldown', now);
}

function tile(name, value, ...more) {
  return make('div', { class: 'tile' }, make('h2', {}, name), make('p', { class: 'figure' }, value), ...more);
}

function note(text) {
  return make('p', { class: 'quiet' }, text);
}

function stateBar({ keys, states }) {
  const parts = STATES.filter((state) => states[state] > 0).map((state) => {
    const share = (states[state] / Math.max(1, keys)) * 100;
    return { state, share };
  });
  let left = 0;
  const bars = parts.map(({ state, share }) => {
    const bar = shape('rect', { x: left, y: 0, width: Math.max(0.5, share - 0.6), height: 4, rx: 1, 'data-state': state });
    left += share;
    return bar;
  });
  return shape('svg', { viewBox: '0 0 100 4', preserveAspectRatio: 'none', class: 'states', 'aria-hidden': 'true' }, ...bars);
}

function stateLegend({ states }) {
  const told = STATES.filter((state) => states[state] > 0);
  const items = told.map((state) => make('li', { 'data-state': state }, stateIcon(state), `${amount(states[state])} ${state}`));
  return make('ul', { class: 'legend' }, ...items);
}

function spark(values, kind) {
  const highest = Math.max(1, ...values);
  const points = sparkPoints(values, highest).join(' ');
  return shape(
    'svg',
    {
      viewBox: '0 0 100 28',
      preserveAspectRatio: 'none',
      class: 'spark',
      'data-kind': kind,
      role: 'img',
      'aria-label': `at most ${highest} a second`,
    },
    shape('polygon', { points: `0,27 ${points} 100,27` }),
    shape('polyline', { points }),
  );
}

/** A key with its meters. `now` is the server's. */
export function keyCard(key, now) {
  const meters = key.limits.map((limit) => meter(key, limit, now));
  const learnt = key.concurrency.map((one) => learntLine(one));
  const nothing = meters.length + learnt.length === 0 ? [note('No limit is known yet: responses will tell.')] : [];
  return make(
    'article',
    { class: 'key', 'data-key': key.id, 'data-state': key.state, tabindex: '-1', 'aria-label': `key ${key.id}, ${words(key.state)}` },
    make('header', {}, make('h3', {}, key.id), stateChip(key.state)),
    facts(key, now),
    ...trouble(key, now),
    ...meters,
    ...learnt,
    ...nothing,
  );
}

function facts(key, now) {
  const parts = [
    `${amount(key.activeLeases)} of ${amount(key.leasesMax)} leases`,
    key.limitGroup === key.id ? null : `group ${key.limitGroup}`,
    key.priority === 0 ? null : `priority ${key.priority}`,
    key.lastReportTime === null ? 'no report yet' : `reported ${ago(now - key.lastReportTime)}`,
  ];
  return make('p', { class: 'facts' }, parts.filter((part) => part !== null).join(' · '));
}

/** How long ago, with as little detail as keeps a page from moving all the time. */
function ago(ms) {
  return ms < 10_000 ? 'just now' : ms < 60_000 ? '<1 min ago' : `${span(Math.floor(ms / 60_000) * 60_000)} ago`;
}

function trouble(key, now) {
  const own = key.reason === null ? [] : [troubleLine(words(key.reason), key.message, key.availableTime, key.state, now)];
  const others = key.blocks.filter(({ state, reason, modelClass }) => modelClass !== '' && !(state === key.state && reason === key.reason));
  return [
    ...own,
    ...others
      .slice(0, 4)
      .map((block) => troubleLine(`${block.modelClass}: ${words(block.reason ?? block.state)}`, '', block.availableTime, block.state, now)),
  ];
}

function troubleLine(what, message, until, state, now) {
  const when = until === null ? '' : `back in ${span(Math.ceil(Math.max(0, until - now) / 1_000) * 1_000)}`;
  return make(
    'p',
    { class: 'trouble', 'data-state': state },
    make('strong', {}, what),
    when === '' ? null : make('span', { class: 'when' }, when),
    message === '' ? null : make('span', { class: 'message' }, message),
  );
}

/** One limit as a bar: what is used, what leases hold, what is left. */
function meter(key, { dimension, modelClass, windowMs, limit, remaining, reserved, resetTime, source }, now) {
  const free = Math.max(0, remaining - reserved);
  const used = Math.max(0, limit - remaining);
  const share = (value) => (limit === 0 ? 0 : Math.min(100, (value / limit) * 100));
  const held = Math.min(share(reserved), 100 - share(used));
  const level = free === 0 ? 'none' : free / limit < 0.15 ? 'low' : 'enough';
  const name = [words(dimension), modelClass].filter((part) => part !== '').join(', ');
  const window = windowText(windowMs);
  const told = `${amount(free)} of ${amount(limit)} left`;
  const reset = resetTime === null || resetTime <= now ? 'full' : `full in ${span(Math.ceil((resetTime - now) / 1_000) * 1_000)}`;
  const text = `${told}, ${amount(reserved)} reserved, ${reset}, ${source}`;
  return make(
    'div',
    { class: 'meter', 'data-level': level },
    make(
      'div',
      { class: 'line' },
      make('span', { class: 'dimension' }, name, make('span', { class: 'window' }, window)),
      make('span', { class: 'left' }, told),
    ),
    shape(
      'svg',
      {
        viewBox: '0 0 100 6',
        preserveAspectRatio: 'none',
        role: 'meter',
        'aria-label': `${key.id}: ${name} ${window}`,
        'aria-valuemin': 0,
        'aria-valuemax': limit,
        'aria-valuenow': Math.min(limit, free),
        'aria-valuetext': text,
      },
      shape('rect', { class: 'track', x: 0, y: 0, width: 100, height: 6 }),
      shape('rect', { class: 'used', x: 0, y: 0, width: share(used), height: 6 }),
      shape('rect', { class: 'reserved', x: share(used), y: 0, width: held, height: 6 }),
    ),
    make(
      'div',
      { class: 'line quiet' },
      make('span', {}, reserved === 0 ? source : `${amount(reserved)} reserved`),
      make('span', {}, reset),
    ),
  );
}

function learntLine({ modelClass, limit, underWay }) {
  const most = Number.isFinite(limit) && limit !== null ? `at most ${amount(Math.floor(limit))} at once` : 'no bound met yet';
  return note(`${modelClass === '' ? 'any model' : modelClass}: ${amount(underWay)} under way, ${most} (learnt)`);
}

export function reportLine({ time, keyId, verdict, status }) {
  const at = new Date(time);
  const clock = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  return make(
    'li',
    { 'data-verdict': verdict },
    make('time', { datetime: at.toISOString() }, clock),
    make('span', { class: 'name' }, keyId),
    make('span', { class: 'verdict' }, words(verdict)),
    make('span', { class: 'quiet' }, status === 0 ? 'no response' : String(status)),
  );
}

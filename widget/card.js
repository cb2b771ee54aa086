// A card as DOM. What a card holds: rolewise/card.schema.json.

import { fill, h, iconButton, link } from './dom.js';

/** @typedef {typeof import('./texts.js').texts} Texts */
/**
 * @typedef {object} Actions what can be done with an answer
 * @property {(title: string, payload: string) => void} ask
 * @property {(value: string, reason: string) => Promise<boolean>} rate
 * @property {() => void} copy
 */

/** @param {unknown} value */
const list = (value) => (Array.isArray(value) ? value : []);
/** @param {unknown} value */
const words = (value) => (value == null ? '' : String(value));

/**
 * @param {any} table
 * @param {Texts} texts
 */
function tableOf(table, texts) {
  const columns = list(table.columns).map(words);
  // The roles are given again because a stacked table is no longer laid out as one.
  const head = columns.map((name, place) =>
    h('th', { scope: 'col', role: 'columnheader' }, name || (place ? '' : h('span.sr', {}, texts.topic))),
  );
  const rows = list(table.rows).map((row) =>
    h('tr', { role: 'row' }, ...list(row).map((cell, place) =>
      place
        ? h('td', { role: 'cell', dir: 'auto' }, h('span.label', { 'aria-hidden': 'true' }, columns[place]), words(cell))
        : h('th', { scope: 'row', role: 'rowheader', dir: 'auto' }, words(cell)),
    )),
  );
  const caption = words(table.caption);
  return h('div.scroll', { role: 'region', tabindex: '0', 'aria-label': caption || texts.topic },
    h(columns.length > 3 ? 'table.wide' : 'table', { role: 'table' },
      h('caption', { dir: 'auto' }, caption),
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...head)),
      h('tbody', { role: 'rowgroup' }, ...rows)));
}

/**
 * An answer to several questions has each question, then its points.
 * @param {any} card
 */
function pointsOf(card) {
  const titles = words(card.title).split('; ');
  const several = !card.lead && titles.length > 1;
  const nodes = [];
  /** @type {HTMLElement | null} */
  let items = null;
  for (const text of list(card.points).map(words)) {
    const title = several && titles.find((one) => text.startsWith(`${one} `));
    if (title) {
      nodes.push(h('h4', { dir: 'auto' }, title), h('p.lead', { dir: 'auto' }, text.slice(title.length + 1)));
      items = null;
    } else {
      if (!items) nodes.push((items = h('ul', {})));
      items.append(h('li', { dir: 'auto' }, text));
    }
  }
  return { nodes, several };
}

/**
 * @param {any[]} sources
 * @param {Texts} texts
 */
function sourcesOf(sources, texts) {
  const items = sources.map((source) => {
    const origin = [source.publisher, source.year].filter(Boolean).join(', ');
    return h('li', { dir: 'auto' }, link(source.url, words(source.title), texts.newTab), origin && `, ${origin}`);
  });
  return h('details.sources', { open: items.length < 3 },
    h('summary', {}, fill(texts.sources, { count: items.length })), h('ol', {}, ...items));
}

/**
 * @param {any[]} suggestions
 * @param {string} name
 * @param {Actions['ask']} ask
 */
export function chips(suggestions, name, ask) {
  return h('ul.chips', { 'aria-label': name, part: 'chips' }, ...suggestions.map((one) =>
    h('li', {}, h('button.chip', {
      type: 'button', part: 'chip', dir: 'auto', onclick: () => ask(words(one.title), words(one.payload)),
    }, words(one.title)))));
}

/**
 * Rating buttons; the reason is asked for after a thumb down.
 * @param {string | undefined} rating
 * @param {Texts} texts
 * @param {Actions} actions
 */
function toolsOf(rating, texts, actions) {
  const input = /** @type {HTMLInputElement} */ (h('input', { maxlength: 500, autocomplete: 'off' }));
  const reason = h('form.reason', { hidden: true },
    h('label', {}, texts.reason, input), h('button.plain', {}, texts.send));
  /** @param {'up' | 'down'} value */
  const button = (value) => iconButton(value, value === 'up' ? texts.helpful : texts.unhelpful, () => rate(value), {
    'aria-pressed': String(rating === value), part: 'rating',
  });
  const buttons = { up: button('up'), down: button('down') };
  /** @param {string} value */
  const show = (value) => {
    buttons.up.setAttribute('aria-pressed', String(value === 'up'));
    buttons.down.setAttribute('aria-pressed', String(value === 'down'));
  };
  /** @param {'up' | 'down'} value */
  async function rate(value) {
    show(value);
    reason.hidden = value === 'up';
    reason.scrollIntoView({ block: 'nearest' });
    if (await actions.rate(value, '')) rating = value;
    else {
      show(rating ?? '');
      reason.hidden = true;
    }
  }
  reason.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!input.value.trim() || (await actions.rate('down', input.value))) {
      reason.hidden = true;
      buttons.down.focus();
    }
  });
  return [buttons.up, buttons.down, reason];
}

/**
 * A message of the assistant.
 * @param {import('./client.js').Message} message
 * @param {Texts} texts
 * @param {Actions} actions
 * @param {Node | null} contact who answers what the assistant does not
 */
export function cardOf(message, texts, actions, contact) {
  // Another version, or no card at all: the text is complete by itself.
  const card = message.card?.version === 1 ? message.card : { kind: 'smalltalk', lead: message.text };
  const { nodes, several } = pointsOf(card);
  const heading = !several && words(card.title);
  const sources = list(card.sources);
  const suggestions = list(card.suggestions);
  const answered = ['answer', 'comparison'].includes(card.kind);
  return h('article.message.bot', { part: 'message bot', 'data-kind': card.kind },
    h(heading ? 'h3' : 'h3.sr', { dir: 'auto' }, heading || texts.assistant),
    card.lead && h('p.lead', { dir: 'auto' }, words(card.lead)),
    ...nodes,
    card.table && tableOf(card.table, texts),
    card.caveat && h('p.caveat', { dir: 'auto' }, h('strong', {}, texts.note), ` ${words(card.caveat)}`),
    ['fallback', 'error'].includes(card.kind) && contact,
    sources.length > 0 && sourcesOf(sources, texts),
    answered && h('div.tools', {}, iconButton('copy', texts.copy, actions.copy, { part: 'copy' }), ...toolsOf(message.rating, texts, actions)),
    suggestions.length > 0 && chips(suggestions, texts.suggestions, actions.ask));
}

/**
 * What is read out when a card arrives: the sentence, and what else there is.
 * @param {import('./client.js').Message} message
 * @param {Texts} texts
 */
export function spoken(message, texts) {
  const card = message.card ?? {};
  const table = card.table;
  return [
    `${texts.assistant}:`,
    words(card.title && !card.lead ? card.title : card.lead) || message.text,
    ...list(card.points).map(words),
    table && fill(texts.table, { caption: words(table.caption), rows: list(table.rows).length }),
    list(card.suggestions).length > 0 && `${texts.suggestions}: ${list(card.suggestions).map((one) => words(one.title)).join(' ')}`,
  ].filter(Boolean).join(' ');
}

// Building blocks, the window, a card. Nothing is parsed as HTML.

const SVG = 'http://www.w3.org/2000/svg';

const ICONS = {
  chat: 'M4 5h16v11H9l-5 4z',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12h14M12 5l7 7-7 7',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  expand: 'M9 4H4v5M15 20h5v-5M4 4l6 6M20 20l-6-6',
};

/** `name` is tag.class; `props` are listeners (on...) and attributes. */
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? '' : String(value));
  }
  node.append(.../** @type {Node[]} */ (children.filter(Boolean)));
  return node;
}

/** One of those above, or a path. */
export function icon(image) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', ICONS[image] ?? image);
  svg.append(path);
  return svg;
}

export function iconButton(image, name, onclick, more = {}) {
  return h('button.icon', { type: 'button', 'aria-label': name, title: name, onclick, ...more }, icon(image));
}

/** Only http and https may be followed. */
export function webAddress(text) {
  try {
    const url = new URL(String(text));
    return /^https?:$/.test(url.protocol) ? url.href : '';
  } catch {
    return '';
  }
}

export function link(address, words, newTab) {
  const href = webAddress(address);
  if (!href) return h('span', {}, words);
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer' }, words, h('span.sr', {}, ` ${newTab}`));
}

/** Safari says it by the code alone: there the composition has ended before. */
export const composing = (event) => event.isComposing || event.keyCode === 229;

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => String(values[key] ?? all));

const sheet = new CSSStyleSheet();
// Adopted, not linked: a strict policy allows that.
const loading = fetch(new URL('widget.css', import.meta.url)).then((response) => response.text());
await loading.then((css) => sheet.replace(css)).catch(() => {});

/**
 * @param {HTMLElement} host
 * @param {import('./types').Texts} t
 * @param {import('./types').Handlers} on
 */
export function frame(host, t, on) {
  const type = 'button';
  const plain = (name, onclick) => h('button.plain', { type, onclick }, name);

  const face = h('span', {}, icon('chat'));
  const name = h('span.name', {}, t.open);
  const badge = h('span.badge', { hidden: true, 'aria-hidden': 'true' });
  const launcher = h('button.launcher', {
    type, part: 'launcher', 'aria-expanded': 'false', 'aria-haspopup': 'dialog', onclick: on.toggle,
  }, face, name, badge);

  const heading = h('h2', { id: 'title', tabindex: '-1' }, t.title);
  const more = iconButton('more', t.more, on.menu, { 'aria-expanded': 'false' });
  const size = iconButton('expand', t.expand, on.resize, { 'aria-pressed': 'false' });
  size.classList.add('size');
  const menu = h('div.menu', { hidden: true }, plain(t.startOver, on.startOver), plain(t.delete, on.remove));

  const question = h('p', { id: 'question' });
  const yes = h('button.plain.danger', { type });
  const confirmation = h('div.confirm', { hidden: true, role: 'group', 'aria-labelledby': 'question' },
    question, yes, plain(t.keep, on.keep));

  const list = h('div.list');
  const log = h('div.log', { role: 'log', 'aria-live': 'off', 'aria-label': t.log, tabindex: '0', part: 'log' }, list);
  const stateText = h('span');
  const retry = plain(t.now, on.retry);
  const state = h('div.state', { hidden: true, part: 'state' }, stateText, retry);

  const input = /** @type {HTMLTextAreaElement} */ (h('textarea', {
    id: 'input', rows: 1, placeholder: t.placeholder, part: 'input', dir: 'auto', enterkeyhint: 'send', autocomplete: 'off',
  }));
  const form = h('form.composer', {}, h('label.sr', { for: 'input' }, t.label), input,
    h('button.icon', { 'aria-label': t.send, title: t.send, part: 'send' }, icon('send')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    on.submit();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !composing(event)) {
      event.preventDefault();
      on.submit();
    }
  });

  const panel = /** @type {HTMLDialogElement} */ (h('dialog.panel', { 'aria-labelledby': 'title', part: 'panel' },
    h('header', { part: 'header' }, h('div', {}, heading, h('p', {}, t.subtitle)), more, size, iconButton('close', t.close, on.toggle)),
    menu, confirmation, log, state, form));
  const announcer = h('div.sr', { role: 'status' });
  const root = h('div.root', {
    popover: 'manual', 'data-theme': host.getAttribute('theme'), lang: host.getAttribute('lang') ?? 'en',
  }, panel, launcher, announcer);
  const shadow = host.attachShadow({ mode: 'open' });
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(root);
  return { root, panel, launcher, face, name, badge, heading, more, size, menu, confirmation, question, yes, list, log, state, stateText, retry, input, announcer };
}

// A card; what it holds: rolewise/card.schema.json.

const list = (value) => (Array.isArray(value) ? value : []);
const words = (value) => (value == null ? '' : String(value));

export function tableOf(table, texts) {
  const columns = list(table.columns).map(words);
  // Stacked, it is no longer laid out as a table: the roles keep it one.
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

/** Of several questions, each is a heading. */
function pointsOf(card) {
  const titles = words(card.title).split('; ');
  const several = !card.lead && titles.length > 1;
  const nodes = [];
  /** @type {any} */
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

function sourcesOf(sources, texts) {
  const items = sources.map((source) => {
    const origin = [source.publisher, source.year].filter(Boolean).join(', ');
    return h('li', { dir: 'auto' }, link(source.url, words(source.title), texts.newTab), origin && `, ${origin}`);
  });
  return h('details.sources', { open: items.length < 3 },
    h('summary', {}, fill(texts.sources, { count: items.length })), h('ol', {}, ...items));
}

export function chips(suggestions, name, ask) {
  return h('ul.chips', { 'aria-label': name, part: 'chips' }, ...suggestions.map((one) =>
    h('li', {}, h('button.chip', {
      type: 'button', part: 'chip', dir: 'auto', onclick: () => ask(words(one.title), words(one.payload)),
    }, words(one.title)))));
}

/**
 * A message of the assistant.
 * @param {import('./types').Message} message
 * @param {import('./types').Texts} texts
 * @param {import('./types').Actions} actions
 */
export function cardOf(message, texts, actions, contact) {
  // Without a card of this version the text is complete by itself.
  const card = message.card?.version === 1 ? message.card : { kind: 'smalltalk', lead: message.text };
  const { nodes, several } = pointsOf(card);
  const heading = !several && words(card.title);
  const sources = list(card.sources);
  const suggestions = list(card.suggestions);
  const charts = card.figures && h('div.figures');
  if (charts) import('./figures.js').then(({ draw }) => charts.append(...draw(card.figures, texts))).catch(() => {});
  const tools = ['answer', 'comparison'].includes(card.kind) && h('div.tools');
  if (tools) import('./tools.js').then(({ toolsOf }) => tools.append(...toolsOf(message, texts, actions))).catch(() => {});
  return h('article.message.bot', { part: 'message bot', 'data-kind': card.kind },
    h(heading ? 'h3' : 'h3.sr', { dir: 'auto' }, heading || texts.assistant),
    card.lead && h('p.lead', { dir: 'auto' }, words(card.lead)),
    charts,
    ...nodes,
    card.table && tableOf(card.table, texts),
    card.caveat && h('p.caveat', { dir: 'auto' }, h('strong', {}, texts.note), ` ${words(card.caveat)}`),
    ['fallback', 'error'].includes(card.kind) && contact,
    sources.length > 0 && sourcesOf(sources, texts),
    tools,
    suggestions.length > 0 && chips(suggestions, texts.suggestions, actions.ask));
}

/** What is read out when it arrives. */
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

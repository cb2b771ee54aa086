// The window and its launcher as DOM, without what they do.

import { h, icon, iconButton } from './dom.js';

/** @typedef {typeof import('./texts.js').texts} Texts */
/** @typedef {Record<'toggle' | 'resize' | 'menu' | 'startOver' | 'remove' | 'keep' | 'retry' | 'submit', () => void>} Handlers */

const sheet = new CSSStyleSheet();
// Adopted and not linked: that works under a policy without styles of other origins.
const loading = fetch(new URL('widget.css', import.meta.url)).then((response) => response.text());
await loading.then((css) => sheet.replace(css)).catch(() => {});

/**
 * @param {HTMLElement} host
 * @param {Texts} t
 * @param {Handlers} on
 */
export function frame(host, t, on) {
  const type = 'button';
  /** @param {string} name @param {() => void} onclick @param {object} [more] */
  const plain = (name, onclick, more) => h('button.plain', { type, onclick, ...more }, name);

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
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
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

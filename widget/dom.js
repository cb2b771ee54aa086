// DOM building blocks. Text only ever goes in as text: nothing here or above parses HTML.

/** @typedef {Node | string | null | undefined | false} Child */

const SVG = 'http://www.w3.org/2000/svg';

/** Outlines on a 24 x 24 grid. */
const ICONS = {
  chat: 'M4 5h16v11H9l-5 4z',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12h14M12 5l7 7-7 7',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  expand: 'M9 4H4v5M15 20h5v-5M4 4l6 6M20 20l-6-6',
  shrink: 'M4 10h6V4M20 14h-6v6M10 10L4 4M14 14l6 6',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  done: 'M5 12l5 5 9-10',
  up: 'M7 11v9H4v-9zM7 11l4-7c2 0 2 2 2 3l-1 3h7l-2 9c0 1-1 1-2 1H7',
  down: 'M7 13V4H4v9zM7 13l4 7c2 0 2-2 2-3l-1-3h7l-2-9c0-1-1-1-2-1H7',
};

/**
 * An element.
 * @param {string} name tag, with classes after dots: 'p.lead'
 * @param {Record<string, any>} [props] `on...` is a listener; true and false set and leave out; the rest are attributes
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? '' : String(value));
  }
  node.append(.../** @type {(Node | string)[]} */ (children.filter((child) => child || child === '')));
  return node;
}

/**
 * An icon, hidden from assistive technology: its button has the name.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button with an icon and a name.
 * @param {keyof typeof ICONS} image
 * @param {string} name
 * @param {(event: Event) => void} onclick
 * @param {Record<string, any>} [more]
 */
export function iconButton(image, name, onclick, more = {}) {
  return h('button.icon', { type: 'button', 'aria-label': name, title: name, onclick, ...more }, icon(image));
}

/**
 * An address that may be followed: http and https only.
 * @param {unknown} text
 */
export function webAddress(text) {
  try {
    const url = new URL(String(text));
    return /^https?:$/.test(url.protocol) ? url.href : '';
  } catch {
    return '';
  }
}

/**
 * A link where the address may be followed, otherwise the words alone.
 * @param {unknown} address
 * @param {string} words
 * @param {string} newTab what is said of a link that opens a tab
 */
export function link(address, words, newTab) {
  const href = webAddress(address);
  if (!href) return h('span', {}, words);
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer' }, words, h('span.sr', {}, ` ${newTab}`));
}

/**
 * A sentence with its {places} filled.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => String(values[key] ?? all));

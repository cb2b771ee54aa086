// Draws the figures of a card. Loaded with the first card that has some; rolewise/render/figures.py draws the same elsewhere.

import { fill, h, tableOf } from './view.js';

// A page replaces these as it does those of texts.js.
const english = {
  noFigure: 'no official figure',
  notOfficial: 'not official',
  official: 'official',
  figureRange: '{low} to {high}',
  figureMedian: ', median {middle}',
  figureLegend: 'From the 10th to the 90th percentile; the mark is the median.',
  figureColumns: ['10th percentile', 'Median', '90th percentile'],
  figureValue: 'Value',
  figureTable: 'The same as a table',
};

const SIGNS = { USD: '$', GBP: '\u00a3', INR: '\u20b9', EUR: '\u20ac' };
// In the units of the image: its width, and the height of a row, of one without a bar, and of a bar.
const WIDTH = 320, ROW = 62, EMPTY_ROW = 44, BAR = 12;
let charts = 0;

/**
 * @param {string} name
 * @param {Record<string, any>} attributes
 * @param {...(Node | string)} children
 */
function svg(name, attributes, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

const known = (value) => typeof value === 'number' && Number.isFinite(value);
const numbers = ({ low, middle, high }) => [low, middle, high].filter(known).sort((a, b) => a - b);

function amount(value, unit) {
  const number = value.toLocaleString('en', { maximumFractionDigits: 1 });
  const sign = SIGNS[unit.slice(0, 3)];
  if (sign) return sign + number + unit.slice(3).replace(/ a year$/, '');
  return unit.startsWith('percent') ? `${number}%` : `${number} ${unit}`;
}

/** Figures of one unit, country and period are drawn on one scale. */
function groupsOf(figures) {
  const groups = new Map();
  for (const one of figures) {
    const key = JSON.stringify([one.unit, one.country, one.period]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].filter((group) => group.some((one) => numbers(one).length));
}

function row(figure, said, top, at) {
  const places = numbers(figure).map(at);
  const rect = (name, x, y, width, height) => svg('rect', { class: name, x, y, width, height });
  const nodes = [
    svg('text', { class: 'name', x: 0, y: top + 14 }, String(figure.label)),
    svg('text', { x: 0, y: top + (places.length ? 51 : 33) }, said),
  ];
  if (!places.length) return nodes;
  const [low, high] = places.length === 1 ? [at(0), places[0]].sort((a, b) => a - b) : [places[0], places[places.length - 1]];
  nodes.push(rect('track', 0, top + 27, WIDTH, 2), rect('range', low, top + 22, Math.max(high - low, 2), BAR));
  if (places.length > 2) nodes.push(rect('median', Math.min(Math.max(places[1] - 1.5, 0), WIDTH - 3), top + 19, 3, BAR + 6));
  return nodes;
}

function chartOf(group, t) {
  const { unit, country, period } = group[0];
  const official = group.every((one) => one.official || !numbers(one).length);
  const ranged = group.some(({ low, high }) => known(low) || known(high));
  const all = [0, ...group.flatMap(numbers)];
  const start = Math.min(...all), end = Math.max(...all);
  const at = (value) => ((value - start) / (end - start || 1)) * WIDTH;
  const short = (value) => (known(value) ? amount(value, unit) : t.noFigure);
  const say = (one) => {
    const found = numbers(one);
    if (!found.length) return t.noFigure;
    const [low, high] = [found[0], found[found.length - 1]].map(short);
    const middle = found.length > 2 ? fill(t.figureMedian, { middle: short(found[1]) }) : '';
    return (low === high ? low : fill(t.figureRange, { low, high })) + middle + (one.official || official ? '' : `, ${t.notOfficial}`);
  };
  const caption = `${unit[0].toUpperCase()}${unit.slice(1)} (${[country, period, official && t.official].filter(Boolean).join(', ')})`;
  const legend = ranged ? t.figureLegend : '';
  let height = 0;
  const rows = group.flatMap((one) => {
    const top = height;
    height += numbers(one).length ? ROW : EMPTY_ROW;
    return row(one, say(one), top, at);
  });
  const id = `chart${(charts += 1)}`;
  const described = `${group.map((one) => `${one.label}: ${say(one)}`).join('; ')}. ${legend}`.trim();
  return h('figure', {},
    h('figcaption', {}, [caption, legend].filter(Boolean).join('. ')),
    svg('svg', {
      class: 'chart', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-labelledby': `${id}-title`, 'aria-describedby': `${id}-desc`,
    }, svg('title', { id: `${id}-title` }, caption), svg('desc', { id: `${id}-desc` }, described), ...rows),
    h('details', {}, h('summary', {}, t.figureTable), tableOf({
      caption,
      columns: ['', ...(ranged ? t.figureColumns : [t.figureValue])],
      rows: group.map((one) => [one.label, ...(ranged ? [one.low, one.middle, one.high] : [one.middle]).map(short)]),
    }, t)));
}

/**
 * @param {any[]} figures of a card
 * @param {import('./types').Texts} texts
 */
export const draw = (figures, texts) => groupsOf(figures).map((group) => chartOf(group, { ...english, ...texts }));

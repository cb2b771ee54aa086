// The search of the page of questions and answers: it filters what is on the page and asks no server.

const form = /** @type {HTMLFormElement} */ (document.querySelector('form[role=search]'));
const input = /** @type {HTMLInputElement} */ (form.querySelector('input'));
const announced = /** @type {HTMLElement} */ (form.querySelector('[role=status]'));
const asker = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
const FEW = 5;
const QUESTIONS = ':is(article, details.question)';

/** Words between single spaces, without accents, case and signs; "c++", "c#" and ".net" stay. */
const plain = (text) =>
  ` ${text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^a-z0-9+#.]+|\.(?![a-z])/g, ' ').trim()} `;

const items = [...document.querySelectorAll(`main ${QUESTIONS}`)].map((node) => {
  const title = node.querySelector('h3, summary')?.textContent ?? '';
  return { node: /** @type {HTMLElement} */ (node), title: plain(`${title} ${node.getAttribute('data-words') ?? ''}`), text: '' };
});
const groups = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('main > section, .specific, .topics'));

/** The questions with all the words in their title; where there are few, those with them in their answer, too. */
function search(words) {
  const within = (text) => words.every((word) => text.includes(` ${word}`));
  const found = items.filter(({ title }) => within(title));
  if (found.length >= FEW) return found;
  return items.filter((item) => within(item.title) || within((item.text ||= plain(item.node.textContent ?? ''))));
}

let timer = 0;

function filter() {
  const typed = input.value.trim();
  const words = plain(typed).split(' ').filter(Boolean);
  const found = new Set(words.length ? search(words) : items);
  for (const item of items) item.node.hidden = !found.has(item);
  for (const group of groups) group.hidden = words.length > 0 && !group.querySelector(`${QUESTIONS}:not([hidden])`);
  asker.hidden = found.size > 0;
  asker.setAttribute('data-rolewise-ask', typed);
  // Told after a pause in typing, so that nobody hears every number on the way.
  clearTimeout(timer);
  const told = !words.length ? '' : found.size === 1 ? '1 question found' : `${found.size || 'No'} questions found`;
  timer = setTimeout(() => (announced.textContent = told), 400);
}

/** What the address names is shown, also where the browser does not unfold it by itself. */
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest('[hidden]')) {
    input.value = '';
    filter();
  }
  const folded = target.closest('details');
  if (folded) folded.open = true;
  target.scrollIntoView();
}

input.addEventListener('input', filter);
input.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.isComposing) return;
  event.preventDefault();
  input.value = '';
  filter();
});
form.addEventListener('submit', (event) => event.preventDefault());
addEventListener('hashchange', reveal);
form.hidden = false;
if (input.value) filter(); // as the browser restores it
if (location.hash) reveal();

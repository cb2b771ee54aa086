// What can be done with an answer. Loaded with the first one; where it does not come, the answer stands without.

import { h, iconButton } from './view.js';

// A page replaces these as it does those of texts.js.
const english = {
  copy: 'Copy this answer',
  copied: 'Copied.',
  notCopied: 'Your browser did not allow copying.',
  helpful: 'Helpful',
  unhelpful: 'Not helpful',
  rated: 'Thank you, your rating is kept.',
  notRated: 'Your rating could not be kept. Please try again.',
  reason: 'What was missing? (optional)',
};

const COPY = 'M9 9h10v11H9zM5 15V4h10';
const THUMB = 'M7 11v9H4v-9zM7 11l4-7c2 0 2 2 2 3l-1 3h7l-2 9c0 1-1 1-2 1H7';

/**
 * Copying and rating; a thumb down asks for the reason.
 * @param {import('./types').Message} message
 * @param {import('./types').Texts} texts
 * @param {import('./types').Actions} actions
 */
export function toolsOf(message, texts, actions) {
  const t = { ...english, ...texts };
  let { rating } = message;
  const tell = async (action, well, badly) => {
    const done = await action.then(() => true, () => false);
    actions.say(done ? well : badly);
    return done;
  };
  const send = (value, words) => tell(actions.rate(value, words), t.rated, t.notRated);
  // Without TLS there is no clipboard.
  const copy = () => tell((async () => navigator.clipboard.writeText(message.text))(), t.copied, t.notCopied);
  const input = /** @type {HTMLInputElement} */ (h('input', { maxlength: 500, autocomplete: 'off' }));
  const reason = h('form.reason', { hidden: true },
    h('label', {}, t.reason, input), h('button.plain', {}, t.send));
  const button = (value) => iconButton(THUMB, value === 'up' ? t.helpful : t.unhelpful, () => rate(value), {
    'aria-pressed': String(rating === value), part: 'rating', 'data-value': value,
  });
  const buttons = { up: button('up'), down: button('down') };
  const show = (value) => {
    buttons.up.setAttribute('aria-pressed', String(value === 'up'));
    buttons.down.setAttribute('aria-pressed', String(value === 'down'));
  };
  async function rate(value) {
    show(value);
    reason.hidden = value === 'up';
    reason.scrollIntoView({ block: 'nearest' });
    if (await send(value, '')) rating = value;
    else {
      show(rating ?? '');
      reason.hidden = true;
    }
  }
  reason.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!input.value.trim() || (await send('down', input.value))) {
      reason.hidden = true;
      buttons.down.focus();
    }
  });
  return [iconButton(COPY, t.copy, copy, { part: 'copy' }), buttons.up, buttons.down, reason];
}

// The element <rolewise-chat>: what its window does. docs/widget.md says how to use it.

import { cardOf, chips, spoken } from './card.js';
import { Client, Problem, tab } from './client.js';
import { fill, h, icon, link, webAddress } from './dom.js';
import { texts as english } from './texts.js';
import { frame } from './view.js';

/** @typedef {import('./client.js').Message} Message */
/** @typedef {import('./client.js').Outgoing} Outgoing */

/** The longest wait between two attempts, in seconds. */
const LONGEST_WAIT = 30;
/** How long a passing word stays, in milliseconds. */
const PASSING = 4000;

/** Whether focus may go to the input by itself: on a touch screen that would open the keyboard over the answer. */
const typist = () => !matchMedia('(pointer: coarse)').matches;
const phone = matchMedia('(max-width: 480px)');

export class RolewiseChat extends HTMLElement {
  /** @type {Partial<typeof english>} replaces some of the texts; set before the element is in the page */
  texts = {};
  t = english;
  /** @type {Client} */
  client;
  /** @type {ReturnType<typeof frame>} */
  v;
  /** @type {Map<string, HTMLElement>} what is shown, by the message's id */
  shown = new Map();
  unread = 0;
  epoch = 0;
  maxChars = 2000;
  contact = '';
  /** @type {string | undefined} offline, down or busy */
  problem;
  loaded = false;
  working = false;
  /** @type {Element | null} */
  dots = null;
  passing = 0;
  /** Ends a pause between two attempts. */
  wake = () => {};
  stop = new AbortController();

  connectedCallback() {
    if (!this.v) this.build();
    /** @type {any} */ (this.v.root).showPopover?.();
    this.listen();
    const was = tab.get('open');
    if (was === 'yes' || (was === null && this.hasAttribute('open') && !phone.matches)) this.open(false);
    else if (this.client.saved.outbox.length) this.work();
  }

  disconnectedCallback() {
    this.stop.abort();
    this.wake();
  }

  build() {
    const selector = this.getAttribute('texts');
    const own = selector && document.querySelector(selector)?.textContent;
    const t = (this.t = { ...english, ...(own && JSON.parse(own)), ...this.texts });
    this.client = new Client(new URL(this.getAttribute('server') ?? '.', import.meta.url).href);
    this.epoch = this.client.saved.epoch;
    this.v = frame(this, t, {
      toggle: () => (this.v.panel.open ? this.close() : this.open()),
      resize: () => this.resize(),
      menu: () => this.toggleMenu(),
      startOver: () => this.confirm(t.startOverAsk, t.startOver, 'POST', 'start-over', t.startedOver),
      remove: () => this.confirm(t.deleteAsk, t.delete, 'DELETE', 'conversation', t.deleted),
      keep: () => this.unconfirm(),
      retry: () => this.wake(),
      submit: () => this.submit(),
    });
    this.clear();
    for (const message of this.client.saved.outbox) this.showOutgoing(message);
    this.v.input.value = tab.get('draft') ?? '';
  }

  listen() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    const { panel, input } = this.v;
    addEventListener('online', () => this.wake(), { signal });
    addEventListener('offline', () => panel.open && this.setState('offline'), { signal });
    addEventListener('storage', (event) => event.key === this.client.key && this.sync(), { signal });
    // Any element of the page with this attribute asks its question.
    document.addEventListener('click', ({ target }) => {
      const asker = target instanceof Element && target.closest('[data-rolewise-ask]');
      if (asker) this.ask(asker.getAttribute('data-rolewise-ask') || '');
    }, { signal });
    phone.addEventListener('change', () => panel.open && this.show(), { signal });
    input.addEventListener('input', () => tab.set('draft', input.value), { signal });
    panel.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.escape();
    }, { signal });
    panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      event.preventDefault();
      event.stopPropagation();
      this.escape();
    }, { signal });
  }

  /** @param {boolean} [focus] whether the keyboard goes into the window: not when it opens by itself */
  open(focus = true) {
    const { panel, input, heading } = this.v;
    if (!panel.open) this.show();
    if (focus) (typist() ? input : heading).focus();
    this.faceOf(true);
    this.work();
    this.toEnd();
    this.dispatchEvent(new Event('rolewise-open'));
  }

  /** On a phone the window fills the screen and is modal, so that the keyboard cannot get behind it. */
  show() {
    const { panel } = this.v;
    if (panel.open) panel.close();
    if (phone.matches) panel.showModal();
    else panel.setAttribute('open', '');
  }

  close() {
    this.v.panel.close();
    this.faceOf(false);
    this.v.launcher.focus();
    this.dispatchEvent(new Event('rolewise-close'));
  }

  /** @param {boolean} open */
  faceOf(open) {
    this.v.launcher.setAttribute('aria-expanded', String(open));
    this.v.face.replaceChildren(icon(open ? 'close' : 'chat'));
    tab.set('open', open ? 'yes' : 'no');
    this.setUnread(0);
  }

  /** Escape closes what was opened last. */
  escape() {
    if (!this.v.confirmation.hidden) this.unconfirm();
    else if (!this.v.menu.hidden) {
      this.toggleMenu();
      this.v.more.focus();
    } else this.close();
  }

  resize() {
    const large = this.v.panel.classList.toggle('large');
    this.v.size.setAttribute('aria-pressed', String(large));
    this.v.size.replaceChildren(icon(large ? 'shrink' : 'expand'));
  }

  toggleMenu() {
    const { menu, more } = this.v;
    menu.hidden = !menu.hidden;
    more.setAttribute('aria-expanded', String(!menu.hidden));
  }

  /** @param {number} count */
  setUnread(count) {
    const { badge, name, panel } = this.v;
    this.unread = count;
    badge.hidden = !count;
    badge.textContent = String(count);
    name.textContent = panel.open ? this.t.close : this.t.open;
    if (count) name.append(h('span.sr', {}, ` (${fill(this.t.unread, { count })})`));
  }

  /**
   * Ask before something is lost.
   * @param {string} question
   * @param {string} answer
   * @param {string} method
   * @param {string} path
   * @param {string} done
   */
  confirm(question, answer, method, path, done) {
    const { yes, confirmation } = this.v;
    this.toggleMenu();
    this.v.question.textContent = question;
    yes.textContent = answer;
    yes.onclick = async () => {
      confirmation.hidden = true;
      this.v.more.focus();
      try {
        if (this.client.saved.token) await this.client.json(method, path);
      } catch (error) {
        // A token that expired opens nothing: what is left is to forget it here.
        if (!(error instanceof Problem) || error.kind !== 'token') return this.say(this.t.notDone);
      }
      this.client.reset(method === 'DELETE');
      this.sync();
      this.say(done);
    };
    confirmation.hidden = false;
    yes.focus();
  }

  unconfirm() {
    this.v.confirmation.hidden = true;
    this.v.more.focus();
  }

  /** An empty conversation with its greeting. */
  clear() {
    const t = this.t;
    this.shown.clear();
    this.loaded = false;
    this.v.list.replaceChildren(h('div.intro', {},
      h('p.hello', {}, t.hello), h('p', {}, t.intro),
      chips(t.starters.map((title) => ({ title, payload: title })), t.suggestions, (title) => this.ask(title)),
      h('p.small', {}, t.privacy), this.contactLine()));
  }

  contactLine() {
    const { contact, t } = this;
    return !contact ? null : h('p.contact', {}, `${t.contact} `, link(contact, webAddress(contact) || contact, t.newTab));
  }

  /** @param {Outgoing} message */
  showOutgoing({ id, text, title }) {
    this.showMessage({ id, from: 'user', text: title || text });
  }

  /**
   * Show a message of the conversation, unless it is there.
   * @param {Message} message
   * @param {Element | null} [before]
   */
  showMessage(message, before = this.dots) {
    if (this.shown.has(message.id)) return false;
    const node = message.from === 'user'
      ? h('div.message.user', { part: 'message user', dir: 'auto' }, h('span.sr', {}, `${this.t.you} `), message.text)
      : cardOf(message, this.t, this.actionsOn(message), this.contactLine());
    this.shown.set(message.id, node);
    this.v.list.insertBefore(node, before);
    return true;
  }

  /**
   * @param {Message} message
   * @returns {import('./card.js').Actions}
   */
  actionsOn(message) {
    const { t } = this;
    return {
      ask: (title, payload) => this.ask(payload, title),
      rate: async (value, reason) => {
        try {
          await this.client.json('POST', 'rating', { answer_id: message.card.answer_id, value, reason });
          this.say(t.rated);
          return true;
        } catch {
          this.say(t.notRated);
          return false;
        }
      },
      // There is no clipboard on a page without TLS.
      copy: async () => {
        try {
          await navigator.clipboard.writeText(message.text);
          this.say(t.copied);
        } catch {
          this.say(t.notCopied);
        }
      },
    };
  }

  /** Messages that wait have a mark while something is wrong. */
  marks() {
    for (const mark of this.v.list.querySelectorAll('.wait')) mark.remove();
    if (!this.problem) return;
    for (const { id } of this.client.saved.outbox) this.shown.get(id)?.after(h('div.mark.wait', {}, this.t.pending));
  }

  /** @param {Outgoing} message one that could not be answered */
  showFailed(message) {
    const again = h('button.plain', { type: 'button' }, this.t.again);
    const mark = h('div.mark', {}, this.t.failed, again);
    again.onclick = () => {
      mark.remove();
      this.v.input.focus();
      this.queue(message);
    };
    this.shown.get(message.id)?.after(mark);
    this.announce(this.t.failed);
  }

  /** @param {boolean} on */
  typing(on) {
    this.dots?.remove();
    this.dots = on ? h('div.typing', { 'aria-hidden': 'true' }, h('i'), h('i'), h('i')) : null;
    if (this.dots) this.v.list.append(this.dots);
  }

  /** @param {HTMLElement | undefined} node what is to stand at the top */
  reveal(node) {
    if (node) this.v.log.scrollTop = node.offsetTop - 10;
  }

  /** To the last question. */
  toEnd() {
    this.reveal(/** @type {HTMLElement} */ ([...this.v.list.querySelectorAll('.user')].pop()));
  }

  /** @param {string} text read out by the one announcer; the log itself is silent */
  announce(text) {
    const line = h('p', {}, text);
    this.v.announcer.append(line);
    setTimeout(() => line.remove(), PASSING);
  }

  /** @param {string} text a passing word under the conversation */
  say(text) {
    this.announce(text);
    if (this.problem) return;
    this.v.stateText.textContent = text;
    this.v.retry.hidden = true;
    this.v.state.hidden = false;
    this.v.state.classList.add('passing');
    clearTimeout(this.passing);
    this.passing = setTimeout(() => (this.v.state.hidden = !this.problem), PASSING);
  }

  /**
   * @param {string} [problem] offline, down or busy; none when all is well
   * @param {number} [seconds]
   */
  setState(problem, seconds = 0) {
    const { state, stateText, retry } = this.v;
    const before = this.problem;
    this.problem = problem;
    this.marks();
    if (!problem) return before && this.say(this.t.back);
    const text = fill(/** @type {any} */ (this.t)[problem], { seconds });
    stateText.textContent = text;
    state.hidden = retry.hidden = false;
    state.classList.remove('passing');
    if (problem !== before) this.announce(text);
  }

  submit() {
    const { input } = this.v;
    const text = input.value.trim();
    const { length } = text;
    if (length > this.maxChars) this.say(fill(this.t.tooLong, { length, limit: this.maxChars }));
    else if (text) {
      input.value = '';
      tab.set('draft', '');
      this.ask(text);
    }
  }

  /**
   * Ask something, as if it was typed.
   * @param {string} text
   * @param {string} [title] shown instead of the text
   */
  ask(text, title = '') {
    if (!this.v.panel.open) this.open();
    const id = `m-${[...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('')}`;
    this.queue({ id, text, title });
    if (typist()) this.v.input.focus();
  }

  /** @param {Outgoing} message */
  queue(message) {
    this.client.queue(message);
    this.showOutgoing(message);
    this.marks();
    this.reveal(this.shown.get(message.id));
    this.work();
  }

  /** Load what was said, then send what waits, in order and one at a time, until all is answered. */
  async work() {
    if (this.working) return this.wake();
    this.working = true;
    for (let wait = 1; this.isConnected && (!this.loaded || this.client.saved.outbox.length); ) {
      const [message] = this.client.saved.outbox;
      try {
        await (this.loaded ? this.deliver(message) : this.load());
        this.setState();
        wait = 1;
      } catch (error) {
        this.typing(false);
        const { kind, seconds } = error instanceof Problem ? error : new Problem('failed');
        if (kind === 'token') this.beginAnew();
        else if (this.loaded && (kind === 'refused' || kind === 'failed')) {
          this.client.unqueue(message.id);
          this.showFailed(message);
        } else {
          const pause = seconds || wait;
          this.setState(kind === 'busy' || kind === 'offline' ? kind : 'down', pause);
          await this.pause(pause);
          wait = Math.min(wait * 2, LONGEST_WAIT);
        }
      }
    }
    this.working = false;
  }

  /** The server's settings and the history. */
  async load() {
    const { contact, max_chars: limit } = await this.client.json('GET', 'config');
    this.maxChars = limit;
    if (contact !== this.contact) {
      this.contact = contact;
      this.v.list.querySelector('.intro')?.append(this.contactLine() ?? '');
    }
    if (this.client.saved.token) await this.showHistory();
    this.loaded = true;
    this.toEnd();
  }

  /** Show what the server has and this window has not, before what waits to be sent. */
  async showHistory() {
    const messages = await this.client.history();
    const waiting = this.client.saved.outbox.map(({ id }) => this.shown.get(id)).find(Boolean) ?? this.dots;
    return messages.filter((message) => this.showMessage(message, waiting)).length;
  }

  /** @param {Outgoing} message */
  async deliver(message) {
    this.showOutgoing(message);
    this.typing(true);
    const slow = setTimeout(() => this.announce(this.t.typing), 1500);
    try {
      await this.client.send(message, (answer) => {
        if (!this.showMessage(answer)) return;
        this.announce(spoken(answer, this.t));
        if (!this.v.panel.open) this.setUnread(this.unread + 1);
        this.dispatchEvent(new CustomEvent('rolewise-answer', { detail: answer }));
      });
    } finally {
      clearTimeout(slow);
      this.typing(false);
    }
    this.client.unqueue(message.id);
    this.reveal(this.shown.get(message.id));
  }

  /** The token opens nothing any more: what waits goes into a new conversation, below a line that says so. */
  beginAnew() {
    const waiting = this.client.saved.outbox.map(({ id }) => this.shown.get(id) ?? '');
    this.v.list.append(h('p.small', {}, this.t.expired), ...waiting);
    this.announce(this.t.expired);
  }

  /** What is kept changed, in this tab or in another. */
  async sync() {
    const { epoch, token } = this.client.saved;
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.clear();
      if (this.v.panel.open) this.work();
    } else if (this.loaded && token && !this.working) {
      // Where this fails, the next message of this tab says what is wrong.
      const added = await this.showHistory().catch(() => 0);
      if (added) this.toEnd();
    }
  }

  /** @param {number} seconds */
  pause(seconds) {
    return new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000);
      this.wake = () => resolve(undefined);
    });
  }
}

if (!customElements.get('rolewise-chat')) customElements.define('rolewise-chat', RolewiseChat);

// `<script type="module" src=".../chat/widget.js" data-name="value">` alone puts the element into the page, with its data as attributes.
const script = [...document.scripts].find((one) => one.src === import.meta.url);
if (script && !document.querySelector('rolewise-chat')) {
  const element = document.createElement('rolewise-chat');
  for (const [name, value] of Object.entries(script.dataset)) element.setAttribute(name, value ?? '');
  document.body.append(element);
}

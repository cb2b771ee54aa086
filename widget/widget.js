// The element <rolewise-chat>; docs/widget.md says how to use it.

import { Client, Problem, tab } from './client.js';
import { texts as english } from './texts.js';
import { cardOf, chips, composing, fill, frame, h, icon, link, spoken, webAddress } from './view.js';

const LONGEST_WAIT = 30; // seconds between two attempts
const PASSING = 4000; // milliseconds a passing word stays

/** On a touch screen, focus in the input would open the keyboard over the answer. */
const typist = () => !matchMedia('(pointer: coarse)').matches;
const phone = matchMedia('(max-width: 480px)');

export class RolewiseChat extends HTMLElement {
  /** @type {Partial<typeof english>} set before the element is in the page */
  texts = {};
  t = english;
  /** @type {Client} */
  client;
  /** @type {ReturnType<typeof frame>} */
  v;
  shown = new Map(); // nodes by the message's id
  unread = 0;
  epoch = 0;
  maxChars = 2000;
  contact = '';
  problem = ''; // offline, down or busy
  loaded = false;
  working = false;
  stale = false; // another tab has news
  /** @type {Element | null} */
  dots = null;
  passing = 0;
  asked = new URLSearchParams(location.hash.slice(1)).get('ask'); // written, never sent
  wake = () => {};
  stop = new AbortController();

  connectedCallback() {
    const again = !!this.v;
    if (!again) this.build();
    /** @type {any} */ (this.v.root).showPopover?.();
    this.listen();
    const was = tab.get('open') ?? (this.v.panel.open ? 'yes' : null);
    if (this.asked || was === 'yes' || (was === null && this.hasAttribute('open') && !phone.matches)) this.open(!!this.asked);
    else if (this.client.saved.outbox.length) this.work();
    if (again) this.sync();
  }

  disconnectedCallback() {
    this.stop.abort();
    this.wake();
    setTimeout(keep);
  }

  build() {
    const selector = this.getAttribute('texts');
    const own = selector && document.querySelector(selector)?.textContent;
    const t = (this.t = { ...english, ...JSON.parse(own || '{}'), ...this.texts });
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
    this.v.input.value = this.asked ?? tab.get('draft') ?? '';
  }

  listen() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    const { panel, input } = this.v;
    addEventListener('online', () => (this.working || this.client.saved.outbox.length ? this.work() : this.setState()), { signal });
    addEventListener('offline', () => panel.open && this.setState('offline'), { signal });
    addEventListener('storage', (event) => event.key === this.client.key && this.sync(), { signal });
    // Nobody is told when the storage is emptied in the same tab.
    const look = setInterval(() => this.client.saved.epoch !== this.epoch && this.sync(), 1000);
    signal.addEventListener('abort', () => clearInterval(look));
    // Any element of the page with this attribute asks its question.
    document.addEventListener('click', (event) => {
      const asker = /** @type {any} */ (event.target).closest?.('[data-rolewise-ask]');
      if (!asker || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.ask(asker.dataset.rolewiseAsk, asker.dataset.rolewiseTitle);
    }, { signal });
    phone.addEventListener('change', () => panel.open && this.show(), { signal });
    input.addEventListener('input', () => tab.set('draft', input.value), { signal });
    const leave = (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.escape();
    };
    panel.addEventListener('cancel', leave, { signal });
    panel.addEventListener('keydown', (event) => event.key === 'Escape' && !composing(event) && leave(event), { signal });
  }

  /** A window that opens by itself takes no focus. */
  open(focus = true) {
    const { panel, input, heading } = this.v;
    // Taken out of the page and put back, it is open and no longer modal.
    if (!panel.open || panel.matches(':modal') !== phone.matches) this.show();
    if (focus) (typist() ? input : heading).focus();
    this.faceOf(true);
    this.work();
    this.toEnd();
    this.dispatchEvent(new Event('rolewise-open'));
  }

  /** On a phone it fills the screen and is modal, so that the keyboard cannot get behind it. */
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

  faceOf(open) {
    this.v.launcher.setAttribute('aria-expanded', String(open));
    this.v.face.replaceChildren(icon(open ? 'close' : 'chat'));
    tab.set('open', open ? 'yes' : 'no');
    this.setUnread(0);
  }

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
  }

  toggleMenu() {
    const { menu, more } = this.v;
    menu.hidden = !menu.hidden;
    more.setAttribute('aria-expanded', String(!menu.hidden));
  }

  setUnread(count) {
    const { badge, name, panel } = this.v;
    this.unread = count;
    badge.hidden = !count;
    badge.textContent = String(count);
    name.textContent = panel.open ? this.t.close : this.t.open;
    if (count) name.append(h('span.sr', {}, ` (${fill(this.t.unread, { count })})`));
  }

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
        // An expired token opens nothing: all that is left is to forget it.
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

  clear() {
    const t = this.t;
    this.shown.clear();
    this.typing(null);
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

  showOutgoing({ id, text, title }) {
    this.showMessage({ id, from: 'user', text: title || text }, null);
  }

  /**
   * Whether it was new.
   * @param {import('./types').Message} message
   * @param {Element | null} [before]
   */
  showMessage(message, before = this.dots) {
    if (this.shown.has(message.id)) return false;
    const node = message.from === 'user'
      ? h('div.message.user', { part: 'message user' }, h('span.sr', {}, `${this.t.you} `), h('span', { dir: 'auto' }, message.text))
      : this.answer(message);
    this.shown.set(message.id, node);
    this.v.list.insertBefore(node, before);
    return true;
  }

  /** A card that cannot be shown must not stop the conversation: its text is complete. */
  answer(message) {
    const make = () => cardOf(message, this.t, this.actionsOn(message), this.contactLine());
    try {
      return make();
    } catch {
      message.card = null;
      return make();
    }
  }

  /** @returns {import('./types').Actions} */
  actionsOn(message) {
    return {
      ask: (title, payload) => this.ask(payload, title),
      rate: (value, reason) => this.client.json('POST', 'rating', { answer_id: message.card.answer_id, value, reason }),
      say: (text) => this.say(text),
    };
  }

  marks() {
    for (const mark of this.v.list.querySelectorAll('.wait')) mark.remove();
    if (!this.problem) return;
    for (const { id } of this.client.saved.outbox) this.shown.get(id)?.after(h('div.mark.wait', {}, this.t.pending));
  }

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

  /** The answer comes where the dots are. */
  typing(question) {
    this.dots?.remove();
    this.dots = question && h('div.typing', { 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
    question?.after(this.dots);
  }

  reveal(node) {
    if (node) this.v.log.scrollTop = node.offsetTop - 10;
  }

  toEnd() {
    this.reveal([...this.v.list.querySelectorAll('.user')].pop());
  }

  /** There is one announcer; the log itself is silent. */
  announce(text) {
    const line = h('p', {}, text);
    this.v.announcer.append(line);
    setTimeout(() => line.remove(), PASSING);
  }

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

  setState(problem = '', seconds = 0) {
    const { state, stateText, retry } = this.v;
    const before = this.problem;
    this.problem = problem;
    this.marks();
    if (!problem) return before && this.say(this.t.back);
    const text = fill(this.t[problem], { seconds });
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

  /** Ask as if it was typed; a title is shown instead of the text. */
  ask(text, title = '') {
    if (!this.v.panel.open) this.open();
    const id = `m-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
    this.queue({ id, text, title });
    if (typist()) this.v.input.focus();
  }

  queue(message) {
    this.client.queue(message);
    if (this.client.saved.epoch !== this.epoch) this.sync();
    // What another tab has asked before stands before it.
    for (const one of this.client.saved.outbox) this.showOutgoing(one);
    this.marks();
    this.reveal(this.shown.get(message.id));
    this.work();
  }

  /** Load the history, then send what waits: in order, one at a time, until all is answered. */
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
        const { kind, seconds } = error instanceof Problem ? error : new Problem('failed');
        if (kind === 'token' && wait === 1) {
          this.beginAnew();
          wait = 2;
        }
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
    if (this.stale) this.sync();
  }

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

  /** Show what is new, before what waits to be sent, and all in the order in which it was said. */
  async showHistory() {
    const { epoch, shown } = this;
    const messages = await this.client.history();
    if (epoch !== this.client.saved.epoch) return 0;
    const said = messages.map(({ id }) => id);
    const waiting = this.client.saved.outbox.map(({ id }) => !said.includes(id) && shown.get(id)).find(Boolean) ?? this.dots;
    const added = messages.filter((message) => this.showMessage(message, waiting));
    said.reduce((before, id) => {
      const node = shown.get(id);
      if (before?.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING) before.after(node);
      return node;
    }, null);
    for (const { id, text, payload, unanswered } of added) if (unanswered) this.showFailed({ id, text: payload, title: text });
    return added.length;
  }

  async deliver(message) {
    const { epoch } = this;
    this.showOutgoing(message);
    this.typing(this.shown.get(message.id));
    const slow = setTimeout(() => this.announce(this.t.typing), 1500);
    try {
      await this.client.send(message, (answer) => {
        if (epoch !== this.client.saved.epoch || !this.showMessage(answer)) return;
        this.announce(spoken(answer, this.t));
        if (!this.v.panel.open) this.setUnread(this.unread + 1);
        this.dispatchEvent(new CustomEvent('rolewise-answer', { detail: answer }));
      });
    } finally {
      clearTimeout(slow);
      this.typing(null);
    }
    // Whoever takes its place in the page has to show the answer.
    if (!this.isConnected) return;
    this.client.unqueue(message.id);
    this.reveal(this.shown.get(message.id));
  }

  /** The token has expired: what waits goes into a new conversation. */
  beginAnew() {
    const waiting = this.client.saved.outbox.map(({ id }) => this.shown.get(id) ?? '');
    this.v.list.append(h('p.small', {}, this.t.expired), ...waiting);
    this.announce(this.t.expired);
  }

  /** Something changed, here or in another tab. */
  async sync() {
    const { epoch, token } = this.client.saved;
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.clear();
      if (this.v.panel.open) this.work();
    } else if (this.working) this.stale = true;
    else if (this.loaded && token) {
      this.stale = false;
      const added = await this.showHistory().catch(() => 0);
      if (added) this.toEnd();
    }
  }

  pause(seconds) {
    return new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000);
      this.wake = () => resolve(undefined);
    });
  }
}

if (!customElements.get('rolewise-chat')) customElements.define('rolewise-chat', RolewiseChat);

// The script alone puts the element into the page, with its data-... as attributes.
const script = [...document.scripts].find((one) => one.src === import.meta.url);
/** @type {Element | null} */
let own = null;
if (script && !document.querySelector('rolewise-chat')) {
  own = document.createElement('rolewise-chat');
  for (const [name, value] of Object.entries(script.dataset)) own.setAttribute(name, String(value));
  keep();
}

/** Back into a page whose body was replaced. */
function keep() {
  if (!own || document.querySelector('rolewise-chat')) return;
  if (document.body) document.body.append(own);
  else setTimeout(keep, 50);
}

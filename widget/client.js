// Talks to the server; keeps the token and unanswered messages over a reload.

/** Milliseconds; the server sends a line every 2 s. */
const SILENCE = 35000;

/** offline, down, busy (for `seconds`), token, refused or failed */
export class Problem extends Error {
  constructor(kind, seconds = 0) {
    super(kind);
    this.kind = kind;
    this.seconds = seconds;
  }
}

/** The browser may store nothing: then things last as long as the page. */
const attempt = (action) => {
  try {
    return action();
  } catch {
    return null;
  }
};

/** Over a reload, in this tab only. */
export const tab = {
  get: (key) => attempt(() => sessionStorage.getItem(`rolewise:${key}`)),
  set: (key, value) => attempt(() => sessionStorage.setItem(`rolewise:${key}`, value)),
};

const unreachable = () => new Problem(navigator.onLine ? 'down' : 'offline');

export class Client {
  constructor(server) {
    this.server = server;
    this.key = `rolewise:${server}`;
    this.memory = '';
    this.kept = false; // the browser has stored it
  }

  /** @returns {import('./types').Saved} read anew each time: other tabs change it */
  get saved() {
    const text = attempt(() => localStorage.getItem(this.key));
    if (text === null && this.kept) {
      // Somebody has emptied the storage: the conversation is nobody's any more.
      this.kept = false;
      this.store({ outbox: [], epoch: Date.now() });
      return this.saved;
    }
    this.kept = text !== null;
    const saved = attempt(() => JSON.parse(text ?? this.memory));
    return Array.isArray(saved?.outbox) ? saved : { outbox: [], epoch: 0 };
  }

  store(saved) {
    this.memory = JSON.stringify(saved);
    attempt(() => localStorage.setItem(this.key, this.memory));
  }

  change(edit) {
    const saved = this.saved;
    edit(saved);
    this.store(saved);
  }

  queue(message) {
    this.change((saved) => saved.outbox.push(message));
  }

  unqueue(id) {
    this.change((saved) => (saved.outbox = saved.outbox.filter((message) => message.id !== id)));
  }

  /** @param {boolean} forget the token, too */
  reset(forget) {
    this.change((saved) => {
      saved.outbox = [];
      saved.epoch++;
      if (forget) delete saved.token;
    });
  }

  async call(method, path, body = {}, signal) {
    const { token } = this.saved;
    let response;
    try {
      response = await fetch(this.server + path, {
        method, signal, credentials: 'omit', cache: 'no-store', body: method === 'POST' ? JSON.stringify(body) : null,
        headers: { authorization: `Bearer ${token ?? ''}`, 'content-type': 'application/json' },
      });
    } catch {
      throw unreachable();
    }
    if (response.ok) return response;
    if (response.status === 401) {
      this.change((saved) => {
        if (saved.token === token) delete saved.token;
      });
      throw new Problem('token');
    }
    if (response.status === 429) throw new Problem('busy', Math.max(1, Number(response.headers.get('retry-after')) || 5));
    throw new Problem(response.status >= 500 ? 'down' : 'refused');
  }

  async json(method, path, body = {}) {
    try {
      return await (await this.call(method, path, body)).json();
    } catch (error) {
      throw error instanceof Problem ? error : unreachable();
    }
  }

  /** Of two tabs that begin at once, the first one wins. */
  async begin() {
    if (this.saved.token) return;
    const { token } = await this.json('POST', 'session');
    this.change((saved) => (saved.token ??= token));
  }

  /**
   * Sending again is safe: the server answers an id once.
   * @param {import('./types').Outgoing} message
   * @param {(message: import('./types').Message) => void} receive
   */
  async send(message, receive) {
    await this.begin();
    const abort = new AbortController();
    let timer = setTimeout(() => abort.abort(), SILENCE);
    try {
      const response = await this.call('POST', 'message', message, abort.signal);
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      const decoder = new TextDecoder();
      let rest = '';
      for (let seq = 0; ; ) {
        const { done, value } = await reader.read();
        if (done) throw unreachable();
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), SILENCE);
        const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const item = JSON.parse(line);
          if (item.seq !== seq++) throw unreachable();
          if (item.type === 'message') receive(item);
          if (item.type === 'error') throw new Problem('failed');
          if (item.type === 'end') return;
        }
      }
    } catch (error) {
      throw error instanceof Problem ? error : unreachable();
    } finally {
      clearTimeout(timer);
    }
  }

  async history() {
    return (await this.json('GET', 'history')).messages;
  }
}

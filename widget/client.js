// Talks to the server and keeps what must outlive a reload: the token and the messages not answered yet.

/** @typedef {{id: string, text: string, title: string}} Outgoing a message on its way; `title` is shown instead of a payload */
/** @typedef {{id: string, from?: string, text: string, card?: any, rating?: string}} Message */
/** @typedef {{token?: string, outbox: Outgoing[], epoch: number}} Saved */

/** The longest silence of the server in an answer, in milliseconds. It sends a line every ten seconds. */
const SILENCE = 35000;

/** What went wrong: offline, down, busy (for `seconds`), token, refused or failed. */
export class Problem extends Error {
  /**
   * @param {string} kind
   * @param {number} [seconds]
   */
  constructor(kind, seconds = 0) {
    super(kind);
    this.kind = kind;
    this.seconds = seconds;
  }
}

/** What outlives a reload but not the tab: whether the window is open, and what is half typed. */
export const tab = {
  /** @param {string} key */
  get(key) {
    try {
      return sessionStorage.getItem(`rolewise:${key}`);
    } catch {
      return null;
    }
  },
  /** @param {string} key @param {string} value */
  set(key, value) {
    try {
      sessionStorage.setItem(`rolewise:${key}`, value);
    } catch {
      // It lasts as long as the page.
    }
  },
};

const unreachable = () => new Problem(navigator.onLine ? 'down' : 'offline');

export class Client {
  /** @param {string} server address of the routes, with a slash at its end */
  constructor(server) {
    this.server = server;
    this.key = `rolewise:${server}`;
    /** @type {string} where the browser stores nothing, this does */
    this.memory = '';
  }

  /** @returns {Saved} what is kept; other tabs change it, so it is read anew each time */
  get saved() {
    let text = this.memory;
    try {
      text = localStorage.getItem(this.key) ?? '';
    } catch {
      // Storage is forbidden: the conversation lives as long as the page.
    }
    try {
      const saved = JSON.parse(text);
      if (Array.isArray(saved.outbox)) return saved;
    } catch {
      // Nothing kept yet, or not by us.
    }
    return { outbox: [], epoch: 0 };
  }

  /** @param {(saved: Saved) => void} edit */
  change(edit) {
    const saved = this.saved;
    edit(saved);
    this.memory = JSON.stringify(saved);
    try {
      localStorage.setItem(this.key, this.memory);
    } catch {
      // As above, or the storage is full.
    }
  }

  /** @param {Outgoing} message */
  queue(message) {
    this.change((saved) => saved.outbox.push(message));
  }

  /** @param {string} id */
  unqueue(id) {
    this.change((saved) => {
      saved.outbox = saved.outbox.filter((message) => message.id !== id);
    });
  }

  /** @param {boolean} forget whether the token goes, too; a new epoch tells the other tabs to begin anew */
  reset(forget) {
    this.change((saved) => {
      saved.outbox = [];
      saved.epoch++;
      if (forget) delete saved.token;
    });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {AbortSignal} [signal]
   * @returns {Promise<Response>}
   */
  async call(method, path, body, signal) {
    const { token } = this.saved;
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.authorization = `Bearer ${token}`;
    if (body) headers['content-type'] = 'application/json';
    let response;
    try {
      response = await fetch(this.server + path, {
        method, headers, signal, credentials: 'omit', cache: 'no-store', body: body && JSON.stringify(body),
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

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async json(method, path, body) {
    try {
      return await (await this.call(method, path, body)).json();
    } catch (error) {
      throw error instanceof Problem ? error : unreachable();
    }
  }

  /** A conversation, if there is none yet. Of two tabs that ask at once, the first one's is taken. */
  async begin() {
    if (this.saved.token) return;
    const { token } = await this.json('POST', 'session');
    this.change((saved) => {
      saved.token ??= token;
    });
  }

  /**
   * Send a message and hand on each message of the answer. Sending it again is safe: the server answers an id once.
   * @param {Outgoing} message
   * @param {(message: Message) => void} receive
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

  /** @returns {Promise<Message[]>} */
  async history() {
    return (await this.json('GET', 'history')).messages;
  }
}

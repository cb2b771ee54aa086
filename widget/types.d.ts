// The shapes that the modules hand to each other.

import type { texts } from './texts.js';

/** A message on its way; `title` is shown instead of a payload. */
export interface Outgoing {
  id: string;
  text: string;
  title: string;
}

/** A message of the conversation as the server gives it. */
export interface Message {
  id: string;
  from?: string;
  text: string;
  /** rolewise/card.schema.json */
  card?: any;
  rating?: string;
  /** It got no answer, as the server was interrupted; the payload is what to send again. */
  unanswered?: boolean;
  payload?: string;
}

/** What is kept over a reload. A new epoch tells the other tabs to begin anew. */
export interface Saved {
  token?: string;
  outbox: Outgoing[];
  epoch: number;
}

export type Texts = typeof texts;

/** What can be done with an answer. */
export interface Actions {
  ask(title: string, payload: string): void;
  /** Fails where it was not kept. */
  rate(value: string, reason: string): Promise<unknown>;
  /** A passing word. */
  say(text: string): void;
}

/** What the window's controls do. */
export type Handlers = Record<'toggle' | 'resize' | 'menu' | 'startOver' | 'remove' | 'keep' | 'retry' | 'submit', () => void>;

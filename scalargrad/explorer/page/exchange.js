// What goes between a page and its Explorer, and what of it stands in the address.

const VERSION = 1;

/** Sends messages one at a time; of several that wait, only the last of a kind is sent. */
class Exchange {
    constructor(send) {
        this.send = send;
        this.waiting = [];
        this.isBusy = false;
    }

    /** The answer to a message; null where a later one took its place. */
    ask(message) {
        return new Promise((resolve, reject) => {
            const isPassed = (other) => other.message.kind === message.kind;
            for (const other of this.waiting.filter(isPassed)) other.resolve(null);
            this.waiting = this.waiting.filter((other) => !isPassed(other));
            this.waiting.push({message: {version: VERSION, ...message}, resolve, reject});
            this.next();
        });
    }

    async next() {
        if (this.isBusy || !this.waiting.length) return;
        this.isBusy = true;
        const {message, resolve, reject} = this.waiting.shift();
        try {
            resolve(await this.send(message));
        } catch (error) {
            reject(error);
        }
        this.isBusy = false;
        this.next();
    }
}

/** The states that have been seen, to go back to; changes of one group are one entry. */
class History {
    constructor() {
        this.states = [];
        this.index = -1;
        this.group = "";
    }

    /** What of a state is worth an entry: not where one looks from. */
    static mark(state) {
        return JSON.stringify({...state, step: null, theme: ""});
    }

    enter(state, group) {
        const now = this.states[this.index];
        if (now && History.mark(now) === History.mark(state)) {
            this.states[this.index] = state;
            return;
        }
        const isSame = group && group === this.group && this.index > 0;
        this.index += isSame ? 0 : 1;
        this.states.splice(this.index, Infinity, state);
        this.group = group;
    }

    /** The state so far back or forward, or undefined. */
    at(far) {
        return this.states[this.index + far];
    }
}

/** A state as the fragment of an address; what is as usual is left out. */
function toFragment(state) {
    const parts = new URLSearchParams({text: state.text});
    for (const [name, typed] of Object.entries(state.values)) parts.append(`v.${name}`, typed);
    for (const name of state.open) parts.append("open", name);
    const usual = {look: "numbers", digits: 6, theme: "", step: null};
    for (const [name, is] of Object.entries(usual)) if (state[name] !== is) parts.append(name, state[name]);
    return `#${parts}`;
}

/** The state that a fragment says, or null; whether it makes sense is for Python to say. */
function fromFragment(fragment) {
    const parts = new URLSearchParams(fragment.replace(/^#/, ""));
    if (!parts.has("text")) return null;
    const state = {text: parts.get("text"), values: {}, open: parts.getAll("open")};
    for (const [name, typed] of parts) if (name.startsWith("v.")) state.values[name.slice(2)] = typed;
    for (const name of ["look", "theme"]) if (parts.has(name)) state[name] = parts.get(name);
    for (const name of ["digits", "step"]) if (parts.has(name)) state[name] = Number(parts.get(name));
    return state;
}

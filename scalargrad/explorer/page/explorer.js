// The explorer: what is wanted goes to Python as a state, and what comes back is shown.

const DARK = matchMedia("(prefers-color-scheme: dark)");

class Explorer {
    /** `send` gives the answer to a message, or fails with a sentence; `given` is a first state. */
    constructor(root, send, given) {
        this.root = root;
        this.one = (selector) => root.querySelector(selector);
        this.exchange = new Exchange(send);
        this.history = new History();
        this.typed = {}; // for every name that there was
        this.selected = "";
        this.given = given;
        this.stage = new Stage(this.one(".picture"), {
            select: (node, isSum) => this.select(node, isSum),
            enter: (node) => this.enter(node),
            peek: (node) => this.peek(node),
            leave: (node) => this.leave(node),
            toggle: (node) => this.toggle(node),
            slider: (node) => [...this.inputs.rows.values()].find((row) => row.node === node).slider,
        });
        this.walker = new Walker(root, (number) => this.go(number));
        this.inputs = new Inputs(this.one(".values tbody"),
            (name, typed, isMoving) => this.set(name, typed, isMoving), (node) => this.stage.choose(node || this.selected));
        this.descent = new Descent(this.one(".descent"), {
            descend: (wish) => this.send({kind: "descend", state: this.wanted, ...wish}),
            show: (state) => this.show(state),
        });
        offerShares(this.one(".share"), (form) => this.send({kind: "share", form, state: this.wanted}));
        this.card = new Card(this.one(".card"), {
            light: (keys) => this.stage.light(keys),
            open: (name) => this.open(name, true),
            close: (name) => this.open(name, false),
            nudge: (name, typed) => this.set(name, typed, false),
            leave: () => this.shut(),
        });
        this.listen();
    }

    /** Begin with what the address says, or with what was given where that cannot be shown. */
    async begin() {
        const state = fromFragment(location.hash);
        if (state && await this.show(state)) return;
        await this.show(this.given);
        if (state) this.one(".refusal").textContent = `The address cannot be shown: ${this.refused}`;
    }

    // -- what is wanted

    /** Ask for a state; true where it is shown. Changes of one `group` are one to be undone. */
    async show(state, {group = "", isOld = false, then = null} = {}) {
        this.wanted = state;
        const reply = await this.send({kind: "show", state});
        if (!reply) return false;
        if (reply.kind === "error") return this.refuse(reply, state);
        if (this.wanted === state && !isOld) this.history.enter(reply.state, group);
        this.accept(reply, state);
        then?.();
        return true;
    }

    /** The answer to a message; null where a later one took its place, or there is none. */
    async send(message) {
        try {
            return await this.exchange.ask(message);
        } catch (error) {
            return this.lose(error);
        }
    }

    /** Change something of what is wanted. */
    change(changes, options) {
        return this.show({...this.wanted, ...changes}, options);
    }

    type(text) {
        return this.change({text, values: {...this.typed, ...this.wanted.values}, step: null}, {group: "type"});
    }

    set(name, typed, isMoving) {
        const group = `set ${name}`;
        const done = this.change({values: {...this.wanted.values, [name]: typed}}, {group});
        if (!isMoving) done.then(() => { this.history.group = ""; });
    }

    /** Open an operation or close it; the part that stands for it stays where it is. */
    open(name, isOpen) {
        const others = this.wanted.open.filter((other) => other !== name);
        const before = this.stage.place(this.selected);
        const isInside = ({opens, closes}) => (isOpen ? closes : opens) === name;
        this.change({open: isOpen ? [...others, name] : others, step: null}, {then: () => {
            const part = this.view.nodes.find(isInside);
            if (!part) return;
            const after = this.stage.place(part.node);
            if (before) this.one(".picture").scrollBy({left: after.left - before.left, behavior: "instant"});
            this.stage.focus(part.node);
            this.select(part.node);
        }});
    }

    toggle(node) {
        const {opens, closes} = this.view.nodes.find((part) => part.node === node);
        if (opens || closes) this.open(opens || closes, Boolean(opens));
    }

    undo(far) {
        const state = this.history.at(far);
        if (!state) return;
        this.history.index += far;
        this.history.group = "";
        const step = state.text === this.wanted.text ? this.wanted.step : null;
        this.show({...state, step, theme: this.wanted.theme}, {isOld: true}).then((isShown) => {
            if (isShown) this.one("[name=text]").value = state.text;
        });
    }

    // -- what comes back

    accept(view, asked) {
        const isOther = !this.view || view.state.text !== this.view.state.text
            || view.state.open.join() !== this.view.state.open.join();
        this.view = view;
        const isStale = this.wanted !== asked; // a later state is on its way
        if (!isStale) this.wanted = view.state;
        this.typed = {...this.typed, ...view.state.values};
        const field = this.one("[name=text]");
        if (document.activeElement !== field || field.value.trim() === "") field.value = view.state.text;
        this.complain("", null);
        this.one(".lost").hidden = true;
        this.one(".result").replaceChildren(make("i", "", view.name), ` = ${view.result}`);
        document.title = `${view.state.text} · scalargrad`;
        this.one("figcaption").textContent = view.note;
        this.steps = new Steps(view);
        this.stage.render(view);
        this.inputs.render(view, isStale);
        this.descent.render(view);
        if (isOther) this.select("");
        else if (this.selected) this.ask(this.selected);
        this.stage.choose(this.selected);
        this.look(view.state);
        const step = isOther ? view.state.step : this.wanted.step; // which may have gone on since
        this.go(step === null || step > this.steps.last ? null : step);
    }

    look({look, theme}) {
        for (const button of this.root.querySelectorAll("[data-look]")) {
            button.ariaPressed = button.dataset.look === look;
        }
        this.one("[data-do=undo]").disabled = !this.history.at(-1);
        this.one("[data-do=redo]").disabled = !this.history.at(1);
        document.documentElement.dataset.theme = theme;
        this.one("[data-do=theme]").textContent = this.isDark ? "Light" : "Dark";
    }

    get isDark() {
        const {theme} = this.view.state;
        return theme ? theme === "dark" : DARK.matches;
    }

    /** Say what is wrong where it is; the picture stays as it was. */
    refuse({said, field, column}, state) {
        this.refused = said;
        if (this.wanted === state && this.view) this.wanted = this.view.state;
        if (field === "text" || !this.inputs.refuse(field, said)) this.complain(said, field === "text" ? column : null);
        return false;
    }

    complain(said, column) {
        const caret = this.one(".caret");
        this.one(".refusal").textContent = said;
        this.one("[name=text]").ariaInvalid = said !== "";
        caret.hidden = column === null;
        this.column = column;
        this.underline();
    }

    /** Put the caret under its column, wherever the field has been scrolled to. */
    underline() {
        const field = this.one("[name=text]");
        const {style} = this.one(".caret");
        style.setProperty("--column", (this.column ?? 1) - 1);
        style.setProperty("--scrolled", `${field.scrollLeft}px`);
    }

    lose(error) {
        const again = this.view ? ` Begin again with: ${this.view.command}` : "";
        this.one(".lost").textContent = `${error.message}${again}`;
        this.one(".lost").hidden = false;
        return null;
    }

    // -- steps

    /** Show a step, or the whole; the address keeps it. */
    go(number) {
        this.view.state.step = number;
        this.wanted.step = number;
        if (number !== null && this.selected) this.select("");
        this.stage.show(this.steps, number);
        this.walker.show(this.steps, number);
        this.inputs.show(this.view, this.steps, number);
        history.replaceState(null, "", toFragment(this.view.state));
    }

    // -- parts

    /** Select a part and tell of it, or of the terms of its gradient; "" selects none. */
    select(node, isSum = false) {
        if (node && node === this.selected && this.card.node === node && this.card.isSum === isSum) return;
        this.card.isSum = isSum;
        this.selected = node;
        this.stage.choose(node);
        if (node) this.ask(node);
        else {
            this.card.hide();
            this.stage.light([]);
        }
    }

    /** Select a part and go into its card, which is read then. */
    async enter(node) {
        this.selected = node;
        this.stage.choose(node);
        if (await this.ask(node)) this.card.element.focus();
    }

    /** Select nothing; the focus, if it was in the card, goes back to its part. */
    shut() {
        const part = this.card.element.contains(document.activeElement) ? this.card.node : "";
        this.select("");
        if (part) this.stage.focus(part, {isQuiet: true});
    }

    peek(node) {
        if (!this.selected && this.view.values.some((value) => value.node === node)) this.ask(node);
    }

    leave() {
        this.asked = this.selected;
        if (this.selected) return;
        this.card.hide();
        this.stage.light([]);
    }

    async ask(node) {
        this.asked = node;
        const {state} = this.view;
        const reply = await this.send({kind: "ask", node, state});
        if (reply?.kind !== "card" || this.asked !== node || this.view.state !== state) return false;
        const part = this.view.nodes.find((other) => other.node === node);
        this.card.show(reply, part);
        this.card.move(this.stage.place(node), this.stage.litBottom);
        return true;
    }

    // -- buttons and keys

    listen() {
        const acts = {
            undo: () => this.undo(-1),
            redo: () => this.undo(1),
            theme: () => this.change({theme: this.isDark ? "light" : "dark"}),
            in: () => this.stage.zoom(1.25),
            out: () => this.stage.zoom(0.8),
            fit: () => this.stage.fit(),
            first: () => this.walker.step(-Infinity),
            back: () => this.walker.step(-1),
            next: () => this.walker.step(1),
            last: () => this.walker.step(Infinity),
            play: () => this.walker.play(),
        };
        for (const [name, act] of Object.entries(acts)) {
            this.one(`[data-do=${name}]`).addEventListener("click", act);
        }
        for (const button of this.root.querySelectorAll("[data-look]")) {
            button.addEventListener("click", () => this.change({look: button.dataset.look}));
        }
        const field = this.one("[name=text]");
        field.addEventListener("input", () => this.type(field.value));
        field.addEventListener("change", () => { this.history.group = ""; });
        field.addEventListener("scroll", () => this.underline());
        this.one(".entry").addEventListener("submit", (event) => event.preventDefault());
        addEventListener("keydown", (event) => this.key(event, acts));
        addEventListener("hashchange", () => this.begin());
        DARK.addEventListener("change", () => this.look(this.view.state));
    }

    key(event, acts) {
        const {key, target} = event;
        const isText = target.matches("input:not([type=range]), select");
        if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z" && !isText) {
            event.preventDefault();
            return this.undo(event.shiftKey ? 1 : -1);
        }
        if (event.ctrlKey || event.metaKey || event.altKey || isText || !this.view) return undefined;
        if (key === "Escape") {
            const share = target.closest(".share");
            if (!share) return this.select("");
            share.open = false;
            return share.firstElementChild.focus();
        }
        const keys = {
            ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play",
            "+": "in", "-": "out", 0: "fit",
        };
        const isTaken = target.matches("[type=range]") ? key !== " " : target.matches("button, summary") && key === " ";
        if (!(key in keys) || isTaken) return undefined;
        event.preventDefault();
        if (!this.one(`[data-do=${keys[key]}]`).disabled) acts[keys[key]]();
        return undefined;
    }
}

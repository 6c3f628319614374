// Both passes, step by step: what appears when, and the rule that says why.

/** The steps of a view. */
class Steps {
    constructor(view) {
        this.steps = view.steps;
        this.whole = view.whole;
        this.last = this.steps.length - 1;
        this.turn = this.steps.findIndex(({side}) => side === "backward");
        this.isInNumbers = view.state.look === "numbers";
        this.births = new Map();
        this.growth = new Map(); // what flows: the steps in which its gradient grows
        this.steps.forEach(({shows, lit, flow}, number) => {
            for (const key of [...shows, lit]) if (!this.births.has(key)) this.births.set(key, number);
            if (flow) this.growth.set(flow, [...(this.growth.get(flow) || []), number]);
        });
    }

    at(number) {
        return number === null ? this.whole : this.steps[number];
    }

    /** The step in which something appears; a sum in symbols only when all of it is there. */
    birth(key) {
        const grown = key.startsWith("b:") && !this.isInNumbers ? this.growth.get(key.slice(2)) : undefined;
        return grown ? grown.at(-1) : this.births.get(key) ?? 0;
    }

    /** The last step so far that added to a gradient, or undefined. */
    grown(flow, number) {
        return (this.growth.get(flow) || []).filter((step) => number === null || step <= number).at(-1);
    }

    /** The gradient so far, as a text. */
    gradientAt(flow, number) {
        const last = this.grown(flow, number);
        return last === undefined ? "" : this.steps[last].total;
    }

    /** Whether more comes to a gradient than there is so far. */
    isPartial(flow, number) {
        const last = this.grown(flow, number);
        return last !== undefined && this.steps[last].left > 0;
    }
}

/** A rule in a paragraph: its numbers in figures, the result in bold. */
function ruleLine(rule, className = "") {
    const result = rule.findLastIndex(Array.isArray);
    const parts = rule.map((piece, i) => Array.isArray(piece)
        ? make(i === result ? "b" : "span", "number", piece[0]) : piece);
    return make("p", className, ...parts);
}

/** The panel that says the rule of a step, the line of steps, and the buttons below. */
class Walker {
    /** `go` takes the number of a step, or null for the whole. */
    constructor(root, go) {
        this.root = root;
        this.go = go;
        this.timer = null;
        this.one = (selector) => root.querySelector(selector);
        this.scrubber = this.one(".scrubber");
        this.scrubber.addEventListener("input", () => {
            this.pause();
            this.go(this.read(Number(this.scrubber.value)));
        });
    }

    /** The position behind the last step is the whole. */
    read(position) {
        return position > this.steps.last ? null : Math.max(position, 0);
    }

    get position() {
        return this.number ?? this.steps.last + 1;
    }

    show(steps, number) {
        this.steps = steps;
        this.number = number;
        const {where, side, rules, what, note} = steps.at(number);
        const turn = steps.turn < 0 ? 100 : (100 * (steps.turn - 0.5)) / (steps.last + 1);
        this.scrubber.max = steps.last + 1;
        this.scrubber.value = this.position;
        this.scrubber.style.setProperty("--turn", `${turn}%`);
        this.scrubber.ariaValueText = where;
        this.one(".rule").dataset.side = side;
        this.one(".where").textContent = where;
        this.one(".what").textContent = what;
        this.one(".words").replaceChildren(...rules.map((rule) => ruleLine(rule)));
        this.one(".note").textContent = note;
        for (const name of ["first", "back"]) this.one(`[data-do=${name}]`).disabled = this.position === 0;
        for (const name of ["next", "last"]) this.one(`[data-do=${name}]`).disabled = number === null;
    }

    step(far) {
        this.pause();
        this.go(this.read(this.position + far));
    }

    pause() {
        clearTimeout(this.timer);
        this.timer = null;
        this.one("[data-do=play]").textContent = "Play";
    }

    play() {
        if (this.timer !== null) return this.pause();
        if (this.number === null) this.go(0);
        this.one("[data-do=play]").textContent = "Pause";
        const tick = () => {
            this.timer = setTimeout(tick, Number(this.one("[name=speed]").value));
            this.go(this.read(this.position + 1));
            if (this.number === null) this.pause();
        };
        this.timer = setTimeout(tick, 300);
        return undefined;
    }
}

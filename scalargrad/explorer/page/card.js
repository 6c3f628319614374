// The card beside a part of the picture: rule, gradient and its sum, nudges.

class Card {
    /** `light` takes keys of the picture; `open` and `close` an operation; `nudge` what x becomes. */
    constructor(element, on) {
        this.element = element;
        this.isSum = false; // of terms: what comes back along each arrow; otherwise of whole ways
        Object.assign(this, on);
        element.addEventListener("keydown", (event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            this.leave();
        });
    }

    hide() {
        this.element.hidden = true;
        this.node = "";
    }

    /** Show a card beside a part of the figure, and light its ways up; a button keeps the focus. */
    show(card, part) {
        const at = this.buttons.indexOf(document.activeElement);
        this.node = card.node;
        this.element.replaceChildren(...this.parts(card, part));
        this.element.hidden = false;
        this.light(this.sum(card).rows.flatMap(({keys}) => keys));
        this.buttons[at]?.focus();
    }

    get buttons() {
        return [...this.element.querySelectorAll("button")];
    }

    /** What the gradient is the sum of. */
    sum(card) {
        return this.isSum ? card.terms : card.ways;
    }

    parts(card, part) {
        const shut = act("shut", () => this.leave(), "×");
        shut.ariaLabel = "Close the card";
        const head = make("div", "head", make("h2", "", card.title), shut);
        const about = card.about ? [make("p", "about", card.about)] : [];
        const [own, ...back] = card.rules;
        const found = own ? [ruleLine(own)] : [];
        const handed = back.map((rule) => ruleLine(rule, "back"));
        const ends = [...this.ways(card), ...this.nudges(card), ...this.acts(part)];
        return [head, ...about, ...found, ...this.derivative(card, part), ...handed, ...ends];
    }

    /** The gradient; its number tells of which terms it is the sum, and of which ways. */
    derivative(card, part) {
        const {derivative: {name, formula, number}, where, terms} = card;
        const line = make("p", "derivative", make("span", "red", name || "gradient"), " = ");
        if (formula.length) line.append(...formula.map(drawnFormula), " = ");
        const sum = act("number red", () => {
            this.isSum = !this.isSum;
            this.show(card, part);
        }, number);
        sum.title = "Which terms";
        sum.ariaPressed = this.isSum;
        line.append(terms.title ? sum : make("b", "number red", number));
        const meant = where.map((lines) => make("p", "where", "where ", ...lines.map(drawnFormula)));
        return [line, ...meant];
    }

    /** Every way to the result, or term, with its product; the one that is pointed at is lit alone. */
    ways(card) {
        const {title, rows, sum} = this.sum(card);
        const lines = rows.map(({keys, signs, chain, product}) => {
            const row = act("way", () => {}, make("span", "signs", signs.join(" → ")),
                make("span", "number", chain, make("b", "", product)));
            for (const event of ["pointerenter", "focus"]) row.addEventListener(event, () => this.light(keys));
            for (const event of ["pointerleave", "blur"]) {
                row.addEventListener(event, () => this.element.hidden || this.light(rows.flatMap((way) => way.keys)));
            }
            return make("li", "", row);
        });
        const total = make("p", "sum", make("span", "number", sum, make("b", "red", card.derivative.number)));
        return title ? [make("h3", "", title), make("ol", "", ...lines), ...(sum ? [total] : [])] : [];
    }

    /** By how much the result changes with an input, beside what the gradient foretells. */
    nudges({nudges}) {
        const rows = nudges.map(({name, delta, typed, change, linear}) => make("li", "",
            act("way", () => this.nudge(name, typed), make("span", "signs", `δ = ${delta}`),
                make("span", "number", change, " beside ", make("b", "", linear)))));
        return rows[0] ? [make("h3", "", "Nudge: the change beside gradient\u00a0×\u00a0δ"), make("ol", "", ...rows)] : [];
    }

    acts({opens, closes}) {
        const acts = [["open", opens, `Open ${opens} into steps`], ["close", closes, `Close ${closes}`]];
        return acts.filter(([, what]) => what).map(([name, what, text]) => {
            const button = act("", () => this[name](what), text);
            button.dataset.act = name;
            return button;
        });
    }

    /** Stand below the part and the ways that are lit, or above it where there is more room. */
    move(place, lit) {
        const figure = this.element.parentElement.getBoundingClientRect();
        const own = this.element.getBoundingClientRect();
        const left = place.left + place.width / 2 - own.width / 2 - figure.left;
        const fits = Math.min(Math.max(left, 8), Math.max(figure.width - own.width - 8, 8));
        const clear = Math.max(place.bottom, lit) + 10;
        const below = clear + own.height > innerHeight ? place.bottom + 10 : clear;
        const isAbove = below + own.height > innerHeight && place.top - 10 - own.height > 0;
        const top = (isAbove ? place.top - 10 - own.height : below) - figure.top;
        this.element.style.setProperty("--x", `${fits}px`);
        this.element.style.setProperty("--y", `${top}px`);
    }
}

/** A button that does something. */
function act(className, run, ...children) {
    const button = make("button", className, ...children);
    button.addEventListener("click", run);
    return button;
}

/** A formula that Python has set in type. */
function drawnFormula(text) {
    const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
    svg.setAttribute("class", "formula");
    return svg;
}

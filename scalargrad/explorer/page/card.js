// The card beside a part of the picture: its rule, its gradient, its ways to the result.

class Card {
    /** `light` takes keys of the picture; `open` and `close` an operation. */
    constructor(element, {light, open, close, leave}) {
        this.element = element;
        Object.assign(this, {light, open, close, leave});
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

    /** Show a card beside a part of the figure, and light its ways up. */
    show(card, {opens, closes}) {
        this.node = card.node;
        this.element.replaceChildren(...this.parts(card, opens, closes));
        this.element.hidden = false;
        this.light(card.paths.flatMap(({keys}) => keys));
    }

    parts(card, opens, closes) {
        const shut = make("button", "shut", "×");
        shut.type = "button";
        shut.setAttribute("aria-label", "Close the card");
        shut.addEventListener("click", () => this.leave());
        const head = make("div", "head", make("h2", "", card.title), shut);
        const about = card.about ? [make("p", "about", card.about)] : [];
        const [own, ...back] = card.rules;
        const found = own ? [ruleLine(own)] : [];
        const handed = back.map((rule) => ruleLine(rule, "back"));
        const ends = [...this.ways(card), ...this.acts(opens, closes)];
        return [head, ...about, ...found, ...this.derivative(card), ...handed, ...ends];
    }

    derivative({derivative: {name, formula, number}, where}) {
        const line = make("p", "derivative", make("span", "red", name || "gradient"), " = ");
        if (formula.length) line.append(...formula.map(drawnFormula), " = ");
        line.append(make("b", "number red", number));
        const meant = where.map((lines) => make("p", "where", "where ", ...lines.map(drawnFormula)));
        return [line, ...meant];
    }

    /** Every way to the result with its product; the one that is pointed at is lit alone. */
    ways({paths, too_many: many, sum}) {
        if (many) return [make("p", "about", `${many.toLocaleString("en")} ways lead to the result.`)];
        const rows = paths.map(({keys, signs, factors, product}) => {
            const chain = factors.length > 1 ? `${factors.map(bracketed).join(" × ")} = ` : "";
            const row = make("button", "way",
                make("span", "signs", signs.join(" → ")),
                make("span", "number", chain, make("b", "", product)));
            row.type = "button";
            for (const event of ["pointerenter", "focus"]) row.addEventListener(event, () => this.light(keys));
            for (const event of ["pointerleave", "blur"]) {
                row.addEventListener(event, () => this.element.hidden
                    || this.light(paths.flatMap((path) => path.keys)));
            }
            return make("li", "", row);
        });
        if (!rows.length) return [];
        const title = sum ? `${paths.length} ways to the result, together` : "One way to the result";
        const total = sum ? [make("p", "sum", make("span", "number", `${sum.terms.map(bracketed).join(" + ")} = `,
            make("b", "red", sum.total)))] : [];
        return [make("h3", "", title), make("ol", "", ...rows), ...total];
    }

    acts(opens, closes) {
        const act = (text, name, run) => {
            const button = make("button", "", text);
            button.type = "button";
            button.dataset.act = name;
            button.addEventListener("click", run);
            return button;
        };
        return [
            ...(opens ? [act(`Open ${opens} into steps`, "open", () => this.open(opens))] : []),
            ...(closes ? [act(`Close ${closes}`, "close", () => this.close(closes))] : []),
        ];
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

const bracketed = (number, index) => index && number.startsWith("−") ? `(${number})` : number;

/** A formula that Python has set in type. */
function drawnFormula(text) {
    const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
    svg.setAttribute("class", "formula");
    return svg;
}

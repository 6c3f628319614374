// The table of values: a slider, a field and a gradient for each name.

class Inputs {
    /** `set` takes a name, what is typed for it, and whether a slider moves; `point` a part. */
    constructor(body, set, point) {
        this.body = body;
        this.set = set;
        this.point = point;
        this.rows = new Map();
    }

    /** Show the values of a view; rows of the same names stay, and what has the focus.
     *  Where a later one is asked for already, sliders stay where they have been moved to. */
    render(view, isStale) {
        const names = view.values.map(({name}) => name);
        if (names.join() !== [...this.rows.keys()].join()) {
            this.rows = new Map(view.values.map(({name, shown}) => [name, this.row(name, shown)]));
            this.body.replaceChildren(...[...this.rows.values()].flatMap(({element, below}) => [element, below]));
        }
        for (const value of view.values) this.fill(this.rows.get(value.name), value, isStale);
    }

    row(name, shown) {
        const head = make("th", "", make("i", "", shown));
        Object.assign(head, {scope: "row", title: name});
        const slider = make("input", "slider");
        Object.assign(slider, {type: "range", ariaLabel: name});
        const field = make("input", "number");
        Object.assign(field, {spellcheck: false, autocomplete: "off", enterKeyHint: "done", ariaLabel: `Value of ${name}`});
        const gradient = make("td", "number red");
        const why = make("td", "why");
        Object.assign(why, {colSpan: 4, role: "status"});
        const element = make("tr", "", head, make("td", "move", slider), make("td", "", field), gradient);
        const below = make("tr", "reason", why);
        const row = {name, element, below, slider, field, gradient, why, range: null, isMoved: false};
        const move = (isMoving) => {
            row.isMoved = true;
            this.set(name, this.read(row), isMoving);
        };
        slider.addEventListener("input", () => move(true));
        slider.addEventListener("change", () => move(false));
        field.addEventListener("change", () => {
            row.isMoved = false; // what was typed may have another size
            this.set(name, field.value, false);
        });
        for (const event of ["focusin", "pointerenter"]) element.addEventListener(event, () => this.point(row.node));
        for (const event of ["focusout", "pointerleave"]) element.addEventListener(event, () => this.point(""));
        below.hidden = true;
        return row;
    }

    /** Where a slider stands, as one would type it. */
    read({range: {start, pitch}, slider}) {
        const far = Number(slider.value);
        return String(far ? Number((start + far * pitch).toPrecision(12)) : start);
    }

    fill(row, {typed, value, slider: range, node}, isStale) {
        row.node = node;
        row.below.hidden = true;
        if (document.activeElement !== row.field || row.shown !== typed) row.field.value = typed;
        row.shown = typed;
        row.slider.ariaValueText = value;
        const step = range && row.isMoved ? this.stepOf(row.range, range) : null;
        if (step === null) {
            row.range = range;
            row.slider.disabled = !range;
            if (range) Object.assign(row.slider, {min: range.first, max: range.last});
        }
        if (!isStale || step === null) row.slider.value = step ?? 0;
    }

    /** The step of a slider that has been moved at which a value stands, or null: it keeps its ends. */
    stepOf(kept, range) {
        const step = Math.round((range.start - kept.start) / kept.pitch);
        const isThere = Math.abs(kept.start + step * kept.pitch - range.start) < kept.pitch * 1e-6;
        return isThere && kept.first <= step && step <= kept.last && this.sameSide(kept, range) ? step : null;
    }

    /** Whether neither of two ranges goes where the other may not. */
    sameSide(one, other) {
        const isOnOneSide = ({start, pitch, first, last}) => (start + first * pitch) * (start + last * pitch) > 0;
        return isOnOneSide(one) === isOnOneSide(other);
    }

    /** Show the gradients that are known at a step. */
    show(view, steps, number) {
        for (const {name, node, gradient} of view.values) {
            const row = this.rows.get(name);
            const flow = `${node}.0`;
            const known = number === null || !node ? gradient : steps.gradientAt(flow, number);
            row.gradient.textContent = known ? known + (steps.isPartial(flow, number) ? " + …" : "") : "not yet";
            row.gradient.classList.toggle("yet", !known);
            row.element.classList.toggle("lit", number !== null && steps.grown(flow, number) === number);
        }
    }

    /** Say what is wrong with what was typed for a name; false where there is no such row. */
    refuse(name, said) {
        const row = this.rows.get(name);
        if (!row) return false;
        row.why.textContent = said;
        row.below.hidden = false;
        return true;
    }
}

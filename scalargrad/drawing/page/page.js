// The page of a walk: what each step shows. Texts enter only as textContent; nothing is fetched.

const PAGE = JSON.parse(document.querySelector('script[type="application/json"]').textContent);
const graph = new Graph(PAGE.nodes, PAGE.root, PAGE.upstream);
const BLANK = {shows: [], reads: [], note: [], terms: [], what: "", lit: "", flow: "", left: 0}; // unless said
const STEPS = PAGE.steps.map((step) => ({...BLANK, ...step}));
const LAST = STEPS.length - 1;
const TURN = STEPS.findIndex((step) => step.side === "backward"); // where the pass turns back
const state = {step: 0, quiz: false, timer: null, verdicts: new Map(), printing: false};

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const write = (number) => shortNumber(number, PAGE.digits);

// -- what appears when ----------------------------------------------------------------------

/** The number of the step in which each key appears; what has no number is always there. */
const births = new Map();
/** What is known of the gradient of a flow: the steps in which it grows. */
const growth = new Map();
STEPS.forEach((step, number) => {
    for (const key of [...step.shows, step.lit]) if (!births.has(key)) births.set(key, number);
    if (step.total) growth.set(step.flow, [...(growth.get(step.flow) || []), number]);
});

const svg = one(".picture > svg");
const drawn = all(".picture [data-about]").map(
    (element) => ({element, key: keyOf(element.dataset), isValue: element.dataset.kind === "value"}));

/** The step that last added to the gradient of a flow, or undefined. */
const grown = (about, now) => (growth.get(about) || []).filter((number) => number <= now).at(-1);

/** Whether the quiz waits for the answer of a step. */
function isOpen(number) {
    const step = STEPS[number];
    const asked = step.asks && (step.side === "backward" || one("[name=forward]").checked);
    return state.quiz && !state.printing && asked && !state.verdicts.get(number)?.done;
}

// -- rules ----------------------------------------------------------------------------------

/** The pieces of a rule in words and numbers; `hidden` puts a question mark for the result. */
function pieces(rule, hidden) {
    const result = rule.findLastIndex((piece) => Array.isArray(piece));
    return rule.map((piece, i) => {
        if (!Array.isArray(piece)) return {text: piece};
        const text = piece[0] === "plain" ? piece[1] : write(graph.read(piece));
        return {text: hidden && i === result ? "?" : text, tag: i === result ? "b" : "span"};
    });
}

const spoken = (rule, hidden = false) => pieces(rule, hidden).map(({text}) => text).join("");

/** A rule in a paragraph, with the result in bold. */
function ruleLine(rule, hidden = false) {
    const spans = pieces(rule, hidden).map(({text, tag}) => tag ? make(tag, "number", text) : text);
    return make("p", "", ...spans);
}

function passName(number) {
    if (STEPS[number].side === "backward") return `Backward, step ${number - TURN + 1} of ${LAST - TURN + 1}`;
    return `Forward, step ${number + 1} of ${TURN < 0 ? LAST + 1 : TURN}`;
}

function showRule(number) {
    const step = STEPS[number];
    const verdict = state.verdicts.get(number);
    const panel = one(".rule");
    panel.dataset.side = step.side;
    one(".where").textContent = passName(number);
    one(".what").textContent = step.what;
    const lines = step.rules.map((rule) => ruleLine(rule));
    let note = step.note.length ? spoken(step.note) : "";
    if (isOpen(number)) {
        lines.splice(0, lines.length, make("p", "question", step.question));
        note = verdict?.hint ? "" : "It is the “?” in the picture.";
        if (verdict?.hint) {
            const hint = make("p", "hint", `${verdict.hint} `);
            if (verdict.missed) hint.append(...ruleLine(step.rules[0], true).childNodes);
            lines.push(hint);
        }
    } else if (state.quiz && verdict?.said) {
        note = verdict.said;
    }
    one(".words").replaceChildren(...lines);
    one(".note").textContent = note;
}

/** Give the panel the height of its tallest rule, so that nothing moves from step to step. */
function steady() {
    const panel = one(".rule");
    if (state.width === innerWidth) return;
    state.width = innerWidth;
    panel.style.minHeight = "";
    const heights = STEPS.slice(0, 500).map((_, number) => {
        showRule(number);
        return Math.ceil(panel.getBoundingClientRect().height);
    });
    panel.style.minHeight = `${Math.max(...heights)}px`;
    showRule(state.step);
}

// -- the picture ----------------------------------------------------------------------------

/** What a value beside an arrow says at a step. */
function valueText(key, number, element) {
    const rule = PAGE.texts[key];
    if (isOpen(number) && STEPS[number].shows.includes(key)) return spoken(rule, true);
    const last = key.startsWith("b:") ? grown(key.slice(2), number) : undefined;
    if (last === undefined) return spoken(rule);
    const {total, terms} = STEPS[last];
    const short = write(graph.read(total));
    if (last !== number || !terms.length || state.printing) return short;
    element.textContent = spoken(terms); // 5 + 1 = 6, where there is room for it
    return element.getComputedTextLength() <= PAGE.rooms[key] ? element.textContent : short;
}

/** Write a value; a name before it is drawn by hand, and stays. */
function setText(element, text) {
    const number = element.querySelector("[data-kind=number]");
    if (number) number.textContent = text.slice(text.lastIndexOf(" = ") + 3);
    else element.textContent = text;
}

function showPicture(number) {
    const {lit, reads, shows} = STEPS[number];
    const open = isOpen(number);
    for (const {element, key, isValue} of drawn) {
        const birth = births.get(key) ?? 0;
        element.classList.toggle("pending", birth > number);
        element.classList.toggle("new", birth === number && number > 0);
        const isNew = isValue && number > 0 && shows.includes(key);
        element.classList.toggle("lit", key === lit || isNew);
        element.classList.toggle("read", isValue && reads.includes(key));
        element.classList.toggle("asked", open && isValue && shows.includes(key));
        if (isValue && PAGE.texts[key]) setText(element, valueText(key, number, element));
    }
    markNumbers();
    const result = PAGE.texts[PAGE.result] ? ` = ${spoken(PAGE.texts[PAGE.result])}` : "";
    const said = `Computational graph of ${PAGE.name}${result}`;
    svg.setAttribute("aria-label", said);
    svg.querySelector("desc").textContent = said;
}

/** Lay a coloured ground under the numbers of a step, below all lines. */
function markNumbers() {
    for (const mark of all(".mark")) mark.remove();
    for (const {element} of drawn.filter(({isValue}) => isValue)) {
        const ground = ["lit", "read", "pointed"].find((name) => element.classList.contains(name));
        if (!ground || element.classList.contains("pending")) continue;
        layGround(element, ground);
    }
}

/** Scroll a long table to the row that is new. */
function followRow() {
    const table = one(".values");
    const lit = rows.find(({element}) => element.classList.contains("lit"));
    if (!lit || table.scrollHeight <= table.clientHeight) return;
    const below = lit.element.getBoundingClientRect().top - table.getBoundingClientRect().top;
    if (below < 40 || below > table.clientHeight - 60) table.scrollTop += below - table.clientHeight / 2;
}

/** Scroll a picture that is larger than its panel to what is new. */
function follow(number) {
    const panel = one(".picture");
    const {lit, shows} = STEPS[number];
    const marked = drawn.filter(({key}) => key === lit || shows.includes(key));
    if (!marked.length || number === 0) return panel.scrollTo({left: 0, top: panel.scrollTop});
    const boxes = marked.map(({element}) => element.getBoundingClientRect());
    const frame = panel.getBoundingClientRect();
    const away = (low, high) => {
        const ends = Math.min(...boxes.map((box) => box[low])) + Math.max(...boxes.map((box) => box[high]));
        return (ends - frame[low] - frame[high]) / 2;
    };
    const isCalm = state.timer === null || matchMedia("(prefers-reduced-motion: reduce)").matches;
    const behavior = isCalm ? "auto" : "smooth";
    return panel.scrollBy({left: away("left", "right"), top: away("top", "bottom"), behavior});
}

// -- the table ------------------------------------------------------------------------------

const rows = PAGE.rows.map(makeRow);

function makeRow(row) {
    const name = make("th", "", make("i", "", row.name));
    Object.assign(name, {scope: "row", title: row.name});
    const cell = make("td", "move");
    const value = make("td", "number");
    const gradient = make("td", "number red");
    const element = make("tr", "", name, cell, value, gradient);
    one(".values tbody").append(element);
    const entry = {...row, element, value, gradient, start: graph.data[row.node], steps: 0};
    if (row.input && PAGE.live) addSlider(entry, cell);
    return entry;
}

/** A slider has 100 steps to either side of where the value was, to round numbers. */
function addSlider(row, cell) {
    const size = Math.max(Math.abs(row.start), 1);
    const power = 10 ** Math.floor(Math.log10(size));
    row.pitch = ([1, 2, 5, 10].find((step) => step * power >= size) * power) / 100;
    const why = row.fixed || (Number.isFinite(row.pitch) ? "" : "it is not finite");
    const slider = make("input", "slider");
    Object.assign(slider, {type: "range", min: -100, max: 100, value: 0, disabled: why !== ""});
    slider.setAttribute("aria-label", row.name);
    slider.addEventListener("input", () => move(row, Number(slider.value)));
    for (const event of ["focus", "pointerenter"]) slider.addEventListener(event, () => point(row, true));
    for (const event of ["blur", "pointerleave"]) slider.addEventListener(event, () => point(row, false));
    cell.append(slider);
    row.slider = why ? null : slider;
    if (!why) return;
    const reason = make("td", "why", `fixed: ${why}`);
    reason.colSpan = 4;
    row.element.after(make("tr", "reason", reason));
}

/** Mark in the picture which value a slider moves. */
function point(row, on) {
    for (const {element, key, isValue} of drawn) {
        if (isValue && key === row.key) element.classList.toggle("pointed", on);
    }
    markNumbers();
}

/** Move an input, and write what follows from it everywhere. */
function move(row, steps) {
    row.steps = steps;
    const moved = rows.filter((other) => other.slider);
    const at = ({start, steps: far, pitch}) => far ? Number((start + far * pitch).toPrecision(12)) : start;
    graph.move(moved.map((other) => [other.node, at(other)]));
    if (state.verdicts.size) state.verdicts.clear(); // other numbers are another exercise
    one("[data-do=reset]").disabled = moved.every((other) => !other.steps);
    show(state.step, {still: true});
}

function showTable(number) {
    const hiding = isOpen(number) ? STEPS[number] : null;
    for (const row of rows) {
        const isHere = births.get(row.key) <= number;
        const asked = hiding && hiding.shows.includes(row.key);
        row.value.textContent = asked ? "?" : isHere ? write(graph.data[row.node]) : "not yet";
        row.value.classList.toggle("yet", !isHere);
        const last = grown(row.about, number);
        const left = last === undefined ? 0 : STEPS[last].left;
        const known = last === undefined ? "not yet" : write(graph.read(STEPS[last].total));
        const isHidden = hiding && hiding.side === "backward" && hiding.flow === row.about;
        row.gradient.replaceChildren(!row.red ? "none" : isHidden ? "?" : known);
        if (left && !isHidden) row.gradient.append(" + …");
        row.gradient.classList.toggle("yet", !row.red || last === undefined);
        const isNew = number > 0 && (last === number || births.get(row.key) === number);
        row.element.classList.toggle("lit", isNew);
        row.slider?.setAttribute("aria-valuetext", write(graph.data[row.node]));
    }
}

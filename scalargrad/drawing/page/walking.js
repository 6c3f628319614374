// -- walking --------------------------------------------------------------------------------

const scrubber = one(".scrubber");
scrubber.max = LAST;
scrubber.style.setProperty("--turn", `${TURN < 0 ? 100 : (100 * (TURN - 0.5)) / Math.max(LAST, 1)}%`);

/** Show a step; `still` where only its numbers changed. */
function show(number, {still = false} = {}) {
    state.step = Math.min(Math.max(number, 0), LAST);
    showPicture(state.step);
    showRule(state.step);
    showTable(state.step);
    showQuiz(state.step);
    scrubber.value = state.step;
    scrubber.setAttribute("aria-valuetext", passName(state.step));
    for (const name of ["first", "back"]) one(`[data-do=${name}]`).disabled = state.step === 0;
    for (const name of ["next", "last"]) one(`[data-do=${name}]`).disabled = state.step === LAST;
    if (still) for (const {element} of drawn) element.classList.remove("new");
    else {
        follow(state.step);
        followRow();
    }
}

function pause() {
    clearTimeout(state.timer);
    state.timer = null;
    one("[data-do=play]").textContent = "Play";
}

function play() {
    if (state.timer !== null) return pause();
    if (state.step === LAST) show(0);
    one("[data-do=play]").textContent = "Pause";
    const tick = () => {
        state.timer = setTimeout(tick, Number(one("[name=speed]").value));
        show(state.step + 1);
        if (state.step === LAST) pause();
    };
    state.timer = setTimeout(tick, 300);
    return undefined;
}

function go(number) {
    pause();
    show(number);
    if (isOpen(state.step)) one("[name=answer]").focus();
}

// -- the quiz -------------------------------------------------------------------------------

/** Enter what became of a question: `right` at once, `helped` or `skipped`. */
function settle(number, result, said) {
    state.verdicts.set(number, {...state.verdicts.get(number), done: true, result, said});
    show(number, {still: true});
    one(state.step === LAST ? "[data-do=back]" : "[data-do=next]").focus();
}

function check(number) {
    const field = one("[name=answer]");
    const answer = readAnswer(field.value);
    const before = state.verdicts.get(number);
    const value = graph.read(STEPS[number].asks);
    if (answer && isRight(answer, value, PAGE.least, PAGE.noise)) {
        return before?.missed ? settle(number, "helped", "Right now.") : settle(number, "right", "Right.");
    }
    const isShort = answer && isCoarse(answer, value, PAGE.noise); // no mistake: there is more to say
    const hint = !answer ? "Type a number, such as 2.2 or 1/3."
        : isShort ? `${answer.text} has too few digits: type ${PAGE.least} or more.`
        : `Not ${answer.text}.`;
    state.verdicts.set(number, {hint, missed: (answer && !isShort) || before?.missed});
    show(number, {still: true});
    return field.select();
}

function showQuiz(number) {
    const results = [...state.verdicts.values()].map(({result}) => result);
    const count = (result) => results.filter((other) => other === result).length;
    const done = results.filter(Boolean).length;
    const skipped = count("skipped") ? `, ${count("skipped")} skipped` : "";
    const open = isOpen(number);
    one(".answer").hidden = !state.quiz;
    one(".score").textContent = done ? `${count("right")} of ${done} right at once${skipped}` : "";
    one("[name=answer]").disabled = !open;
    for (const button of all(".answer button")) button.disabled = !open;
    if (!open || !state.verdicts.has(number)) one("[name=answer]").value = "";
    one("[data-do=play]").disabled = state.quiz;
}

function toggleQuiz() {
    pause();
    state.quiz = !state.quiz;
    state.verdicts.clear();
    one("[data-do=quiz]").setAttribute("aria-pressed", state.quiz);
    const first = one("[name=forward]").checked ? 0 : TURN; // where the questions begin
    go(state.quiz ? Math.max(state.step, first) : state.step);
}

// -- buttons and keys -----------------------------------------------------------------------

function forward() {
    if (isOpen(state.step)) { // who goes on without an answer has skipped the question
        state.verdicts.set(state.step, {done: true, result: "skipped"});
    }
    go(state.step + 1);
}

function reset() {
    for (const row of rows) {
        row.steps = 0;
        if (row.slider) row.slider.value = 0;
    }
    if (rows.some((row) => row.slider)) move(rows.find((row) => row.slider), 0);
}

const root = document.documentElement;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function theme(change) {
    let isDark = root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches;
    if (change) {
        isDark = !isDark;
        root.dataset.theme = isDark ? "dark" : "light";
    }
    one("[data-do=theme]").textContent = isDark ? "Light" : "Dark";
}

const ACTIONS = {
    first: () => go(0),
    back: () => go(state.step - 1),
    play,
    next: forward,
    last: () => go(LAST),
    quiz: toggleQuiz,
    skip: () => settle(state.step, "skipped", "Skipped."),
    reset,
    theme: () => theme(true),
};
const KEYS = {
    ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play", q: "quiz", Q: "quiz",
};

for (const button of all("[data-do]")) button.addEventListener("click", ACTIONS[button.dataset.do]);
scrubber.addEventListener("input", () => { pause(); show(Number(scrubber.value)); });
one("[name=forward]").addEventListener("change", () => show(state.step, {still: true}));
one(".answer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (isOpen(state.step)) check(state.step);
});
document.addEventListener("keydown", (event) => {
    const {key, target} = event;
    const action = KEYS[key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    const isText = target.matches("select") || (target.name === "answer" && target.value);
    if (isText && action !== "quiz") return;
    if (target.matches("input[type=range]") && action !== "quiz" && key !== " ") return;
    if (target.matches("button, input[type=checkbox]") && key === " ") return;
    event.preventDefault();
    const button = one(`[data-do=${action}]`);
    if (!button.disabled) ACTIONS[action]();
});

// -- paper ----------------------------------------------------------------------------------

/** Paper has no steps: it shows the whole picture, and a table of every rule. */
function onPaper(isPrinting) {
    state.printing = isPrinting;
    if (!isPrinting) return show(state.step, {still: true});
    const line = (step, number) => make("tr", "",
        make("td", "", String(number + 1)), make("td", "", step.side), make("td", "what", step.what),
        make("td", "", ...step.rules.map((rule) => ruleLine(rule))));
    one(".printed tbody").replaceChildren(...STEPS.map(line));
    const before = state.step;
    show(LAST, {still: true});
    state.step = before;
    return undefined;
}

addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
matchMedia("print").addEventListener("change", (query) => onPaper(query.matches));
systemIsDark.addEventListener("change", () => theme(false));

one("[data-do=reset]").hidden = rows.every((row) => !row.slider);
one("[data-do=reset]").disabled = true;
one(".remark").textContent = PAGE.remark;
addEventListener("resize", steady);
addEventListener("resize", () => fadeEdges(one(".picture")));
one(".picture").addEventListener("scroll", () => fadeEdges(one(".picture")), {passive: true});
theme(false);
steady();
show(0);
fadeEdges(one(".picture"));

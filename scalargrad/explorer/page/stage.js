// The picture: its parts that can be asked, what a step shows of it, ways through it, its size.

const SMALLEST = 24; // pixels of a part, to be hit
const RED = "[data-kind=value][data-side=backward]";
const nodeOf = ({dataset}) => dataset.about.split(".")[0];
const SIZES = {least: 0.2, most: 4, readable: 0.75, large: 1.5};

class Stage {
    /** `on` hears of parts: `select` (true: of its gradient), `enter`, `peek`, `leave`, `toggle`;
     *  `slider` is to give that of an input. */
    constructor(panel, on) {
        this.panel = panel;
        this.on = on;
        this.scale = null; // null: as large as there is room for
        this.drawn = [];
        panel.addEventListener("scroll", () => fadeEdges(panel), {passive: true});
        panel.addEventListener("keydown", (event) => this.key(event));
        panel.addEventListener("wheel", (event) => this.wheel(event), {passive: false});
        panel.addEventListener("pointerdown", (event) => this.drag(event));
        panel.addEventListener("click", ({target}) => {
            const red = target.closest(RED);
            if (red) this.on.select(nodeOf(red), true);
        });
        new ResizeObserver(() => this.resize()).observe(panel);
    }

    /** Show the picture of a view; what had the focus keeps it. */
    render(view) {
        const focused = this.panel.contains(document.activeElement) ? this.current : "";
        const parsed = new DOMParser().parseFromString(view.picture, "image/svg+xml").documentElement;
        this.svg = document.importNode(parsed, true);
        this.wide = Number(this.svg.getAttribute("width"));
        this.tall = Number(this.svg.getAttribute("height"));
        const inner = makeSvg("g", {"aria-hidden": "true"}); // its parts are read, not its characters
        inner.append(...this.svg.childNodes);
        this.svg.append(inner);
        this.svg.setAttribute("role", "group");
        this.panel.replaceChildren(this.svg);
        this.drawn = [...inner.querySelectorAll("[data-about]")].map(
            (element) => ({element, key: keyOf(element.dataset), kind: element.dataset.kind}));
        const moved = view.values.filter(({slider}) => slider).map(({node}) => node);
        for (const {element, key, kind} of this.drawn) {
            if (kind === "value" && key[0] === "f" && moved.includes(nodeOf(element))) element.classList.add("movable");
        }
        this.resize();
        const boxes = view.nodes.map(({node}) => this.box(node)); // all before any is added: one layout
        this.targets = new Map(view.nodes.map((node, i) => [node.node, this.target(node, boxes[i])]));
        if (!this.targets.has(this.current)) this.current = view.nodes[0].node;
        this.targets.get(this.current).setAttribute("tabindex", "0");
        if (focused && this.targets.has(focused)) this.targets.get(focused).focus({preventScroll: true});
    }

    /** Where a part can be hit: its shape or its name, and somewhat more. */
    box(node) {
        const {element, kind} = this.drawn.find(
            (one) => one.key === node && (one.kind === "shape" || one.kind === "name"));
        const {x, y, width, height} = element.getBBox();
        const [wide, tall] = [width, height].map((size) => Math.max(size + 8, SMALLEST));
        const round = kind === "shape" ? Math.min(wide, tall) / 2 : 6;
        return {x: x - (wide - width) / 2, y: y - (tall - height) / 2, width: wide, height: tall, rx: round};
    }

    /** A part that can be hit, focused and heard. */
    target({node, said}, box) {
        const words = {class: "target", role: "button", tabindex: "-1", "aria-label": said, "data-node": node};
        const target = makeSvg("rect", {...box, ...words});
        target.addEventListener("click", () => this.on.select(node));
        target.addEventListener("focus", () => {
            this.rove(node);
            if (target.matches(":focus-visible") && !this.isQuiet) this.on.select(node);
        });
        target.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.on.peek(node));
        target.addEventListener("pointerleave", () => this.on.leave(node));
        this.svg.append(target);
        return target;
    }

    /** Make a part the one that Tab comes to. */
    rove(node) {
        this.targets.get(this.current)?.setAttribute("tabindex", "-1");
        this.current = node;
        this.targets.get(node).setAttribute("tabindex", "0");
    }

    /** Put the focus on a part; `isQuiet` where nothing is to be told of it. */
    focus(node, {isQuiet = false} = {}) {
        this.isQuiet = isQuiet;
        this.targets.get(node).focus();
        this.isQuiet = false;
        this.targets.get(node).scrollIntoView({block: "nearest", inline: "nearest"});
    }

    key(event) {
        if (event.ctrlKey || event.metaKey || event.altKey || !this.targets) return;
        const nodes = [...this.targets.keys()];
        const at = nodes.indexOf(this.current);
        const ways = {
            ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
            Home: 0, End: nodes.length - 1,
        };
        const acts = {Enter: this.on.enter, " ": this.on.enter, o: this.on.toggle};
        if (event.key in ways) this.focus(nodes[Math.min(Math.max(ways[event.key], 0), nodes.length - 1)]);
        else if (event.key in acts) acts[event.key](this.current);
        else return;
        event.preventDefault();
        event.stopPropagation(); // here these keys do not step
    }

    /** Mark the part that is selected. */
    choose(node) {
        for (const [name, target] of this.targets) target.classList.toggle("chosen", name === node);
    }

    // -- steps

    /** Show as much as a step does; null shows all of it. */
    show(walk, number) {
        const {lit, reads, shows} = walk.at(number);
        for (const {element, key, kind} of this.drawn) {
            const isValue = kind === "value" || kind === "bar";
            const birth = walk.birth(key);
            element.classList.toggle("pending", number !== null && birth > number);
            element.classList.toggle("new", number > 0 && birth === number);
            element.classList.toggle("lit", key === lit || (isValue && shows.includes(key)));
            element.classList.toggle("read", isValue && reads.includes(key));
            if (kind === "value" && walk.isInNumbers && key.startsWith("b:")) {
                const text = walk.gradientAt(key.slice(2), number);
                if (text) element.textContent = text; // the sum so far
            }
        }
        for (const mark of this.svg.querySelectorAll(".mark")) mark.remove();
        for (const {element, kind} of this.drawn) {
            const ground = ["lit", "read"].find((name) => element.classList.contains(name));
            if (kind === "value" && ground && !element.classList.contains("pending")) layGround(element, ground);
        }
        if (number !== null) this.follow(this.drawn.filter(({key}) => key === lit || shows.includes(key)));
    }

    /** Scroll to what is new. */
    follow(marked) {
        const boxes = marked.map(({element}) => element.getBoundingClientRect());
        if (!boxes.length || !this.isScrolled) return;
        const frame = this.panel.getBoundingClientRect();
        const away = (low, high) => (Math.min(...boxes.map((box) => box[low]))
            + Math.max(...boxes.map((box) => box[high])) - frame[low] - frame[high]) / 2;
        this.panel.scrollBy({left: away("left", "right"), top: away("top", "bottom")});
    }

    // -- ways

    /** Light up what ways pass. */
    light(keys) {
        for (const glow of this.svg.querySelectorAll(".glow")) glow.remove();
        const passed = new Set(keys);
        const bottom = this.svg.querySelector("[data-kind=shape], [data-kind=line]");
        for (const {element, kind} of this.drawn) {
            const isLine = kind === "line" && element.dataset.side === "backward";
            element.classList.toggle("passed", passed.has(element.dataset.about) && kind === "shape");
            if (!isLine || !passed.has(element.dataset.about)) continue;
            bottom.before(makeSvg("path", {d: element.getAttribute("d"), class: "glow"}));
        }
    }

    // -- size

    get isScrolled() {
        return this.panel.scrollWidth > this.panel.clientWidth || this.panel.scrollHeight > this.panel.clientHeight;
    }

    resize() {
        if (!this.svg) return;
        const room = this.panel.clientWidth - 16;
        const usual = Math.min(Math.max(room / this.wide, SIZES.readable), SIZES.large);
        const scale = this.scale ?? usual;
        this.svg.setAttribute("width", this.wide * scale);
        this.svg.setAttribute("height", this.tall * scale);
        this.panel.dataset.scale = scale.toFixed(3);
        fadeEdges(this.panel);
    }

    /** Take another size, so that a place of the panel stays where it is. */
    zoom(factor, x = this.panel.clientWidth / 2, y = this.panel.clientHeight / 2) {
        const before = Number(this.panel.dataset.scale);
        this.scale = Math.min(Math.max(before * factor, SIZES.least), SIZES.most);
        const grown = this.scale / before;
        const [left, top] = [this.panel.scrollLeft + x, this.panel.scrollTop + y];
        this.resize();
        this.panel.scrollTo({left: left * grown - x, top: top * grown - y, behavior: "instant"});
    }

    /** Make all of it as large as the panel allows, or as large as usual where it is so already. */
    fit() {
        const tallest = parseFloat(getComputedStyle(this.panel).maxHeight) || this.panel.clientHeight;
        const fitting = Math.min((this.panel.clientWidth - 16) / this.wide, (tallest - 16) / this.tall, SIZES.large);
        this.scale = Math.abs(this.scale - fitting) < 0.001 ? null : fitting;
        this.resize();
    }

    wheel(event) {
        if (!event.ctrlKey || !this.svg) return;
        event.preventDefault();
        const {left, top} = this.panel.getBoundingClientRect();
        this.zoom(Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
    }

    drag(start) {
        const number = start.target.closest(".movable");
        if (number) this.pull(this.on.slider(nodeOf(number)), start);
        if (number || start.pointerType !== "mouse" || start.button !== 0 || start.target.closest(`.target, ${RED}`)) return;
        const {scrollLeft, scrollTop} = this.panel;
        const move = ({clientX, clientY}) => this.panel.scrollTo({
            left: scrollLeft + start.clientX - clientX, top: scrollTop + start.clientY - clientY, behavior: "instant",
        });
        this.on.select("");
        this.track(start, move);
    }

    /** Move a slider with its number: a step every four pixels. */
    pull(slider, start) {
        const first = Number(slider.value);
        this.track(start, ({clientX}) => {
            const before = slider.value;
            slider.value = first + Math.round((clientX - start.clientX) / 4);
            if (slider.value !== before) slider.dispatchEvent(new Event("input"));
        }, () => slider.dispatchEvent(new Event("change")));
    }

    /** Hear of a pointer until it is let go, though the picture may be drawn anew. */
    track({pointerId}, move, end = () => {}) {
        this.panel.setPointerCapture(pointerId);
        this.panel.onpointermove = move;
        this.panel.onlostpointercapture = () => {
            this.panel.onpointermove = null;
            end();
        };
    }

    /** Where on the screen the lowest line is lit, if any is. */
    get litBottom() {
        const glows = [...this.svg.querySelectorAll(".glow")];
        return Math.max(...glows.map((glow) => glow.getBoundingClientRect().bottom + 12));
    }

    /** Where a part is on the screen. */
    place(node) {
        return this.targets.get(node)?.getBoundingClientRect();
    }
}

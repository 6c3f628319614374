// What the scripts of all pages share: elements, and the marks of a picture.

/** A new element with a class and children; a text is a child like any other. */
function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
}

/** A new element of a picture with its attributes. */
function makeSvg(tag, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
}

/** The key of an element of the picture: `f:` or `b:` and what flows, or a vertex. */
function keyOf({about, side}) {
    if (!about) return "";
    return about.includes(".") ? `${(side || "forward")[0]}:${about}` : about;
}

/** Lay a coloured ground under a text of a picture, below all lines and over frames. */
function layGround(element, kind) {
    const svg = element.ownerSVGElement;
    const {x, y, width, height} = element.getBBox();
    const room = {x: x - 5, y: y - 1, width: width + 10, height: height + 1, rx: 6};
    const mark = makeSvg("rect", {...room, class: `mark ${kind}`});
    svg.querySelector("[data-kind=shape], [data-kind=line]").before(mark);
}

/** Fade the edges of a panel behind which there is more. */
function fadeEdges(panel) {
    const {scrollLeft, scrollTop, clientWidth, clientHeight, scrollWidth, scrollHeight} = panel;
    const more = {
        left: scrollLeft > 1,
        right: scrollLeft + clientWidth < scrollWidth - 1,
        top: scrollTop > 1,
        bottom: scrollTop + clientHeight < scrollHeight - 1,
    };
    panel.dataset.more = Object.keys(more).filter((side) => more[side]).join(" ");
}

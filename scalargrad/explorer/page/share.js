// Shares what is seen: in the clipboard, or as a file where a browser keeps a page out of that.

const SUFFIXES = {Link: "txt", SVG: "svg", PNG: "png", TikZ: "tex", Python: "py", Figure: "html"};

/** Offer the forms; `ask` gives the answer to a form that Python writes. */
function offerShares(element, ask) {
    const [, panel] = element.children;
    const status = panel.lastElementChild;
    const text = async (form) => form === "Link" ? location.href : (await ask(form.toLowerCase())).text;
    for (const form of Object.keys(SUFFIXES)) {
        status.before(act("", async () => {
            const [type, made] = form === "PNG" ? ["image/png", text("SVG").then(painted)] : ["text/plain", text(form)];
            const blob = made.then((part) => new Blob([part], {type}));
            try {
                await navigator.clipboard.write([new ClipboardItem({[type]: blob})]);
                status.textContent = `${form} copied`;
            } catch {
                const file = Object.assign(make("a"), {href: URL.createObjectURL(await blob), download: `graph.${SUFFIXES[form]}`});
                file.click();
                status.textContent = `Saved as ${file.download}`;
            }
        }, form));
    }
}

/** The PNG of an SVG, two pixels a unit, of a huge one fewer. */
async function painted(svg) {
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    await image.decode();
    const scale = Math.min(2, 8000 / Math.max(image.width, image.height));
    const canvas = make("canvas");
    Object.assign(canvas, {width: image.width * scale, height: image.height * scale});
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => { canvas.toBlob(done); });
}

// The numbers of the page: how they are written, and how the graph finds them anew.
// ROWS, the rows of the operation table that the graph needs, is made from the same table as
// the engines of scalargrad.

/** The digits and the exponent of a positive number; a tie goes to the even digit, as in Python. */
function significant(x, digits) {
    const [all, power] = x.toExponential(100).replace(".", "").split("e");
    const isTie = /^50*$/.test(all.slice(digits));
    if (isTie && Number(all[digits - 1]) % 2 === 0) return [all.slice(0, digits), Number(power)];
    const [figures, exponent] = x.toExponential(digits - 1).replace(".", "").split("e");
    return [figures, Number(exponent)];
}

const RAISED = {...Array.from("⁰¹²³⁴⁵⁶⁷⁸⁹"), "-": "⁻"};

/** A number as the picture shows it: the function `number` of drawing/words/text.py. */
function shortNumber(x, digits) {
    if (Number.isNaN(x)) return "nan";
    const sign = x < 0 ? "−" : "";
    if (Math.abs(x) === Infinity) return `${sign}∞`;
    if (x === 0) return "0";
    const [figures, exponent] = significant(Math.abs(x), digits);
    const kept = figures.replace(/0+$/, "");
    const point = (text) => text && `.${text}`;
    if (exponent < -4 || (exponent >= digits && exponent >= 6)) {
        const power = [...String(exponent)].map((digit) => RAISED[digit]).join("");
        return `${sign}${kept === "1" ? "" : `${kept[0]}${point(kept.slice(1))}×`}10${power}`;
    }
    if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${kept}`;
    return `${sign}${figures.slice(0, exponent + 1).padEnd(exponent + 1, "0")}${point(kept.slice(exponent + 1))}`;
}

/** The nodes of the graph, parents first, with their values, gradients and partials. */
class Graph {
    constructor(entries, root, upstream) {
        this.nodes = entries.map(([row, which, operands]) => ({row, which, operands}));
        this.data = entries.map((entry) => Number(entry[3]));
        this.gradients = entries.map((entry) => Number(entry[4]));
        this.partials = entries.map((entry) => entry[5].map(Number));
        this.root = root;
        this.upstream = Number(upstream);
    }

    /** A number that a rule or a text names. */
    read([kind, ...where]) {
        const [node, position] = where;
        if (kind === "data") return this.data[node];
        if (kind === "gradient") return this.gradients[node];
        if (kind === "partial") return this.partials[node][position];
        let part = this.gradients[node] * this.partials[node][position];
        for (let i = 2; i < where.length; i += 2) {
            part += this.gradients[where[i]] * this.partials[where[i]][where[i + 1]];
        }
        return part;
    }

    /** Set leaves, and find everything anew; a node without a row keeps its numbers. */
    move(values) {
        for (const [node, value] of values) this.data[node] = value;
        this.nodes.forEach((node, index) => node.row && this.forward(node, index));
        this.backward();
    }

    forward({row: name, which, operands}, index) {
        const row = ROWS[name];
        const numbers = operands.map((x) => Array.isArray(x) ? Number(x[0]) : this.data[x]);
        const count = numbers.length / row.arity;
        const lists = Array.from({length: row.arity}, (_, i) => numbers.slice(i * count, (i + 1) * count));
        let [value, partials] = row.step(...(row.many ? lists : numbers));
        if (row.plural) [value, partials] = [value[which], partials[which]];
        this.data[index] = value;
        this.partials[index] = partials;
    }

    /** The whole of backpropagation: every node hands its gradient times the partial on. */
    backward() {
        this.gradients.fill(0);
        this.gradients[this.root] = this.upstream;
        for (let index = this.nodes.length - 1; index >= 0; index--) {
            this.nodes[index].operands.forEach((operand, i) => {
                if (Array.isArray(operand)) return; // a plain number
                this.gradients[operand] += this.gradients[index] * this.partials[index][i];
            });
        }
    }
}

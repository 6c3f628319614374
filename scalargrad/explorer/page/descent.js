// Gradient descent: steps on the inputs that are chosen, and a curve of the result.

class Descent {
    /** `descend` takes what is wanted and gives the answer; `show` shows a state, true if it is. */
    constructor(element, {descend, show}) {
        [this.form, this.status, this.curve] = [...element.children].slice(1);
        Object.assign(this, {descend, show, results: [], values: ""});
        let turn = Promise.resolve(); // one after the other
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            const steps = Number(event.submitter.value);
            turn = turn.then(() => this.go(steps));
        });
    }

    /** Offer the inputs of a view; a curve stays as long as its last values. */
    render({state, values}) {
        const names = values.map(({name}) => name).join();
        if (names !== this.names) {
            this.names = names;
            this.form.firstElementChild.replaceChildren(...values.map(({name, shown}) => {
                const box = Object.assign(make("input"), {type: "checkbox", checked: true, value: name});
                return make("label", "", box, make("i", "", shown));
            }));
        }
        if (JSON.stringify(state.values) === this.values) return;
        this.results = [];
        this.curve.replaceChildren();
        this.status.textContent = "";
    }

    async go(steps) {
        const names = [...this.form.querySelectorAll(":checked")].map(({value}) => value);
        const {rate} = this.form.elements;
        const reply = await this.descend({names, rate: rate.value, steps, results: this.results});
        if (!reply) return;
        if (reply.state) {
            this.values = JSON.stringify(reply.state.values);
            if (!await this.show(reply.state)) return;
            this.results = reply.results;
            this.curve.replaceChildren(drawnFormula(reply.curve));
        }
        this.status.textContent = reply.said;
    }
}

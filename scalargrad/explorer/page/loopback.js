// The host of a page that a server on this machine gives: messages go over HTTP, with its token.

const GIVEN = JSON.parse(document.querySelector('script[type="application/json"]').textContent);

async function send(message) {
    let answer;
    try {
        answer = await fetch("message", {
            method: "POST",
            headers: {"Content-Type": "application/json", "X-Scalargrad-Token": GIVEN.token},
            body: JSON.stringify(message),
        });
    } catch {
        throw new Error("The server has ended.");
    }
    if (answer.status === 403) throw new Error("Another server has begun since; this page is not its own.");
    if (!answer.ok) throw new Error(`The server refused: ${await answer.text()}`);
    return answer.json();
}

new Explorer(document.querySelector(".explorer"), send, GIVEN.state).begin();

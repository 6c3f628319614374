// The answers of the quiz, read and marked: the functions of drawing/words/answers.py.

const SPACES = /[ \t-\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+/g;
const DECIMAL = /^([-+]?) ?([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:e([-+]?[0-9]{1,5}))?$/;
const POWER = /(?:(?<=[0-9.,]) ?[×·x*] ?|(?<![0-9.,e]))10([⁰¹²³⁴-⁹⁻]+)/g;
const ENDLESS = /^([-+]?) ?(?:∞|inf|infinity)$/;
const LONGEST = 100; // characters of a number that somebody wrote

const lowered = (power) => power.replace(/./g, (digit) => "0123456789-"["⁰¹²³⁴⁵⁶⁷⁸⁹⁻".indexOf(digit)]);

/** A text with one kind of space, of minus sign and of digits. */
function plainAnswer(text) {
    return text.replace(SPACES, " ")
        .replace(/[！-～]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
        .replace(/[−‐‑–]/g, "-").replace(/^ | $/g, "").toLowerCase()
        .replace(POWER, (found, power) => `${found.startsWith("10") ? "1" : ""}e${lowered(power)}`);
}

const powerOfTen = (exponent) => Number(`1e${exponent}`);

/** A decimal and the unit of its last digit, or null: also for one too large or small. */
function readDecimal(text) {
    const match = DECIMAL.exec(text);
    if (!match) return null;
    const [, sign, given, exponent = "0"] = match;
    const [whole, behind = null] = given.replace(",", ".").split(".");
    const number = Number(`${sign}${given.replace(",", ".")}e${exponent}`);
    if (Math.abs(number) === Infinity || (number === 0 && /[1-9]/.test(given))) return null;
    const filling = behind === null ? /0*$/.exec(whole)[0].length : 0;
    return [number, powerOfTen(Number(exponent) + filling - (behind ?? "").length)];
}

/** The number that a text says, the unit of its last digit and its text, or null. */
function readAnswer(typed) {
    const plain = plainAnswer(typed);
    if ([...plain].length > LONGEST) return null;
    const text = plain.replaceAll(",", ".").replaceAll("-", "−");
    const endless = ENDLESS.exec(plain);
    if (endless) return {number: endless[1] === "-" ? -Infinity : Infinity, unit: 0, text};
    if (plain === "nan") return {number: NaN, unit: 0, text};
    const bar = plain.indexOf("/");
    const [above, below] = bar < 0 ? [plain, "1"] : [plain.slice(0, bar), plain.slice(bar + 1)];
    const first = readDecimal(above.replace(/ $/, ""));
    const second = readDecimal(below.replace(/^ /, ""));
    if (!first || !second) return null;
    if (bar < 0) return {number: first[0], unit: first[1], text};
    const quotient = first[0] / second[0];
    const lost = second[0] === 0 || !Number.isFinite(quotient) || (quotient === 0 && first[0] !== 0);
    return lost ? null : {number: quotient, unit: 0, text};
}

/** Whether an answer is the value, rounded to the digits that it shows, `digits` at least. */
function isRight({number, unit}, value, digits, tolerance) {
    if (number === value || (Number.isNaN(number) && Number.isNaN(value))) return true;
    if (!Number.isFinite(value) || value === 0 || number === 0) return false;
    const exponent = Number(value.toExponential(16).split("e")[1]);
    const last = Math.min(unit, powerOfTen(exponent - digits + 1));
    return Math.abs(number - value) <= last / 2 + tolerance * Math.abs(value);
}

/** Whether one digit of it is right, and no zero at its end hides another mistake. */
function isCoarse(answer, value, tolerance) {
    return isRight({...answer, unit: Math.min(answer.unit, 1)}, value, 1, tolerance);
}

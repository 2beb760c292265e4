// What JavaScript writes for people, and how it sorts for them. The engine knows no languages; here is what Node has for
// American English, which is what code gets that asks for none. Another language or option is an error: silence would
// be other SQL.
(() => {
    "use strict";
    const { RangeError, String } = globalThis;
    const refuse = (name, what) => {
        throw new RangeError(`${name} does not know ${what} here: write it out, for example with toISOString() or padStart()`);
    };
    const language = (locales, name, known) => {
        const locale = String((Array.isArray(locales) ? locales[0] : locales) ?? "en-US");
        return known.includes(locale) ? locale : refuse(name, `the language ${locale}`);
    };
    // The values of options that are known; any other option is refused.
    const pick = (options, name, known) => {
        const picked = { ...(options ?? {}) };
        for (const [key, value] of Object.entries(picked)) {
            if (value !== undefined && !known[key]?.(value)) refuse(name, `${key}: ${value}`);
        }
        return picked;
    };
    const define = (prototype, name, value) => {
        Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
    };

    const two = (number) => String(number).padStart(2, "0");
    const dates = {
        "en-US": (year, month, day) => `${month}/${day}/${year}`,
        "en-GB": (year, month, day) => `${two(day)}/${two(month)}/${year}`,
        "en-CA": (year, month, day) => `${year}-${two(month)}-${two(day)}`,
        "sv-SE": (year, month, day) => `${year}-${two(month)}-${two(day)}`,
    };
    const english = (hours, minutes, seconds) => {
        const half = hours < 12 ? "AM" : "PM";
        return `${hours % 12 || 12}:${two(minutes)}:${two(seconds)} ${half}`;
    };
    const plain = (hours, minutes, seconds) => `${two(hours)}:${two(minutes)}:${two(seconds)}`;
    const parts = (date, options, name) => {
        const { timeZone } = pick(options, name, { timeZone: (zone) => zone === "UTC" });
        const get = (part) => timeZone ? date[`getUTC${part}`]() : date[`get${part}`]();
        return [[get("FullYear"), get("Month") + 1, get("Date")], [get("Hours"), get("Minutes"), get("Seconds")]];
    };
    const isValid = (date) => !Number.isNaN(date.getTime());
    define(Date.prototype, "toLocaleDateString", function (locales, options) {
        const locale = language(locales, "toLocaleDateString", Object.keys(dates));
        return isValid(this) ? dates[locale](...parts(this, options, "toLocaleDateString")[0]) : "Invalid Date";
    });
    define(Date.prototype, "toLocaleTimeString", function (locales, options) {
        const locale = language(locales, "toLocaleTimeString", ["en-US", "en-GB", "sv-SE"]);
        const time = locale === "en-US" ? english : plain;
        return isValid(this) ? time(...parts(this, options, "toLocaleTimeString")[1]) : "Invalid Date";
    });
    define(Date.prototype, "toLocaleString", function (locales, options) {
        const locale = language(locales, "toLocaleString", ["en-US", "en-GB", "sv-SE"]);
        if (!isValid(this)) return "Invalid Date";
        const [day, time] = parts(this, options, "toLocaleString");
        if (locale === "en-US") return `${dates[locale](...day)}, ${english(...time)}`;
        return `${dates[locale](...day)}${locale === "en-GB" ? "," : ""} ${plain(...time)}`;
    });

    const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");
    // The digits before and behind the point, rounded from the shortest ones that mean the number.
    const rounded = (number, most) => {
        const [mantissa, exponent = "0"] = String(number).split("e");
        const [before, behind = ""] = mantissa.split(".");
        const point = before.length + Number(exponent);
        const digits = (before + behind).padEnd(point, "0").padStart((before + behind).length + Math.max(0, 1 - point), "0");
        const at = Math.max(point, 1) + most;
        const kept = BigInt(digits.slice(0, at).padEnd(at, "0")) + (digits[at] >= "5" ? 1n : 0n);
        const text = kept.toString().padStart(most + 1, "0");
        return [text.slice(0, text.length - most), text.slice(text.length - most)];
    };
    define(Number.prototype, "toLocaleString", function (locales, options) {
        language(locales, "toLocaleString", ["en-US", "en-GB", "en"]);
        const count = (value) => Number.isInteger(value) && value >= 0 && value <= 20;
        const known = { minimumFractionDigits: count, maximumFractionDigits: count, useGrouping: (value) => typeof value === "boolean" };
        const { minimumFractionDigits: least = 0, maximumFractionDigits, useGrouping = true } = pick(options, "toLocaleString", known);
        const most = maximumFractionDigits ?? Math.max(3, least);
        const number = Number(this);
        if (Number.isNaN(number)) return "NaN";
        const sign = number < 0 || Object.is(number, -0) ? "-" : "";
        if (!Number.isFinite(number)) return `${sign}∞`;
        let [whole, fraction] = rounded(Math.abs(number), most);
        while (fraction.length > least && fraction.endsWith("0")) fraction = fraction.slice(0, -1);
        return sign + (useGrouping ? grouped(whole) : whole) + (fraction && `.${fraction}`);
    });
    define(BigInt.prototype, "toLocaleString", function (locales, options) {
        language(locales, "toLocaleString", ["en-US", "en-GB", "en"]);
        pick(options, "toLocaleString", {});
        const text = this.toString();
        return text.startsWith("-") ? `-${grouped(text.slice(1))}` : grouped(text);
    });

    // The order of the Unicode Collation Algorithm for ASCII; letters beyond it come behind, but for their accents.
    const order = new Map([..."\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"].map((sign, at) => [sign, at]));
    const weight = (sign) => order.get(sign) ?? 1000 + sign.codePointAt(0);
    const compareLists = (a, b) => {
        for (let at = 0; at < a.length && at < b.length; at += 1) {
            if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
        }
        return Math.sign(a.length - b.length);
    };
    const letters = (text) => [...text.normalize("NFD").replaceAll("ß", "ss")];
    const isAccent = (sign) => /\p{M}/u.test(sign);
    const levels = (text) => {
        const [base, accents, cases] = [[], [], []];
        for (const sign of letters(text)) {
            if (isAccent(sign)) {
                accents[accents.length - 1] += sign;
                continue;
            }
            base.push(weight(sign.toLowerCase()));
            accents.push("");
            cases.push(sign === sign.toLowerCase() ? 0 : 1);
        }
        return [base, accents, cases];
    };
    define(String.prototype, "localeCompare", function (that, locales, options) {
        if (locales !== undefined) language(locales, "localeCompare", ["en-US", "en-GB", "en", "de", "de-DE", "fr", "fr-FR"]);
        const { sensitivity = "variant" } = pick(options, "localeCompare", { sensitivity: (value) => ["base", "accent", "variant"].includes(value) });
        const [a, b] = [levels(String(this)), levels(String(that))];
        const depth = { base: 1, accent: 2, variant: 3 }[sensitivity];
        for (let level = 0; level < depth; level += 1) {
            const compared = compareLists(a[level], b[level]);
            if (compared) return compared;
        }
        return 0;
    });
})();

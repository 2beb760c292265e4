// What code of a project finds in its world: the functions of Dataform's language, and modules. There are no files, no
// network, no process and no clock events. `__host` is what Rust gives; it is gone when the project's code runs.
(() => {
    "use strict";
    const host = globalThis.__host;
    delete globalThis.__host;
    // Code of the project may change what is global, also by accident: what is needed later is kept here.
    const { parse, stringify } = JSON;
    const { Error, RangeError } = globalThis;
    const { fromEntries } = Object;
    // What is handed over to Rust is copied there, again and again for what JavaScript holds only once.
    host.bounded = (text) => {
        if (text.length > host.most) throw new RangeError(`this makes a text of more than ${host.most >> 20} MiB`);
        return text;
    };
    const context = host.context;
    globalThis.global = globalThis;
    globalThis.console = Object.fromEntries(["log", "info", "warn", "error", "debug", "trace"].map((name) => [name, () => {}]));
    // Code that was written for Dataform finds this, and nothing of the real process in it.
    if (host.isDataform) globalThis.process = { env: {}, argv: [], platform: "linux", version: "v20.0.0", versions: { node: "20.0.0" }, cwd: () => "/" };
    // Nothing waits for anything: what would run later never runs.
    for (const name of ["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate"]) {
        globalThis[name] = () => undefined;
    }
    // A value of any kind is passed on.
    context.when = (condition, yes, no = "") => condition ? yes : no;
    // An include of that name takes its place.
    const { intervalStart, intervalEnd } = context;
    context.interval = Object.freeze({ get start() { return intervalStart(); }, get end() { return intervalEnd(); } });
    globalThis.interval = context.interval;
    const settings = JSON.parse(host.settings);
    // What is not set has the value that it has in Dataform; it is not among the keys.
    const texts = ["defaultDatabase", "defaultSchema", "defaultLocation", "assertionSchema", "warehouse", "databaseSuffix",
        "schemaSuffix", "tablePrefix", "builtinAssertionNamePrefix", "defaultReservation"];
    const unset = { vars: {}, ...Object.fromEntries(texts.map((name) => [name, ""])), disableAssertions: false };
    globalThis.dataform = { projectConfig: Object.setPrototypeOf(settings, unset) };

    const path = (() => {
        const normalize = (path) => {
            const isAbsolute = path.startsWith("/");
            const parts = [];
            for (const part of path.split("/")) {
                if (part === "..") {
                    if (parts.length && parts.at(-1) !== "..") parts.pop();
                    else if (!isAbsolute) parts.push(part);
                } else if (part !== "." && part !== "") parts.push(part);
            }
            return (isAbsolute ? "/" : "") + parts.join("/") || ".";
        };
        const basename = (path, ending = "") => {
            const name = path.replace(/\/+$/, "").split("/").at(-1);
            return ending && name.endsWith(ending) && name !== ending ? name.slice(0, -ending.length) : name;
        };
        const extname = (path) => /[^/](\.[^./]*)$/.exec(basename(path))?.[1] ?? "";
        const dirname = (path) => {
            const at = path.replace(/\/+$/, "").lastIndexOf("/");
            return at < 0 ? "." : path.slice(0, at) || "/";
        };
        const join = (...parts) => normalize(parts.filter((part) => part !== "").join("/"));
        const resolve = (...parts) => normalize(parts.reduce((all, part) => part.startsWith("/") ? part : `${all}/${part}`, "/"));
        const relative = (from, to) => {
            const [a, b] = [from, to].map((path) => resolve(path).split("/").filter(Boolean));
            let same = 0;
            while (same < a.length && a[same] === b[same]) same += 1;
            return [...a.slice(same).map(() => ".."), ...b.slice(same)].join("/");
        };
        const parse = (path) => ({
            root: path.startsWith("/") ? "/" : "",
            dir: path.includes("/") ? dirname(path) : "",
            base: basename(path),
            ext: extname(path),
            name: basename(path, extname(path)),
        });
        const isAbsolute = (path) => path.startsWith("/");
        return { sep: "/", delimiter: ":", basename, dirname, extname, isAbsolute, join, normalize, parse, relative, resolve };
    })();
    path.posix = path;

    const modules = new Map();
    const contents = {
        json: (file) => parse(host.text(file)),
        yaml: (file) => ({ asJson: parse(host.yaml(file)) }),
        ipynb: (file) => ({ asJson: parse(host.text(file)) }),
        sql: (file) => ({ query: host.text(file) }),
        md: (file) => ({ contents: host.text(file) }),
    };
    contents.yml = contents.yaml;
    // What needs a file that has failed fails, too: that has been reported.
    const follow = () => { throw new Error(host.followUp); };
    const traps = ["apply", "construct", "get", "getOwnPropertyDescriptor", "has", "ownKeys", "set"];
    const failed = new Proxy(follow, fromEntries(traps.map((trap) => [trap, follow])));
    // Those that have begun and not ended.
    const running = new Set();
    // In a circle of files each sees what the other has exported so far. What failed is not run again.
    const load = (file) => {
        const known = modules.get(file);
        if (known && !known.loaded && !running.has(file)) follow();
        if (known) return known.exports;
        const module = { exports: {}, id: file, filename: file, loaded: false };
        modules.set(file, module);
        const ending = /\.([^./]*)$/.exec(file)?.[1];
        if (ending in contents) {
            try {
                module.exports = contents[ending](file);
            } catch (error) {
                modules.delete(file);
                throw error;
            }
        } else {
            const folder = file.replace(/[^/]*$/, "");
            running.add(file);
            try {
                host.module(file).call(module.exports, module, module.exports, requireFrom(folder), `/${file}`, `/${folder}`.replace(/(.)\/$/, "$1"));
            } finally {
                running.delete(file);
            }
        }
        module.loaded = true;
        return module.exports;
    };
    const requireFrom = (folder) => (name) => {
        if (typeof name !== "string") throw new TypeError("`require` takes the path of a file or the name of a package");
        if (name === "path" || name === "node:path") return path;
        // trueup stands in its place.
        if (name === "@dataform/core") return { ...dataform, dataform, session: dataform, version: host.version };
        return load(host.resolve(folder, name));
    };
    // A path counts from the file that requires it if it starts with a dot, else from the project's root.
    Object.defineProperty(globalThis, "require", { get: () => requireFrom(host.folder()), configurable: true });

    // Marks a condition as a validation, in data preparations.
    const EXPECT = " /* @@VALIDATION */ WHERE ";
    Object.defineProperty(globalThis, "__trueup", {
        value: Object.freeze({
            // What was interrupted has not said so.
            load: (file) => {
                running.clear();
                return load(file);
            },
            // The text of a placeholder, and what its value is if that has no text of its own.
            printed: (_, value) => {
                const text = host.bounded(`${value}`);
                if (value === undefined || value === null) return [text, text];
                return typeof value === "object" && text.includes("[object Object]") ? [text, "object"] : [text];
            },
            json: (value) => host.bounded(stringify(value) ?? "null"),
            arguments: () => {
                const c = context;
                return [c, c.self, c.ref, c.resolve, c.name, c.schema, c.database, c.incremental, c.when, EXPECT];
            },
            attach: (file) => {
                const name = /^includes\/([^/]*)\.[^/]*$/.exec(file)?.[1];
                const module = modules.get(file);
                if (name && module) globalThis[name] = module.loaded ? module.exports : failed;
            },
            ...host.actions(context, host),
        }),
    });
})()

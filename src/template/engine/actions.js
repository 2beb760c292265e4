// `publish`, `operate`, `assert`, `declare`, `test`, `notebook`: actions made by code, in the words of `@dataform/core` 1 to
// 3. Each call makes a record; the methods of what it returns add to the record. Rust reads the records when all files
// have run (`collect`), and asks for the texts when all names are known (`texts`).
(context, host) => {
    "use strict";
    // Code of the project may change what is global, also by accident: what is needed later is kept here.
    const { parse, stringify } = JSON;
    const { Error, RangeError, TypeError } = globalThis;
    const { assign, entries, fromEntries, keys, values: valuesOf } = Object;
    const { isArray } = Array;
    const records = [];
    // What the calls have returned, and whether code looks at it: `dataform.actions`, as packages do.
    const actions = [];
    let isWatched = false;
    const data = [];
    const record = Symbol("record");

    const list = (value) => value === undefined || value === null ? [] : isArray(value) ? [...value] : [value];
    const isPlain = (value) => value !== null && typeof value === "object" && !isArray(value);
    const apply = (value) => typeof value === "function" ? value(context) : value;
    const isSaid = (value) => value && (typeof value !== "object" || keys(value).length > 0);
    // Those of `bigquery` that may stand beside it as well.
    const bigqueryKeys = [
        "additionalOptions", "clusterBy", "iceberg", "incrementalPredicates", "labels", "partitionBy", "partitionExpirationDays",
        "preserveGovernanceControls", "requirePartitionFilter", "updatePartitionFilter",
    ];

    // A record's `texts` are what the methods were given: strings, or functions of the context.
    const begin = (type, name, config) => {
        const { type: _, name: given, ...rest } = config;
        if (records.length >= host.mostActions) throw new RangeError(`code makes more than ${host.mostActions} actions`);
        const { stack } = new Error();
        const place = typeof stack === "string" ? stack : "";
        const made = { type, name: given ?? name, config: rest, target: {}, texts: {}, inputs: [], place, file: host.file() };
        records[records.length] = made;
        return made;
    };

    class Action {
        constructor(type, name, config) {
            this[record] = begin(type, name, config);
            actions.push(this);
        }
        // Packages read the full name of what they make from here, and put statements into it.
        get proto() {
            const { name, config, target, type, texts } = this[record];
            const defaults = dataform.projectConfig;
            const ownSchema = type === "assertion" && defaults.assertionSchema || defaults.defaultSchema;
            const schema = target.schema ?? config.dataset ?? config.schema ?? ownSchema;
            const database = target.database ?? config.project ?? config.database ?? defaults.defaultDatabase;
            const full = database === undefined ? { schema, name } : { schema, name, database };
            this[record].proto ??= { preOps: undefined, postOps: undefined };
            const known = { type, name, target: full, canonicalTarget: full, tags: list(config.tags), query: texts.query };
            return assign(this[record].proto, known);
        }
        #set(key, value) {
            this[record].config[key] = value;
            return this;
        }
        #add(key, values) {
            return this.#set(key, [...list(this[record].config[key]), ...list(values)]);
        }
        config(config) {
            const { type, name, ...rest } = config ?? {};
            if (type !== undefined) this[record].type = type;
            if (name !== undefined) this[record].name = name;
            assign(this[record].config, rest);
            return this;
        }
        database(database) { this[record].target.database = database; return this; }
        schema(schema) { this[record].target.schema = schema; return this; }
        description(description) { return this.#set("description", description); }
        columns(columns) { return this.#set("columns", columns); }
        tags(tags) { return this.#add("tags", tags); }
        dependencies(dependencies) { return this.#add("dependencies", dependencies); }
        disabled(disabled = true) { return this.#set("disabled", disabled); }
        hermetic(hermetic) { return this.#set("hermetic", hermetic); }
        setDependOnDependencyAssertions(yes) { return this.#set("dependOnDependencyAssertions", yes); }
        jitCode(code) {
            this[record].jitCode = String(code);
            return this;
        }
        _set(key, value) { return this.#set(key, value); }
        _text(key, value) {
            this[record].texts[key] = value;
            return this;
        }
        _more(key, value) { return this._text(key, [...this[record].texts[key] ?? [], value]); }
    }

    class Model extends Action {
        query(query) { return this._text("query", query); }
        where(where) { return this._text("where", where); }
        preOps(statements) { return this._more("preOps", statements); }
        postOps(statements) { return this._more("postOps", statements); }
        assertions(assertions) {
            const made = this[record];
            // They are called after the name that the model has now.
            if (!made.config.assertions) made.checked = { ...made.target };
            return this._set("assertions", { ...made.config.assertions, ...assertions });
        }
        // In the place of all that the config has said, but for the labels: these are kept twice.
        bigquery(options) {
            const said = fromEntries(entries(options ?? {}).filter(([, value]) => isSaid(value)));
            const { config } = this[record];
            if (keys(said).length === 0) return this;
            const labels = said.labels ?? config.bigquery?.labels ?? config.labels;
            bigqueryKeys.forEach((key) => { delete config[key]; });
            this[record].setsBigquery = true;
            return this._set("bigquery", labels === undefined ? said : { ...said, labels });
        }
        redshift(options) { return this._set("redshift", options); }
        snowflake(options) { return this._set("snowflake", options); }
        sqldatawarehouse(options) { return this._set("sqldatawarehouse", options); }
        presto(options) { return this._set("presto", options); }
        materialized(materialized) { return this._set("materialized", materialized); }
        protected(isProtected = true) { return this._set("protected", isProtected); }
        uniqueKey(columns) { return this._set("uniqueKey", columns); }
        type(type) {
            this[record].type = model(type);
            return this;
        }
    }

    class Operation extends Action {
        queries(queries) { return this._text("queries", queries); }
        hasOutput(hasOutput = true) { return this._set("hasOutput", hasOutput); }
    }

    class Assertion extends Action {
        query(query) { return this._text("query", query); }
    }

    class Test extends Action {
        dataset(dataset) { return this._set("dataset", dataset); }
        input(name, rows) {
            this[record].inputs.push({ names: list(name), rows });
            return this;
        }
        expect(rows) { return this._text("expect", rows); }
    }

    class Notebook extends Action {
        ipynb(contents) {
            this[record].contents = stringify(contents);
            return this;
        }
    }

    const model = (type) => {
        if (!["view", "table", "incremental", "inline"].includes(type)) {
            throw new Error(`there is no table of type \`${type}\`: it is a view, a table or an incremental`);
        }
        return type;
    };
    const named = (what, name) => {
        if (typeof name !== "string" || name === "") throw new TypeError(`\`${what}\` takes a name first`);
        return name;
    };

    const publish = (name, second) => {
        const config = isPlain(second) ? second : {};
        const made = new Model(model(config.type ?? "view"), named("publish", name), config);
        return typeof second === "string" || typeof second === "function" ? made.query(second) : made;
    };
    const operate = (name, second) => {
        const made = new Operation("operations", named("operate", name), isPlain(second) ? second : {});
        const isText = typeof second === "string" || typeof second === "function" || isArray(second);
        return isText ? made.queries(second) : made;
    };
    const assert = (name, second) => {
        const made = new Assertion("assertion", named("assert", name), isPlain(second) ? second : {});
        return typeof second === "string" || typeof second === "function" ? made.query(second) : made;
    };
    const declare = (config) => {
        if (!isPlain(config)) throw new TypeError("`declare` takes an object: `declare({ schema: \"…\", name: \"…\" })`");
        return new Action("declaration", named("declare", config.name), config);
    };
    const test = (name, config) => new Test("test", named("test", name), isPlain(config) ? config : {});
    const notebook = (config) => {
        if (!isPlain(config)) throw new TypeError("`notebook` takes an object: `notebook({ name: \"…\", filename: \"…\" })`");
        return new Notebook("notebook", config.name, config);
    };
    const getContents = (path) => host.contents(String(path));
    const jitData = (key, value) => {
        if (data.some(([known]) => known === key)) throw new Error(`there is jitData for \`${key}\` already`);
        const check = (value) => {
            if (["function", "symbol", "bigint"].includes(typeof value)) throw new Error(`jitData cannot hold ${typeof value}s`);
            if (value !== null && typeof value === "object") valuesOf(value).forEach(check);
        };
        check(value);
        data.push([key, value]);
    };

    // What a text may change of its own action while it is made: `${dependencies("x")}`, as in Dataform 1.
    for (const [name, key] of entries({
        apply: null, bigquery: null, dependencies: "dependencies", disabled: "disabled", hasOutput: null, postOps: "postOps",
        preOps: "preOps", tags: "tags", where: null,
    })) {
        context[name] = (value = true) => {
            if (key) host.amend(key, host.bounded(stringify(list(apply(value)))));
            return "";
        };
    }

    // A file of SQL as an action among the others, for code that looks at all of them.
    const classes = { operations: Operation, assertion: Assertion, test: Test };
    let sqlxAction = ({ sqlxConfig }) => {
        const { type, name, ...config } = sqlxConfig;
        return new (classes[type] ?? Model)(type, name, config);
    };
    Object.defineProperties(dataform, {
        actions: { get: () => { isWatched = true; return actions; } },
        sqlxAction: { get: () => sqlxAction, set: (changed) => { isWatched = true; sqlxAction = changed; } },
    });

    const statements = (value) => list(apply(value));
    const given = ({ texts, proto }, key) => [...list(proto?.[key]), ...texts[key] ?? []];
    return {
        // Includes run before: they make functions, not actions.
        open: () => {
            const functions = { publish, operate, assert, declare, test, notebook, jitData };
            assign(globalThis, functions, { getContents });
            assign(dataform, functions);
        },
        // How many records there are so far.
        count: () => records.length,
        isWatched: () => isWatched,
        // The number of its record.
        sqlx: (config) => {
            sqlxAction.call(dataform, { sqlxConfig: parse(config) });
            return records.length - 1;
        },
        // What is known of a record: its place by itself, since that is known whatever the rest holds.
        place: (index) => [records[index].file, records[index].place],
        collect: (index) => {
            const { proto, texts, inputs, config, place, file, ...made } = records[index];
            return host.bounded(stringify({
                ...made,
                config,
                texts: [...new Set([...keys(texts), ...["preOps", "postOps"].filter((key) => proto?.[key])])],
                inputs: inputs.map(({ names }) => names),
            }));
        },
        data: () => host.bounded(stringify(fromEntries(data), (_, value) => value === undefined ? null : value)),
        // The statements of one text of a record, as strings.
        texts: (index, key) => {
            const { texts, inputs } = records[index];
            if (typeof key === "number") return [host.bounded(`${apply(inputs[key].rows)}`)];
            const text = texts[key];
            const isList = key === "preOps" || key === "postOps";
            const all = isList ? given(records[index], key).flatMap(statements) : key === "queries" ? statements(text) : [apply(text)];
            const printed = all.map((statement) => `${statement ?? ""}`);
            host.bounded({ length: printed.reduce((sum, text) => sum + text.length, 0) });
            return printed;
        },
    };
}

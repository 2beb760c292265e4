"""Random files of a Dataform project, by a grammar that is aimed at what people write.

`@@` in a text stands for the name of its file, so that a text can be put into any file. Everything that is referred to is
in `BASE`, a project of its own: files do not depend on each other.
"""

import random

BASE = {
    "includes/util.js": """const columns = ["id", "day", "amount"];
const prices = { tea: 3, coffee: 4 };
function cents(column) { return `round(${column} / 100.0, 2)`; }
const quoted = (text) => `'${text}'`;
const options = { partitionBy: "day", clusterBy: ["id"] };
const deep = { labels: { team: "data" }, list: ["a", "b"] };
module.exports = { columns, prices, cents, quoted, options, deep, path: "proj.raw.t", pattern: "\\\\d+" };
""",
    "includes/dates.js": """const last = (column, days = 7) => `${column} >= date_sub(current_date(), interval ${days} day)`;
exports.last = last;
exports.start = () => dataform.projectConfig.vars.start;
exports.unset = undefined;
""",
    "includes/deep/more.js": "module.exports = { twice: (x) => `${x}${x}`, ...require('includes/list.json') };\n",
    "includes/list.json": '{ "names": ["x", "y"], "size": 2 }\n',
    "definitions/base/raw_orders.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }\n',
    "definitions/base/raw_users.js": 'declare({ schema: "raw", name: "users", database: "other" });\n',
    "definitions/base/twin_a.js": 'declare({ schema: "raw", name: "twin" });\ndeclare({ schema: "old", name: "twin" });\n',
    "definitions/base/base_table.sqlx": 'config { type: "table", assertions: { uniqueKey: ["id"] } }\nselect 1 as id\n',
    "definitions/base/base_view.sqlx": 'config { type: "view", schema: "mart", assertions: { nonNull: ["id"] } }\n'
    'select * from ${ref("base_table")} join ${ref("raw", "orders")} using (id) join ${resolve("users")} u using (id)\n',
    "definitions/base/base_incremental.sqlx": 'config { type: "incremental" }\n'
    'select id from ${ref("orders")} ${when(incremental(), `where id > (select max(id) from ${self()})`)}\n',
    "definitions/base/base_output.sqlx": 'config { type: "operations", hasOutput: true }\ncreate table ${self()} as select 1 as id\n',
    "definitions/base/base_silent.sqlx": 'config { type: "operations" }\nselect 1\n',
    "definitions/base/base_check.sqlx": 'config { type: "assertion" }\nselect * from ${ref("base_table")} where id < 0\n',
}

GOOD_REFS = [
    '"orders"', '"users"', '"base_table"', '"base_view"', '"base_incremental"', '"base_output"', '"base_check"',
    '"raw", "orders"', "'raw', 'users'", '"mart", "base_view"', '"other", "raw", "users"', '["raw", "orders"]',
    '{ name: "orders" }', '{ schema: "raw", name: "orders" }', '{ dataset: "raw", name: "orders" }', '`base_table`',
    '{ database: "other", schema: "raw", name: "users" }', '{ name: "base_table", includeDependentAssertions: true }',
    '{ schema: "mart", name: "base_view", includeDependentAssertions: false }', '["base_table"]', '...["raw", "orders"]',
]
BAD_REFS = [
    '"missing"', '"raw.orders"', '"twin"', '"base_silent"', '"@@"', '', 'undefined', '5', '"a", "b", "c", "d"', '["raw", 5]',
    '"nowhere", "orders"', '{ schema: "raw" }', '{}', 'null', '""', '"raw", ""', '["raw"], "orders"',
]
WORDS = ["select", "id", "from", "a.b", "1", "count(*)", "as n", ",", "where", "x = 1", "group by 1", "join", "(", ")", "=", "2.5",
         "case when a then b end", "union all", "@var", "é", "日本", "a-b", "a - -b", "a/b", "/ *", "*", ";", "$", "$$", "a$b", "?",
         "!", "<>", "[1, 2][offset(0)]", "safe_cast(x as string)", "config", "js", "input", "pre_operations", "{", "}", "{}", "{{ x }}",
         "{% y %}", "\t", "|", "&", "%", "\\", "\\n", "\\\\", "begin", "end;", "declare x int64;"]
INSIDE = ["", "a", "%d", "it''s", "--", "/*", "*/", "# x", "{", "}", "config { }", "---", "\\\\", "\\n", "\\d+", "`", "$", "$1", "é", " ",
          "js { x }", "{{", "\\t", "a\\\\b", "[a-z]{2}", "//", "(?i)x", ";"]
COMMENT = ["note", "it's", 'say "x', "${self()}", "${missing}", "${", "`t`", "`", "'", '"', "}", "{", "config { type: 1 }", "---", "/*", "é",
           "js { ", "$x", "*", "//", "''' x", "#", "100%"]
ODD = ["\\", "`", "'", '"', "'''", '"""', "${", "}", "{", "/*", "*/", "--", "---", "$", "\n", "\r\n", "\\n", "//", " ", "#", "\ufeff", "\0",
       "config {", "js {", "pre_operations {", "]", ")", "(", ",", ":", ";", "\\u", "${}", "${1;}", "\u2028", "\u00a0"]


class Generator:
    """Makes one file after the other; the same seed makes the same files."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        # The type of the action that is being made.
        self.kind = "view"

    def chance(self, share):
        return self.random.random() < share

    def any(self, *options):
        return self.random.choice(options)

    def several(self, most, make):
        return [make() for _ in range(self.random.randint(0, most))]

    def settings(self):
        """A workflow_settings.yaml."""
        lines = ["defaultLocation: EU", "defaultDataset: main", "vars:", '  start: "2024-01-01"', '  flag: "true"', '  quote: "it\'s"']
        optional = ["defaultProject: proj", "defaultAssertionDataset: checks"]
        rare = ["projectSuffix: dev", "datasetSuffix: me", "namePrefix: pre", "builtinAssertionNamePrefix: auto",
                "includeTestsInCompiledGraph: true", "disableAssertions: true", "defaultReservation: r"]
        lines += [line for line in optional if self.chance(0.85)] + [line for line in rare if self.chance(0.12)]
        return "\n".join(lines) + "\n"

    def file(self):
        """The ending of a file's name, and its text."""
        ending, text = ("js", self.code()) if self.chance(0.15) else ("sqlx", self.sqlx())
        if self.chance(0.06):
            at = self.random.randrange(len(text) + 1)
            cut = self.any(0, 0, 1, 1, 2, 8)
            text = text[:at] + (self.random.choice(ODD) if cut != 1 else "") + text[at + cut:]
        if self.chance(0.2):
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return ending, text

    # SQL

    def sqlx(self):
        kind = self.random.choices(
            ["table", "view", "incremental", "operations", "assertion", "declaration", "test", None],
            [25, 20, 20, 12, 8, 4, 6, 3])[0]
        self.kind = kind or "operations"
        blocks = [] if kind is None else ["config " + self.config(kind)]
        if self.chance(0.04):
            blocks.append("config " + self.config(kind or "view"))
        for _ in range(self.any(0, 0, 0, 0, 1, 1, 2)):
            blocks.append("js {" + self.statements() + "}")
        makes_table = kind in ("table", "view", "incremental")
        for word in ["pre_operations", "post_operations"]:
            if self.chance(0.2 if makes_table else 0.02):
                blocks.append(word + " {" + self.sql(self.any(2, 6), separators=0.15) + "}")
        if self.chance(0.15 if kind == "incremental" else 0.01):
            blocks.append("incremental_where {" + self.sql(3) + "}")
        if kind == "test" or self.chance(0.01):
            for name in ["orders", "base_table", '"raw", "orders"', '"users"', "missing"]:
                if self.chance(0.6):
                    blocks.append("input " + (name if '"' in name else f'"{name}"') + " {" + self.sql(2, where="input") + "}")
        separators = {"operations": 0.12}.get(self.kind, 0.004)
        blocks += [self.sql(self.any(1, 3, 8, 12), separators) for _ in range(self.any(1, 1, 1, 2))]
        if self.chance(0.25):
            self.random.shuffle(blocks)
        text = "".join(block + self.any("\n", "\n\n", "\n", " ", "") for block in blocks)
        return ("\ufeff" if self.chance(0.003) else "") + text

    def sql(self, length, separators=0.0, where="body"):
        parts = [self.any("\n", " ", "")]
        for _ in range(length):
            if self.chance(separators):
                parts.append(self.any("\n---\n", "\n---\n", " ---\n", "\n  ---  \n", "\n----\n", "\n--- x\n"))
            parts.append(self.piece(where))
            parts.append(self.any(" ", " ", "\n", "\n  ", "", ", "))
        return "".join(parts) + self.any("\n", "\n", "", " ")

    def piece(self, where):
        roll = self.random.random()
        if roll < 0.36:
            words = [word for word in WORDS if where == "body" or word not in "{}"]
            return " ".join(self.random.choice(words[:18] if self.chance(0.7) else words) for _ in range(self.any(1, 2, 4)))
        if roll < 0.62:
            return "${" + self.any("", "", " ", "\n") + self.text(where=where) + self.any("", "", " ", "\n") + "}"
        if roll < 0.82:
            return self.string(where)
        if roll < 0.88:
            return "`" + self.any("proj.raw.t", "a", "${name()}_x", "${util.path}", "a b", "x`.`y", "") + "`"
        inside = " ".join(self.random.choice(COMMENT) for _ in range(self.any(1, 1, 2)))
        if self.chance(0.02):
            inside += self.any("\\", "\\n", "\\d", "\\`", "\\${1}")
        return self.any(f"-- {inside}\n", f"--{inside}\n", f"/* {inside} */", f"/*\n{inside}\n*/", f"# {inside.replace(chr(39), '').replace(chr(34), '')}\n")

    def string(self, where="body"):
        quote = self.any("'", "'", "'", '"', "'''", '"""')
        inside = ""
        for _ in range(self.any(0, 1, 1, 2, 3)):
            if self.chance(0.25):
                inside += "${" + (self.plain() if '"' in quote else self.text(where=where)) + "}"
            else:
                inside += self.random.choice(INSIDE)
        if len(quote) == 3:
            inside += self.any("", "\n", "'" if quote[0] == '"' else '"', "''x" if quote[0] == '"' else '""x')
        else:
            inside += self.any("", "", "", "\\" + quote, '"' if quote == "'" else "'", quote * 2)
        return self.any("", "", "r", "b") + quote + inside + quote

    # JavaScript

    def plain(self):
        """An expression without strings in it."""
        return self.any("self()", "name()", "schema()", "database()", "util.path", "util.columns", "1 + 1", "dates.start()", "true",
                        "dataform.projectConfig.vars.start", "util.prices.tea * 2", "[1, 2]", "null", "undefined", "(() => 5)()")

    def reference(self):
        chosen = self.random.choice(GOOD_REFS if self.chance(0.993) else BAD_REFS)
        # The assertions on a table wait for each other if each waits for those.
        return chosen.replace("true", "false") if self.kind == "assertion" else chosen

    def text(self, depth=0, where="body"):
        """An expression whose value is put into SQL."""
        if where == "input":
            return self.plain() if self.chance(0.1) else self.any("1", "util.path", "'x'", "`a${1}`", "util.cents('x')")
        if where == "code":
            names = ["ctx.ref(%s)" % self.reference(), "ctx.self()", "ctx.name()", "ctx.resolve(%s)" % self.reference()]
        else:
            names = ["ref(%s)" % self.reference()] * 4 + ["self()"] * 3 + ["resolve(%s)" % self.reference(), "name()", "schema()",
                     "database()", "ctx.ref(%s)" % self.reference(), "ctx.self()"]
        if depth > 2 or self.chance(0.4):
            return self.random.choice(names)
        more = lambda: self.text(depth + 1, where)
        options = [
            lambda: self.quoted(), lambda: self.quoted(), lambda: self.template(depth, where), lambda: self.template(depth, where),
            lambda: f"util.cents({self.any(self.quoted(), more())})", lambda: f"util.quoted({more()})",
            lambda: f"dates.last('day'{self.any('', ', 3')})", lambda: "dates.start()", lambda: "util.path", lambda: "util.pattern",
            lambda: "dataform.projectConfig.vars." + self.any("start", "flag", "quote", "unset"),
            lambda: "dataform.projectConfig." + self.any("defaultSchema", "defaultDatabase", "warehouse", "schemaSuffix", "tablePrefix"),
            lambda: f"util.columns.map({self.any('c', '(c)', '(c, i)')} => {self.any('c', '`${c} as x_${c}`', 'c + 1', '`max(${c})`')})"
                    + self.any(".join(', ')", '.join(",\\n  ")', "", ".join(`,`)"),
            lambda: "Object.entries(util.prices).map(([k, v]) => `when '${k}' then ${v}`).join(' ')",
            lambda: f"{self.any('true', 'util.prices.tea > 3', 'dataform.projectConfig.vars.flag', '0')} ? {more()} : {more()}",
            lambda: f"{more()} + {self.quoted()}", lambda: f"util.columns.filter(c => c !== 'id'){self.any('', '.length', '[0]')}",
            lambda: f"/* note */ {more()}", lambda: f"{more()} // {self.any('note', 'end', 'x y')}\n",
            lambda: f"{more()}.{self.any('toUpperCase()', 'replace(/a/g, `b`)', 'trim()', 'length', 'split(`.`)', 'slice(1)')}",
            lambda: self.any("undefined", "null", "[]", "{}", "({})", "1", "1n", "0.1 + 0.2", "NaN", "[1, [2, 3]]", "true", "-0", "1e21", "''"),
            lambda: f"((x) => {{ return `<${{x}}>`; }})({more()})", lambda: f"(function () {{ const y = {more()}; return y; }})()",
            lambda: f"JSON.stringify({{ a: {more()} }})", lambda: f"[{more()}, {more()}].join(' ')", lambda: f"util?.columns?.[0] ?? {more()}",
            lambda: f"require('{self.any('includes/util', '../../includes/util', 'includes/list.json', 'includes/deep/more.js')}').{self.any('path', 'names', 'size')}",
            lambda: "typeof " + self.any("foo", "ref", "util", "publish", "dataform", "ctx", "require"),
        ]
        context = "ctx." if where == "code" else ""
        condition = self.any(context + "incremental()", "true", "false", context + "incremental()", "!" + context + "incremental()")
        if "incremental" not in condition or self.kind in ("table", "view", "incremental"):
            second = self.any("", ", " + more(), ", ``")
            options += [lambda: f"{context}when({condition}, {more()}{second})"] * 4
        if where != "code":
            options += [lambda: self.any("x", "columns", "f(1)", "half", "Thing", "missing.x", "names[0]")] * (self.any(*[0] * 9, 1))
        return self.random.choice(options)()

    def quoted(self):
        """A string literal."""
        return self.any('"a"', "'a'", "'it\\'s'", '"say \\"x\\""', "'a\\\\b'", "''", "'--'", "'/*'", "'{'", '"}"', "'${x}'", "`a b`", "'\\n'", "'`'",
                        '"\'"', "'\\t'", '"é"', "'//'", "'\\d'", "`\\\\d`", "`a\nb`", "'\\x41'", "'\\u00e9'")

    def template(self, depth, where):
        inside = ""
        for _ in range(self.any(1, 2, 3)):
            inside += self.any("a ", "where x > ", "'", '"', "--", "\n", "$", "{", "}", "\\\\", "\\n", "(", ") ", "/* x */", "//", "it's ", "#", "\r\n") \
                if self.chance(0.55) else "${" + self.text(depth + 1, where) + "}"
        return "`" + inside + "`"

    def statements(self):
        lines = self.several(3, lambda: self.any(
            "const x = 1;", "const columns = ['a', 'b'];", "function f(a) { return `<${a}>`; }", "let half = 1 / 2", "// it's a note",
            "/* { */", "const names = util.columns.map((c) => `${c}`);", "class Thing { constructor() { this.a = 1; } toString() { return 'thing'; } }",
            "const { tea, ...others } = util.prices;", 'const s = "}";', "const t = `${1 + 1} {`;", "var x = 2;", "for (const c of []) { }",
            "const more = require('includes/deep/more.js');", "x = 1;", "if (true) { var q = '{' }", "const re = /a+/g;", "const e = 'it\\'s';"))
        return self.any("\n", " ", "\n\n", "\r\n") + "\n".join(lines) + self.any("\n", " ", "\n")

    # Config

    def config(self, kind, is_code=False):
        entries = [] if is_code and self.chance(0.3) else [("type", f'"{kind}"')]
        if self.chance(0.01):
            entries = [("type", self.any('"tabel"', '"inline"', "'operation'", "5", "undefined", "null", '["view"]', '"View"'))]
        keys = self.keys(kind)
        for key in self.random.sample(list(keys), min(len(keys), self.any(0, 1, 1, 2, 3, 5))):
            entries.append((key, self.random.choice(keys[key])))
        if self.chance(0.06):
            key = self.any("type" if self.chance(0.02) else "tags", *MORE_KEYS)
            if kind != "test" or key not in ("type", "dataset"):
                entries.append((key, self.any("5", "[5]") if self.chance(0.01) else
                               self.any('"a"', "null", "undefined", '""', *OTHER_VALUES * (key not in TEXT_KEYS))))
        if kind == "test":
            entries.append(("dataset", self.any('"base_table"', '"base_view"', '{ schema: "mart", name: "base_view" }', '"base_incremental"',
                                                '{ name: "base_table" }', '"missing"', '"orders"', '"mart.base_view"', '["mart", "base_view"]',
                                                '{ dataset: "mart", name: "base_view" }')))
        if self.chance(0.2):
            self.random.shuffle(entries)
        return self.object(entries)

    def object(self, entries):
        parts = []
        for key, value in entries:
            key = self.any(key, key, key, f'"{key}"', f"'{key}'", f'["{key}"]') if self.chance(0.2) else key
            parts.append(f"{key}{self.any(':', ': ', ': ', ' : ')}{value}")
        if self.chance(0.04):
            parts.append(self.any("...util.deep.none", "...{ tags: ['spread'] }", "...(true ? { description: 'd' } : {})"))
        between = self.any(", ", ",\n  ", ", ", ",\n  ", ", // note\n  ", ", /* } */ ", ",")
        start, end = self.any((" ", " "), ("\n  ", "\n"), ("", ""), (" // it's\n", " "))
        return "{" + start + between.join(parts) + self.any("", "", ",") + end + "}"

    def keys(self, kind):
        """What a config of the type may have, with values for each key."""
        text = ['"a"', "'b'", "`c`", "util.path", "`${1}x`", '"a" + "b"', '"say \\"x\\""', "'it\\'s'", '"line\\nline"', "dates.start()", "''"]
        strings = ['["a"]', "['a', 'b']", "util.columns", "[]", "['a', 'a']", "[...util.deep.list]", "['x'].map((a) => a + 1)"]
        flag = ["true", "false", "true", "1 > 2", '"true"', "!util.path"]
        targets = ['["orders"]', '["raw.orders"]', '[{ name: "base_table" }]', '["base_table", "base_view"]', '[{ dataset: "raw", name: "orders" }]',
                   '["missing"]', '["other.raw.users"]', '[{ name: "base_table", includeDependentAssertions: true }]', '["base_output", "base_output"]', "[]"]
        columns = ['{ id: "key" }', '{ a: { description: "d", tags: ["t"], bigqueryPolicyTags: "p" } }', "{}", '{ "a.b": `x` }',
                   '{ r: { description: "r", columns: { c: "inner", d: { description: "x" } } } }', "{ a: { displayName: 'x' } }", "{ [util.columns[0]]: 'x' }"]
        common = {"tags": strings, "description": text, "dependencies": targets, "disabled": flag, "hermetic": flag,
                  "schema": ['"mart"', "'x_y'", "`a${1}`", '"a.b"' if self.chance(0.05) else '"s"'], "dataset": ['"mart"'], "database": ['"db"'], "project": ['"db"'],
                  "name": ['"@@_n"', "`@@_${1}`", '"@@"', "'@@.x'" if self.chance(0.05) else '"@@_m"'], "dependOnDependencyAssertions": flag,
                  "filename": ['"definitions/fuzz/@@.sqlx"'], "reservation": text[:3]}
        options = {"labels": ['{ a: "b" }', "util.deep.labels", "{}", '{ "x-y": `z` }'], "additionalOptions": ['{ kms: "k" }', "{}", '{ max_staleness: "1", a: "2" }']}
        partitions = {"partitionBy": ['"day"', "`date(x)`", "''"], "clusterBy": strings}
        expiry = {"partitionExpirationDays": ["3", '"3"', "0"], "requirePartitionFilter": flag}
        if kind in ("table", "incremental"):
            options |= partitions | expiry
            options["iceberg"] = ["{ bucketName: 'b' }", "{ bucketName: 'b', connection: 'p.l.c' }", "{ fileFormat: 'parquet', bucketName: 'b' }"]
        elif self.chance(0.2):
            options |= partitions
        makes = common | {"columns": columns}
        inner = dict(options)
        if kind == "incremental":
            inner["updatePartitionFilter"] = ['"x > 1"', "`day > ${1}`"]
            inner["incrementalPredicates"] = ["['a > 1']", "[]"]
        assertions = {"uniqueKey": strings + ['"id"'], "nonNull": strings + ['"id"', "['a', 'it\\'s']"], "rowConditions": strings + ["['a > 1', 'b = \\'x\\'']", '["x like \'\\\\d\'"]', "[`a\nb`]"],
                      "uniqueKeys": ['[["a"], ["b", "c"]]', '[["a"]]', "[]", "[util.columns]"]}
        pick = lambda of: [self.object([(key, self.random.choice(of[key])) for key in self.random.sample(list(of), min(len(of), self.any(0, 1, 2, 3)))]) for _ in range(2)]
        model = makes | options | {"bigquery": pick(inner) + ["util.options"] * (kind != "view"), "assertions": pick(assertions), "preOperations": ['["select 1"]', "['']", "[]"],
                                   "postOperations": ['["select `x`"]', "['a', ' ']"], "metadata": ["{ overview: 'o' }", "{ extraProperties: { a: 1 } }", "{}"]}
        return {
            "table": model | {"preserveGovernanceControls": flag},
            "view": model | {"materialized": flag},
            "incremental": model | {"uniqueKey": strings, "protected": flag, "onSchemaChange": ['"FAIL"', '"extend"', '"IGNORE"', "'x'"],
                                    "incrementalStrategy": ['"MERGE"', '"insert_overwrite"', "'x'", '"merge"'], "incrementalPredicates": ["['a > 1']"], "updatePartitionFilter": ['"x > 1"']},
            "operations": makes | {"hasOutput": flag},
            "assertion": {key: values for key, values in common.items() if key != "dependOnDependencyAssertions"} | {"metadata": ["{ overview: 'o' }"]},
            "declaration": {key: makes[key] for key in ("schema", "database", "name", "description", "columns", "tags", "dataset", "project")},
            "test": {"name": common["name"], "tags": strings},
        }[kind]

    # Definitions in code

    def code(self):
        head = self.any("", "", "", "const util2 = require('includes/util');\n", "const { twice } = require('../../includes/deep/more');\n", "// it's\n", '"use strict";\n')
        return head + "\n".join(self.call(f"@@_{at}") for at in range(self.any(1, 1, 2, 3))) + "\n"

    def call(self, name):
        kind = self.any("table", "view", "incremental", "operations", "assertion", "declaration", "table", "test")
        self.kind = kind
        body = lambda: self.any(f"(ctx) => `{self.any('select 1 from ', 'a ')}${{{self.text(1, 'code')}}}`", f"ctx => {self.text(1, 'code')}",
                                "'select 1'", "`select ${util.path}`", "function (ctx) { return `x ${ctx.self()}`; }", '"a\\\\d `b`"')
        chain = ""
        if kind == "declaration":
            fields = [("name", f'"{name}"'), *((key, self.random.choice(values)) for key, values in self.keys(kind).items() if key != "name" and self.chance(0.3))]
            call = f"declare({self.object(fields)})"
            chain = self.any("", "", ".description('d')", ".columns([{ path: ['a'], description: 'b' }])")
        elif kind == "test":
            call = f'test("{name}").dataset({self.any(chr(34) + "base_table" + chr(34), "{ schema: `mart`, name: `base_view` }")})'
            chain = "".join(f".input({reference}, {self.any(chr(39) + 'select 1' + chr(39), '(ctx) => `select 2`')})"
                            for reference in ['"base_table"', '["raw", "orders"]', '"users"', '{ name: "x" }'][:self.any(0, 2, 3, 3, 3)]) + ".expect('select 1 as id')"
        else:
            function = {"operations": "operate", "assertion": "assert"}.get(kind, "publish")
            second = self.any(self.config(kind, function != "publish"), self.config(kind, function != "publish"), body(), "")
            call = f'{function}("{name}"' + (f", {second}" if second else "") + ")"
            add = "queries" if kind == "operations" else "query"
            if self.chance(0.85):
                chain += f".{add}({self.any('[' + body() + ']', body()) if kind == 'operations' and self.chance(0.1) else body()})"
            methods = {"tags": ["'a'", "['a', 'b']"], "dependencies": ["'orders'", "['base_table', 'base_view']", "[{ name: 'orders' }]"],
                       "description": ["'d'", "`d`"], "disabled": ["", "true", "false"], "schema": ["'mart'"], "database": ["'db'"]}
            if function == "publish":
                methods |= {"preOps": ["'a'", "['a', 'b']", "(ctx) => `x ${ctx.self()}`", "(ctx) => ['a', ctx.name()]"], "postOps": ["'a'", "ctx => [`a`]"],
                            "columns": ["[{ path: ['a'], description: 'd' }]"], "bigquery": ["util.options", "{ labels: { a: 'b' } }", "{}"],
                            "assertions": ["{ uniqueKeys: [{ uniqueKey: ['id'] }] }", "{ nonNull: ['a'], rowConditions: ['b > 1'] }"]}
                if kind == "incremental":
                    methods["where"] = ["'x > 1'", "ctx => `x`"]
            if kind == "operations":
                methods |= {"hasOutput": ["true", "false"]}
            for method in self.random.sample(list(methods), self.any(0, 0, 1, 1, 2, 3)):
                chain += self.any("", "\n  ") + f".{method}({self.random.choice(methods[method])})"
        call += chain + self.any(";", ";", "")
        if self.chance(0.15):
            call = f"[{self.any('1', '1, 2', '')}].forEach((n) => {{ {call.replace(name + chr(34), name + chr(34) + ' + n', 1)} }});"
        if self.chance(0.02):
            call += self.any("\nthrow new Error('no');", "\nmissing();", "\nconsole.log('x');", "\nif (")
        return call


# Dataform ends without a graph if the value of one of these is no text.
TEXT_KEYS = {"description", "schema", "name", "partitionBy", "onSchemaChange", "incrementalStrategy", "reservation", "location", "fileName",
             "updatePartitionFilter", "database", "type"}
OTHER_VALUES = ["true", "false", "[]", "{}", '["a"]', '{ a: "b" }']
MORE_KEYS = ["description", "dependencies", "schema", "name", "disabled", "columns", "bigquery", "assertions", "partitionBy", "clusterBy", "uniqueKey", "protected",
             "hasOutput", "materialized", "labels", "onSchemaChange", "incrementalStrategy", "zzz", "redshift", "metadata", "reservation", "hermetic",
             "preOperations", "dependencyTargets", "location", "fileName", "additionalOptions", "iceberg", "updatePartitionFilter", "database"]

"""Differences that are meant, each with its reason. See also ../conformance.md.

What a file holds is found by cutting it up as Dataform's lexer does: states, and in each the patterns that are tried in
order at every place.
"""

import re

WORD = r"(?:config|js|incremental_where|pre_operations|post_operations) \{"
INPUT = r'input "[\w-]+"(?:,\s*"[\w-]+")* \{'
# A pattern, and the state that it opens; "" is the end of the one that it stands in.
SQL = [
    (r"[^\S\r\n]*---[^\S\r\n]*$", None), (r"--.*?$", None), (r"/\*[\s\S]*?\*/", None), (r"\$\{", "js"), (r"\}", ""), (r"`", None),
    (r"'''", "'''"), (r'"""', '"""'), (r"'", "'"), (r'"', '"'),
]
STATES = {
    "sql": [(r"(?:config|js) \{", "js"), (WORD, "block"), (INPUT, "block"), *(rule for rule in SQL if rule[1] != "")],
    "block": SQL,
    "js": [(r"//.*?$", None), (r"/\*[\s\S]*?\*/", None), (r"'(?:\\['\\]|[^\n'\\])*'", None), (r'"(?:\\["\\]|[^\n"\\])*"', None),
           (r"`", "template"), (r"\{", "js"), (r"\}", "")],
    "template": [(r"\\\\", None), (r"\\\$\{`", None), (r"\$\{", "js"), (r"`", "")],
    "'": [(r"\\\\", None), (r"\\'", None), (r"\$\{", "js"), (r"'", "")],
    '"': [(r"\\\\", None), (r'\\"', None), (r'"', "")],
    "'''": [(r"\\\\", None), (r"\$\{", "js"), (r"'''", "")],
    '"""': [(r"\\\\", None), (r"\$\{", "js"), (r'"""', "")],
}
STATES = {state: [(re.compile(pattern, re.M), to) for pattern, to in rules] for state, rules in STATES.items()}

COMMENT = "a comment of SQL is kept as it is; Dataform evaluates its backslashes"
DOUBLE = "an expression means the same in a string in double quotes, and may hold quotes and backticks"
HASH = "a quote in a `#` comment opens no string"
ESCAPES = "strings, templates and regular expressions of JavaScript may hold any escape"
TAIL = "the tail of a word opens no block"
SPACING = "a block may open with other blanks than one"
BRACES = "braces in a block of SQL are counted"
QUOTES = "three quotes open a string only if three close it: else they are a quote in a string"
PLACEHOLDER = "a placeholder"
MARK = "a byte-order mark is no part of the SQL"


def facts(text):
    """What in a `.sqlx` file is read in another way on purpose."""
    text = text.replace("\r\n", "\n")
    found = set()
    if "\ufeff" in text:
        found.add(MARK)
    opening = re.finditer(r"\b(?:config|js|incremental_where|pre_operations|post_operations|input\s*['\"].*['\"])(\s*)\{", text)
    if any(match.group(1) != " " for match in opening):
        found.add(SPACING)
    stack, at = ["sql"], 0
    while at < len(text):
        state = stack[-1]
        for pattern, to in STATES[state]:
            match = pattern.match(text, at)
            if match:
                break
        else:
            match, to = None, None
        token = match.group() if match else text[at]
        if state in ("sql", "block"):
            if token.startswith(("--", "/*")) and len(token) > 2 and "\\" in token:
                found.add(COMMENT)
            if token == "${":
                found.add(PLACEHOLDER)
            if token == "#":
                found.add(HASH)
            if state == "block" and token == "{":
                found.add(BRACES)
            if to in ("js", "block") and token != "${" and text[at - 1:at].isalnum():
                found.add(TAIL)
        elif state == "js" and not match and token in "'\"/\\" or state == "template" and not match and token == "\\":
            found.add(ESCAPES)
        elif state == '"' and text.startswith("${", at):
            found.update([DOUBLE, PLACEHOLDER])
        elif token == "${" and state[0] in "'\"":
            found.add(PLACEHOLDER)
        at += len(token) or 1
        if len(token) == 3 and to == token and text.startswith(token[0], at):
            found.add(QUOTES)
        if to == "" and len(stack) > 1:
            stack.pop()
        elif to:
            stack.append(to)
    if {"'''", '"""'} & set(stack):
        found.add(QUOTES)
    return found


# The kind of difference, what the messages of either side hold, and why.
BIGQUERY = "the labels of a config stay where `.bigquery()` gives none"
REPLACED = "options that `.bigquery()` replaces are not looked at"
KINDS = [
    ("^tables.where$", "", "a filter of a table that is not incremental has no effect"),
    ("^assertions.disabled$", "", "`disableAssertions` counts for assertions that say `.disabled(false)`, too"),
    ("^assertions.actionDescriptor$", "", "`.description()` leaves the metadata of an assertion alone"),
    ("Dataform only", "^Circular dependency", "an assertion does not wait for itself"),
    ("Dataform only", r"^\w+\.(columns|map|uniqueKey)\S* is not a function|undefined \(reading 'map'\)", "methods take the older forms"),
    ("Dataform only", r"^\w+\.trim is not a function", "what a function gives as a query is printed"),
    ("Dataform only", r"^\w+\.lastIndexOf is not a function", "`database()` without one is an error at its place, if it is used"),
    ("Dataform only", r'depends on "\{"name":"\w+(\.\w+)+"', "a method takes dependencies as a config does"),
    ("Dataform only", r'Unexpected property "(schema|database|dependencies|columns)".*(Operation|Assertion)Config', "code may use the older words in every type"),
    ("Dataform only", r'Unexpected property "bigquery"', "`bigquery {}` may say that something is off"),
    ("Dataform only", r'Unexpected empty value for', "an empty text or object says nothing"),
    ("Dataform only", r"Unrecognized \w+ type: (inline|null|View)", "`inline` of older versions is a view; the case of letters is free, and null says nothing"),
    ("Dataform only", r"Dataset \{.*\} could not be found", "a test may name its model without the schema"),
    ("Dataform only", r"Running tests on incremental datasets", "incremental tables can be tested"),
    ("Dataform only", r"^no graph at all", "one action that Dataform cannot print does not take the others with it"),
    ("Dataform only", r"not valid for non partitioned", REPLACED),
    ("^tables.bigquery$", "", BIGQUERY),
    ("^tests.canonicalTarget$", "", "an array that is given to a test is not turned around"),
    ("^tests.testQuery$", "", "an input stands for all refs to what it names, however they name it"),
    ("Dataform only", r'Unexpected property "\w+" in test config', "a key without a value says nothing"),
    ("trueup only", r"all of them strings", "`resolve` needs a name, as `ref` does"),
    ("Dataform only", r'Unexpected property "a".* of "(number|boolean)"', "values in `extraProperties` may be of any kind"),
    ("Dataform only", r"Actions may only specify 'protected", "an empty value says nothing"),
    ("trueup only", r"unknown key .* in a column", "a misspelt key of a column is an error"),
    ("trueup only", r"`(schema|name|self|database)\(\)` has no meaning here", "a test has no name that its rows could ask for"),
    ("trueup only", r"nul byte", "code holds no NUL"),
    ("Dataform only", r"more than one SQL statement", "SQL of a declaration has no effect, however much there is"),
    ("Dataform only", r"Duplicate action name.*\n.*_assertions_", "`.assertions()` adds to those of the config"),
    ("Dataform only", r"incremental is not a function", "`incremental` is a function everywhere"),
    ("trueup only", r"\[unterminated\]", "a block, a comment or a placeholder that is never closed is an error"),
    ("trueup only", r"must be (an object|a list|a string|true or false)", "values have the right type also if they are empty"),
    ("trueup only", r"cannot be ``|a test refers to nothing", "words are not empty, and expected rows do not refer to anything"),
]
# Only what a text of the file asks for is run.
UNUSED = "code that no text of the file uses is not run"
SHARED = "a file does not change what includes share: there is no difference if it is compiled alone"


def reason(kind, file, theirs, ours):
    """Why a difference of this kind is meant, or None."""
    messages = "\n".join(theirs.errors + ours.errors)
    for pattern, message, why in KINDS:
        if why in (BIGQUERY, REPLACED) and ".bigquery(" not in file.text:
            continue
        if re.search(pattern, kind) and re.search(message, messages, re.M):
            return why
    if kind == "assertions.query" and re.search(r"rowConditions[^\]]*\[[^\]]*`[^`]*\n", file.text):
        return "a line feed in a condition is escaped where the condition is a string"
    if file.ending == "js":
        return None
    found = facts(file.text)
    if PLACEHOLDER not in found and "Dataform only" in kind and "js {" in file.text:
        return UNUSED
    return next(iter(sorted(found - {PLACEHOLDER})), None)

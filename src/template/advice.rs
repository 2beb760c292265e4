//! What to do about an error that an engine reports in its own words, where nothing better is known.

use crate::diagnostic::{Code, Diagnostic};

/// Adds the help if there is none yet.
pub(super) fn advised(diagnostic: Diagnostic) -> Diagnostic {
    if !diagnostic.help.is_empty() {
        return diagnostic;
    }
    let message = &diagnostic.message;
    let help = match diagnostic.code {
        Code::InvalidJinja => function(message).unwrap_or_else(|| jinja(message)),
        Code::InvalidJavascript => function(message).unwrap_or_else(|| javascript(message)),
        _ => return diagnostic,
    };
    diagnostic.help(help)
}

/// Of the functions that both languages have.
fn function(message: &str) -> Option<&'static str> {
    if message.starts_with("`ref()` takes") {
        Some(REF)
    } else if message.ends_with("no meaning here") {
        Some(NO_ACTION)
    } else if message.starts_with("a test refers to nothing") {
        Some(IN_TEST)
    } else {
        None
    }
}

fn javascript(message: &str) -> &'static str {
    let is_syntax = |word: &str| message.starts_with(word);
    if message.ends_with(" is not defined") {
        "see how it is spelt; declare it in the file, or export it from `includes/NAME.js` and call it `NAME.…`"
    } else if message.starts_with("cannot read property") || message.starts_with("cannot set property") {
        "what stands before this property has no value: see how it is spelt, and what it is given"
    } else if message.contains("not a function") {
        "see how it is spelt, and whether the file that it comes from exports it"
    } else if ["unexpected", "expecting", "invalid", "missing", "unterminated"].into_iter().any(is_syntax) {
        "the JavaScript does not parse from here on; look at what stands just before it, too"
    } else {
        "this comes from the code itself: mend it here, or give it what it asks for"
    }
}

fn jinja(message: &str) -> &'static str {
    if message.contains("is undefined") || message.starts_with("undefined value") {
        "see how it is spelt; what may be missing needs a default: `{{ x | default(\"\") }}`"
    } else if message.starts_with("there is no function") {
        "a macro is defined in a file of `macros/`, or in the body with `{% macro %}`"
    } else if message.starts_with("filter ") || message.starts_with("test ") {
        "the filters and tests are those of minijinja; a macro can do what they cannot"
    } else {
        "mend this tag; text that is no Jinja stands between `{% raw %}` and `{% endraw %}`"
    }
}

const REF: &str = "for example `ref(\"orders\")`, or `ref(\"staging\", \"orders\")`";

const NO_ACTION: &str = "call it in the body of an action: here there is none that it could be about";

const IN_TEST: &str = "write the rows themselves: `select 1 as id`";

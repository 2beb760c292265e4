//! Rules of the tree that a compiler does not know.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::markdown;

/// Gives what breaks it, a line each.
type Rule = fn() -> Vec<String>;

/// One trial for each rule.
pub(crate) fn trials() -> Vec<Trial> {
    let rules: [(&str, Rule); 6] = [
        ("layers", layers),
        ("files_are_short", files_are_short),
        ("forbidden_words", forbidden_words),
        ("warehouses_are_told_apart_by_their_dialect", warehouses),
        ("tests_have_names_of_their_own", names),
        ("documents_are_there", documents),
    ];
    let trials = rules.map(|(name, rule)| {
        Trial::test(format!("tidy::{name}"), move || {
            let broken = rule();
            if broken.is_empty() { Ok(()) } else { Err(Failed::from(broken.join("\n"))) }
        })
    });
    trials.into()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files under a folder: path from the root, and the text before the unit tests.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let walk = walkdir::WalkDir::new(root().join(folder)).sort_by_file_name();
    let files = walk.into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let read = files.map(|path| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        (path.strip_prefix(root()).unwrap_or(&path).to_owned(), code)
    });
    read.collect()
}

/// The modules in the order of `src/lib.rs`: each uses only what stands above it.
fn layers() -> Vec<String> {
    let list = std::fs::read_to_string(root().join("src/lib.rs")).unwrap_or_default();
    let modules: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut broken = Vec::new();
    for (path, code) in sources("src") {
        let Some(own) = path.components().nth(1) else { continue };
        let own = own.as_os_str().to_string_lossy().replace(".rs", "");
        let Some(layer) = modules.iter().position(|module| *module == own) else { continue };
        for (number, line) in (1..).zip(code.lines()).filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1).flat_map(first_words) {
                if modules.iter().position(|module| *module == used).is_some_and(|other| other > layer) {
                    broken.push(format!("{}:{number}: `{own}` uses `{used}`, which stands below it", path.display()));
                }
            }
        }
    }
    broken
}

/// `a` of `a::b`; `a` and `c` of `{a::b, c}`.
fn first_words(path: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|char: char| !(char.is_alphanumeric() || char == '_')).unwrap_or(text.len());
    match path.strip_prefix('{') {
        None => vec![&path[..word(path)]],
        Some(list) => list.split(',').map(str::trim).map(|item| &item[..word(item)]).collect(),
    }
}

fn files_are_short() -> Vec<String> {
    let all = sources("src").into_iter().chain(sources("tests")).chain(sources("example_project"));
    let long = all.map(|(path, code)| (path, code.lines().count())).filter(|(_, lines)| *lines > 600);
    long.map(|(path, lines)| format!("{}: {lines} lines before its tests", path.display())).collect()
}

fn forbidden_words() -> Vec<String> {
    let words = ["todo!", "unimplemented!", "dbg!", "TODO", "FIXME", "XXX"];
    let mut broken = Vec::new();
    for (path, code) in sources("src") {
        for (number, line) in (1..).zip(code.lines()) {
            let found = words.iter().find(|word| {
                line.split(|char: char| !(char.is_alphanumeric() || char == '!')).any(|part| part == **word)
            });
            broken.extend(found.map(|word| format!("{}:{number}: {word}", path.display())));
        }
    }
    broken
}

/// Code asks a dialect what it can do, not what it is called. The settings are where a name becomes a dialect or a
/// connection.
fn warehouses() -> Vec<String> {
    let names: Vec<String> = trueup::dialect::names().map(|name| format!("\"{name}\"")).collect();
    let mut broken = Vec::new();
    for (path, code) in sources("src") {
        if ["src/dialect", "src/project", "src/adapter"].iter().any(|allowed| path.starts_with(allowed)) {
            continue;
        }
        for (number, line) in (1..).zip(code.lines()) {
            let compares = line.contains("=>") || line.contains("==") || line.contains("matches!");
            if compares && names.iter().any(|name| line.contains(name.as_str())) {
                broken.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    broken
}

/// Two headings of the same text in one file of the specification would be one test.
fn names() -> Vec<String> {
    let mut broken = Vec::new();
    for path in markdown::files("tests/spec") {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut headings: Vec<String> = markdown::blocks(&text).into_iter().map(|block| block.heading).collect();
        headings.dedup();
        if headings.is_empty() {
            broken.push(format!("{}: there is no test in it", path.display()));
        }
        let count = headings.len();
        headings.sort();
        headings.dedup();
        if headings.len() < count {
            broken.push(format!("{}: two headings are the same", path.display()));
        }
    }
    broken
}

/// Of the documents: that they are there, and that what they link to is there.
fn documents() -> Vec<String> {
    let names = ["architecture", "changelog", "commands", "configuration", "contributing", "diagnostics", "language"];
    let wanted = names.iter().map(|name| format!("docs/{name}.md")).chain(["README.md".to_owned()]);
    let missing = wanted.filter(|path| !root().join(path).is_file());
    let mut broken: Vec<String> = missing.map(|path| format!("{path} is missing")).collect();
    let documents = ["docs", "example_project", "tests"].into_iter().flat_map(markdown::files);
    for path in documents.chain([root().join("README.md")]) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let blocks = markdown::blocks(&text);
        let links = text.match_indices("](").filter(|(at, _)| !blocks.iter().any(|block| block.body.contains(at)));
        let links = links.filter_map(|(at, _)| text[at + 2..].split_once(')')).map(|(link, _)| link);
        let files = links.filter(|link| !link.contains("://")).filter_map(|link| link.split('#').next());
        let lost = files.filter(|file| !path.with_file_name("").join(file).exists());
        broken.extend(lost.map(|file| format!("{}: there is no {file}", path.display())));
    }
    broken
}

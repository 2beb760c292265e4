//! `tests/format/*.md`: files before and after `trueup format`. A heading is a test: a `sqlx` block, and a second one with
//! what becomes of it. A heading with one block only is a file that stays as it is. `sqlx upper` in the second fence asks
//! for keywords in upper case.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use trueup::files::Sources;
use trueup::format::{Keywords, format};
use walkdir::WalkDir;

use crate::markdown::{self, Block};

/// One trial for each heading, and one for every `.sqlx` that there is.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("format::every_file_can_be_formatted", every_file)];
    for path in markdown::files("tests/format") {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let stem = markdown::stem(&path, "tests/format");
        for test in markdown::blocks(&text).chunk_by(|one, next| one.heading == next.heading) {
            let (path, text, test) = (path.clone(), text.clone(), test.to_vec());
            let name = format!("format::{stem}::{}", test[0].heading);
            trials.push(Trial::test(name, move || check(&path, &text, &test)));
        }
    }
    trials
}

fn formatted(text: &str, keywords: Keywords) -> Result<String, Failed> {
    let sources = Sources::default();
    let file = sources.get(sources.add("a.sqlx", text));
    format(file, true, keywords).map_err(|error| format!("{error:?}").into())
}

fn check(path: &Path, text: &str, test: &[Block]) -> Result<(), Failed> {
    let (Some(before), Some(after)) = (test.first(), test.last()) else { return Ok(()) };
    let keywords = if after.language.ends_with(" upper") { Keywords::Upper } else { Keywords::Keep };
    let found = formatted(before.text(text), keywords)?;
    markdown::compare(path, text, &[(after.clone(), found.clone())], |expected, found| expected == found)?;
    if formatted(&found, keywords)? == found { Ok(()) } else { Err("a second time it becomes something else".into()) }
}

/// Each file of the examples, and each file in a test or a document, can be formatted if it has no mistakes.
fn every_file() -> Result<(), Failed> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("example_project");
    let files = WalkDir::new(examples).into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "sqlx"));
    let mut texts = files.map(std::fs::read_to_string).collect::<Result<Vec<String>, _>>()?;
    for path in ["tests", "docs"].into_iter().flat_map(markdown::files) {
        let text = std::fs::read_to_string(path)?;
        let blocks = markdown::blocks(&text);
        texts.extend(blocks.iter().filter(|block| block.language == "sqlx").map(|block| block.text(&text).to_owned()));
    }
    for text in texts {
        match formatted(&text, Keywords::Keep) {
            Ok(once) if formatted(&once, Keywords::Keep)? != once => return Err(format!("not stable:\n{text}").into()),
            Err(error) if error.message().is_some_and(|message| message == "Unsafe") => {
                return Err(format!("left alone:\n{text}").into());
            }
            _ => {}
        }
    }
    Ok(())
}

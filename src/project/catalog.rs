//! `catalog.json`: what a warehouse has told of the columns of relations. It is read so that nobody has to ask again.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::dialect::{self, Dialect};
use crate::files::{FileSystem, LineColumn, SourceFile, Sources};
use crate::project::{conflict, unreadable};
use crate::relation::{Column, Target};

/// Where it lies, from the project's root.
pub const CATALOG_FILE: &str = "catalog.json";

/// What its `catalog_version` is.
pub const CATALOG_VERSION: u32 = 1;

/// What a warehouse held at some time.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// In whose words the types are.
    pub dialect: &'static dyn Dialect,
    /// The columns of each relation, by its name without prefixes and suffixes of an environment.
    pub relations: BTreeMap<String, Vec<Column>>,
}

impl Catalog {
    /// The columns of the relation of that name, as the project has it.
    pub fn columns(&self, canonical: &Target) -> Option<&[Column]> {
        self.relations.get(&canonical.to_string()).map(Vec::as_slice)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Written {
    catalog_version: u32,
    dialect: String,
    relations: Pairs<Pairs<String>>,
}

/// The entries of an object in their order.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(Vec<(String, T)>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
                while let Some(entry) = map.next_entry()? {
                    self.0.push(entry);
                }
                Ok(Pairs(self.0))
            }
        }
        deserializer.deserialize_map(Entries(Vec::new()))
    }
}

/// Reads the catalog of a project, if there is one. What is wrong with it is reported, and it counts as missing.
pub(super) fn load(files: &dyn FileSystem, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Catalog> {
    let file = match sources.read(files, CATALOG_FILE) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let message = unreadable(CATALOG_FILE, &error).map_or_else(|| error.to_string(), |found| found.message);
            let id = sources.add(CATALOG_FILE, "");
            let diagnostic = Diagnostic::error(Code::InvalidCatalog, message).at(sources.get(id).whole(), "");
            diagnostics.push(diagnostic.help(AGAIN));
            return None;
        }
    };
    match read(file) {
        Ok(catalog) => Some(catalog),
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            None
        }
    }
}

const AGAIN: &str = "`trueup catalog` writes it anew";

/// The catalog that a file holds.
pub(super) fn read(file: &SourceFile) -> Result<Catalog, Diagnostic> {
    if let Some(found) = conflict::unsettled(file) {
        return Err(Diagnostic { code: Code::InvalidCatalog, help: vec![AGAIN.to_owned()], ..found });
    }
    let written: Written = serde_json::from_str(file.text()).map_err(|error| not_a_catalog(file, &error))?;
    let at = |text: &str| {
        let start = file.text().find(text).unwrap_or_default();
        file.span(start..start + text.len())
    };
    if written.catalog_version != CATALOG_VERSION {
        let message = format!("this catalog is of version {}, and not of {CATALOG_VERSION}", written.catalog_version);
        return Err(Diagnostic::error(Code::InvalidCatalog, message)
            .at(at("\"catalog_version\""), "")
            .help("write it anew with `trueup catalog`, or take the version of trueup that has written it"));
    }
    let dialect = dialect::named(&written.dialect).ok_or_else(|| {
        let names: Vec<&str> = dialect::names().collect();
        Diagnostic::error(Code::InvalidCatalog, format!("there is no dialect `{}`", written.dialect))
            .at(at("\"dialect\""), "")
            .help(
                did_you_mean(&written.dialect, names.iter().copied())
                    .unwrap_or_else(|| format!("trueup knows {}", names.join(", "))),
            )
    })?;
    let columns = |columns: Pairs<String>| {
        columns.0.into_iter().map(|(name, data_type)| Column { name, data_type }).collect::<Vec<_>>()
    };
    let relations = written.relations.0.into_iter().map(|(name, pairs)| (name, columns(pairs)));
    Ok(Catalog { dialect, relations: relations.collect() })
}

/// Of a file that is something else. Some other tool may have a file of that name, too.
fn not_a_catalog(file: &SourceFile, error: &serde_json::Error) -> Diagnostic {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or_default();
    let line = file.offset(LineColumn { line: error.line().max(1), column: 1 });
    let start = file.text().floor_char_boundary(line + error.column().saturating_sub(1));
    let is_ours = file.text().contains("\"catalog_version\"");
    let severity = if is_ours { Diagnostic::error } else { Diagnostic::warning };
    let help = if is_ours { AGAIN } else { "if it belongs to another tool, let it lie in another folder" };
    severity(Code::InvalidCatalog, format!("this is no catalog: {message}")).at(file.span(start..start), "").help(help)
}

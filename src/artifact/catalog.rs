use std::io;
use std::path::Path;

use serde_json::Value;

use crate::artifact::write_atomically;
use crate::project::{CATALOG_FILE, CATALOG_VERSION, Catalog};

/// Writes `catalog.json`: a line for each relation, in the order of their names, so that what has changed is easily seen.
pub fn write_catalog(root: &Path, catalog: &Catalog) -> io::Result<()> {
    let text = |text: &str| Value::from(text).to_string();
    let relations = catalog.relations.iter().map(|(name, columns)| {
        let columns = columns.iter().map(|column| format!("{}: {}", text(&column.name), text(&column.data_type)));
        format!("\n    {}: {{ {} }}", text(name), columns.collect::<Vec<_>>().join(", "))
    });
    let relations = relations.collect::<Vec<_>>().join(",");
    let (dialect, end) = (text(catalog.dialect.name()), if relations.is_empty() { "" } else { "\n  " });
    let whole = format!(
        "{{\n  \"catalog_version\": {CATALOG_VERSION},\n  \"dialect\": {dialect},\n  \"relations\": {{{relations}{end}}}\n}}\n"
    );
    write_atomically(root, Path::new(CATALOG_FILE), &whole)
}

use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Grammar};

/// Amazon Redshift.
#[derive(Debug)]
pub struct Redshift;

impl Dialect for Redshift {
    fn name(&self) -> &'static str {
        "redshift"
    }

    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn string(&self, text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::Redshift
    }
}

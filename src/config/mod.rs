//! Configuration as it was written: values with their places, and a reader that makes typed settings of them and
//! reports every key and value that it does not understand.
//!
//! The settings file of a project and the `config {}` of a model both go through here.

mod bounds;
mod bytes;
mod reader;
mod time_span;
mod value;
mod yaml;

pub use bounds::check_yaml;
pub use bytes::parse_bytes;
pub use reader::{Reader, Spanned};
pub use time_span::TimeSpan;
pub use value::{Entry, Key, Value, ValueKind};
pub use yaml::parse_yaml;

//! Warehouse nouns: what an object is called and what is known of it.

mod target;

pub use target::Target;

//! Any bytes are a `.sqlx` file: the parser does not panic, and its tree tiles the text.

#![no_main]
#![allow(dead_code, unused_imports, reason = "the modules offer more than this target uses")]

#[path = "../../../src/config/mod.rs"]
mod config;
#[path = "../../../src/diagnostic/mod.rs"]
mod diagnostic;
#[path = "../../../src/files/mod.rs"]
mod files;
#[path = "../../../src/sqlx/mod.rs"]
mod sqlx;
#[path = "../../../src/sqlx/tiling.rs"]
mod tiling;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    tiling::check(&text, false);
    tiling::check(&text, true);
});

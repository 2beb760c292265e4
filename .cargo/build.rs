//! Checks that the DuckDB library is there, with a message that says what to type, and writes its folder into the
//! binaries, so that they run from where they lie.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return ExitCode::SUCCESS;
    }
    let Some(folder) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) else {
        return fail("DUCKDB_LIB_DIR is not set: build from inside the project, where .cargo/config.toml sets it");
    };
    let library =
        if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") { "libduckdb.dylib" } else { "libduckdb.so" };
    println!("cargo:rerun-if-changed={}", folder.join(library).display());
    if !folder.join(library).exists() {
        return fail("the DuckDB library is missing: type `.cargo/duckdb.sh` once, then build again");
    }
    let folder = folder.canonicalize().unwrap_or(folder);
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    // A copy of the library beside an installed binary is found too.
    let origin = if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") { "@loader_path" } else { "$ORIGIN" };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{origin}");
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    println!("cargo::error={message}");
    ExitCode::FAILURE
}

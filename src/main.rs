//! The command line of trueup.

fn main() {}

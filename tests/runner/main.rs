//! Every test of the project: data is found and made into named trials.

fn main() {}

//! Every test of the project: data is found and made into named trials.

mod syntax;

use libtest_mimic::Arguments;

fn main() {
    let mut trials = Vec::new();
    trials.extend(syntax::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

//! Every test of the project: data is found and made into named trials.

mod syntax;
mod translate;

use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    let trials = [
        syntax::trials(), //
        translate::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

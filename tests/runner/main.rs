//! Every test of the project: data is found and made into named trials.

mod arrivals;
mod bigquery;
mod bigquery_faults;
mod bigquery_quotas;
mod case;
mod conformance;
mod console;
mod crash;
#[cfg(feature = "aws")]
mod fake_aws;
mod format;
mod hostile;
mod markdown;
mod mask;
mod memory;
mod parallel;
mod plan;
mod postgres;
mod postgres_faults;
#[cfg(feature = "aws")]
mod postgres_iam;
mod postgres_processes;
mod postgres_server;
mod postgres_tls;
mod processes;
mod project;
mod random;
mod reconcile;
mod redshift;
mod reference;
mod shell;
mod spec;
mod syntax;
mod tidy;
mod translate;
mod translate_to_postgres;
mod two_warehouses;
mod types;
mod watch;
#[cfg(not(feature = "aws"))]
mod without_aws;

use libtest_mimic::Arguments;

fn main() {
    let arguments = Arguments::from_args();
    let trials = [
        arrivals::trials(),
        bigquery::trials(),
        bigquery_faults::trials(),
        bigquery_quotas::trials(),
        case::trials(),
        conformance::trials(),
        crash::trials(),
        format::trials(),
        hostile::trials(),
        memory::trials(),
        parallel::trials(),
        plan::trials(),
        postgres::trials(),
        postgres_faults::trials(),
        reconcile::trials(),
        #[cfg(feature = "aws")]
        postgres_iam::trials(),
        postgres_processes::trials(),
        postgres_tls::trials(),
        processes::trials(),
        reference::trials(),
        shell::trials(),
        spec::trials(),
        syntax::trials(),
        tidy::trials(),
        translate::trials(),
        translate_to_postgres::trials(),
        two_warehouses::trials(),
        types::trials(),
        watch::trials(),
        #[cfg(not(feature = "aws"))]
        without_aws::trials(),
    ];
    let trials = trials.into_iter().flatten().collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    postgres_server::stop();
    bigquery::stop();
    conclusion.exit();
}

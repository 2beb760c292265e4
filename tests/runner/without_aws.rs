//! A trueup that was built without the feature `aws` knows the settings of a login by AWS, and says that it has none.

use libtest_mimic::{Failed, Trial};

use crate::project::Project;

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("without_aws::says_how_to_build_it", says_how_to_build_it)]
}

fn says_how_to_build_it() -> Result<(), Failed> {
    let settings = "name: shop\ndialect: redshift\nenvironments:\n  prod: { warehouse: redshift, method: iam, cluster_id: shop }\n";
    let project = Project::new(&[("trueup.yaml", settings), ("definitions/one.sqlx", "select 1")])?;
    match project.run(&["run"])? {
        (Some(2), printed) if printed.contains("--features aws") => Ok(()),
        (code, printed) => Err(format!("{code:?}\n{printed}").into()),
    }
}

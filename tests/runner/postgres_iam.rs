//! Login by an identity of AWS: an endpoint that stands in for AWS gives users and passwords of a real server, a new
//! password each time, and the server lets nobody in without encryption and the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::{Failed, Trial};
use walkdir::WalkDir;

use crate::fake_aws::{Call, FakeAws};
use crate::postgres_server;
use crate::postgres_tls::Guarded;
use crate::project::Project;

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    vec![Trial::test("postgres_iam::logins", logins).with_ignored_flag(!is_installed)]
}

/// What the environment says beside the warehouse, variables, what comes of it (`None` if it works), and what AWS was asked:
/// an action, the scope of its signature, and a value that was sent.
struct Attempt<'a> {
    settings: &'a str,
    variables: &'a [(&'a str, &'a str)],
    failure: Option<&'a str>,
    calls: &'a [(&'a str, &'a str, &'a str, &'a str)],
}

const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "sEcReT-env"), ("AWS_REGION", "eu-west-1")];

const CONFIG: &str = "[profile team]
region = eu-north-1
[profile role]
region = us-east-1
role_arn = arn:aws:iam::1:role/loader
source_profile = team
[profile sso]
region = us-east-1
sso_session = company
sso_account_id = 1
sso_role_name = reader
[sso-session company]
sso_region = us-east-1
sso_start_url = https://company.example/start
";

const CREDENTIALS: &str = "[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = sEcReT-team\n";

#[expect(clippy::too_many_lines, reason = "a table")]
fn logins() -> Result<(), Failed> {
    let server = Arc::new(Guarded::start()?);
    let port = server.port;
    for role in ["IAM:analyst", "IAMA:analyst", "IAMR:role"] {
        server.psql(&format!("create role \"{role}\" login superuser"))?;
    }
    // The server stands for Redshift, whose catalogue is asked for materialized views.
    server.psql("create view svv_mv_info as select ''::text as schema_name, ''::text as name where false")?;
    let (setter, count) = (Arc::clone(&server), AtomicU32::new(0));
    let aws = FakeAws::start(port, move |user| {
        let password = format!("sEcReT-{}", count.fetch_add(1, Ordering::SeqCst));
        setter.psql(&format!("alter role \"{user}\" password '{password}'"))?;
        Ok(password)
    })?;

    let here = format!("host: localhost\n    port: {port}\n    ");
    let settings = |text: &str| format!("{here}{text}");
    let cluster = settings("method: iam\n    cluster_id: shop\n    user: analyst");
    let brief = settings("method: iam\n    cluster_id: brief\n    user: analyst");
    let created = format!("{cluster}\n    autocreate: true\n    db_groups: [loaders, readers]");
    let role = "method: iam_role\n    user: nobody\n    cluster_id: shop";
    let profile = settings("method: iam\n    cluster_id: shop\n    user: analyst\n    iam_profile: team");
    let assumed = settings("method: iam\n    cluster_id: shop\n    user: analyst\n    iam_profile: role");
    let written = settings(
        "method: iam\n    cluster_id: shop\n    access_key_id: AKIAYAML\n    secret_access_key: ${SECRET}\n    region: sa-east-1",
    );
    let hidden = format!("{cluster}\n    sslmode: disable");
    let credentials = "GetClusterCredentials";
    let user = ("DbUser", "analyst");
    let attempts = [
        Attempt {
            settings: &cluster,
            variables: &KEYS,
            failure: None,
            calls: &[(credentials, "AKIAENV/eu-west-1/redshift", user.0, user.1)],
        },
        // One for each connection: to look whether the server answers, to read what it holds, for the run and its two steps.
        Attempt {
            settings: &brief,
            variables: &KEYS,
            failure: None,
            calls: &[(credentials, "AKIAENV/eu-west-1/redshift", "DbName", "postgres"); 5],
        },
        Attempt {
            settings: &created,
            variables: &KEYS,
            failure: None,
            calls: &[(credentials, "AKIAENV/eu-west-1/redshift", "DbGroups.DbGroup.2", "readers")],
        },
        Attempt {
            settings: role,
            variables: &KEYS,
            failure: None,
            calls: &[
                ("DescribeClusters", "AKIAENV/eu-west-1/redshift", "ClusterIdentifier", "shop"),
                ("GetClusterCredentialsWithIAM", "AKIAENV/eu-west-1/redshift", "DbName", "postgres"),
            ],
        },
        Attempt {
            settings: "method: iam\n    workgroup: shop",
            variables: &KEYS,
            failure: None,
            calls: &[
                ("GetWorkgroup", "AKIAENV/eu-west-1/redshift-serverless", "workgroupName", "shop"),
                ("GetCredentials", "AKIAENV/eu-west-1/redshift-serverless", "dbName", "postgres"),
            ],
        },
        // A profile that is named comes before the variables.
        Attempt {
            settings: &profile,
            variables: &KEYS[..2],
            failure: None,
            calls: &[(credentials, "AKIATEAM/eu-north-1/redshift", user.0, user.1)],
        },
        Attempt {
            settings: &cluster,
            variables: &[("AWS_PROFILE", "team")],
            failure: None,
            calls: &[(credentials, "AKIATEAM/eu-north-1/redshift", user.0, user.1)],
        },
        Attempt {
            settings: &assumed,
            variables: &[],
            failure: None,
            calls: &[
                ("AssumeRole", "AKIATEAM/us-east-1/sts", "RoleArn", "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Floader"),
                (credentials, "ASIAROLE/us-east-1/redshift", user.0, user.1),
            ],
        },
        Attempt {
            settings: &written,
            variables: &[("SECRET", "sEcReT-yaml"), ("PGUSER", "analyst")],
            failure: None,
            calls: &[(credentials, "AKIAYAML/sa-east-1/redshift", user.0, user.1)],
        },
        Attempt {
            settings: &cluster,
            variables: &KEYS[2..],
            failure: Some("no credentials of AWS were found"),
            calls: &[],
        },
        Attempt {
            settings: &cluster,
            variables: &KEYS[..2],
            failure: Some("in which region of AWS the cluster `shop` is"),
            calls: &[],
        },
        Attempt {
            settings: "method: iam\n    cluster_id: paused",
            variables: &KEYS,
            failure: Some("the cluster `paused` does not listen"),
            calls: &[("DescribeClusters", "AKIAENV/eu-west-1/redshift", "ClusterIdentifier", "paused")],
        },
        Attempt {
            settings: "method: iam\n    cluster_id: closed\n    host: localhost\n    user: analyst",
            variables: &KEYS,
            failure: Some(
                "let a policy of this identity allow `redshift:GetClusterCredentials` on `dbuser:closed/analyst` and `dbname:closed/postgres`",
            ),
            calls: &[(credentials, "AKIAENV/eu-west-1/redshift", user.0, user.1)],
        },
        Attempt {
            settings: "method: iam\n    host: closed.1.eu-west-2.redshift-serverless.amazonaws.com",
            variables: &KEYS,
            failure: Some("AWS does not allow `redshift-serverless:GetCredentials` for the workgroup `closed`"),
            calls: &[("GetCredentials", "AKIAENV/eu-west-2/redshift-serverless", "workgroupName", "closed")],
        },
        Attempt {
            settings: "method: iam\n    cluster_id: shp",
            variables: &KEYS,
            failure: Some("the cluster `shp` is not in eu-west-1"),
            calls: &[("DescribeClusters", "AKIAENV/eu-west-1/redshift", "ClusterIdentifier", "shp")],
        },
        Attempt {
            settings: "method: iam\n    workgroup: shp",
            variables: &KEYS,
            failure: Some("the workgroup `shp` is not in eu-west-1"),
            calls: &[("GetWorkgroup", "AKIAENV/eu-west-1/redshift-serverless", "workgroupName", "shp")],
        },
        Attempt {
            settings: &cluster,
            variables: &[("AWS_PROFILE", "sso")],
            failure: Some("type `aws sso login --profile sso`"),
            calls: &[],
        },
        Attempt { settings: &hidden, variables: &KEYS, failure: Some("`sslmode` is `disable`"), calls: &[] },
        Attempt {
            settings: "method: iam",
            variables: &KEYS,
            failure: Some("nothing says what to log in to"),
            calls: &[],
        },
    ];
    for attempt in &attempts {
        attempt.check(&aws)?;
    }

    // A `.env` file stands in for variables.
    let from_file = [(".env", "AWS_ACCESS_KEY_ID=AKIAFILE\nAWS_SECRET_ACCESS_KEY=sEcReT-file\nAWS_REGION=ca-west-1\n")];
    let calls = [(credentials, "AKIAFILE/ca-west-1/redshift", user.0, user.1)];
    Attempt { settings: &cluster, variables: &[], failure: None, calls: &calls }.check_with(&aws, &from_file)
}

impl Attempt<'_> {
    fn check(&self, aws: &FakeAws) -> Result<(), Failed> {
        self.check_with(aws, &[])
    }

    fn check_with(&self, aws: &FakeAws, files: &[(&str, &str)]) -> Result<(), Failed> {
        let settings = format!(
            "name: iam\ndialect: redshift\nenvironments:\n  prod:\n    warehouse: redshift\n    database: postgres\n    {}\n",
            self.settings
        );
        let project = Project::new(&[
            ("trueup.yaml", &settings),
            ("definitions/one.sqlx", "config { type: \"operations\" }\nselect 1"),
            ("definitions/two.sqlx", "config { type: \"operations\" }\nselect 2"),
            (".aws/config", CONFIG),
            (".aws/credentials", CREDENTIALS),
        ])?;
        for (name, text) in files {
            project.write(name, text)?;
        }
        let mut command = project.command(&["run", "--threads", "1"]);
        command.env("AWS_ENDPOINT_URL", &aws.url).env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.envs(self.variables.iter().copied()).output()?;
        let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let calls = aws.take();
        let wrong = |what: &str| Err(format!("{what}\n{settings}\n{:?}\n{printed}\n{calls:#?}", self.variables).into());
        match self.failure {
            None if !output.status.success() => return wrong("it failed"),
            Some(words) if output.status.code() != Some(2) || !printed.replace('\n', " ").contains(words) => {
                return wrong(words);
            }
            _ => {}
        }
        let is_like = |(call, wanted): (&Call, &(&str, &str, &str, &str))| {
            let (action, scope, name, value) = *wanted;
            call.action == action && call.scope == scope && call.value(name).as_deref() == Some(value)
        };
        if calls.len() != self.calls.len() || !calls.iter().zip(self.calls).all(is_like) {
            return wrong("AWS was asked something else");
        }
        let files = WalkDir::new(project.path().join(".trueup")).into_iter().filter_map(Result::ok);
        let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        if texts.chain([printed.clone()]).any(|text| text.contains("sEcReT")) {
            return wrong("a secret is told");
        }
        Ok(())
    }
}

//! How BigQuery is reached. The keys are those of dbt-bigquery where it has them.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{Reader, parse_bytes};
use crate::project::LoadError;
use crate::project::connection::Secret;
use crate::relation::{JOB_PRIORITIES, JobOptions, JobPriority};

/// An environment on BigQuery. What is `None` is as Google's own tools find it.
#[derive(Debug, Clone, PartialEq)]
pub struct BigQueryAccess {
    /// The project that jobs run in and are billed to; otherwise that of the models.
    pub project: Option<String>,
    /// Where jobs run; otherwise where the datasets are.
    pub location: Option<String>,
    /// The address of the service, such as that of an emulator or a private endpoint.
    pub endpoint: Option<String>,
    /// Who asks.
    pub credentials: GoogleCredentials,
    /// The service account in whose name is asked; before it those through whom, in order.
    pub impersonate: Vec<String>,
    /// The project whose quota of requests is used.
    pub quota_project: Option<String>,
    /// What the credentials are for: addresses that begin with `https://www.googleapis.com/auth/`.
    pub scopes: Vec<String>,
    /// What holds for every job that its action does not say otherwise for.
    pub jobs: JobOptions,
    /// How long a request or a job is tried again for that may go well the next time.
    pub retry: Duration,
    /// Money for reading a TiB.
    pub price_per_tib: f64,
    /// What a run may be estimated to read at the most.
    pub budget: Option<Budget>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GoogleCredentials {
    /// Whoever Google's tools find: a file named by `GOOGLE_APPLICATION_CREDENTIALS`, the login of `gcloud`, the machine.
    Default,
    /// A file of credentials: a service account's key, a login, or an identity from elsewhere.
    File(PathBuf),
    /// What stands in such a file.
    Text(Secret),
    /// Nobody: an emulator does not care.
    Nobody,
}

/// The most that a run may be estimated to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// In money, at `price_per_tib`.
    Money(f64),
    /// In bytes.
    Bytes(u64),
}

impl Budget {
    /// `5.00`, or `200 GiB`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bytes = || text.ends_with(['b', 'B']).then(|| parse_bytes(text).map(Self::Bytes)).flatten();
        amount(text).map(Self::Money).or_else(bytes).ok_or_else(|| format!("`{text}` is not {}", Self::WANTED))
    }

    const WANTED: &str = "an amount of money such as `5.00`, or of bytes such as `2 TiB`";
}

fn amount(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|money| money.is_finite() && *money >= 0.0)
}

impl BigQueryAccess {
    /// What reading so many bytes costs.
    #[expect(clippy::cast_precision_loss, reason = "money is rounded to cents in the end")]
    pub fn cost(&self, bytes: u64) -> f64 {
        bytes as f64 / TIB * self.price_per_tib
    }

    /// How many bytes a budget buys.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no budget is negative")]
    pub fn bytes_of(&self, budget: Budget) -> u64 {
        match budget {
            Budget::Bytes(bytes) => bytes,
            // What costs nothing has no end.
            Budget::Money(_) if self.price_per_tib == 0.0 => u64::MAX,
            Budget::Money(money) => (money / self.price_per_tib * TIB) as u64,
        }
    }
}

const TIB: f64 = 1024.0 * 1024.0 * 1024.0 * 1024.0;

/// On-demand price of the United States, in dollars; <https://cloud.google.com/bigquery/pricing>.
const PRICE_PER_TIB: f64 = 6.25;

/// As long as Google's own clients try.
const RETRY: Duration = Duration::from_mins(10);

/// An access as the settings have it: `${NAME}` still stands in its strings.
#[derive(Debug, Clone)]
pub(super) struct WrittenBigQuery {
    texts: Vec<(&'static str, String)>,
    is_anonymous: bool,
    impersonate: Vec<String>,
    scopes: Vec<String>,
    labels: Vec<(String, String)>,
    priority: Option<JobPriority>,
}

/// The words of `credentials`; `true` is for nobody.
const CREDENTIALS: [(&str, bool); 2] = [("default", false), ("none", true)];

const TEXTS: [&str; 12] = [
    "project",
    "location",
    "endpoint",
    "keyfile",
    "keyfile_json",
    "quota_project",
    "reservation",
    "maximum_bytes_billed",
    "job_timeout",
    "retry_timeout",
    "price_per_tib",
    "budget",
];

impl WrittenBigQuery {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let texts = TEXTS.iter().filter_map(|key| Some((*key, reader.text(key)?.value))).collect();
        let mut list = |key| -> Vec<String> {
            let listed = reader.string_or_strings(key).map(|listed| listed.value).unwrap_or_default();
            listed.into_iter().map(|text| text.value).collect()
        };
        let (impersonate, scopes) = (list("impersonate_service_account"), list("scopes"));
        let labels = reader.texts("labels").unwrap_or_default();
        Self {
            texts,
            is_anonymous: reader.one_of("credentials", &CREDENTIALS).is_some_and(|word| word.value),
            impersonate,
            scopes,
            labels: labels.into_iter().map(|(name, text)| (name, text.value)).collect(),
            priority: reader.one_of("priority", &JOB_PRIORITIES).map(|priority| priority.value),
        }
    }

    /// Fills in what is left open: `fill` puts the values of variables into a text, `variable` gives one.
    pub(super) fn resolve(
        &self,
        fill: &dyn Fn(&str) -> Result<String, LoadError>,
        variable: &dyn Fn(&str) -> Option<String>,
        environment: &str,
    ) -> Result<BigQueryAccess, LoadError> {
        let mut values = Vec::new();
        for (key, text) in &self.texts {
            values.extend(Some((*key, fill(text)?)).filter(|(_, value)| !value.trim().is_empty()));
        }
        let get = |key: &str| values.iter().find(|(name, _)| *name == key).map(|(_, value)| value.trim().to_owned());
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let wrong = |key: &str, value: &str, wanted: &str| LoadError::WrongValue {
            environment: environment.to_owned(),
            message: format!("`{key}` is `{value}`, which is not {wanted}"),
        };
        let seconds = |key: &str| {
            let parsed = get(key).map(|value| value.parse().map_err(|_| wrong(key, &value, "a number of seconds")));
            parsed.transpose().map(|seconds| seconds.map(Duration::from_secs))
        };
        let bytes = |key: &str| {
            let parsed = get(key).map(|value| {
                parse_bytes(&value).ok_or_else(|| wrong(key, &value, "a number of bytes such as `50 GiB`"))
            });
            parsed.transpose()
        };
        let budget =
            get("budget").map(|value| Budget::parse(&value).map_err(|_| wrong("budget", &value, Budget::WANTED)));
        let price = get("price_per_tib")
            .map(|value| amount(&value).ok_or_else(|| wrong("price_per_tib", &value, "an amount of money")));

        // As in Google's own clients.
        let emulator = variable("BIGQUERY_EMULATOR_HOST").filter(|_| get("endpoint").is_none());
        let credentials = match (get("keyfile_json"), get("keyfile")) {
            (Some(_), Some(_)) => {
                return Err(LoadError::WrongValue {
                    environment: environment.to_owned(),
                    message: "`keyfile` and `keyfile_json` are both set: the key is in one of them".to_owned(),
                });
            }
            (Some(json), None) => GoogleCredentials::Text(Secret(json)),
            (None, Some(path)) => GoogleCredentials::File(PathBuf::from(path)),
            (None, None) if self.is_anonymous || emulator.is_some() => GoogleCredentials::Nobody,
            (None, None) => GoogleCredentials::Default,
        };
        let fill_all = |texts: &[String]| texts.iter().map(|text| fill(text)).collect::<Result<Vec<_>, _>>();
        let mut labels = Vec::new();
        for (name, text) in &self.labels {
            labels.push((name.clone(), fill(text)?));
        }
        Ok(BigQueryAccess {
            project: get("project").or_else(|| variable("GOOGLE_CLOUD_PROJECT")),
            location: get("location"),
            endpoint: get("endpoint").or(emulator),
            credentials,
            impersonate: fill_all(&self.impersonate)?,
            quota_project: get("quota_project").or_else(|| variable("GOOGLE_CLOUD_QUOTA_PROJECT")),
            scopes: fill_all(&self.scopes)?,
            jobs: JobOptions {
                labels: labels.into_iter().collect(),
                reservation: get("reservation"),
                maximum_bytes_billed: bytes("maximum_bytes_billed")?,
                priority: self.priority,
                timeout: seconds("job_timeout")?.filter(|timeout| !timeout.is_zero()),
            },
            retry: seconds("retry_timeout")?.unwrap_or(RETRY),
            price_per_tib: price.transpose()?.unwrap_or(PRICE_PER_TIB),
            budget: budget.transpose()?,
        })
    }
}

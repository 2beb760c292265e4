//! Who asks, as Google's own library finds it out: keys of service accounts, logins of people, the machine, identities from
//! elsewhere.

use std::fs;
use std::path::Path;
use std::sync::Once;

use google_cloud_auth::build_errors::Error;
use google_cloud_auth::credentials::{self, CacheableResource, Credentials};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::project::{BigQueryAccess, GoogleCredentials};

/// What is asked for where the settings do not say.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Gives each request its proof of who sends it.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// `None` where nobody asks.
    credentials: Option<Credentials>,
    quota_project: Option<String>,
}

impl Identity {
    /// An error is a sentence about the settings or the files that they name, whose paths are from `root`.
    pub(super) fn find(access: &BigQueryAccess, root: &Path) -> Result<Self, String> {
        install_crypto();
        let quota_project = access.quota_project.clone();
        let scopes: Vec<&str> = match access.scopes.as_slice() {
            [] => vec![SCOPE],
            scopes => scopes.iter().map(String::as_str).collect(),
        };
        let source = match &access.credentials {
            GoogleCredentials::Nobody => return Ok(Self { credentials: None, quota_project }),
            GoogleCredentials::Default => {
                let builder = credentials::Builder::default().with_scopes(scopes.iter().copied());
                builder.build().map_err(|error| why(&error, "the application default credentials"))?
            }
            GoogleCredentials::File(path) => {
                let name = path.display().to_string();
                let text = fs::read_to_string(root.join(path))
                    .map_err(|error| format!("cannot read `keyfile` {name}: {error}"))?;
                from_text(&text, &scopes, &format!("the credentials in {name}"))?
            }
            GoogleCredentials::Text(secret) => from_text(&secret.0, &scopes, "the credentials in `keyfile_json`")?,
        };
        let credentials = match access.impersonate.split_last() {
            None => source,
            Some((target, delegates)) => credentials::impersonated::Builder::from_source_credentials(source)
                .with_target_principal(target)
                .with_delegates(delegates.iter().map(String::as_str))
                .with_scopes(scopes.iter().copied())
                .build()
                .map_err(|error| why(&error, &format!("`impersonate_service_account: {target}`")))?,
        };
        Ok(Self { credentials: Some(credentials), quota_project })
    }

    /// What a request carries. An error is in Google's words.
    pub(super) async fn headers(&self) -> Result<HeaderMap, String> {
        let mut headers = match &self.credentials {
            None => HeaderMap::new(),
            Some(credentials) => match credentials.headers(http::Extensions::default()).await {
                Ok(CacheableResource::New { data, .. }) => data,
                // No tag was sent that this could be the answer to.
                Ok(CacheableResource::NotModified) => HeaderMap::new(),
                Err(error) => return Err(no_token(&chain(&error))),
            },
        };
        if let Some(project) = &self.quota_project {
            let value = project.parse().map_err(|_| format!("`{project}` is not the name of a project"))?;
            headers.insert("x-goog-user-project", value);
        }
        Ok(headers)
    }
}

/// TLS needs to be told once which cryptography it is to use.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only where another one is installed, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// From the text of a file of credentials; its field `type` tells which kind it is.
fn from_text(text: &str, scopes: &[&str], what: &str) -> Result<Credentials, String> {
    let json: Value = serde_json::from_str(text).map_err(|_| format!("{what} are not JSON"))?;
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let scopes = scopes.iter().copied();
    let built = match kind.as_str() {
        "service_account" => {
            let access = credentials::service_account::AccessSpecifier::from_scopes(scopes);
            credentials::service_account::Builder::new(json).with_access_specifier(access).build()
        }
        "authorized_user" => credentials::user_account::Builder::new(json).with_scopes(scopes).build(),
        "external_account" => credentials::external_account::Builder::new(json).with_scopes(scopes).build(),
        "impersonated_service_account" => credentials::impersonated::Builder::new(json).with_scopes(scopes).build(),
        _ => return Err(format!("{what} are of a type that is not known: `{kind}`")),
    };
    built.map_err(|error| why(&error, what))
}

fn why(error: &Error, what: &str) -> String {
    format!("{what} cannot be used: {}", chain(error))
}

/// Why there is no token. Where nothing else says who asks, Google's library asks the machine, and fails with many words.
fn no_token(why: &str) -> String {
    if !why.contains("computeMetadata") {
        return why.to_owned();
    }
    let cause = why.rsplit(": ").next().unwrap_or(why);
    format!(
        "nothing says who asks: no file in GOOGLE_APPLICATION_CREDENTIALS, no login of `gcloud`, and this machine has no \
         service account ({cause})"
    )
}

/// An error with its causes, in one line. Says no more than once what a cause repeats.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

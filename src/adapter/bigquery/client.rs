//! Requests to BigQuery's REST interface, tried again where that can help.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::sleep;

use crate::adapter::bigquery::credentials::{Identity, chain};
use crate::adapter::bigquery::error::Failure;
use crate::adapter::bigquery::pace::Pace;
use crate::adapter::bigquery::protocol::ErrorAnswer;

/// The public service.
const ENDPOINT: &str = "https://bigquery.googleapis.com";

/// How long the service may take to answer one request. Queries answer at once, with a job.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The pauses before a second try and, growing, before later ones.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// How long a wish to cancel may go unseen.
const SLICE: Duration = Duration::from_millis(50);

/// The way to the service.
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: String,
    identity: Identity,
    /// How long one thing is tried.
    retry: Duration,
    pace: Pace,
    cancelled: Arc<AtomicBool>,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Body,
}

/// What a request brings.
#[derive(Debug, Clone)]
enum Body {
    Nothing,
    Json(Value),
    /// Text in parts, with the line that is between them.
    Parts {
        boundary: String,
        text: String,
    },
}

impl Request {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: Body::Nothing }
    }

    /// `path` begins behind `/bigquery/v2/`.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, format!("bigquery/v2/{}", path.into()))
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::new(Method::POST, format!("bigquery/v2/{}", path.into())) }
    }

    pub(super) fn patch(path: impl Into<String>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::new(Method::PATCH, format!("bigquery/v2/{}", path.into())) }
    }

    /// Text, with a description of what becomes of it:
    /// <https://cloud.google.com/bigquery/docs/reference/api-uploads#multipart>.
    pub(super) fn upload(path: impl Into<String>, description: &Value, text: &str) -> Self {
        // No line of JSON begins so.
        let boundary = "trueup-part-of-the-body".to_owned();
        let text = format!(
            "--{boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{description}\r\n\
             --{boundary}\r\ncontent-type: application/octet-stream\r\n\r\n{text}\r\n--{boundary}--\r\n"
        );
        let body = Body::Parts { boundary, text };
        let request = Self { body, ..Self::new(Method::POST, format!("upload/bigquery/v2/{}", path.into())) };
        request.with("uploadType", "multipart")
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn with_maybe(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// The pauses between tries of one thing, and when to give up.
#[derive(Debug)]
pub(super) struct Patience {
    ends: Instant,
    longest: Duration,
}

impl Patience {
    fn new(length: Duration) -> Self {
        Self { ends: Instant::now() + length, longest: FIRST_PAUSE }
    }

    /// How long to wait before the next try, from half of what grows to all of it; `None` if there is to be none.
    pub(super) fn pause(&mut self, wanted: Option<Duration>) -> Option<Duration> {
        let percent = u32::try_from(RandomState::new().build_hasher().finish() % 50).unwrap_or_default();
        let pause = wanted.unwrap_or(self.longest * (50 + percent) / 100);
        self.longest = (self.longest * 2).min(LAST_PAUSE);
        (Instant::now() + pause < self.ends).then_some(pause)
    }
}

impl Client {
    pub(super) fn new(
        endpoint: Option<&str>,
        identity: Identity,
        retry: Duration,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let endpoint = endpoint.unwrap_or(ENDPOINT).trim_end_matches('/');
        let endpoint = if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") };
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| chain(&error))?;
        Ok(Self { http, endpoint, identity, retry, pace: Pace::default(), cancelled })
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.retry)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Waits, unless the run is ended in the meantime.
    pub(super) async fn pause(&self, length: Duration) -> Result<(), Failure> {
        let ends = Instant::now() + length;
        loop {
            if self.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            let left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            sleep(left.min(SLICE)).await;
        }
    }

    /// Sends a request until it is answered. All of them can be sent twice: what makes something has a name of its own.
    pub(super) async fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Failure> {
        let mut patience = self.patience();
        loop {
            let (failure, wanted) = match self.try_once(request).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(pause) = patience.pause(wanted).filter(|_| failure.passes()) else { return Err(failure) };
            self.pause(pause).await?;
        }
    }

    /// Sends a request once, whatever comes of it. With a failure comes how long the service wants to be left alone.
    pub(super) async fn try_once<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<T, (Failure, Option<Duration>)> {
        self.pace.request().await;
        let lost = |error: reqwest::Error| (Failure::Lost(chain(&error.without_url())), None);
        let headers = self.identity.headers().await.map_err(|message| (Failure::Login(message), None))?;
        let builder = self.http.request(request.method.clone(), format!("{}/{}", self.endpoint, request.path));
        let builder = builder.headers(headers).query(&request.query);
        let builder = match &request.body {
            Body::Nothing => builder,
            Body::Json(json) => builder.json(json),
            Body::Parts { boundary, text } => {
                let kind = format!("multipart/related; boundary={boundary}");
                builder.header(CONTENT_TYPE, kind).body(text.clone())
            }
        };
        let response = builder.send().await.map_err(lost)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let bytes = response.bytes().await.map_err(lost)?;
        let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(bytes)
            .map_err(|error| (Failure::Lost(format!("its answer cannot be read: {error}")), None))
    }
}

async fn refusal(response: Response) -> (Failure, Option<Duration>) {
    let status = response.status();
    let wanted = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = response.bytes().await.unwrap_or_default();
    let error = serde_json::from_slice::<ErrorAnswer>(&bytes).unwrap_or_default().error;
    let reason = error.errors.into_iter().next().map(|error| error.reason).or(error.status).unwrap_or_default();
    let message = if error.message.is_empty() { words(status) } else { error.message };
    let refused = match status {
        StatusCode::UNAUTHORIZED => Failure::Login(message),
        status => Failure::Refused { status: status.as_u16(), reason, message },
    };
    (refused, wanted.map(Duration::from_secs))
}

fn words(status: StatusCode) -> String {
    format!(
        "it answered {}",
        status.canonical_reason().map_or_else(|| status.to_string(), |words| format!("{status} {words}"))
    )
}

//! An endpoint that answers as AWS is documented to do, to calls that are signed. What it gives is up to the name that is
//! asked for: `shop` is there, the passwords of `brief` last no time at all, `closed` may not be entered, `paused` does not
//! listen; others are not known.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use libtest_mimic::Failed;

/// A call that it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `GetClusterCredentials`
    pub(crate) action: String,
    /// Which key signed it for which region and service: `KEY/eu-west-1/redshift`.
    pub(crate) scope: String,
    /// A form, or JSON.
    body: String,
    is_signed: bool,
    has_token: bool,
}

/// Listens until the process ends.
pub(crate) struct FakeAws {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl FakeAws {
    /// `new_password` makes one for a user of the database, which listens on this port of `localhost`.
    pub(crate) fn start(
        port: u16,
        new_password: impl Fn(&str) -> Result<String, Failed> + Send + 'static,
    ) -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let Some(call) = read(&stream) else { continue };
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
                let (status, answer) = answer(&call, port, &new_password);
                let length = answer.len();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = (&stream).write_all((head + &answer).as_bytes());
            }
        });
        Ok(Self { url, calls })
    }

    /// What it was asked since the last time.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Call {
    /// A value that was sent, in a form or in JSON.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        if let Ok(json) = serde_json::from_str::<serde_json::Value>(&self.body) {
            return json.get(name)?.as_str().map(str::to_owned);
        }
        let pairs = self.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
    }
}

fn read(stream: &TcpStream) -> Option<Call> {
    let mut reader = BufReader::new(stream);
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        let pair = line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        headers.extend(pair);
    }
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut body = vec![0; header("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let target = header("x-amz-target").and_then(|target| target.strip_prefix("RedshiftServerless."));
    let action = target.map(str::to_owned).or_else(|| {
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="))?;
        Some(action.to_owned())
    });
    // AWS4-HMAC-SHA256 Credential=KEY/20261124/eu-west-1/redshift/aws4_request, SignedHeaders=…, Signature=…
    let authorization = header("authorization").unwrap_or_default();
    let credential = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
    let parts: Vec<&str> = credential.split([',', '/']).take(5).collect();
    let signature = authorization.split_once("Signature=").map_or("", |(_, signature)| signature);
    let is_signed = authorization.starts_with("AWS4-HMAC-SHA256 ")
        && authorization.contains("host;")
        && signature.len() == 64
        && parts.get(4) == Some(&"aws4_request")
        && header("x-amz-date").is_some_and(|date| parts.get(1).is_some_and(|day| date.starts_with(day)));
    let scope = [0, 2, 3].map(|at| parts.get(at).copied().unwrap_or_default()).join("/");
    Some(Call { action: action?, scope, body, is_signed, has_token: header("x-amz-security-token").is_some() })
}

/// A status and a text. The forms are those of the API references of Redshift, Redshift Serverless and STS.
fn answer(call: &Call, port: u16, new_password: &dyn Fn(&str) -> Result<String, Failed>) -> (u16, String) {
    let name = call.value("ClusterIdentifier").or_else(|| call.value("workgroupName")).unwrap_or_default();
    let is_serverless = call.scope.ends_with("/redshift-serverless");
    let refuse = |code: &str, message: &str| {
        let text = if is_serverless {
            format!("{{\"__type\":\"{code}\",\"message\":\"{message}\"}}")
        } else {
            format!(
                "<ErrorResponse xmlns=\"http://redshift.amazonaws.com/doc/2012-12-01/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
            )
        };
        (400, text)
    };
    if !call.is_signed {
        return refuse("IncompleteSignature", "not signed");
    }
    if call.scope.starts_with("ASIA") != call.has_token {
        return refuse("InvalidClientTokenId", "The security token included in the request is invalid.");
    }
    let xml = |fields: &[(&str, &str)]| {
        let mut text = format!("<{0}Response><{0}Result>", call.action);
        for (name, value) in fields {
            let _ = write!(text, "<{name}>{value}</{name}>");
        }
        let _ = write!(text, "</{0}Result></{0}Response>", call.action);
        (200, text)
    };
    match (call.action.as_str(), name.as_str()) {
        ("AssumeRole", _) => xml(&[(
            "Credentials",
            "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>sEcReT-role</SecretAccessKey>\
             <SessionToken>sEcReT-token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>",
        )]),
        (action, "closed") if is_serverless => {
            refuse("AccessDeniedException", &format!("User: arn:aws:iam::1:user/me is not authorized to {action}"))
        }
        (action, "closed") => refuse("AccessDenied", &format!("User: arn:aws:iam::1:user/me may not {action}")),
        ("DescribeClusters", "shop") => {
            let endpoint = format!("<Endpoint><Address>localhost</Address><Port>{port}</Port></Endpoint>");
            xml(&[("Clusters", &format!("<Cluster><ClusterIdentifier>shop</ClusterIdentifier>{endpoint}</Cluster>"))])
        }
        ("DescribeClusters", "paused") => {
            xml(&[("Clusters", "<Cluster><ClusterIdentifier>paused</ClusterIdentifier></Cluster>")])
        }
        ("GetWorkgroup", "shop") => {
            let endpoint = format!("{{\"address\":\"localhost\",\"port\":{port}}}");
            (200, format!("{{\"workgroup\":{{\"workgroupName\":\"shop\",\"endpoint\":{endpoint}}}}}"))
        }
        (action, "shop" | "brief") => {
            let user = match (call.value("DbUser"), call.value("AutoCreate").as_deref()) {
                (Some(user), Some("true")) => format!("IAMA:{user}"),
                (Some(user), _) => format!("IAM:{user}"),
                (None, _) => "IAMR:role".to_owned(),
            };
            let Ok(password) = new_password(&user) else { return refuse("InternalFailure", action) };
            let until = if name == "brief" {
                ("2020-01-01T00:00:00Z", 1_577_836_800)
            } else {
                ("2100-01-01T00:00:00Z", 4_102_444_800_i64)
            };
            if is_serverless {
                let until = until.1;
                (200, format!("{{\"dbUser\":\"{user}\",\"dbPassword\":\"{password}\",\"expiration\":{until}.5}}"))
            } else {
                xml(&[("DbUser", &user), ("DbPassword", &password), ("Expiration", until.0)])
            }
        }
        _ if is_serverless => refuse("ResourceNotFoundException", "Workgroup not found"),
        (_, name) => refuse("ClusterNotFound", &format!("Cluster {name} not found.")),
    }
}

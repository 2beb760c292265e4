//! Login to Redshift by an identity of AWS: a user and a password that last for some minutes, in place of those of the
//! settings.

#[cfg_attr(not(feature = "aws"), path = "iam/absent.rs")]
mod aws;
#[cfg(feature = "aws")]
mod words;

use crate::project::Server;

pub(super) use aws::Login;

/// What lets in.
#[derive(Clone)]
pub(super) struct Passport {
    pub(super) user: String,
    pub(super) password: String,
}

/// Why there is none.
#[derive(Debug)]
pub(super) struct LoginError {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl LoginError {
    fn new(message: &str, help: &str) -> Self {
        Self { message: message.to_owned(), help: Some(help.to_owned()) }
    }
}

/// The login of a server, if AWS gives it, and the server with its address.
pub(super) async fn log_in(server: &Server) -> Result<(Option<Login>, Server), LoginError> {
    let Some(iam) = &server.iam else { return Ok((None, server.clone())) };
    let login = Login::begin(iam, server).await?;
    let mut server = server.clone();
    if server.host.is_none() {
        let (host, port) = login.address().await?;
        server.host = Some(host);
        server.port = server.port.or(port);
    }
    Ok((Some(login), server))
}

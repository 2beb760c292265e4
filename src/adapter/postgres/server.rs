//! From the settings of a server to connections.

use std::time::Duration;
use std::{env, str};

use tokio::runtime::Handle;
use tokio_postgres::config::{self, Host};
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::adapter::postgres::error::Failure;
use crate::adapter::postgres::iam::Login;
use crate::adapter::postgres::pass_file::{self, Whom};
use crate::adapter::postgres::tls;
use crate::project::{SSL_MODES, Server, SslMode};

/// A server that has been found. Every connection to it is the same.
pub(super) struct Door {
    config: Config,
    /// Who gives user and password, if the settings do not.
    login: Option<Login>,
    tls: Option<MakeRustlsConnect>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that nobody uses is dropped by some firewalls, after five minutes or so.
const KEEPALIVE: Duration = Duration::from_mins(1);

impl Door {
    /// Completes the settings. An error says what is wrong with them; it holds no secret.
    pub(super) fn find(server: &Server, login: Option<Login>, default_port: u16) -> Result<Self, String> {
        let (mut config, url) = match &server.url {
            None => (Config::new(), UrlSsl::default()),
            Some(url) => {
                let (url, ssl) = without_ssl(&url.0)?;
                let config: Config =
                    url.parse().map_err(|_| "the `url` is not `postgres://user@host/database`".to_owned())?;
                (config, ssl)
            }
        };
        if server.url.is_some() && (server.host.is_some() || server.port.is_some()) {
            return Err("the `url` says where the server is: leave `host` and `port` out".to_owned());
        }
        if let Some(host) = &server.host {
            config.host(host);
        }
        if config.get_hosts().is_empty() {
            config.host(if cfg!(unix) && server.url.is_none() { socket_folder() } else { "localhost" });
        }
        if let Some(port) = server.port.or(config.get_ports().is_empty().then_some(default_port)) {
            config.port(port);
        }
        if let Some(database) = &server.database {
            config.dbname(database);
        }
        if login.is_none() {
            identify(&mut config, server, default_port)?;
        }
        if let Some(name) =
            server.application_name.as_deref().or(config.get_application_name().is_none().then_some("trueup"))
        {
            config.application_name(name);
        }
        if let Some(limit) =
            server.connect_timeout.or(config.get_connect_timeout().is_none().then_some(CONNECT_TIMEOUT))
        {
            config.connect_timeout(limit);
        }
        config.keepalives_idle(KEEPALIVE);
        let mode = server.ssl_mode.or(url.mode).unwrap_or(SslMode::Prefer);
        let mode = match mode {
            SslMode::Disable if login.is_some() => {
                return Err("`sslmode` is `disable`, but a password of AWS is sent only with encryption".to_owned());
            }
            SslMode::Prefer if login.is_some() => SslMode::Require,
            mode => mode,
        };
        let is_socket = config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)));
        config.ssl_mode(match mode {
            SslMode::Disable => config::SslMode::Disable,
            SslMode::Prefer => config::SslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => config::SslMode::Require,
        });
        // No one encrypts what goes through a socket.
        if is_socket {
            config.ssl_mode(config::SslMode::Disable);
        }
        let root = server.ssl_root_cert.clone().or(url.root.map(Into::into));
        let tls = if mode == SslMode::Disable || is_socket { None } else { Some(tls::client(mode, root.as_deref())?) };
        Ok(Self { config, login, tls: tls.map(MakeRustlsConnect::new) })
    }

    /// `user@host:port/database`, for people; without the user if AWS gives it.
    pub(super) fn name(&self) -> String {
        let config = &self.config;
        let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
        format!(
            "{}{}:{}/{}",
            config.get_user().map(|user| format!("{user}@")).unwrap_or_default(),
            host_name(config),
            ports.join(","),
            config.get_dbname().unwrap_or_default()
        )
    }

    /// Opens a connection, whose messages are looked after as long as it lives.
    pub(super) async fn connect(&self, runtime: &Handle) -> Result<Client, Failure> {
        let mut config = self.config.clone();
        if let Some(login) = &self.login {
            let passport = login.passport().await.map_err(Failure::Login)?;
            config.user(passport.user).password(passport.password);
        }
        match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                // What breaks the connection is told by the next call of the client.
                runtime.spawn(connection);
                Ok(client)
            }
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                runtime.spawn(connection);
                Ok(client)
            }
        }
    }

    /// Asks the server to stop what a connection is at.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match &self.tls {
            None => token.cancel_query(NoTls).await,
            Some(tls) => token.cancel_query(tls.clone()).await,
        }
    }
}

/// User, database and password, from the settings, the login of the system and the password file.
fn identify(config: &mut Config, server: &Server, default_port: u16) -> Result<(), String> {
    let user = server.user.clone().or_else(|| config.get_user().map(str::to_owned)).or_else(login_name);
    let user = user.ok_or("nothing says which `user` connects: name one in the environment, or set PGUSER")?;
    config.user(&user);
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    config.dbname(&database);
    if let Some(password) = &server.password {
        config.password(&password.0);
    }
    if config.get_password().is_none() {
        let host = host_name(config);
        let port = config.get_ports().first().copied().unwrap_or(default_port);
        let whom = Whom { host: &host, port, database: &database, user: &user };
        if let Some(password) = pass_file::password(server.password_file.as_deref(), whom) {
            config.password(password);
        }
    }
    Ok(())
}

/// What the address says of encryption, in words that the library does not know.
#[derive(Default)]
struct UrlSsl {
    mode: Option<SslMode>,
    root: Option<String>,
}

/// Takes `sslmode` and `sslrootcert` out of an address.
fn without_ssl(url: &str) -> Result<(String, UrlSsl), String> {
    let mut ssl = UrlSsl::default();
    let Some((address, query)) = url.split_once('?') else { return Ok((url.to_owned(), ssl)) };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", word)) => {
                let known = SSL_MODES.iter().find(|(name, _)| *name == word);
                ssl.mode = Some(
                    known
                        .map(|(_, mode)| *mode)
                        .ok_or_else(|| format!("`sslmode={word}` in the `url` is no mode of SSL: {}", modes()))?,
                );
            }
            Some(("sslrootcert", path)) => ssl.root = Some(path.replace("%2F", "/")),
            _ => rest.push(pair),
        }
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    Ok((format!("{address}{query}"), ssl))
}

fn modes() -> String {
    SSL_MODES.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

fn host_name(config: &Config) -> String {
    let names = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    names.collect::<Vec<_>>().join(",")
}

/// Where the server's packages put the socket: Debian's first, then that of the source.
fn socket_folder() -> &'static str {
    let has_socket = |folder: &&str| std::path::Path::new(folder).is_dir();
    ["/var/run/postgresql", "/tmp"].into_iter().find(has_socket).unwrap_or("localhost")
}

/// The name that the session goes by, or else that of the account, which is what libpq takes.
fn login_name() -> Option<String> {
    let named = ["USER", "USERNAME", "LOGNAME"].into_iter().filter_map(|name| env::var(name).ok());
    named.chain(whoami::username().ok()).find(|name| !name.is_empty())
}

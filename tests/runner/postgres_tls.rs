//! What a server has to prove in each mode of SSL, and where the password comes from: a real server with a certificate of
//! its own, which lets nobody in without encryption and password.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use libtest_mimic::{Failed, Trial};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::postgres_server::{self, Server, USER, append, write_private};
use crate::project::Project;

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    vec![Trial::test("postgres_tls::modes_and_passwords", modes).with_ignored_flag(!is_installed)]
}

/// Somebody who signs certificates, and the certificate of that somebody in PEM.
fn authority() -> Result<(Issuer<'static, KeyPair>, String), Failed> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

/// A server that lets nobody in without encryption and password, but through its socket.
pub(crate) struct Guarded {
    server: Server,
    /// On `localhost`.
    pub(crate) port: u16,
    /// The certificate of who has signed that of the server, in PEM.
    trusted: String,
}

impl Guarded {
    pub(crate) fn start() -> Result<Self, Failed> {
        let (issuer, trusted) = authority()?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Server::start_with(|data| {
            write_private(&data.join("server.crt"), &certificate.pem())?;
            write_private(&data.join("server.key"), &key.serialize_pem())?;
            let settings = format!("listen_addresses = 'localhost'\nport = {port}\nssl = on\n");
            append(&data.join("postgresql.conf"), &settings)?;
            // The first line that fits counts: those of the socket stand above.
            let rules = fs::read_to_string(data.join("pg_hba.conf"))?;
            let rules = rules.lines().filter(|line| line.starts_with("local")).collect::<Vec<_>>().join("\n");
            write_private(&data.join("pg_hba.conf"), &format!("{rules}\nhostssl all all all scram-sha-256\n"))
        })?;
        Ok(Self { server, port, trusted })
    }

    /// Runs SQL through the socket.
    pub(crate) fn psql(&self, sql: &str) -> Result<String, Failed> {
        let mut variables = self.server.variables("postgres");
        variables.push(("PGPORT", self.port.to_string()));
        self.server.psql_with(&variables, sql)
    }
}

/// What a connection is tried with, and a part of what comes of it; `None` if it works.
type Attempt<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

fn modes() -> Result<(), Failed> {
    let server = Guarded::start()?;
    let (port, trusted) = (server.port, &server.trusted);
    let (_, stranger) = authority()?;
    server.psql(&format!("alter role {USER} password 'se:cret'"))?;

    let project = Project::new(&[
        ("trueup.yaml", "name: tls\ndialect: postgres\nenvironments: { local: { warehouse: postgres } }\n"),
        ("definitions/one.sqlx", "config { type: \"view\", schema: \"s\" } select 1 as id"),
        ("trusted.pem", trusted),
        ("stranger.pem", &stranger),
        (".pgpass", &format!("# mine\n*:*:*:other:no\nlocalhost:{port}:*:{USER}:se\\:cret\n")),
    ])?;
    fs::set_permissions(project.path().join(".pgpass"), fs::Permissions::from_mode(0o600))?;
    let password = ("PGPASSWORD", "se:cret");
    let attempts: [Attempt<'_>; 11] = [
        ("localhost", &[password], None),
        ("localhost", &[password, ("PGSSLMODE", "require")], None),
        ("localhost", &[password, ("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "trusted.pem")], None),
        ("127.0.0.1", &[password, ("PGSSLMODE", "verify-ca"), ("PGSSLROOTCERT", "trusted.pem")], None),
        (
            "127.0.0.1",
            &[password, ("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "trusted.pem")],
            Some("not valid for name"),
        ),
        (
            "localhost",
            &[password, ("PGSSLMODE", "verify-ca"), ("PGSSLROOTCERT", "stranger.pem")],
            Some("invalid peer certificate"),
        ),
        ("localhost", &[password, ("PGSSLMODE", "verify-full")], Some("invalid peer certificate")),
        ("localhost", &[password, ("PGSSLMODE", "disable")], Some("no encryption")),
        ("localhost", &[("PGPASSWORD", "wrong")], Some("password authentication failed")),
        // The password file has one for `localhost`.
        ("localhost", &[], None),
        ("127.0.0.1", &[], Some("password missing")),
    ];
    for (host, set, wanted) in attempts {
        let mut command = project.command(&["run"]);
        command.env("PGHOST", host).env("PGPORT", port.to_string()).env("PGUSER", USER).env("PGDATABASE", "postgres");
        let output = command.envs(set.iter().copied()).output()?;
        let printed = String::from_utf8_lossy(&output.stderr);
        let is_right = match wanted {
            None => output.status.success(),
            Some(words) => output.status.code() == Some(2) && printed.contains(words),
        };
        if !is_right || printed.contains("cret") {
            return Err(format!("{host}, {set:?}: {}\n{printed}", output.status).into());
        }
    }
    Ok(())
}

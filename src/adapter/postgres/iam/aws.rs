use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_redshift::Client as Clusters;
use aws_sdk_redshift::config::{Credentials, RuntimeComponents, SharedCredentialsProvider};
use aws_sdk_redshift::error::ProvideErrorMetadata;
use aws_sdk_redshift::primitives::DateTime;
use aws_sdk_redshiftserverless::Client as Workgroups;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::Mutex;

use crate::adapter::postgres::iam::words::{Asked, explain};
use crate::adapter::postgres::iam::{LoginError, Passport};
use crate::project::{AwsIdentity, Iam, RedshiftPlace, Server};

/// A password that ends so soon may not be one any more when the server looks at it.
const MARGIN: Duration = Duration::from_mins(1);

/// Asks AWS for passports, and keeps the one that still counts.
pub(in crate::adapter::postgres) struct Login {
    iam: Iam,
    /// Whose passport it is; otherwise that of the identity itself.
    user: Option<String>,
    database: String,
    config: SdkConfig,
    held: Mutex<Option<Held>>,
}

struct Held {
    passport: Passport,
    until: SystemTime,
}

impl Login {
    /// Finds out who asks and in which region. Asks for no passport yet.
    pub(in crate::adapter::postgres) async fn begin(iam: &Iam, server: &Server) -> Result<Self, LoginError> {
        let Some(database) = server.database.clone() else {
            let message = "nothing says which database to log in to";
            return Err(LoginError::new(message, "name a `database` in the environment, or set PGDATABASE"));
        };
        // The library for HTTPS would bring encryption of its own; this is the one that trueup has.
        let client = aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
            let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
        });
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(client.clone());
        if let Some(region) = &iam.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let AwsIdentity::Profile(name) | AwsIdentity::Chain { profile: Some(name) } = &iam.identity {
            loader = loader.profile_name(name);
        }
        if let AwsIdentity::Keys { id, secret, token } = &iam.identity {
            let token = token.as_ref().map(|token| token.0.clone());
            loader = loader.credentials_provider(Credentials::new(id, &secret.0, token, None, "settings"));
        }
        let mut config = loader.load().await;
        if let AwsIdentity::Profile(name) = &iam.identity {
            // The chain would take keys in variables before it.
            let means = ProviderConfig::without_region().with_http_client(client).with_region(config.region().cloned());
            let provider = ProfileFileCredentialsProvider::builder().configure(&means).profile_name(name).build();
            let provider = SharedCredentialsProvider::new(provider);
            config = config.into_builder().credentials_provider(provider).build();
        }
        if config.region().is_none() {
            let message = format!("nothing says in which region of AWS {} is", iam.place);
            return Err(LoginError::new(&message, "name a `region` in the environment, or set AWS_REGION"));
        }
        Ok(Self { iam: iam.clone(), user: server.user.clone(), database, config, held: Mutex::default() })
    }

    fn region(&self) -> &str {
        self.config.region().map(Region::as_ref).unwrap_or_default()
    }

    /// What an error of AWS means. `resources` is what the action must be allowed on.
    fn explain(
        &self,
        failure: &(impl ProvideErrorMetadata + Error + 'static),
        action: &str,
        resources: &str,
    ) -> LoginError {
        explain(failure, &Asked { iam: &self.iam, region: self.region(), action, resources })
    }

    /// Asks on which host and port the cluster or the workgroup listens.
    pub(in crate::adapter::postgres) async fn address(&self) -> Result<(String, Option<u16>), LoginError> {
        let (host, port) = match &self.iam.place {
            RedshiftPlace::Cluster { id, .. } => {
                let answer = Clusters::new(&self.config).describe_clusters().cluster_identifier(id).send().await;
                let action = "redshift:DescribeClusters";
                let answer = answer.map_err(|failure| self.explain(&failure, action, &format!("`cluster:{id}`")))?;
                let endpoint = answer.clusters().first().and_then(|cluster| cluster.endpoint());
                endpoint.map_or((None, None), |at| (at.address.clone(), at.port))
            }
            RedshiftPlace::Workgroup { name } => {
                let answer = Workgroups::new(&self.config).get_workgroup().workgroup_name(name).send().await;
                let action = "redshift-serverless:GetWorkgroup";
                let answer = answer.map_err(|failure| self.explain(&failure, action, "the workgroup"))?;
                let endpoint = answer.workgroup().and_then(|workgroup| workgroup.endpoint());
                endpoint.map_or((None, None), |at| (at.address.clone(), at.port))
            }
        };
        let Some(host) = host else {
            let message = format!("{} does not listen", self.iam.place);
            return Err(LoginError::new(&message, "it is being made, or paused: look at its state"));
        };
        Ok((host, port.and_then(|port| u16::try_from(port).ok())))
    }

    /// The one that is held as long as it counts, and then another one. Whoever asks meanwhile waits for it.
    pub(in crate::adapter::postgres) async fn passport(&self) -> Result<Passport, LoginError> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.until > SystemTime::now() + MARGIN) {
            return Ok(held.passport.clone());
        }
        let (user, password, until) = match (&self.iam.place, &self.user) {
            (RedshiftPlace::Cluster { id, auto_create, groups }, Some(user)) => {
                let request = Clusters::new(&self.config).get_cluster_credentials();
                let request = request.cluster_identifier(id).db_name(&self.database).db_user(user);
                let request = request.set_auto_create(auto_create.then_some(true));
                let request = request.set_db_groups((!groups.is_empty()).then(|| groups.clone()));
                let answer = request.send().await.map_err(|failure| {
                    let database = &self.database;
                    let mut resources = format!("`dbuser:{id}/{user}` and `dbname:{id}/{database}`");
                    if *auto_create {
                        resources += "; `redshift:CreateClusterUser` too, for `autocreate`";
                    }
                    if !groups.is_empty() {
                        resources += "; `redshift:JoinGroup` too, for `db_groups`";
                    }
                    self.explain(&failure, "redshift:GetClusterCredentials", &resources)
                })?;
                (answer.db_user, answer.db_password, answer.expiration)
            }
            (RedshiftPlace::Cluster { id, .. }, None) => {
                let request = Clusters::new(&self.config).get_cluster_credentials_with_iam();
                let answer = request.cluster_identifier(id).db_name(&self.database).send().await;
                let answer = answer.map_err(|failure| {
                    let resources = format!("`dbname:{id}/{}`", self.database);
                    self.explain(&failure, "redshift:GetClusterCredentialsWithIAM", &resources)
                })?;
                (answer.db_user, answer.db_password, answer.expiration)
            }
            (RedshiftPlace::Workgroup { name }, _) => {
                let request = Workgroups::new(&self.config).get_credentials();
                let answer = request.workgroup_name(name).db_name(&self.database).send().await;
                let answer = answer
                    .map_err(|failure| self.explain(&failure, "redshift-serverless:GetCredentials", "the workgroup"))?;
                (answer.db_user, answer.db_password, answer.expiration)
            }
        };
        let (Some(user), Some(password)) = (user, password) else {
            let message = format!("AWS gave no user and password for {}", self.iam.place);
            return Err(LoginError { message, help: None });
        };
        let passport = Passport { user, password };
        let until = until.and_then(|until: DateTime| SystemTime::try_from(until).ok());
        // One that does not say how long it lasts is used once.
        *held = until.map(|until| Held { passport: passport.clone(), until });
        Ok(passport)
    }
}

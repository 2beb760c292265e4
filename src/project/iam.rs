//! Login to Redshift by an identity of AWS instead of a password. The keys are those of dbt-redshift.

use std::fmt;

use crate::config::Reader;
use crate::project::LoadError;
use crate::project::connection::{Secret, Server};

/// Whom to ask for a user and a password that last for some minutes, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iam {
    /// What is logged in to.
    pub place: RedshiftPlace,
    /// Where that is, such as `eu-west-1`; otherwise as the configuration of AWS has it.
    pub region: Option<String>,
    /// Who asks.
    pub identity: AwsIdentity,
}

/// The two kinds of Redshift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedshiftPlace {
    /// A cluster that is provisioned.
    Cluster {
        /// Its identifier.
        id: String,
        /// Whether a user that is not there is made.
        auto_create: bool,
        /// What the user is a member of for the session.
        groups: Vec<String>,
    },
    /// A workgroup of Redshift Serverless, which itself says who the user is.
    Workgroup {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for RedshiftPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster { id, .. } => write!(f, "the cluster `{id}`"),
            Self::Workgroup { name } => write!(f, "the workgroup `{name}`"),
        }
    }
}

/// How AWS knows who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsIdentity {
    /// An access key.
    Keys {
        /// Its public half.
        id: String,
        /// Its other half.
        secret: Secret,
        /// Of a key that lasts for some hours.
        token: Option<Secret>,
    },
    /// A profile of the configuration of AWS, and nothing else.
    Profile(String),
    /// Whatever is found first, as in other tools: a profile, a token of the web, the container or the machine.
    Chain {
        /// Which profile is meant if one is looked at.
        profile: Option<String>,
    },
}

/// A login as the settings have it: `${NAME}` still stands in its strings.
#[derive(Debug, Clone)]
pub(super) struct WrittenIam {
    texts: Vec<(&'static str, String)>,
    auto_create: bool,
    groups: Vec<String>,
    /// Whether the identity itself is the user, whatever `user` says.
    is_role: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Password,
    User,
    Role,
}

/// The words of [`Method`].
const METHODS: [(&str, Method); 3] =
    [("database", Method::Password), ("iam", Method::User), ("iam_role", Method::Role)];

const TEXTS: [&str; 7] =
    ["cluster_id", "workgroup", "region", "iam_profile", "access_key_id", "secret_access_key", "session_token"];

impl WrittenIam {
    /// `None` for a login by password. Comes before all that reads other keys of the server.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let method = reader.one_of("method", &METHODS).map_or(Method::Password, |method| method.value);
        if method == Method::Password {
            Self::refuse(reader, "it belongs to `method: iam`");
            return None;
        }
        for key in ["url", "password", "passfile"] {
            reader
                .elsewhere(key, "with `method: iam` AWS gives the password; say where by `cluster_id` or `workgroup`");
        }
        let texts = TEXTS.iter().filter_map(|key| Some((*key, reader.text(key)?.value))).collect();
        let auto_create = reader.bool("autocreate").is_some_and(|auto_create| auto_create.value);
        let groups = reader.string_or_strings("db_groups").map(|groups| groups.value).unwrap_or_default();
        let groups = groups.into_iter().map(|group| group.value).collect();
        Some(Self { texts, auto_create, groups, is_role: method == Method::Role })
    }

    /// Says of every key of it that it has no meaning here.
    pub(super) fn refuse(reader: &mut Reader<'_>, help: &str) {
        for key in TEXTS.into_iter().chain(["method", "autocreate", "db_groups"]) {
            reader.elsewhere(key, help);
        }
    }

    /// Puts the login into its server. `fill` puts the values of variables into a text, `variable` gives one.
    pub(super) fn resolve(
        &self,
        server: Server,
        fill: &dyn Fn(&str) -> Result<String, LoadError>,
        variable: &dyn Fn(&str) -> Option<String>,
        environment: &str,
    ) -> Result<Server, LoadError> {
        let wrong =
            |message: &str| LoadError::WrongValue { environment: environment.to_owned(), message: message.to_owned() };
        let mut values = Vec::new();
        for (key, text) in &self.texts {
            values.extend(Some((*key, fill(text)?)).filter(|(_, value)| !value.is_empty()));
        }
        let written = |key: &str| values.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());

        let named = server.host.as_deref().and_then(Named::read);
        let (host_region, host_place) = named.map(|named| (named.region, (named.kind, named.name))).unzip();
        let (kind, name) = match (written("cluster_id"), written("workgroup")) {
            (Some(_), Some(_)) => {
                return Err(wrong("`cluster_id` and `workgroup` are both set: a server is one of them"));
            }
            (Some(id), None) => (Kind::Cluster, id),
            (None, Some(name)) => (Kind::Workgroup, name),
            (None, None) => host_place.ok_or_else(|| {
                wrong("nothing says what to log in to: name a `cluster_id`, or the `workgroup` of Redshift Serverless")
            })?,
        };
        let place = match kind {
            Kind::Cluster => {
                let groups = self.groups.iter().map(|group| fill(group)).collect::<Result<_, _>>()?;
                RedshiftPlace::Cluster { id: name, auto_create: self.auto_create, groups }
            }
            Kind::Workgroup if self.auto_create || !self.groups.is_empty() => {
                return Err(wrong(
                    "`autocreate` and `db_groups` have no meaning for a `workgroup`, which makes its users",
                ));
            }
            Kind::Workgroup => RedshiftPlace::Workgroup { name },
        };
        let profile = written("iam_profile");
        let keys = match (written("access_key_id"), written("secret_access_key")) {
            (Some(id), Some(secret)) => Some((id, secret, written("session_token"))),
            (None, None) if profile.is_none() => variable("AWS_ACCESS_KEY_ID")
                .zip(variable("AWS_SECRET_ACCESS_KEY"))
                .map(|(id, secret)| (id, secret, variable("AWS_SESSION_TOKEN"))),
            (None, None) => None,
            _ => return Err(wrong("`access_key_id` and `secret_access_key` go together")),
        };
        let identity = match (keys, profile) {
            (Some((id, secret, token)), _) => {
                AwsIdentity::Keys { id, secret: Secret(secret), token: token.map(Secret) }
            }
            (None, Some(profile)) => AwsIdentity::Profile(profile),
            (None, None) => AwsIdentity::Chain { profile: variable("AWS_PROFILE") },
        };
        let region = written("region")
            .or(host_region)
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(Server {
            user: server.user.filter(|_| !self.is_role),
            password: None,
            iam: Some(Iam { place, region, identity }),
            ..server
        })
    }
}

/// What the name of a host says of it.
struct Named {
    kind: Kind,
    name: String,
    region: String,
}

enum Kind {
    Cluster,
    Workgroup,
}

impl Named {
    /// `cluster.….region.redshift.amazonaws.com`, or `workgroup.account.region.redshift-serverless.amazonaws.com`.
    fn read(host: &str) -> Option<Self> {
        let parts: Vec<&str> = host.split('.').collect();
        let [name, _, region, service, "amazonaws", ..] = parts.as_slice() else { return None };
        let kind = match *service {
            "redshift" => Kind::Cluster,
            "redshift-serverless" => Kind::Workgroup,
            _ => return None,
        };
        Some(Self { kind, name: (*name).to_owned(), region: (*region).to_owned() })
    }
}

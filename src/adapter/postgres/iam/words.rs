//! What AWS says no to, in words that say what to do.

use std::error::Error;
use std::iter;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_redshift::error::ProvideErrorMetadata;

use crate::adapter::postgres::iam::LoginError;
use crate::project::{AwsIdentity, Iam};

/// What was asked of AWS.
pub(super) struct Asked<'a> {
    pub(super) iam: &'a Iam,
    pub(super) region: &'a str,
    /// As policies name it.
    pub(super) action: &'a str,
    /// What a policy must allow it on.
    pub(super) resources: &'a str,
}

/// What a call that failed means.
pub(super) fn explain(failure: &(impl ProvideErrorMetadata + Error + 'static), asked: &Asked<'_>) -> LoginError {
    let Asked { iam, region, action, resources } = asked;
    let place = &iam.place;
    let said = failure.message().map(|said| format!(": {said}")).unwrap_or_default();
    match failure.code() {
        None => without_answer(failure, asked),
        Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation") => LoginError {
            message: format!("AWS does not allow `{action}` for {place}{said}"),
            help: Some(format!("let a policy of this identity allow `{action}` on {resources}")),
        },
        Some("ClusterNotFound" | "ClusterNotFoundFault" | "ResourceNotFoundException") => LoginError {
            message: format!("{place} is not in {region}{said}"),
            help: Some("look at the name, at `region`, and whether the identity is of the right account".to_owned()),
        },
        Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired") => LoginError {
            message: format!("the session with AWS has expired{said}"),
            help: Some(format!("get a new one: `{}` if it is of SSO", sso_login(&iam.identity))),
        },
        Some(
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "InvalidAccessKeyId",
        ) => LoginError {
            message: format!("AWS does not know these credentials{said}"),
            help: Some(format!("look at {}", places(&iam.identity))),
        },
        Some(code) => {
            LoginError { message: format!("AWS refuses `{action}` for {place} in {region}{said} ({code})"), help: None }
        }
    }
}

/// What a call that AWS has not answered means: it had no credentials, or did not get there.
fn without_answer(failure: &(dyn Error + 'static), asked: &Asked<'_>) -> LoginError {
    let chain: Vec<&(dyn Error + 'static)> = iter::successors(Some(failure), |&error| error.source()).collect();
    let identity = &asked.iam.identity;
    // The outer ones only say that something failed.
    let of_credentials = chain.iter().position(|error| error.is::<CredentialsError>());
    let mut texts: Vec<String> = chain.iter().skip(of_credentials.unwrap_or(1)).map(ToString::to_string).collect();
    texts.dedup();
    let text = texts.join(": ");
    let credentials = of_credentials.and_then(|at| chain.get(at)?.downcast_ref::<CredentialsError>());
    match credentials {
        Some(CredentialsError::CredentialsNotLoaded(_)) => LoginError {
            message: "no credentials of AWS were found".to_owned(),
            help: Some(format!("trueup looked at {}", places(identity))),
        },
        Some(_) if text.contains("SSO") || text.contains("UnauthorizedException") => LoginError {
            message: format!("the login of SSO is missing or has expired: {text}"),
            help: Some(format!("type `{}`", sso_login(identity))),
        },
        Some(_) => LoginError {
            message: format!("the credentials of AWS cannot be had: {text}"),
            help: Some(format!("look at {}", places(identity))),
        },
        None => LoginError {
            message: format!("cannot ask AWS in {} for `{}`: {text}", asked.region, asked.action),
            help: Some("look at `region`, at HTTPS_PROXY, and whether the network lets you there".to_owned()),
        },
    }
}

/// Where credentials come from.
fn places(identity: &AwsIdentity) -> String {
    match identity {
        AwsIdentity::Keys { .. } => {
            "`access_key_id`, `secret_access_key` and `session_token` of the environment, or at AWS_ACCESS_KEY_ID and \
             its like"
                .to_owned()
        }
        AwsIdentity::Profile(name) => format!("the profile `{name}` in ~/.aws/config and ~/.aws/credentials"),
        AwsIdentity::Chain { profile } => format!(
            "AWS_ACCESS_KEY_ID, the profile `{}` in ~/.aws/config and ~/.aws/credentials, AWS_WEB_IDENTITY_TOKEN_FILE, \
             and the roles of the container and of the machine",
            profile.as_deref().unwrap_or("default")
        ),
    }
}

fn sso_login(identity: &AwsIdentity) -> String {
    match identity {
        AwsIdentity::Profile(name) | AwsIdentity::Chain { profile: Some(name) } => {
            format!("aws sso login --profile {name}")
        }
        AwsIdentity::Keys { .. } | AwsIdentity::Chain { profile: None } => "aws sso login".to_owned(),
    }
}

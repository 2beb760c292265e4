//! In place of the login by IAM where trueup is built without the feature `aws`, whose libraries are large.

#![expect(clippy::unused_async, reason = "the other one asks AWS")]

use crate::adapter::postgres::iam::{LoginError, Passport};
use crate::project::{Iam, Server};

/// There is none.
pub(in crate::adapter::postgres) enum Login {}

impl Login {
    /// Says how to get a trueup that has it.
    pub(in crate::adapter::postgres) async fn begin(_: &Iam, _: &Server) -> Result<Self, LoginError> {
        let message = "this trueup was built without the login by IAM";
        Err(LoginError::new(message, "build it with the feature `aws`: `cargo install --path . --features aws`"))
    }

    pub(in crate::adapter::postgres) async fn address(&self) -> Result<(String, Option<u16>), LoginError> {
        match *self {}
    }

    pub(in crate::adapter::postgres) async fn passport(&self) -> Result<Passport, LoginError> {
        match *self {}
    }
}

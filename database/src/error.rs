//! What can go wrong with a database, told apart by what the caller can do about it.
//!
//! Nothing here carries a password, nor the `DETAIL` of PostgreSQL, which repeats rows.

use std::error::Error as _;
use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use crate::limits::MESSAGE_CHARS_MAX;

/// Why a call to the database did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database is away, restarting, overloaded or too slow: the same call may succeed later.
    #[error("the database is unavailable: {reason}")]
    Unavailable {
        /// What was seen, for the log.
        reason: String,
    },
    /// Every connection was in use for as long as [`crate::PoolLimits::wait`].
    #[error("no database connection became free in time")]
    Exhausted,
    /// A unique or foreign key says no: SQLSTATE 23505, 23503 or 23P01.
    #[error("the database refused a conflicting row ({sqlstate}, {constraint})")]
    Conflict {
        /// The SQLSTATE.
        sqlstate: String,
        /// The constraint's name, empty when PostgreSQL names none.
        constraint: String,
    },
    /// Any other refusal: a mistake in a statement, a value out of range, a row too few.
    #[error("the database refused a statement: {message}")]
    Query {
        /// The SQLSTATE, when the database said it rather than the driver.
        sqlstate: Option<String>,
        /// What was wrong.
        message: String,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date: {reason}")]
    Migration {
        /// Which migration, and why.
        reason: String,
    },
    /// What we were given cannot work: an address, a folder, a name.
    #[error("{reason}")]
    Configuration {
        /// One sentence for the operator.
        reason: String,
    },
    /// Another process keeps its database in this folder.
    #[error("the database in {} is in use by another process", folder.display())]
    FolderBusy {
        /// The folder.
        folder: PathBuf,
    },
}

impl Error {
    /// Whether the same call may succeed later: answer 503 and say when to retry.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Exhausted)
    }

    /// The SQLSTATE, when the database refused.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Conflict { sqlstate, .. } => Some(sqlstate),
            Self::Query { sqlstate, .. } => sqlstate.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
        }
    }

    pub(crate) fn configuration(reason: impl Into<String>) -> Self {
        Self::Configuration {
            reason: reason.into(),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refusal) = error.as_db_error() else {
            let lost = error.is_closed()
                || error
                    .source()
                    .is_some_and(|source| source.is::<std::io::Error>());
            let message = sentence(&error);
            return match lost {
                true => Self::Unavailable { reason: message },
                false => Self::Query {
                    sqlstate: None,
                    message,
                },
            };
        };
        let (code, message) = (refusal.code(), shortened(refusal.message()));
        if comes_and_goes(code) {
            return Self::Unavailable { reason: message };
        }
        let sqlstate = code.code().to_owned();
        if [
            &SqlState::UNIQUE_VIOLATION,
            &SqlState::FOREIGN_KEY_VIOLATION,
            &SqlState::EXCLUSION_VIOLATION,
        ]
        .contains(&code)
        {
            let constraint = refusal.constraint().unwrap_or_default().to_owned();
            return Self::Conflict {
                sqlstate,
                constraint,
            };
        }
        Self::Query {
            sqlstate: Some(sqlstate),
            message,
        }
    }
}

/// SQLSTATEs that tell of the server's state rather than of the statement: connection trouble (08),
/// no resources (53), an operator's shutdown (57), locks not got in time, and limits of time.
fn comes_and_goes(code: &SqlState) -> bool {
    let code = code.code();
    code.starts_with("08")
        || code.starts_with("53")
        || code.starts_with("57")
        || ["55P03", "25P03", "25P04"].contains(&code)
}

/// An error and its causes in one line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = inner.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = inner.source();
    }
    shortened(&text)
}

fn shortened(text: &str) -> String {
    text.chars()
        .take(MESSAGE_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

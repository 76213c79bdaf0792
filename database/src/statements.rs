//! Statements that a connection has prepared, and the one place where statements are run.
//!
//! A prepared statement costs one round trip to make and saves PostgreSQL the parsing ever after.
//! Those with fixed text live as long as their connection; those built from pieces are few and the
//! oldest goes first.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Row, Statement};

use crate::error::Error;
use crate::limits::DYNAMIC_STATEMENTS_MAX;

/// A statement's text: written in the source, or built from pieces that are.
#[derive(Clone, Copy)]
pub(crate) enum Text<'a> {
    Fixed(&'static str),
    Built(&'a str),
}

/// What one connection has prepared.
#[derive(Default)]
pub(crate) struct Statements {
    fixed: HashMap<&'static str, Statement>,
    built: VecDeque<(String, Statement)>,
}

impl Statements {
    fn known(&self, text: Text<'_>) -> Option<Statement> {
        match text {
            Text::Fixed(sql) => self.fixed.get(sql).cloned(),
            Text::Built(sql) => self
                .built
                .iter()
                .find_map(|(known, statement)| (known == sql).then(|| statement.clone())),
        }
    }

    fn keep(&mut self, text: Text<'_>, statement: Statement) {
        match text {
            Text::Fixed(sql) => {
                self.fixed.insert(sql, statement);
            }
            Text::Built(sql) => {
                if self.built.len() == DYNAMIC_STATEMENTS_MAX {
                    self.built.pop_front();
                }
                self.built.push_back((sql.to_owned(), statement));
            }
        }
    }

    fn forget(&mut self, text: Text<'_>) {
        match text {
            Text::Fixed(sql) => {
                self.fixed.remove(sql);
            }
            Text::Built(sql) => self.built.retain(|(known, _)| known != sql),
        }
    }
}

/// One statement to be run on a connection or in its transaction.
pub(crate) struct Call<'c, C> {
    pub(crate) on: &'c C,
    pub(crate) statements: &'c mut Statements,
    pub(crate) broken: &'c mut bool,
    pub(crate) answer_within: Duration,
}

type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];

impl<C: GenericClient + Sync> Call<'_, C> {
    pub(crate) async fn query(
        self,
        text: Text<'_>,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        let on = self.on;
        self.run(text, async |statement| {
            on.query(&statement, parameters).await
        })
        .await
    }

    pub(crate) async fn query_one(
        self,
        text: Text<'_>,
        parameters: Parameters<'_>,
    ) -> Result<Row, Error> {
        let on = self.on;
        self.run(text, async |statement| {
            on.query_one(&statement, parameters).await
        })
        .await
    }

    pub(crate) async fn query_opt(
        self,
        text: Text<'_>,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, Error> {
        let on = self.on;
        self.run(text, async |statement| {
            on.query_opt(&statement, parameters).await
        })
        .await
    }

    pub(crate) async fn execute(
        self,
        text: Text<'_>,
        parameters: Parameters<'_>,
    ) -> Result<u64, Error> {
        let on = self.on;
        self.run(text, async |statement| {
            on.execute(&statement, parameters).await
        })
        .await
    }

    async fn run<T>(
        self,
        text: Text<'_>,
        ask: impl AsyncFnOnce(Statement) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let Self {
            on,
            statements,
            broken,
            answer_within,
        } = self;
        let answer = answered(answer_within, broken, async {
            let statement = match statements.known(text) {
                Some(statement) => statement,
                None => {
                    let sql = match text {
                        Text::Fixed(sql) => sql,
                        Text::Built(sql) => sql,
                    };
                    let statement = on.prepare(sql).await?;
                    statements.keep(text, statement.clone());
                    statement
                }
            };
            match ask(statement).await {
                Err(error) if is_stale(&error) => {
                    // A migration changed the table, or a pooler in between dropped the statement:
                    // the next call prepares it anew.
                    statements.forget(text);
                    Err(error)
                }
                answer => answer,
            }
        });
        answer.await
    }
}

fn is_stale(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::FEATURE_NOT_SUPPORTED || *code == SqlState::INVALID_SQL_STATEMENT_NAME
    })
}

/// Waits for an answer, but not for ever: a connection that does not answer is not used again.
pub(crate) async fn answered<T>(
    within: Duration,
    broken: &mut bool,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Error> {
    match timeout(within, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            *broken = true;
            Err(Error::unavailable(format!(
                "no answer within {} ms",
                within.as_millis()
            )))
        }
    }
}

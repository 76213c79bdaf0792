//! Several statements that happen together or not at all.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::Error;
use crate::statements::{Call, Statements, Text, answered};

/// A transaction of one [`crate::Client`]. Dropped without [`Transaction::commit`], nothing of it
/// happened.
pub struct Transaction<'a> {
    pub(crate) inner: tokio_postgres::Transaction<'a>,
    pub(crate) statements: &'a mut Statements,
    pub(crate) broken: &'a mut bool,
    pub(crate) answer_within: Duration,
    /// A statement was refused. PostgreSQL answers COMMIT with a rollback then, and no error.
    pub(crate) failed: bool,
}

impl Transaction<'_> {
    /// As [`crate::Client::query`].
    ///
    /// # Errors
    /// As there; after any refusal the transaction can only be dropped.
    pub async fn query(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let answer = self.call().query(Text::Fixed(sql), params).await;
        self.seen(answer)
    }

    /// As [`crate::Client::query_one`].
    ///
    /// # Errors
    /// As [`Transaction::query`].
    pub async fn query_one(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error> {
        let answer = self.call().query_one(Text::Fixed(sql), params).await;
        self.seen(answer)
    }

    /// As [`crate::Client::query_opt`].
    ///
    /// # Errors
    /// As [`Transaction::query`].
    pub async fn query_opt(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        let answer = self.call().query_opt(Text::Fixed(sql), params).await;
        self.seen(answer)
    }

    /// As [`crate::Client::execute`].
    ///
    /// # Errors
    /// As [`Transaction::query`].
    pub async fn execute(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        let answer = self.call().execute(Text::Fixed(sql), params).await;
        self.seen(answer)
    }

    /// As [`crate::Client::query_dynamic`].
    ///
    /// # Errors
    /// As [`Transaction::query`].
    pub async fn query_dynamic(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let answer = self.call().query(Text::Built(sql), params).await;
        self.seen(answer)
    }

    /// Makes it all happen. Once this returns `Ok`, it survives a crash.
    ///
    /// # Errors
    /// [`Error::Query`] with SQLSTATE 25P02 when a statement before was refused: nothing happened.
    /// After [`Error::Unavailable`] nobody knows whether it happened.
    pub async fn commit(self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Query {
                sqlstate: Some("25P02".to_owned()),
                message: "the transaction was already refused, nothing of it happened".to_owned(),
            });
        }
        answered(self.answer_within, self.broken, self.inner.commit()).await
    }

    fn call(&mut self) -> Call<'_, tokio_postgres::Transaction<'_>> {
        // The transaction's own lifetime is longer than this borrow; variance shortens it.
        Call {
            on: &self.inner,
            statements: self.statements,
            broken: self.broken,
            answer_within: self.answer_within,
        }
    }

    fn seen<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        self.failed |= answer.is_err();
        answer
    }
}

//! A connection lent by the pool, for as long as it is held.

use std::time::Duration;

use bb8::PooledConnection;
use tokio::sync::SemaphorePermit;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::connection::{Connection, Opener};
use crate::error::Error;
use crate::statements::{Call, Text, answered};
use crate::transaction::Transaction;

/// A connection that is ours until dropped. Every text is prepared once per connection.
///
/// A future of these methods that is dropped half-way leaves the connection usable: its answer is
/// thrown away, a transaction is rolled back.
pub struct Client<'a> {
    // The order matters: the connection is back in the pool before the next waiter is let in.
    pub(crate) connection: PooledConnection<'a, Opener>,
    pub(crate) answer_within: Duration,
    pub(crate) _permit: SemaphorePermit<'a>,
}

impl Client<'_> {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// [`Error::Conflict`] and [`Error::Query`] when it is refused, [`Error::Unavailable`] when
    /// there is no answer.
    pub async fn query(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.call().query(Text::Fixed(sql), params).await
    }

    /// As [`Client::query`], with exactly one row: any other number is an [`Error::Query`].
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn query_one(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error> {
        self.call().query_one(Text::Fixed(sql), params).await
    }

    /// As [`Client::query`], with one row or none: more are an [`Error::Query`].
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn query_opt(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        self.call().query_opt(Text::Fixed(sql), params).await
    }

    /// Runs a statement and returns how many rows it touched.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn execute(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        self.call().execute(Text::Fixed(sql), params).await
    }

    /// As [`Client::query`] for a text built at run time, from pieces that stand in the source:
    /// what a caller sent goes into `params`, never into `sql`.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn query_dynamic(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.call().query(Text::Built(sql), params).await
    }

    /// Begins a transaction; dropping it rolls back.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        let answer_within = self.answer_within;
        let Connection {
            client,
            statements,
            broken,
        } = &mut *self.connection;
        let inner = answered(answer_within, broken, client.transaction()).await?;
        Ok(Transaction {
            inner,
            statements,
            broken,
            answer_within,
            failed: false,
        })
    }

    fn call(&mut self) -> Call<'_, tokio_postgres::Client> {
        let Connection {
            client,
            statements,
            broken,
        } = &mut *self.connection;
        Call {
            on: client,
            statements,
            broken,
            answer_within: self.answer_within,
        }
    }
}

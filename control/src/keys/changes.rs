//! Following the table: everything that changed since a mark, in pages, without a gap.
//!
//! A version number drawn from a sequence does not tell in which order transactions commit: who
//! remembers the greatest one seen may miss a smaller one that was committed later. So a [`Mark`] is
//! a snapshot's `xmin`, the oldest transaction that was still open when it was taken. Whatever
//! commits later was written by it or by a later one, and the next question, "everything written by
//! it or later", finds it. Rows may come twice, and are told apart by their version.
//!
//! The first snapshot is the same question asked with [`Mark::BEGINNING`].

use super::Keys;
use super::error::Error;
use super::limits::PAGE_ROWS;
use super::row::{KeyRow, select_keys};
use uuid::Uuid;

/// Up to where the table has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(i64);

/// What changed since a mark; ask [`Changes::next`] until there is no more.
pub struct Changes<'a> {
    keys: &'a Keys,
    since: Mark,
    mark: Mark,
    /// The last row of the current part that was handed out.
    cursor: (i64, Uuid),
    part: Part,
}

/// A part of what changed.
pub enum Page {
    /// Keys that were deleted, by number.
    Removed(Vec<u128>),
    /// Keys that were made or changed.
    Rows(Vec<KeyRow>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Removed,
    Rows,
    End,
}

// === impl Mark ===

impl Mark {
    /// Before everything.
    pub const BEGINNING: Self = Self(0);

    /// Whether the database has gone back behind this mark: it was restored, or a standby took over
    /// that had not heard everything. Then nothing but the whole table will do.
    #[must_use]
    pub const fn is_ahead_of(self, later: Self) -> bool {
        self.0 > later.0
    }

    const fn cursor(self) -> (i64, Uuid) {
        (self.0 - 1, Uuid::max())
    }
}

// === impl Keys ===

impl Keys {
    /// The whole table. Removed keys are not in it.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn snapshot(&self) -> Result<Changes<'_>, Error> {
        self.changed_since(Mark::BEGINNING).await
    }

    /// What changed since a mark.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn changed_since(&self, since: Mark) -> Result<Changes<'_>, Error> {
        // Taken before the first page: what changes while the pages are read is found by the next
        // question.
        const MARK: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        let mark = self.database.client().await?.query_one(MARK, &[]).await?;
        Ok(Changes {
            keys: self,
            since,
            mark: Mark(mark.try_get(0)?),
            cursor: since.cursor(),
            part: if since == Mark::BEGINNING {
                Part::Rows
            } else {
                Part::Removed
            },
        })
    }

    /// The rows of these keys; keys that are not there are left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn rows(&self, ids: &[String]) -> Result<Vec<KeyRow>, Error> {
        const ROWS: &str = select_keys!("WHERE k.id = ANY ($1)");
        let rows = self.database.client().await?.query(ROWS, &[&ids]).await?;
        rows.iter().map(KeyRow::from_row).collect()
    }
}

// === impl Changes ===

impl Changes<'_> {
    /// The mark to ask with the next time, once all pages are read.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    /// The next page; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Database`]. The page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        match self.part {
            Part::Removed => {
                let numbers = self.removed().await?;
                if numbers.len() < PAGE_ROWS {
                    self.part = Part::Rows;
                    self.cursor = self.since.cursor();
                }
                Ok(Some(Page::Removed(numbers)))
            }
            Part::Rows => {
                let rows = self.rows().await?;
                if rows.len() < PAGE_ROWS {
                    self.part = Part::End;
                }
                Ok(Some(Page::Rows(rows)))
            }
            Part::End => Ok(None),
        }
    }

    async fn removed(&mut self) -> Result<Vec<u128>, Error> {
        // A key that was deleted and made again is not gone.
        const REMOVED: &str = "SELECT r.number, r.changed_by FROM api_key_removals r \
             WHERE (r.changed_by, r.number) > ($1, $2) \
               AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.number = r.number) \
             ORDER BY r.changed_by, r.number LIMIT $3";
        let mut client = self.keys.database.client().await?;
        let (changed_by, number) = self.cursor;
        let limit = rows_in_page();
        let rows = client
            .query(REMOVED, &[&changed_by, &number, &limit])
            .await?;
        let mut numbers = Vec::with_capacity(rows.len());
        let mut last = self.cursor;
        for row in &rows {
            last = (row.try_get(1)?, row.try_get(0)?);
            numbers.push(last.1.as_u128());
        }
        self.cursor = last;
        Ok(numbers)
    }

    async fn rows(&mut self) -> Result<Vec<KeyRow>, Error> {
        const ROWS: &str = select_keys!(
            "WHERE (k.changed_by, k.number) > ($1, $2) ORDER BY k.changed_by, k.number LIMIT $3"
        );
        let mut client = self.keys.database.client().await?;
        let (changed_by, number) = self.cursor;
        let limit = rows_in_page();
        let rows = client.query(ROWS, &[&changed_by, &number, &limit]).await?;
        let rows: Vec<KeyRow> = rows
            .iter()
            .map(KeyRow::from_row)
            .collect::<Result<_, _>>()?;
        if let Some(last) = rows.last() {
            self.cursor = (last.changed_by, last.number);
        }
        Ok(rows)
    }
}

fn rows_in_page() -> i64 {
    i64::try_from(PAGE_ROWS).expect("the bound is small")
}

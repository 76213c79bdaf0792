//! Pages of a list: which one is asked for, and where it lies among the others (FR-011, FR-012).
//!
//! `page`/`perPage`, or their aliases `page[number]`/`page[size]`. Links name the path and the other
//! parameters as they came; `prev` and `next` are null at the ends.

use serde::Serialize;

use crate::limits::{PAGE_MAX, PAGE_SIZE, PAGE_SIZE_MAX};
use crate::parameters::{Parameters, number};

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    number: u64,
    size: u64,
}

/// Where a page lies: what stands beside `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    pagination: Pagination,
    links: Links,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    page: u64,
    per_page: u64,
    total: u64,
    total_pages: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Links {
    first: String,
    prev: Option<String>,
    next: Option<String>,
    last: String,
}

impl Page {
    /// Takes the parameters that say which page.
    pub(crate) fn take(parameters: &mut Parameters) -> Self {
        let page = number(1, PAGE_MAX.into());
        let size = number(1, PAGE_SIZE_MAX.into());
        Self {
            number: parameters
                .take_either("page", "page[number]", page)
                .unwrap_or(1),
            size: parameters
                .take_either("perPage", "page[size]", size)
                .unwrap_or(PAGE_SIZE.into()),
        }
    }

    /// Rows of a page, for `LIMIT`.
    pub(crate) fn limit(self) -> i64 {
        self.size as i64
    }

    /// Rows before the page, for `OFFSET`.
    pub(crate) fn offset(self) -> i64 {
        ((self.number - 1) * self.size) as i64
    }

    /// Where this page lies among `total` rows; `others` are the parameters beside page and size.
    pub(crate) fn place(self, path: &str, others: &str, total: u64) -> Place {
        let total_pages = total.div_ceil(self.size);
        let last = total_pages.max(1);
        let link = |page: u64| {
            let separator = if others.is_empty() { "" } else { "&" };
            format!(
                "{path}?{others}{separator}page={page}&perPage={}",
                self.size
            )
        };
        Place {
            pagination: Pagination {
                page: self.number,
                per_page: self.size,
                total,
                total_pages,
            },
            links: Links {
                first: link(1),
                // From beyond the end, the page before is the last one.
                prev: (self.number > 1).then(|| link((self.number - 1).min(last))),
                next: (self.number < last).then(|| link(self.number + 1)),
                last: link(last),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_asked_for_by_either_name() {
        for (query, expected) in [
            ("", Some((1, 20))),
            ("page=3", Some((3, 20))),
            ("perPage=1", Some((1, 1))),
            ("perPage=100&page=2", Some((2, 100))),
            ("page[number]=2&page[size]=50", Some((2, 50))),
            ("page%5Bnumber%5D=2", Some((2, 20))),
            ("page=100000", Some((100_000, 20))),
            ("page=100001", None),
            ("page=0", None),
            ("page=-1", None),
            ("page=+1", None),
            ("page=", None),
            ("page=1.5", None),
            ("page=99999999999999999999", None),
            ("perPage=0", None),
            ("perPage=101", None),
            ("page=1&page=1", None),
            ("page=1&page[number]=1", None),
            ("per_page=5", None),
        ] {
            let mut parameters = Parameters::new(query);
            let page = Page::take(&mut parameters);
            let found = parameters
                .finish()
                .is_ok()
                .then_some((page.number, page.size));
            assert_eq!(found, expected, "{query:?}");
        }
    }

    #[test]
    fn links_stop_at_the_ends() {
        for (number, total, pages, prev, next, last) in [
            (1, 0, 0, None, None, 1),
            (1, 20, 1, None, None, 1),
            (1, 21, 2, None, Some(2), 2),
            (2, 21, 2, Some(1), None, 2),
            (2, 60, 3, Some(1), Some(3), 3),
            (9, 60, 3, Some(3), None, 3),
        ] {
            let place = Page { number, size: 20 }.place("/p", "a=b", total);
            let link = |page: u64| format!("/p?a=b&page={page}&perPage=20");
            assert_eq!(place.pagination.total_pages, pages, "{number} of {total}");
            assert_eq!(place.links.prev, prev.map(link), "{number} of {total}");
            assert_eq!(place.links.next, next.map(link), "{number} of {total}");
            assert_eq!(place.links.last, link(last), "{number} of {total}");
            assert_eq!(place.links.first, link(1));
        }
    }
}

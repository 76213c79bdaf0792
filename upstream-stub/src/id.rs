//! Identifiers: a prefix that says what it is, and letters and digits that say which.

use uuid::Uuid;

use crate::limits::ID_CHARS_MAX;

/// What a kind of resource puts before its identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix(pub(crate) &'static str);

/// `order_…`
pub(crate) const ORDER: Prefix = Prefix("order_");
/// `prod_…`
pub(crate) const PRODUCT: Prefix = Prefix("prod_");
/// `cust_…`
pub(crate) const CUSTOMER: Prefix = Prefix("cust_");

impl Prefix {
    /// A new identifier. They grow with time, which keeps the index of the table dense.
    pub(crate) fn next(self) -> String {
        format!("{}{}", self.0, Uuid::now_v7().simple())
    }

    /// Whether the text can be one of ours; the tables hold the same.
    pub(crate) fn fits(self, text: &str) -> bool {
        text.strip_prefix(self.0).is_some_and(|rest| {
            (1..=ID_CHARS_MAX).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        let full = format!("order_{}", "a".repeat(ID_CHARS_MAX));
        let over = format!("{full}a");
        for (text, fits) in [
            ("order_789", true),
            (full.as_str(), true),
            (over.as_str(), false),
            ("order_", false),
            ("order", false),
            ("prod_789", false),
            ("order_7-9", false),
            ("order_7\0", false),
            ("", false),
        ] {
            assert_eq!(ORDER.fits(text), fits, "{text:?}");
        }
        let (one, other) = (ORDER.next(), ORDER.next());
        assert!(ORDER.fits(&one) && one != other);
    }
}

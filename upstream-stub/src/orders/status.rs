//! An order's way: pending, processing, shipped, delivered; cancelled until it is shipped.

/// What an order's status can be.
pub(crate) const STATUSES: &[&str] =
    &["pending", "processing", "shipped", "delivered", "cancelled"];

/// The status of an order that can still be changed.
pub(crate) const CHANGEABLE: &str = "pending";

/// The status of an order that was called off.
pub(crate) const CANCELLED: &str = "cancelled";

/// From which an order can come to `status`.
pub(crate) fn before(status: &str) -> &'static [&'static str] {
    match status {
        "processing" => &["pending"],
        "shipped" => &["processing"],
        "delivered" => &["shipped"],
        CANCELLED => &["pending", "processing"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_has_no_way_back() {
        let allowed = [
            ("pending", "processing"),
            ("pending", "cancelled"),
            ("processing", "shipped"),
            ("processing", "cancelled"),
            ("shipped", "delivered"),
        ];
        for from in STATUSES {
            for to in STATUSES {
                let expected = allowed.contains(&(*from, *to));
                assert_eq!(before(to).contains(from), expected, "{from} to {to}");
            }
        }
    }
}

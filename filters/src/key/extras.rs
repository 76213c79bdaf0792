//! What few keys have: limits of their own, a list of addresses, a second key string while they are
//! rotated. It takes no memory in the keys that have nothing of it.

use super::Credential;
use crate::env::PolicyList;
use crate::units::Network;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

/// What few keys have.
#[derive(Default)]
pub struct Extras {
    /// A name in place of the number's [`super::KeyId`]: the holder of a token has one.
    pub id: Option<Box<str>>,
    /// Credentials in a rotation's overlap, beside the current one.
    pub former: Vec<Credential>,
    /// Roles.
    pub roles: Vec<String>,
    /// Attributes, for authorization.
    pub attributes: BTreeMap<String, String>,
    /// Addresses that the key may be used from; empty: any.
    pub networks: Vec<Network>,
    /// Limits of its own, in place of the tier's: policy name and rate.
    pub limits: Option<PolicyList>,
}

/// [`Extras`] that take memory from the first writing on.
#[derive(Default)]
pub struct Rare(Option<Box<Extras>>);

static NONE: Extras = Extras {
    id: None,
    former: Vec::new(),
    roles: Vec::new(),
    attributes: BTreeMap::new(),
    networks: Vec::new(),
    limits: None,
};

// === impl Extras ===

impl Extras {
    fn is_empty(&self) -> bool {
        let Self {
            id,
            former,
            roles,
            attributes,
            networks,
            limits,
        } = self;
        id.is_none()
            && former.is_empty()
            && roles.is_empty()
            && attributes.is_empty()
            && networks.is_empty()
            && limits.is_none()
    }
}

// === impl Rare ===

impl From<Extras> for Rare {
    fn from(extras: Extras) -> Self {
        Self((!extras.is_empty()).then(|| Box::new(extras)))
    }
}

impl Deref for Rare {
    type Target = Extras;

    fn deref(&self) -> &Extras {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Rare {
    fn deref_mut(&mut self) -> &mut Extras {
        self.0.get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Secret;

    #[test]
    fn nothing_takes_no_memory_and_anything_is_kept() {
        assert!(Rare::from(Extras::default()).0.is_none());
        type Change = fn(&mut Extras);
        let changes: [Change; 6] = [
            |e| e.id = Some("client:a".into()),
            |e| {
                e.former.push(Credential {
                    hash: [1; 32],
                    until_s: None,
                    secret: Secret::new(b"old"),
                });
            },
            |e| e.roles.push("buyer".to_owned()),
            |e| drop(e.attributes.insert("region".to_owned(), "eu".to_owned())),
            |e| e.networks.push("10.0.0.0/8".parse().unwrap()),
            |e| e.limits = Some([].into()),
        ];
        for change in changes {
            let mut extras = Extras::default();
            change(&mut extras);
            assert!(Rare::from(extras).0.is_some());
            let mut rare = Rare::default();
            assert!(rare.is_empty());
            change(&mut rare);
            assert!(!rare.is_empty());
        }
    }
}

//! Limits as they are handed in, and what was decided under them.

use crate::limits::{POLICY_NAME_LENGTH_MAX, QUOTA_WINDOWS_MAX};
use crate::units::Rate;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// Policies that hold together: each a name and a rate, at least one, each name once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies(Arc<[(String, Rate)]>);

/// Why some list makes no [`Policies`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoliciesError {
    /// There is none.
    Empty,
    /// There are more than [`QUOTA_WINDOWS_MAX`].
    TooMany,
    /// A name that cannot be shown in a field.
    Name(String),
    /// A name that comes twice.
    Twice(String),
}

/// What was decided about one request: the one source of every field and reply about limits.
#[derive(Clone, Debug)]
pub struct Decision {
    policies: Policies,
    states: SmallVec<[PolicyState; 2]>,
    tightest: u8,
    refused_by: Option<u8>,
}

/// How one policy stands after the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyState {
    /// Tokens of the full bucket.
    pub limit: u32,
    /// The window in which they come back, seconds.
    pub window_s: u32,
    /// Whole tokens that are left.
    pub remaining: u32,
    /// Seconds until the bucket is full, rounded up.
    pub reset_s: u64,
    /// Seconds until one token more is there, rounded up: at least 1, unless the bucket is full.
    pub next_s: u64,
}

/// Whether a text can name a policy or a limit: it is shown in fields without any escape.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let visible = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=POLICY_NAME_LENGTH_MAX).contains(&text.len()) && text.bytes().all(visible)
}

// === impl Policies ===

impl Policies {
    /// Checks a list.
    ///
    /// # Errors
    /// [`PoliciesError`].
    pub fn new(list: Arc<[(String, Rate)]>) -> Result<Self, PoliciesError> {
        if list.is_empty() {
            return Err(PoliciesError::Empty);
        }
        if list.len() > QUOTA_WINDOWS_MAX {
            return Err(PoliciesError::TooMany);
        }
        for (n, (name, _)) in list.iter().enumerate() {
            if !is_name(name) {
                return Err(PoliciesError::Name(name.clone()));
            }
            if list[..n].iter().any(|(earlier, _)| earlier == name) {
                return Err(PoliciesError::Twice(name.clone()));
            }
        }
        Ok(Self(list))
    }

    /// Whether both are the same list in memory: cheaper than to compare them.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The policies in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Rate)> {
        self.0.iter().map(|(name, rate)| (name.as_str(), *rate))
    }
}

impl fmt::Display for PoliciesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no policy"),
            Self::TooMany => write!(f, "there are more than {QUOTA_WINDOWS_MAX} policies"),
            Self::Name(name) => write!(
                f,
                "the policy name {name:?} is not 1 to {POLICY_NAME_LENGTH_MAX} letters, digits, hyphens, underscores or dots"
            ),
            Self::Twice(name) => write!(f, "the policy {name:?} comes twice"),
        }
    }
}

impl std::error::Error for PoliciesError {}

// === impl Decision ===

impl Decision {
    /// `refusing` tells of each state whether it had no token.
    pub(super) fn new(
        policies: &Policies,
        states: SmallVec<[PolicyState; 2]>,
        refusing: &[bool],
    ) -> Self {
        let indices = || 0..u8::try_from(states.len()).expect("there are at most 8 policies");
        let state = |n: u8| &states[usize::from(n)];
        let tightest = indices()
            .min_by_key(|&n| (state(n).remaining, u64::MAX - state(n).next_s))
            .expect("there is at least one policy");
        let refused_by = indices()
            .filter(|&n| refusing[usize::from(n)])
            .max_by_key(|&n| state(n).next_s);
        Self {
            policies: policies.clone(),
            states,
            tightest,
            refused_by,
        }
    }

    /// Whether the request may pass.
    #[must_use]
    pub const fn allows(&self) -> bool {
        self.refused_by.is_none()
    }

    /// The policies.
    #[must_use]
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Each policy's name and state, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &PolicyState)> {
        self.policies.iter().map(|(name, _)| name).zip(&self.states)
    }

    /// The policy with the fewest tokens left; of equals the one that waits longest for the next.
    #[must_use]
    pub fn tightest(&self) -> (&str, &PolicyState) {
        self.nth(self.tightest)
    }

    /// The policy that refused; of several the one that waits longest for its next token, so that a
    /// client that sleeps its `next_s` succeeds.
    #[must_use]
    pub fn refused_by(&self) -> Option<(&str, &PolicyState)> {
        self.refused_by.map(|n| self.nth(n))
    }

    fn nth(&self, n: u8) -> (&str, &PolicyState) {
        let n = usize::from(n);
        (&self.policies.0[n].0, &self.states[n])
    }
}

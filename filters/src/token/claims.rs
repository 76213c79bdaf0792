//! What a token says, once its signature is proved (RFC 7519, section 4; RFC 9068, section 2.2).

use super::json::{Value, members};
use super::{Expected, TokenError};
use crate::limits::TOKEN_NAME_BYTES_MAX;
use std::borrow::Cow;

/// What a verified token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims<'a> {
    /// `sub`: on whose behalf.
    pub subject: Cow<'a, str>,
    /// `client_id`: the program that calls.
    pub client: Option<Cow<'a, str>>,
    /// The tier, by the claim that the configuration names.
    pub tier: Option<Cow<'a, str>>,
    /// When it counts.
    pub lifetime: Lifetime,
    scope: Option<Cow<'a, str>>,
    permissions: Vec<Cow<'a, str>>,
}

/// When a token counts, Unix seconds, without leeway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// `nbf`: from this second on.
    pub from_s: u64,
    /// `exp`: until, and not in, this second (RFC 7519, section 4.1.4).
    pub until_s: u64,
}

// === impl Lifetime ===

impl Lifetime {
    /// Judges it at an instant, with so much leeway both ways.
    ///
    /// # Errors
    /// [`TokenError::Expired`], [`TokenError::Early`].
    pub const fn judge(&self, now_s: u64, leeway_s: u64) -> Result<(), TokenError> {
        if now_s >= self.until_s.saturating_add(leeway_s) {
            return Err(TokenError::Expired);
        }
        if now_s.saturating_add(leeway_s) < self.from_s {
            return Err(TokenError::Early);
        }
        Ok(())
    }
}

// === impl Claims ===

impl<'a> Claims<'a> {
    /// Reads and judges a payload. What nobody has signed says nothing: see
    /// [`Verifier::verify`](super::Verifier::verify).
    ///
    /// # Errors
    /// Which claim is missing, malformed or not as expected.
    pub fn read(payload: &'a [u8], expected: &Expected, now_s: u64) -> Result<Self, TokenError> {
        let mut issuer = None;
        let mut audience = None;
        let mut subject = None;
        let mut client = None;
        let mut tier = None;
        let mut scope = None;
        let mut permissions = None;
        let mut until = None;
        let mut from = None;
        members(payload, &mut |name, value| {
            let place = match name {
                "iss" => &mut issuer,
                "aud" => &mut audience,
                "sub" => &mut subject,
                "client_id" => &mut client,
                "scope" => &mut scope,
                "permissions" => &mut permissions,
                "exp" => &mut until,
                "nbf" => &mut from,
                name if name == expected.tier_claim => &mut tier,
                _ => return,
            };
            *place = Some(value);
        })
        .map_err(|_| TokenError::Payload)?;
        match issuer {
            Some(Value::Text(issuer)) if issuer == expected.issuer => {}
            _ => return Err(TokenError::Issuer),
        }
        let ours = |text: &Cow<'_, str>| expected.audiences.iter().any(|our| our == text);
        match audience {
            Some(Value::Text(one)) if ours(&one) => {}
            Some(Value::Texts(list)) if list.iter().any(ours) => {}
            _ => return Err(TokenError::Audience),
        }
        let lifetime = Lifetime {
            from_s: match from {
                None => 0,
                Some(Value::Seconds(from_s)) => from_s,
                Some(_) => return Err(TokenError::Payload),
            },
            until_s: match until {
                Some(Value::Seconds(until_s)) => until_s,
                _ => return Err(TokenError::Payload),
            },
        };
        lifetime.judge(now_s, expected.leeway_s)?;
        Ok(Self {
            subject: name(subject)?.ok_or(TokenError::Payload)?,
            client: name(client)?,
            tier: name(tier)?,
            lifetime,
            // Any other type gives no permission.
            scope: match scope {
                Some(Value::Text(scope)) => Some(scope),
                _ => None,
            },
            permissions: match permissions {
                Some(Value::Texts(list)) => list,
                _ => Vec::new(),
            },
        })
    }

    /// Scopes and permissions together, separated by single spaces, none twice. What is no
    /// scope-token (RFC 6749, section 3.3) is left out: a permission with a space in it would be two.
    #[must_use]
    pub fn scopes(&self) -> String {
        let mut all = String::new();
        let scopes = self.scope.iter().flat_map(|scope| scope.split(' '));
        let permissions = self.permissions.iter().map(|permission| &**permission);
        for scope in scopes.chain(permissions) {
            if !is_scope(scope) || all.split(' ').any(|known| known == scope) {
                continue;
            }
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(scope);
        }
        all
    }
}

/// A claim that names somebody or something: a text that is neither empty nor too long.
fn name(value: Option<Value<'_>>) -> Result<Option<Cow<'_, str>>, TokenError> {
    match value {
        None => Ok(None),
        Some(Value::Text(text)) if (1..=TOKEN_NAME_BYTES_MAX).contains(&text.len()) => {
            Ok(Some(text))
        }
        Some(_) => Err(TokenError::Payload),
    }
}

fn is_scope(text: &str) -> bool {
    let plain = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.bytes().all(plain)
}

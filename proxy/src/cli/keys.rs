//! `tidegate keys`: issues, shows, revokes and replaces API keys from the shell.
//!
//! It talks to the database alone; every edge that follows it takes a change over within a second.
//! A key and its secret are printed once, by `create` and `rotate`, and never again.

mod show;

use super::output;
use crate::assemble::secrets;
use crate::reload::PolicySource;
use crate::telemetry::SystemClock;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use control::keys::{Expires, Keys, Listing, NewKey};
use database::{Database, PoolLimits};
use filters::key::Environment;
use filters::units::{Duration, Network, Rate};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  export DATABASE_URL=postgres://tidegate@127.0.0.1/tidegate
  export TIDEGATE_MASTER_KEY=@/etc/tidegate/master.key   # made by: openssl rand -hex 32

  tidegate keys create --consumer acme --name shop --tier pro --scope orders:read
  tidegate keys list --consumer acme
  tidegate keys rotate key_0199… --overlap 24h
  tidegate keys revoke key_0199…";

/// Issues, lists, revokes and replaces API keys
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct KeysArgs {
    /// Policy file that says where keys are kept; otherwise DATABASE_URL and TIDEGATE_MASTER_KEY say
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// PostgreSQL, or @FILE that holds its URL
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL|@FILE"
    )]
    database: Option<String>,
    /// Key under which secrets are sealed, or @FILE that holds it
    #[arg(
        long,
        global = true,
        env = "TIDEGATE_MASTER_KEY",
        hide_env_values = true,
        value_name = "KEY|@FILE"
    )]
    master_key: Option<String>,
    /// Print one JSON line for each key
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    Create(CreateArgs),
    List(ListArgs),
    Show(ShowArgs),
    Revoke(RevokeArgs),
    Rotate(RotateArgs),
}

/// Issues a key and prints it with its secret, once
#[derive(Args)]
#[command(override_usage = "\
tidegate keys create [OPTIONS]
           --consumer <CONSUMER> --name <NAME> --tier <TIER>")]
#[command(after_help = "\
Examples:
  tidegate keys create --consumer acme --name shop --tier pro --scope orders:read
  tidegate keys create --consumer acme --name ci --env test --tier free --expires 30d
  tidegate keys create --consumer acme --name office --tier pro --address 192.0.2.0/24
  tidegate keys create --consumer acme --name bulk --tier pro --limit hourly=5000/h")]
struct CreateArgs {
    /// Partner that the key belongs to
    #[arg(long)]
    consumer: String,
    /// Name, for people
    #[arg(long)]
    name: String,
    /// Tier of the policy file
    #[arg(long)]
    tier: String,
    /// Live, or test for the sandbox
    #[arg(long = "env", default_value = "live", value_parser = ["live", "test"])]
    environment: String,
    /// Scope; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Role; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Attribute; may be given several times
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// Address or network that the key may be used from; may be given several times
    #[arg(long = "address", value_name = "ADDRESS[/BITS]")]
    networks: Vec<Network>,
    /// Limit of its own in place of the tier's; may be given several times
    #[arg(long = "limit", value_name = "NAME=RATE")]
    limits: Vec<String>,
    /// When it ends: 30d, 12h, or never; one year when left out
    #[arg(long, value_name = "SPAN|never")]
    expires: Option<String>,
}

/// Lists keys, the newest first
#[derive(Args)]
#[command(after_help = "\
Examples:
  tidegate keys list
  tidegate keys list --consumer acme --json | jq .id")]
struct ListArgs {
    /// Only this partner's
    #[arg(long)]
    consumer: Option<String>,
    /// Only those made before this one: the last of the page before
    #[arg(long, value_name = "KEY_ID")]
    before: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    max: usize,
}

/// Shows one key and its use in the last days
#[derive(Args)]
#[command(after_help = "Example:\n  tidegate keys show key_0199…")]
struct ShowArgs {
    /// The key's id
    id: String,
}

/// Ends a key at once and for good
#[derive(Args)]
#[command(after_help = "Example:\n  tidegate keys revoke key_0199…")]
struct RevokeArgs {
    /// The key's id
    id: String,
}

/// Gives a key a new string and a new secret
#[derive(Args)]
#[command(after_help = "\
Examples:
  tidegate keys rotate key_0199… --overlap 24h   both work for a day
  tidegate keys rotate key_0199… --overlap 0s    the old one ends at once")]
struct RotateArgs {
    /// The key's id
    id: String,
    /// How long the old string and secret still count
    #[arg(long, default_value = "24h", value_name = "SPAN")]
    overlap: Duration,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached, or the key is not there or cannot be made.
pub(super) async fn run(arguments: &KeysArgs) -> anyhow::Result<()> {
    let new = match &arguments.command {
        KeysCommand::Create(create) => Some(create.new_key()?),
        _ => None,
    };
    let (keys, tiers) = open(arguments).await?;
    let done = match (&arguments.command, new) {
        (KeysCommand::Create(_), Some(new)) => create(&keys, &new, &tiers, arguments.json).await,
        (KeysCommand::Create(_), None) => Ok(()),
        (KeysCommand::List(list), _) => {
            let listing = Listing {
                consumer: list.consumer.clone(),
                before: list.before.clone(),
                rows_max: list.max,
            };
            show::list(&keys.list(&listing).await?, arguments.json)
        }
        (KeysCommand::Show(one), _) => {
            let view = keys.view(&one.id).await?;
            show::one(&view, &keys.usage(&one.id).await?, arguments.json)
        }
        (KeysCommand::Revoke(revoke), _) => {
            keys.revoke(&revoke.id).await?;
            output::tell(&format!("{} is revoked", revoke.id));
            Ok(())
        }
        (KeysCommand::Rotate(rotate), _) => {
            let issued = if rotate.overlap.0.is_zero() {
                keys.regenerate(&rotate.id).await?
            } else {
                keys.rotate(&rotate.id, rotate.overlap.0).await?
            };
            show::issued(&issued, arguments.json)
        }
    };
    keys.database().close().await;
    done
}

async fn create(
    keys: &Keys,
    new: &NewKey,
    tiers: &Option<Vec<String>>,
    json: bool,
) -> anyhow::Result<()> {
    if let Some(tiers) = tiers
        && !tiers.contains(&new.tier)
    {
        bail!(
            "the policy file has no tier {:?}; it has {}",
            new.tier,
            tiers.join(", ")
        );
    }
    show::issued(&keys.create(new).await?, json)
}

/// The service, and the tiers of the policy file when there is one.
async fn open(arguments: &KeysArgs) -> anyhow::Result<(Keys, Option<Vec<String>>)> {
    let mut url = arguments
        .database
        .as_deref()
        .map(secrets::argument)
        .transpose()?;
    let mut master = arguments
        .master_key
        .as_deref()
        .map(secrets::argument)
        .transpose()?;
    let mut tiers = None;
    if let Some(path) = &arguments.config {
        let policy = PolicySource::File(path.clone()).load()?.policy;
        tiers = Some(policy.site.tiers.keys().cloned().collect());
        let keys = &policy.settings.keys;
        if let Some(reference) = &keys.database {
            url = Some(secrets::read(reference)?);
        }
        if !keys.master_keys.is_empty() {
            master = Some(secrets::read_all(&keys.master_keys)?);
        }
    }
    let url = url.context(
        "no database is named: set DATABASE_URL, or give --config FILE with a policy that names one",
    )?;
    let master = master.context(
        "no master key is given: set TIDEGATE_MASTER_KEY (make one with `openssl rand -hex 32`)",
    )?;
    let master = secrets::master_keys(&master)?;
    let database = Database::connect(&url, PoolLimits::default())
        .await
        .context("the database cannot be reached")?;
    let keys = Keys::new(database, Arc::new(master), Arc::new(SystemClock::new()));
    keys.migrate()
        .await
        .context("the database's tables cannot be brought up to date")?;
    Ok((keys, tiers))
}

// === impl CreateArgs ===

impl CreateArgs {
    fn new_key(&self) -> anyhow::Result<NewKey> {
        let environment = match &*self.environment {
            "test" => Environment::Test,
            _ => Environment::Live,
        };
        let mut attributes = BTreeMap::new();
        for pair in &self.attributes {
            let (name, value) = pair
                .split_once('=')
                .with_context(|| format!("{pair:?} is no attribute: write NAME=VALUE"))?;
            attributes.insert(name.to_owned(), value.to_owned());
        }
        let mut limits = Vec::new();
        for pair in &self.limits {
            let (name, rate) = pair
                .split_once('=')
                .with_context(|| format!("{pair:?} is no limit: write NAME=RATE"))?;
            let rate: Rate = rate
                .parse()
                .map_err(|error| anyhow::anyhow!("{rate:?} is no rate: {error}"))?;
            limits.push((name.to_owned(), rate));
        }
        let expires = match self.expires.as_deref() {
            None => Expires::InOneYear,
            Some("never") => Expires::Never,
            Some(span) => Expires::After(
                span.parse::<Duration>()
                    .map_err(|error| anyhow::anyhow!("{span:?} is no span: {error}"))?
                    .0,
            ),
        };
        let new = NewKey {
            scopes: self.scopes.clone(),
            roles: self.roles.clone(),
            attributes,
            networks: self.networks.clone(),
            limits: (!limits.is_empty()).then_some(limits),
            expires,
            ..NewKey::new(&self.consumer, &self.name, environment, &self.tier)
        };
        new.validate()?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        create: CreateArgs,
    }

    fn new_key(more: &[&str]) -> Result<NewKey, String> {
        let words = ["x", "--consumer", "acme", "--name", "shop", "--tier", "pro"];
        let line = Line::try_parse_from(words.iter().chain(more)).map_err(|e| e.to_string())?;
        line.create.new_key().map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_key_is_asked_for_with_all_its_parts() {
        let new = new_key(&[
            "--env",
            "test",
            "--scope",
            "orders:read",
            "--scope",
            "orders:write",
            "--attribute",
            "region=eu=1",
            "--address",
            "192.0.2.0/24",
            "--limit",
            "hourly=5000/h",
            "--expires",
            "30d",
        ])
        .unwrap();
        assert_eq!(new.environment, Environment::Test);
        assert_eq!(new.scopes, ["orders:read", "orders:write"]);
        assert_eq!(new.attributes["region"], "eu=1");
        assert_eq!(new.networks.len(), 1);
        let (name, rate) = &new.limits.unwrap()[0];
        assert_eq!((&**name, rate.limit, rate.window_s), ("hourly", 5000, 3600));
        let month = std::time::Duration::from_secs(30 * 86_400);
        assert_eq!(new.expires, Expires::After(month));
        let plain = new_key(&[]).unwrap();
        assert_eq!(plain.environment, Environment::Live);
        assert_eq!(plain.expires, Expires::InOneYear);
        assert!(plain.limits.is_none());
        assert_eq!(
            new_key(&["--expires", "never"]).unwrap().expires,
            Expires::Never
        );
    }

    #[test]
    fn what_cannot_be_asked_for_is_said() {
        for (more, part) in [
            (["--attribute", "region"], "write NAME=VALUE"),
            (["--limit", "hourly"], "write NAME=RATE"),
            (["--limit", "hourly=many"], "is no rate"),
            (["--expires", "soon"], "is no span"),
            (["--scope", "a b"], "scopes: expected"),
            (["--address", "example"], "invalid value"),
            (["--env", "prod"], "invalid value"),
        ] {
            let error = new_key(&more).map(|_| ()).unwrap_err();
            assert!(error.contains(part), "{more:?}: {error}");
        }
    }
}

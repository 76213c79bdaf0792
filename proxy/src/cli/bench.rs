//! `tidegate bench`: what each filter of a policy file costs on this machine.
//!
//! Every chain that a route uses is fed with requests from memory, one filter after the other: they
//! are judged, edited towards the service, their answers edited, their ends told. No socket is opened
//! and no service asked: what the wire costs is not in these figures. A chain that costs more than the
//! file's `budget` makes the command end with 1.

mod measure;
mod stand;

use self::measure::{ChainCost, Cost};
use super::output;
use crate::allocations::Counted;
use crate::policy::Budget;
use crate::reload::{PolicySource, Unloaded};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tidegate bench --policy conf/tidegate.yaml

  Let the command fail when a chain costs too much; in the policy file:
    budget: { chain: 5us, allocations: 20 }

Figures are medians on warm caches: they compare filters, and one day with the next, on one machine.
Requests carry a key and a signature of scheme v1. A filter that refuses them, such as one that wants
a token, is named, and what stands below it is not measured. The exit code is 1 when the file cannot
be used or its budget is exceeded.";

/// Tells what each filter of a policy file costs
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BenchArgs {
    /// Policy file
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When a filter cannot be built, or the output cannot be written.
pub(super) fn run(arguments: &BenchArgs, allocations: &Counted) -> anyhow::Result<ExitCode> {
    let policy = match PolicySource::File(arguments.policy.clone()).load() {
        Ok(loaded) => loaded.policy,
        Err(Unloaded::Refused(report)) => {
            output::report(&report);
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => anyhow::bail!("{error}"),
    };
    allocations.begin();
    let mut good = true;
    for chain in measure::chains(&policy, allocations)? {
        for line in lines(&chain) {
            output::line(&line)?;
        }
        for excess in excesses(&chain, &policy.budget) {
            good = false;
            output::tell(&format!("tidegate: {excess}"));
        }
    }
    Ok(ExitCode::from(u8::from(!good)))
}

/// A chain as a table.
fn lines(chain: &ChainCost) -> Vec<String> {
    let row = |name: &str, cost: &Cost| {
        let Cost {
            nanoseconds,
            allocations,
        } = cost;
        format!("  {name:<24} {nanoseconds:>8.0} ns {allocations:>6.1} allocations")
    };
    let mut lines = vec![format!("{} ({})", chain.name, chain.asked)];
    lines.extend(chain.filters.iter().map(|(name, cost)| row(name, cost)));
    lines.push(row("all together", &chain.whole()));
    if let Some((filter, reason)) = &chain.refused {
        lines.push(format!(
            "  {filter} refuses such a request ({reason}): what stands below it was not measured"
        ));
    }
    lines.push(String::new());
    lines
}

/// What a chain costs beyond the budget.
fn excesses(chain: &ChainCost, budget: &Budget) -> Vec<String> {
    let whole = chain.whole();
    let name = &chain.name;
    let mut excesses = Vec::new();
    if let Some(most) = budget.chain {
        let most_ns = most.as_nanos() as f64;
        let found = whole.nanoseconds;
        if found > most_ns {
            excesses.push(format!(
                "the chain {name} costs {found:.0} ns, and its budget is {most_ns:.0} ns"
            ));
        }
    }
    if let Some(most) = budget.allocations {
        let found = whole.allocations;
        if found > f64::from(most) {
            excesses.push(format!(
                "the chain {name} makes {found:.1} allocations, and its budget is {most}"
            ));
        }
    }
    excesses
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn chain(nanoseconds: f64, allocations: f64) -> ChainCost {
        let half = Cost {
            nanoseconds: nanoseconds / 2.0,
            allocations: allocations / 2.0,
        };
        ChainCost {
            name: "partners".to_owned(),
            asked: "GET /a".to_owned(),
            filters: vec![("hygiene", half), ("api_key", half)],
            refused: None,
        }
    }

    #[test]
    fn a_budget_is_kept_up_to_its_figure_and_not_beyond() {
        let budget = |chain_ns: Option<u64>, allocations| Budget {
            chain: chain_ns.map(Duration::from_nanos),
            allocations,
        };
        for (budget, excess) in [
            (budget(None, None), 0),
            (budget(Some(1500), None), 0),
            (budget(Some(1499), None), 1),
            (budget(None, Some(4)), 0),
            (budget(None, Some(3)), 1),
            (budget(Some(0), Some(0)), 2),
        ] {
            let found = excesses(&chain(1500.0, 4.0), &budget);
            assert_eq!(found.len(), excess, "{budget:?}: {found:?}");
        }
        let told = excesses(&chain(1500.0, 4.0), &budget(Some(1000), Some(2)));
        assert_eq!(
            told,
            [
                "the chain partners costs 1500 ns, and its budget is 1000 ns",
                "the chain partners makes 4.0 allocations, and its budget is 2",
            ]
        );
    }

    #[test]
    fn a_table_names_every_filter_and_who_refused() {
        let mut measured = chain(1500.0, 4.0);
        measured.refused = Some(("jwt", "missing_credentials".to_owned()));
        let text = lines(&measured).join("\n");
        for part in [
            "partners (GET /a)",
            "hygiene",
            "750 ns",
            "1500 ns",
            "jwt refuses",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}

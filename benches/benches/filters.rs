//! What one request costs in each filter and in whole chains: nanoseconds and allocations.
//!
//! ```text
//! cargo bench -p benches --bench filters
//! ```
//!
//! Each filter is fed with requests that have passed what it needs above it, and is called in four
//! phases: the request is judged, the head that goes upstream edited, the answer's head edited, the
//! end told. Figures are medians over batches, on warm caches: comparisons hold, sums flatter. Clients
//! are fakes (a list of fields in memory), clocks stand still; key records, quotas, replay memory and
//! the policy are real. The chain of `key` is written down for the report of `edge`, filter by filter.
//! What the fakes allocate when a body is read, one small block for each piece
//! as the lane does, is counted.

use anyhow::{Context, anyhow};
use benches::allocations::Counting;
use benches::chains::{HEAD, Judged, Kind, PHASES, Stand};
use benches::costs::{ChainCost, StepCost};
use benches::laps::{Cost, Lap};
use benches::proc;
use benches::samples::{CHAINS, KEY_CHAIN, filters};
use benches::table::Table;
use filters::filter::Filter;
use serde_json::json;
use std::hint::black_box;
use std::io::Write;
use tidegate::edge::wire::{HeadLimits, Parse, parse_request, request_framing};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Requests in a batch: enough to be timed together, few enough to stay in the cache.
const PIECES: usize = 64;
/// Batches that count.
const BATCHES: usize = 400;
/// Batches before.
const WARM_UP: usize = 40;

fn main() -> anyhow::Result<()> {
    let mut numbers = PHASES.to_vec();
    numbers.extend(["ns", "allocations"]);
    let mut table = Table::new(&[""], &numbers);
    parser(&mut table)?;
    for sample in filters() {
        let mut stand = Stand::new();
        let above: anyhow::Result<Vec<_>> = sample
            .above
            .iter()
            .map(|name| stand.build(name, json!({})))
            .collect();
        let filter = stand.build(sample.name, sample.config)?;
        let costs = measure(&mut stand, &Judged::Filter(&*filter), &above?, sample.kind);
        put(&mut table, sample.label, &costs.context(sample.label)?);
    }
    for chained in CHAINS {
        let mut stand = Stand::new();
        let chain = stand.chain(&chained)?;
        let costs = measure(&mut stand, &Judged::Chain(&chain), &[], chained.kind);
        put(&mut table, chained.label, &costs.context(chained.label)?);
    }
    key_chain()?.write(&ChainCost::folder())?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "\n{}; medians of {BATCHES} batches of {PIECES}\n",
        proc::processor()
    )?;
    write!(out, "{}", table.aligned())?;
    Ok(())
}

/// The cost of one request in each of the four phases.
fn measure(
    stand: &mut Stand,
    judged: &Judged<'_>,
    above: &[Box<dyn Filter>],
    kind: Kind,
) -> anyhow::Result<[Cost; 4]> {
    let mut laps: [Vec<Lap>; 4] = Default::default();
    for batch in 0..WARM_UP + BATCHES {
        let mut cases = stand.cases(PIECES, above, kind)?;
        for (phase, laps) in laps.iter_mut().enumerate() {
            let mut gone = Ok(());
            let lap = Lap::of(|| gone = stand.phase(phase, judged, &mut cases));
            gone?;
            if batch >= WARM_UP {
                laps.push(lap);
            }
        }
    }
    Ok(laps.map(|laps| Cost::median(&laps, PIECES)))
}

/// The chain of the workload `key`, whole and filter by filter, for the report of `edge`.
fn key_chain() -> anyhow::Result<ChainCost> {
    let mut stand = Stand::new();
    let chain = stand.chain(&KEY_CHAIN)?;
    let whole = measure(&mut stand, &Judged::Chain(&chain), &[], KEY_CHAIN.kind)?;
    let whole: Cost = whole.into_iter().sum();
    let (names, filters): (Vec<_>, Vec<_>) = stand.steps(&KEY_CHAIN)?.into_iter().unzip();
    let mut steps = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let judged = Judged::Filter(&*filters[at]);
        let costs = measure(&mut stand, &judged, &filters[..at], KEY_CHAIN.kind).context(name)?;
        let cost: Cost = costs.into_iter().sum();
        steps.push(StepCost {
            filter: name.to_owned(),
            nanoseconds: cost.nanoseconds,
            allocations: cost.allocations,
        });
    }
    Ok(ChainCost {
        nanoseconds: whole.nanoseconds,
        allocations: whole.allocations,
        steps,
    })
}

/// The strict reader of heads, which stands before every chain.
fn parser(table: &mut Table) -> anyhow::Result<()> {
    let limits = HeadLimits::STANDARD;
    let time = |mut work: Box<dyn FnMut()>| {
        let laps: Vec<Lap> = (0..WARM_UP + BATCHES)
            .map(|_| Lap::of(|| (0..PIECES).for_each(|_| work())))
            .collect();
        let mut costs = [Cost::default(); 4];
        costs[0] = Cost::median(&laps[WARM_UP..], PIECES);
        costs
    };
    let Parse::Complete { head, .. } = parse_request(HEAD, &limits) else {
        return Err(anyhow!("the head is not read"));
    };
    let parsing = time(Box::new(move || {
        black_box(parse_request(black_box(HEAD), &limits));
    }));
    put(table, "head of 146 bytes, read", &parsing);
    let framing = time(Box::new(move || {
        let _ = black_box(request_framing(black_box(&head)));
    }));
    put(table, "its framing", &framing);
    Ok(())
}

fn put(table: &mut Table, label: &str, costs: &[Cost; 4]) {
    let whole: Cost = costs.iter().copied().sum();
    let mut cells = vec![label.to_owned()];
    cells.extend(costs.iter().map(|cost| format!("{:.0}", cost.nanoseconds)));
    cells.push(format!("{:.0}", whole.nanoseconds));
    cells.push(format!("{:.1}", whole.allocations));
    table.row(cells);
}

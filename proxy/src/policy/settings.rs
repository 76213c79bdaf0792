//! What the process needs beside routes and chains, with the defaults of everything left out.

use super::judge::Judge;
use super::limits::{
    BUDGET_ALLOCATIONS_MAX, BUDGET_MAX, COLLECTED_BYTES_MAX, CONNECTIONS_PER_ADDRESS_MAX,
    DRAIN_MAX, MASTER_KEYS_MAX, POLL_MAX, TIMEOUT_MAX,
};
use super::values::{Budget, Connections, Keys, Lane, Listener, Memory, Settings};
use crate::config::units::LogTarget;
use crate::config::{Path, raw};
use filters::limits::{NETWORKS_MAX, QUOTA_OWNERS_MAX, REPLAY_ENTRIES_MAX, SIGNED_BODY_BYTES};
use filters::units::Network;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const ROOT: Path<'_> = Path::Root;

/// The defaults of the section `connections`.
const CONNECTIONS: Connections = Connections {
    per_address: 256,
    head_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(60),
    body_timeout: Duration::from_secs(30),
    write_timeout: Duration::from_secs(30),
    requests_per_connection: 10_000,
};

const DRAIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_secs(10);
const REPLAY_ENTRIES: u32 = 1_000_000;
const COLLECTED_BYTES: u64 = 256 << 20;

/// Everything but listeners, upstreams, chains and routes.
pub(super) fn settings(judge: &mut Judge<'_>, listeners: &[Listener]) -> Settings {
    Settings {
        trusted_proxies: trusted_proxies(judge),
        connections: connections(judge),
        drain: drain(judge),
        lane: lane(judge),
        admin: admin(judge, listeners),
        access_log: judge
            .raw
            .file
            .log
            .access
            .as_ref()
            .map_or(LogTarget::Stdout, |log| log.value.clone()),
        keys: keys(judge),
        memory: memory(judge),
    }
}

fn trusted_proxies(judge: &mut Judge<'_>) -> Vec<Network> {
    let section = ROOT.field("trusted_proxies");
    let written = &judge.raw.file.trusted_proxies;
    if let Some(first) = written.first() {
        judge.count(first.span, &section, written.len(), NETWORKS_MAX);
    }
    for (index, network) in written.iter().enumerate() {
        if network.is_everything() {
            let hint = "name the proxies: whoever is trusted says who its clients are";
            let found = "everybody as a trusted proxy";
            judge.wrong(network.span, &section.element(index), found, "", hint);
        }
    }
    written.iter().map(|network| network.value).collect()
}

fn connections(judge: &mut Judge<'_>) -> Connections {
    let section = ROOT.field("connections");
    let raw = judge.raw;
    let written = &raw.file.connections;
    let mut time = |value: &Option<_>, name, default| {
        judge.time(value.as_ref(), &section.field(name), default, TIMEOUT_MAX)
    };
    let head_timeout = time(
        &written.head_timeout,
        "head_timeout",
        CONNECTIONS.head_timeout,
    );
    let idle_timeout = time(
        &written.idle_timeout,
        "idle_timeout",
        CONNECTIONS.idle_timeout,
    );
    let body_timeout = time(
        &written.body_timeout,
        "body_timeout",
        CONNECTIONS.body_timeout,
    );
    let write_timeout = time(
        &written.write_timeout,
        "write_timeout",
        CONNECTIONS.write_timeout,
    );
    let per_address = judge.number(
        written.per_address.as_ref(),
        &section.field("per_address"),
        CONNECTIONS.per_address,
        1..=CONNECTIONS_PER_ADDRESS_MAX,
    );
    let requests_per_connection = judge.number(
        written.requests_per_connection.as_ref(),
        &section.field("requests_per_connection"),
        CONNECTIONS.requests_per_connection,
        1..=u32::MAX,
    );
    Connections {
        per_address,
        head_timeout,
        idle_timeout,
        body_timeout,
        write_timeout,
        requests_per_connection,
    }
}

fn lane(judge: &Judge<'_>) -> Lane {
    match judge.raw.file.lane.as_ref().map(|lane| lane.value) {
        None | Some(raw::Lane::Straight) => Lane::Straight,
        Some(raw::Lane::Pingora) => Lane::Pingora,
    }
}

/// What a chain may cost. No time at all is no budget: nothing would keep it.
pub(super) fn budget(judge: &mut Judge<'_>) -> Budget {
    let section = ROOT.field("budget");
    let raw = judge.raw;
    let written = &raw.file.budget;
    if let Some(chain) = &written.chain
        && (chain.0.is_zero() || chain.0 > BUDGET_MAX)
    {
        let found = format!("{:?}", chain.0);
        let expected = format!("1ns to {BUDGET_MAX:?}");
        let hint = "`tidegate bench` tells what the chains cost now";
        judge.wrong(chain.span, &section.field("chain"), found, expected, hint);
    }
    let allocations = written.allocations.as_ref();
    if let Some(allocations) = allocations {
        let path = section.field("allocations");
        judge.number(Some(allocations), &path, 0, 0..=BUDGET_ALLOCATIONS_MAX);
    }
    Budget {
        chain: written.chain.as_ref().map(|chain| chain.0),
        allocations: allocations.map(|allocations| allocations.value),
    }
}

fn drain(judge: &mut Judge<'_>) -> Duration {
    let written = judge.raw.file.drain.as_ref();
    // No time at all is a choice here: cut at once.
    match written {
        Some(drain) if drain.0.is_zero() => Duration::ZERO,
        _ => judge.time(written, &ROOT.field("drain"), DRAIN, DRAIN_MAX),
    }
}

/// Metrics and readiness tell about clients and upstreams: only this machine or its network may ask.
fn admin(judge: &mut Judge<'_>, listeners: &[Listener]) -> Option<SocketAddr> {
    let admin = judge.raw.file.admin.as_ref()?;
    let section = ROOT.field("admin");
    let path = section.field("address");
    let (address, span) = (admin.address.0, admin.address.span);
    if !is_private(address.ip()) {
        let found = format!("the public address {address}");
        let hint = format!("write `127.0.0.1:{}`", address.port());
        judge.wrong(span, &path, found, "a loopback or private one", hint);
    }
    if address.port() != 0 && listeners.iter().any(|listener| listener.address == address) {
        let found = format!("the address {address} of a listener for clients");
        judge.wrong(span, &path, found, "one of its own", "");
    }
    Some(address)
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn keys(judge: &mut Judge<'_>) -> Keys {
    let section = ROOT.field("keys");
    let raw = judge.raw;
    let Some(written) = &raw.file.keys else {
        return Keys {
            database: None,
            master_keys: Vec::new(),
            poll: POLL,
        };
    };
    let list = &written.master_keys;
    let path = section.field("master_keys");
    judge.count(list.span, &path, list.len(), MASTER_KEYS_MAX);
    for (index, key) in list.iter().enumerate() {
        if list[..index].iter().any(|other| other.value == key.value) {
            let found = format!("the master key {key} a second time");
            judge.wrong(
                key.span,
                &path.element(index),
                found,
                "",
                "remove one of the two",
            );
        }
    }
    let poll = judge.time(
        written.poll.as_ref(),
        &section.field("poll"),
        POLL,
        POLL_MAX,
    );
    Keys {
        database: written
            .database
            .as_ref()
            .map(|database| database.value.clone()),
        master_keys: list.iter().map(|key| key.value.clone()).collect(),
        poll,
    }
}

fn memory(judge: &mut Judge<'_>) -> Memory {
    let section = ROOT.field("memory");
    let raw = judge.raw;
    let written = &raw.file.memory;
    let bound = |max: usize| u32::try_from(max).unwrap_or(u32::MAX);
    let replay_entries = judge.number(
        written.replay_entries.as_ref(),
        &section.field("replay_entries"),
        REPLAY_ENTRIES,
        1..=bound(REPLAY_ENTRIES_MAX),
    );
    let buckets = judge.number(
        written.buckets.as_ref(),
        &section.field("buckets"),
        bound(QUOTA_OWNERS_MAX),
        1..=bound(QUOTA_OWNERS_MAX),
    );
    let collected = written
        .collected
        .as_ref()
        .map_or(COLLECTED_BYTES, |size| size.0);
    if let Some(size) = &written.collected
        && !(SIGNED_BODY_BYTES..=COLLECTED_BYTES_MAX).contains(&collected)
    {
        let found = format!("{collected} bytes");
        let expected = format!("{SIGNED_BODY_BYTES} to {COLLECTED_BYTES_MAX}");
        let hint = "one signed body must find room, and all of them together the machine's memory";
        judge.wrong(
            size.span,
            &section.field("collected"),
            found,
            expected,
            hint,
        );
    }
    Memory {
        replay_entries: replay_entries as usize,
        buckets: buckets as usize,
        collected,
    }
}

//! The rules of the house, checked by reading it (README, "Never").
//!
//! Every rule is a function from the tracked files to findings, and is itself tested with a house
//! that breaks it: a rule that cannot fail holds nothing. What only a reader can judge (whether a
//! bound is sensible, whether a page tells the truth) stops here. No rule has a list of exceptions;
//! where one is right, the rule's own text says so.

mod arrows;
mod attributes;
mod documents;
mod hardening;
mod house;
mod never;
mod samples;
mod source;
mod text;

use house::{Finding, House};

fn check(rule: fn(&House) -> Vec<Finding>) {
    let findings = rule(&House::open());
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn there_is_a_house_to_read() {
    let house = House::open();
    for room in [
        "filters/src/",
        "proxy/src/edge/pingora/",
        "control/src/",
        "database/src/",
    ] {
        assert!(
            house.rust_in(room).count() > 0,
            "nothing was read in {room}"
        );
    }
}

#[test]
fn never_1_filters_touch_nothing_outside() {
    check(never::filters_touch_nothing_outside);
}

#[test]
fn never_2_no_request_waits_for_the_database() {
    check(never::no_request_waits_for_the_database);
}

#[test]
fn never_3_pingoras_types_stay_in_their_room() {
    check(never::pingoras_types_stay_in_their_room);
}

#[test]
fn never_5_only_three_filters_prove() {
    check(never::only_three_filters_prove);
}

#[test]
fn never_7_control_and_edge_do_not_meet() {
    check(never::control_and_edge_do_not_meet);
}

#[test]
fn never_9_secrets_are_never_shown() {
    check(never::secrets_are_never_shown);
}

#[test]
fn never_10_no_statics_with_state() {
    check(never::no_statics_with_state);
}

#[test]
fn crates_depend_only_along_the_arrows() {
    check(arrows::between_crates);
}

#[test]
fn modules_import_only_along_the_arrows() {
    check(arrows::between_modules);
}

#[test]
fn every_file_opens_with_its_page() {
    check(text::every_file_opens_with_its_page);
}

#[test]
fn no_file_is_too_long() {
    check(text::no_file_is_too_long);
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    check(text::nothing_names_a_machine_or_a_registry);
}

#[test]
fn nothing_is_left_to_do() {
    check(text::nothing_is_left_to_do);
}

#[test]
fn every_exception_has_its_reason() {
    check(attributes::every_exception_has_its_reason);
}

#[test]
fn every_reason_has_its_page() {
    check(documents::every_reason_has_its_page);
}

#[test]
fn every_reason_has_a_test() {
    check(documents::every_reason_has_a_test);
}

#[test]
fn the_map_names_every_folder() {
    check(documents::the_map_names_every_folder);
}

#[test]
fn every_filter_is_in_the_readme() {
    check(documents::every_filter_is_in_the_readme);
}

#[test]
fn every_hostile_case_has_its_tests() {
    check(hardening::every_hostile_case_has_its_tests);
}

#[test]
fn links_lead_somewhere() {
    check(documents::links_lead_somewhere);
}

//! What changes while requests flow (A46): keys end, policies are replaced, limits move. No request is
//! lost, none is judged by neither the old nor the new, and after the change only the new one counts.

use super::partner::House;
use futures_util::future::{join, join_all};
use std::cell::{Cell, RefCell};
use tests::eventually;
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::{Answer, Raw};
use tests::signer::Signer;
use tests::stage::BEGIN_S;

/// Clients at once, half of them streams of one HTTP/2 connection.
const CLIENTS: usize = 12;

/// Answers that each client gets between two changes.
const ANSWERS: usize = 3;

fn word(answer: &Answer) -> String {
    match answer.status {
        200 => "ok".to_owned(),
        _ => answer.reason(),
    }
}

/// One client of either kind.
enum Client {
    One(Box<Raw>),
    Two(Http2),
}

impl Client {
    async fn several(house: &House) -> Vec<Self> {
        let http2 = Http2::connect(house.stage.addresses[1]).await;
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            clients.push(if number % 2 == 0 {
                Self::One(Box::new(Raw::connect(house.stage.address).await))
            } else {
                Self::Two(http2.clone())
            });
        }
        clients
    }

    /// A request and its answer: that there is none fails the test.
    async fn ask(&mut self, house: &House, message: &Message) -> Answer {
        match self {
            Self::One(raw) => raw.ask(house.wire(message)).await,
            Self::Two(http2) => http2.ask(message).await,
        }
    }
}

/// One thing that is changed, and what every request is answered with afterwards.
type Change<'a> = (Box<dyn Fn() + 'a>, &'static str);

/// Changes one thing after the other while clients ask without pause. The time is counted in halves:
/// an even one is settled, in an odd one a change is being made.
async fn check(house: &House, signer: &Signer, changes: Vec<Change<'_>>) {
    let changes = &changes[..];
    let (time, number) = (Cell::new(0), Cell::new(0));
    let answers = RefCell::new(vec![[0; CLIENTS]; changes.len() + 1]);
    let end = 2 * changes.len() + 1;
    let passed = Cell::new(0);
    let clients = Client::several(house).await;
    let load = join_all(
        clients
            .into_iter()
            .enumerate()
            .map(async |(at, mut client)| {
                while time.get() < end {
                    let begun = time.get();
                    number.set(number.get() + 1);
                    let message = house.get(signer, "/api/v1/orders", number.get());
                    let word = word(&client.ask(house, &message).await);
                    let ended = time.get().min(end - 1);
                    let judges = begun / 2..=ended.div_ceil(2);
                    let right = judges.clone().any(|judge| word == expected(changes, judge));
                    assert!(right, "client {at}, by {judges:?} of the changes: {word}");
                    passed.set(passed.get() + usize::from(word == "ok"));
                    if begun == ended && begun % 2 == 0 {
                        answers.borrow_mut()[begun / 2][at] += 1;
                    }
                }
            }),
    );
    let settled = async |at: usize| {
        eventually("answers to every client", async || {
            answers.borrow()[at].iter().all(|&count| count >= ANSWERS)
        })
        .await;
    };
    let drive = async {
        settled(0).await;
        for (at, (change, _)) in changes.iter().enumerate() {
            time.set(2 * at + 1);
            change();
            time.set(2 * at + 2);
            settled(at + 1).await;
        }
        time.set(end);
    };
    join(load, drive).await;
    // Whatever passed has reached the upstream, and nothing else has.
    assert_eq!(house.witness.begun(), passed.get());
}

fn expected(changes: &[Change<'_>], judge: usize) -> &'static str {
    match judge {
        0 => "ok",
        after => changes[after - 1].1,
    }
}

#[tokio::test]
async fn a_key_that_expires_under_load_ends_for_all_at_once() {
    let house = House::start().await;
    let signer = house
        .stage
        .key(2, |record| record.expires_s = Some(BEGIN_S + 60));
    let clock = &house.stage.fakes.clock;
    let changes: Vec<Change<'_>> = vec![
        (Box::new(|| clock.advance_ms(59_999)), "ok"),
        (Box::new(|| clock.advance_ms(1)), "expired_key"),
        (Box::new(|| clock.advance_s(100)), "expired_key"),
    ];
    check(&house, &signer, changes).await;
    house.stage.stop().await;
}

#[tokio::test]
async fn a_key_that_is_revoked_under_load_ends_for_all_at_once() {
    let house = House::start().await;
    let signer = house.stage.key(2, |_| {});
    let revoke = |revoked| drop(house.stage.key(2, |record| record.revoked = revoked));
    let changes: Vec<Change<'_>> = (0..10)
        .map(|round| -> Change<'_> {
            let revoked = round % 2 == 0;
            let word = if revoked { "revoked_key" } else { "ok" };
            (Box::new(move || revoke(revoked)), word)
        })
        .collect();
    check(&house, &signer, changes).await;
    house.stage.stop().await;
}

/// Each policy says something else about the same request.
#[tokio::test]
async fn a_policy_that_is_replaced_under_load_counts_for_every_request_after_it() {
    const POLICIES: [(&str, &str, &str); 5] = [
        (
            "    - api_key\n",
            "    - { ip_allow: { allow: [10.0.0.0/8] } }\n    - api_key\n",
            "address_not_allowed",
        ),
        ("drain: 5s", "drain: 6s", "ok"),
        ("path: /*", "path: /elsewhere/*", "no_route"),
        (
            "[GET, POST, PUT, PATCH, DELETE]",
            "[POST]",
            "method_not_allowed",
        ),
        (
            "schemes: [v1, body-timestamp]",
            "schemes: [body-timestamp]",
            "unaccepted_scheme",
        ),
    ];
    let house = House::start().await;
    let changes: Vec<Change<'_>> = (0..8)
        .flat_map(|_| POLICIES)
        .map(|(from, to, word)| -> Change<'_> {
            let house = &house;
            (Box::new(move || house.reload(&[(from, to)])), word)
        })
        .collect();
    check(&house, &house.signer, changes).await;
    house.stage.stop().await;
}

/// A limit that is moved while clients draw on it: what was used stays used. A request that is still
/// judged by the former limit may leave the bucket no emptier than that limit knows (see `Quotas`), so
/// that one change gives away what it raises the limit by, at the very most.
#[tokio::test]
async fn a_limit_that_changes_under_load_keeps_what_was_used() {
    const TIER: &str = "free: { hourly: 100000/h, burst: 50000/min }";
    const FIRST: usize = 150;
    let limit = |burst: usize| format!("free: {{ hourly: 100000/h, burst: {burst}/min }}");
    let house = House::start_as(&[(TIER, &limit(FIRST))]).await;
    let (number, passed, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let over = Cell::new(false);
    let clients = Client::several(&house).await;
    let load = join_all(clients.into_iter().map(async |mut client| {
        while !over.get() {
            number.set(number.get() + 1);
            let message = house.get(&house.signer, "/api/v1/orders", number.get());
            match word(&client.ask(&house, &message).await).as_str() {
                "ok" => passed.set(passed.get() + 1),
                "burst_exceeded" => refused.set(refused.get() + 1),
                other => panic!("{other}"),
            }
        }
    }));
    let drive = async {
        let all_refused = async || {
            let before = refused.get();
            eventually("refusals", async || refused.get() >= before + 4 * CLIENTS).await;
        };
        eventually("some answers", async || passed.get() >= FIRST / 2).await;
        // In the middle of the flow, and when nothing flows any more.
        for burst in [250, 300, 300, 420] {
            house.reload(&[(TIER, &limit(burst))]);
            if burst == 250 {
                eventually("more answers", async || passed.get() >= 200).await;
                continue;
            }
            all_refused().await;
            let most = burst + (burst - FIRST);
            assert!((burst..=most).contains(&passed.get()), "{}", passed.get());
        }
        // Lowered, it lets through those at most that were on their way.
        let before = passed.get();
        house.reload(&[(TIER, &limit(100))]);
        all_refused().await;
        assert!(passed.get() <= before + CLIENTS);
        let settled = passed.get();
        all_refused().await;
        assert_eq!(passed.get(), settled);
        over.set(true);
    };
    join(load, drive).await;
    assert_eq!(house.witness.begun(), passed.get());
    house.stage.stop().await;
}

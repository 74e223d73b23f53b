//! Histories of one node as text: what happens, and what each thing causes.

use model::report::{Cause, End};

use super::*;

#[test]
fn a_start_is_judged_by_boot_lease_age_and_room() {
    // Two slots; beats 1 and 2 are sent at 1000 and 6000; starts expire 20 s after the beat that they name.
    let history = [
        ("beat 1000", "1 stored 0 holds -"),
        ("answer 1", ""),
        ("beat 6000", "2 stored 0 holds -"),
        ("start a beat 1 at 7000", "take until 601000"),
        ("start a beat 1 at 7000", "ignore: its lease is known"),
        ("start s strict beat 2 at 7000", "take until 31000"),
        ("start c beat 2 at 7000", "refuse Full"),
        ("start d beat 1 at 21001", "refuse Expired"),
        ("start d beat 2 at 7000", "ignore: its lease is known"),
        ("start e beat 9 at 7000", "refuse Expired"),
        ("start f boot x beat 2 at 7000", "ignore: for another boot"),
        ("start g journal 9 beat 2 at 7000", "ignore: of a journal not met yet; it will be sent again"),
        ("accepted a", ""),
        ("beat 11000", "3 stored 1 holds as"),
        ("finished a", ""),
        ("beat 16000", "4 stored 2 holds s"),
        ("start a beat 3 at 16000", "ignore: its lease is known"),
        ("close", ""),
        ("start h beat 3 at 16000", "refuse Closed"),
        ("beat 17000", "5 stored 2 holds s closed"),
        ("reopen", ""),
        ("start i beat 3 at 31000", "take until 611000"),
    ];
    play(&history);
}

#[test]
fn a_start_that_is_taken_is_held_at_once_and_no_more_if_it_cannot_be_stored() {
    play(&[
        ("beat 1000", "1 stored 0 holds -"),
        ("start a beat 1 at 1100", "take until 601000"),
        ("beat 2000", "2 stored 0 holds a"),
        ("not taken a", ""),
        ("beat 3000", "3 stored 0 holds -"),
        ("start a beat 3 at 3100", "ignore: its lease is known"),
    ]);
}

#[test]
fn time_counts_from_sending_and_never_goes_back() {
    play(&[
        ("beat 1000", "1 stored 0 holds -"),
        ("start s strict beat 1 at 1100", "take until 17665"), // no answer yet: five sixths of what the start may wait
        ("start a beat 1 at 1100", "take until 601000"),
        ("beat 6000", "2 stored 0 holds as"),
        ("beat 11000", "3 stored 0 holds as"),
        ("answer 3", "renew a 611000, renew s 36000"),
        ("answer 2", ""),
        ("answer 77", ""),
        ("answer 3 boot x", ""),
    ]);
}

#[test]
fn only_leases_of_the_journal_that_answers_live_on() {
    play(&[
        ("beat 1000", "1 stored 0 holds -"),
        ("answer 1", ""),
        ("start a beat 1 at 1100", "take until 601000"),
        ("beat 6000", "2 stored 0 holds a"),
        ("answer 2 journal 9", "meet j9"),
        ("met 9", ""),
        ("beat 11000", "3 stored 0 holds a"),
        ("answer 3 journal 9", ""),
        ("answer 3 journal 9 stop a", "stop a 30000"),
        ("start b journal 9 beat 3 at 11000", "take until 611000"),
        ("beat 16000", "4 stored 0 holds ab"),
        ("answer 4 journal 9", "renew b 616000"),
    ]);
}

#[test]
fn a_later_beat_counts_even_within_the_same_millisecond() {
    play(&[
        ("beat 1000", "1 stored 0 holds -"),
        ("known since 0", "no"),
        ("answer 1", ""),
        ("known since 0", "yes"),
        ("known since 1", "no"),
        ("beat 1000", "2 stored 0 holds -"),
        ("beat 1000", "3 stored 0 holds -"),
        ("answer 3", ""),
        ("answer 2 journal 9", "meet j9"), // late: what was answered last counts
        ("known since 1", "yes"),
        ("known since 2", "yes"),
        ("known since 3", "no"),
        ("met 9", ""),
        ("known since 2", "no"),
        ("beat 1000", "4 stored 0 holds -"),
        ("answer 4 journal 9", ""),
        ("known since 3", "yes"),
    ]);
}

#[test]
fn an_answer_that_asks_for_a_hello_renews_nothing_and_a_stopped_lease_is_not_renewed() {
    play(&[
        ("beat 1000", "1 stored 0 holds -"),
        ("answer 1 taken", "taken, never joined"),
        ("answer 1 hello", "say hello"),
        ("answer 1", ""),
        ("start a beat 1 at 1100", "take until 601000"),
        ("beat 6000", "2 stored 0 holds a"),
        ("answer 2 hello", "say hello"),
        ("answer 2 taken", "taken"),
        ("answer 2 stop a", "stop a 30000"),
        ("answer 2 stop z", "renew a 606000"),
    ]);
}

#[test]
fn no_more_than_a_bound_is_remembered() {
    let mut rules = node();
    for n in 0..(ENDED as u64 + 10) {
        rules.beat(Millis(n));
        rules.refuse(LeaseId { seq: n, ..lease('a') }, Refusal::Full);
    }
    assert_eq!((rules.sent.len(), rules.ended.len(), rules.ended_order.len()), (BEATS, ENDED, ENDED));
    assert!(!rules.ended.contains(&LeaseId { seq: 9, ..lease('a') }));
    assert_eq!(rules.sent_at(1), None);
}

fn node() -> Rules {
    let card = Hello {
        slots: 2,
        memory_mb: 0,
        zone: String::new(),
        labels: BTreeMap::new(),
        was: None,
        journal: None,
        holds: Vec::new(),
    };
    Rules::new(BootId::new("me").unwrap(), card, Some(JournalId(5)))
}

fn play(history: &[(&str, &str)]) {
    let mut rules = node();
    for (at, (input, want)) in history.iter().enumerate() {
        assert_eq!(step(&mut rules, input), *want, "step {at}: {input}");
    }
}

/// Does what the words say; leases are letters.
fn step(rules: &mut Rules, input: &str) -> String {
    let words: Vec<&str> = input.split(' ').collect();
    let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1)).copied();
    let number = |word: &str| after(word).and_then(|n| n.parse::<u64>().ok());
    let letter = words.last().and_then(|word| word.chars().next()).unwrap();
    let boot = BootId::new(after("boot").unwrap_or("me")).unwrap();
    let journal = JournalId(number("journal").unwrap_or(5));
    match words[0] {
        "beat" => {
            let beat = rules.beat(Millis(words[1].parse().unwrap()));
            let holds: String = beat.holds.iter().map(letter_of).collect();
            let holds = if holds.is_empty() { "-" } else { &holds };
            let closed = if beat.closed.is_some() { " closed" } else { "" };
            format!("{} stored {} holds {holds}{closed}", beat.number, beat.stored)
        }
        "answer" => {
            let stop = after("stop").map(|letters| letters.chars().map(lease).collect()).unwrap_or_default();
            let answer = Renew {
                boot,
                beat: words[1].parse().unwrap(),
                journal,
                for_ms: Millis(25_000),
                orphan_ms: Millis(600_000),
                beat_ms: Millis(5_000),
                stop,
                hello: words.contains(&"hello"),
                taken: words.contains(&"taken").then(|| "another boot lives".to_owned()),
            };
            rules.heard(&answer).iter().map(told).collect::<Vec<_>>().join(", ")
        }
        "start" => {
            let lease = LeaseId { journal, ..lease(words[1].chars().next().unwrap()) };
            let beat = number("beat").unwrap();
            let start = start(boot, journal, lease, beat, words.contains(&"strict"));
            match rules.start(&start, Millis(number("at").unwrap())) {
                Verdict::Ignore(why) => format!("ignore: {why}"),
                Verdict::Refuse(why) => format!("refuse {why:?}"),
                Verdict::Take(until) => format!("take until {}", until.0),
            }
        }
        "known" => if rules.is_known_since(number("since").unwrap()) { "yes" } else { "no" }.to_owned(),
        other => {
            match other {
                "not" => rules.not_taken(lease(letter)),
                "met" => rules.met(JournalId(words[1].parse().unwrap())),
                "close" => rules.close(Closed::Disk, "full".into()),
                "reopen" => rules.reopen(Closed::Disk),
                "accepted" => stored(rules, &ReportKind::Accepted { lease: lease(letter) }),
                "finished" => stored(rules, &ReportKind::Finished { lease: lease(letter), end: end() }),
                _ => panic!("no such word: {other}"),
            }
            String::new()
        }
    }
}

fn told(deed: &Deed) -> String {
    match deed {
        Deed::Renew(lease, until) => format!("renew {} {}", letter_of(lease), until.0),
        Deed::Stop(lease, grace) => format!("stop {} {}", letter_of(lease), grace.0),
        Deed::Meet(journal) => format!("meet {journal}"),
        Deed::SayHello => "say hello".into(),
        Deed::Taken(_, true) => "taken, never joined".into(),
        Deed::Taken(_, false) => "taken".into(),
    }
}

fn stored(rules: &mut Rules, kind: &ReportKind) {
    rules.stored(rules.stored + 1, kind);
}

fn lease(letter: char) -> LeaseId {
    LeaseId { journal: JournalId(5), partition: 0, epoch: 1, seq: u64::from(u32::from(letter)), index: 0 }
}

fn letter_of(lease: &LeaseId) -> char {
    u32::try_from(lease.seq).ok().and_then(char::from_u32).unwrap()
}

fn start(boot: BootId, journal: JournalId, lease: LeaseId, after_beat: u64, strict: bool) -> Start {
    Start {
        id: "c1".into(),
        journal,
        boot,
        attempt: "f-1/t@1".into(),
        lease,
        after_beat,
        expires_ms: Millis(20_000),
        strict,
        slots: 1,
        run: vec!["true".into()],
        env: BTreeMap::new(),
        dir: None,
        timeout_ms: Millis(60_000),
        stall_ms: None,
        grace_ms: Millis(30_000),
        memory_mb: 0,
        checkpoint: None,
        results: Vec::new(),
    }
}

fn end() -> End {
    crate::charge::without_word(Cause::Exit, String::new()).end
}

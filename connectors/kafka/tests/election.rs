//! Why an instance is not in the group that says who should lead: each reason is said once, with what to do. Nothing else
//! shows it, since who is outside leads partitions whose leader is silent.

use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use broker::{Broker, Options, To};
use kafka::{Election, Settings, topics};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// What was warned of, one a line.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Keeps warnings, and nothing else.
struct Warnings;

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("kafka")
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        event.record(&mut Line(&mut said));
        said.push('\n');
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{value:?}").expect("a string takes any text");
    }
}

/// Joins; who is in the group is told what to lead.
fn join(settings: &Settings, instance: &str) -> (Election, mpsc::Receiver<()>) {
    let (is_in, heard) = mpsc::sync_channel(1);
    let lead = Box::new(move |_| is_in.try_send(()).unwrap_or_default());
    (Election::join(settings, instance, lead, Box::new(|_| 0)).expect("a client can be made"), heard)
}

/// How often these words were said, once they were, and the group had time to say them again.
fn times(words: &str) -> usize {
    let said = || SAID.lock().unwrap_or_else(PoisonError::into_inner).matches(words).count();
    let deadline = Instant::now() + Duration::from_secs(30);
    while said() == 0 {
        assert!(Instant::now() < deadline, "`{words}` in time, not only {SAID:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(3));
    said()
}

#[test]
fn who_is_not_let_into_the_group_or_has_lost_its_name_to_another_is_told_so_once() {
    tracing::subscriber::set_global_default(Warnings).expect("there is no other in this process");
    let broker = Broker::start(Options::secured(&[("reprise", "secret")]));
    let prefix = broker::prefix();
    let keys = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "reprise"),
        ("sasl.password", "secret"),
    ];
    let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let settings = Settings { brokers: broker.secured_address(), prefix: prefix.clone(), keys };
    broker.allow("reprise", &["All"], To::Topics(&prefix));
    topics::ensure(&settings, Some(1)).expect("topics can be made");

    let first = join(&settings, "same");
    let group = format!("{prefix}reprise");
    assert_eq!(times(&format!("--allow-principal User:reprise --operation Read --group {group}")), 1, "{SAID:?}");

    broker.allow("reprise", &["Read"], To::Group(&group));
    first.1.recv_timeout(Duration::from_secs(60)).expect("it is let into the group");
    let second = join(&settings, "same");
    assert_eq!(times("each engine needs a data folder of its own"), 1, "{SAID:?}");
    drop((first, second));
    assert_eq!(SAID.lock().unwrap_or_else(PoisonError::into_inner).lines().count(), 2, "{SAID:?}");
}

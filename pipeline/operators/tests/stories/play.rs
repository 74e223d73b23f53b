//! Plays a story: decides, folds and schedules as a leader does, and tells what each line caused in a few words.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::command::Order;
use model::event::{AttemptOutcome, TakeBack};
use model::request::{Answer, Ask, Request, Submit};
use model::{
    Body, Event, ExecutionId, Heartbeat, JournalId, Key, LeaseId, Millis, NodeId, PoolId, PoolSettings, Report,
    Timestamp,
};
use operators::fold::When;
use operators::{Config, Context, Input, Soft, State};

/// A pool with its leader.
pub struct Play {
    pub state: State,
    pub soft: Soft,
    pub now: Timestamp,
    pub config: Config,
    seq: u64,
    nodes: BTreeMap<String, Node>,
    keys: u32,
}

#[derive(Default)]
struct Node {
    boot: String,
    seq: u64,
    beat: u64,
    holds: BTreeMap<String, LeaseId>,
}

impl Play {
    /// A new journal, `lost` after one second, an hour after its first announcement.
    pub fn new() -> Self {
        let policies = ["default", "none"].map(|name| Arc::new(flow::policy::builtin(name).unwrap())).to_vec();
        let settings = PoolSettings::for_lost(Millis(1_200));
        let config = Config { settings, policies, ..Config::default() };
        let now = Timestamp(3_600_000);
        let mut soft = Soft::default();
        soft.reset(&State::default(), now);
        Self { state: State::default(), soft, now, config, seq: 1, nodes: BTreeMap::new(), keys: 0 }
    }

    /// Plays a table: on each line what happens, `=>`, and what it must cause.
    pub fn table(&mut self, table: &str) {
        for line in table.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (told, want) = line.split_once("=>").unwrap_or((line, ""));
            let caused = self.tell(told.trim());
            assert_eq!(caused, want.trim(), "after `{}`", told.trim());
        }
    }

    /// Tells what happens, and returns what it caused.
    pub fn tell(&mut self, told: &str) -> String {
        let words: Vec<&str> = told.split_whitespace().collect();
        let events = match words.as_slice() {
            ["submit", ..] => self.submit(told.trim_start_matches("submit").trim()),
            ["wait", ms] => self.wait(ms.parse().unwrap()),
            ["quiet", ms] => self.quiet(ms.parse().unwrap()),
            ["lost", "is", ms] => self.lost_is(ms.parse().unwrap()),
            ["ask", ask] => self.ask(serde_json::from_str(ask).unwrap(), None),
            [node, "joins", slots, rest @ ..] => self.joins(node, slots, rest.first().unwrap_or(&"a")),
            [node, "restarts"] => self.restarts(node),
            [node, "beats", rest @ ..] => self.beats(node, rest.first() == Some(&"closed")),
            [node, "drops", task] => {
                self.node(node).holds.remove(*task);
                Vec::new()
            }
            [node, "leaves"] => self.says(node, r#""kind":"goodbye","why":"done""#),
            [node, "takes", task] => self.takes(node, task),
            [node, "refuses", task] => self.of(node, task, r#""kind":"refused","why":"full""#),
            [node, "saves", task, text] => self.of(node, task, &format!(r#""kind":"checkpoint","text":"{text}""#)),
            [node, "passes", task] => self.ends(node, task, r#""exit":0,"cause":"exit""#),
            [node, "fails", task] => self.ends(node, task, r#""exit":1,"cause":"exit""#),
            [node, "ends", task, cause] => self.ends(node, task, &format!(r#""cause":"{cause}","max_rss_mb":100"#)),
            other => panic!("no such line: {other:?}"),
        };
        events.iter().filter_map(|e| self.words(e)).collect::<Vec<_>>().join(", ")
    }

    /// Lets time pass while all nodes beat.
    fn wait(&mut self, ms: u64) -> Vec<Event> {
        let mut events = Vec::new();
        let end = self.now + Millis(ms);
        while self.now < end {
            self.now = (self.now + Millis(200)).min(end);
            let names: Vec<String> = self.nodes.keys().cloned().collect();
            for name in names {
                events.extend(self.beats(&name, false));
            }
        }
        events
    }

    /// Lets time pass in silence.
    pub fn quiet(&mut self, ms: u64) -> Vec<Event> {
        let end = self.now + Millis(ms);
        let mut events = Vec::new();
        while self.now < end {
            self.now = (self.now + Millis(100)).min(end);
            events.extend(self.go_on());
        }
        events
    }

    /// The engine was started again with another `lost`.
    fn lost_is(&mut self, ms: u64) -> Vec<Event> {
        self.config.settings = PoolSettings::for_lost(Millis(ms));
        self.soft.reset(&self.state, self.now);
        self.input(Input::Led)
    }

    fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.get_mut(name).unwrap_or_else(|| panic!("no node {name}"))
    }

    fn joins(&mut self, name: &str, slots: &str, zone: &str) -> Vec<Event> {
        let node = Node { boot: format!("{name}-b1"), ..Node::default() };
        self.nodes.entry(name.to_owned()).or_insert(node);
        let hello =
            format!(r#""kind":"hello","slots":{slots},"memory_mb":1000,"zone":"{zone}","labels":{{"os":"linux"}}"#);
        let mut events = self.says(name, &hello);
        events.extend(self.beats(name, false));
        events
    }

    fn restarts(&mut self, name: &str) -> Vec<Event> {
        let was = self.node(name).boot.clone();
        let boot = format!("{was}+");
        self.nodes.insert(name.to_owned(), Node { boot, ..Node::default() });
        self.says(name, &format!(r#""kind":"hello","slots":2,"memory_mb":1000,"zone":"a","was":"{was}""#))
    }

    fn beats(&mut self, name: &str, closed: bool) -> Vec<Event> {
        let up = self.now.0;
        let node = self.node(name);
        node.beat += 1;
        let heartbeat = serde_json::json!({
            "pool": "p", "node": name, "boot": node.boot, "beat": node.beat, "up_ms": up, "stored": node.seq,
            "holds": node.holds.values().collect::<Vec<_>>(), "closed": closed.then_some("disk full"),
        });
        let heartbeat: Heartbeat = serde_json::from_value(heartbeat).unwrap();
        self.soft.observe_beat(&self.state, &heartbeat, self.now);
        self.go_on()
    }

    fn takes(&mut self, name: &str, task: &str) -> Vec<Event> {
        let lease = self.lease(task);
        self.node(name).holds.insert(task.to_owned(), lease);
        let mut events = self.of(name, task, r#""kind":"accepted""#);
        events.extend(self.of(name, task, r#""kind":"started","pid":1"#));
        events
    }

    fn ends(&mut self, name: &str, task: &str, how: &str) -> Vec<Event> {
        let events = self.of(name, task, &format!(r#""kind":"finished",{how}"#));
        self.node(name).holds.remove(task);
        events
    }

    fn of(&mut self, name: &str, task: &str, what: &str) -> Vec<Event> {
        let held = self.node(name).holds.get(task).copied();
        let lease = held.unwrap_or_else(|| self.lease(task));
        self.says(name, &format!(r#"{what},"lease":"{lease}""#))
    }

    /// The lease that a task has.
    fn lease(&self, task: &str) -> LeaseId {
        let pool = &self.state.pools[&pool()];
        let tasks = pool.executions.values().rev().flat_map(|e| &e.tasks);
        tasks.filter(|t| t.spec.id.as_str() == task).find_map(|t| Some(t.attempt()?.lease)).expect("it runs")
    }

    fn says(&mut self, name: &str, what: &str) -> Vec<Event> {
        let node = self.node(name);
        node.seq += 1;
        let report = format!(r#"{{{what},"pool":"p","node":"{name}","boot":"{}","seq":{}}}"#, node.boot, node.seq);
        let report: Report = serde_json::from_str(&report).unwrap();
        self.soft.observe_report(&self.state, &report, self.now);
        self.input(Input::Report(report))
    }

    fn submit(&mut self, flow: &str) -> Vec<Event> {
        let text = format!("flow: f\n{}", flow.replace("; ", "\n").replace('|', "  "));
        let checked = flow::parse("f.yaml", text.as_bytes(), flow::Format::Yaml)
            .unwrap_or_else(|d| panic!("{}", flow::render(&d, "f.yaml", &text)));
        let parts = checked.parts();
        let count = u32::try_from(parts.len()).unwrap();
        let key = format!("flow{}", self.keys);
        let mut events = Vec::new();
        for (part, flow) in (0..).zip(parts) {
            let submit = Submit { content: checked.content(), part, parts: count, priority: None, flow };
            events = self.ask(Ask::Submit(submit), Some(&key));
        }
        events
    }

    /// A task that runs fails for want of memory until it is parked.
    pub fn parks(&mut self, node: &str, task: &str) {
        for _ in 0..5 {
            if self.tell(&format!("{node} ends {task} memory")).contains("parked") {
                return;
            }
            self.tell(&format!("{node} takes {task}"));
        }
        panic!("{task} is not parked");
    }

    /// Asks something, with a key of its own if none is given.
    pub fn ask(&mut self, ask: Ask, key: Option<&str>) -> Vec<Event> {
        let request = self.request(ask, key);
        self.input(request)
    }

    /// Asks several things before anything of them goes on; returns what that caused.
    pub fn ask_together(&mut self, asks: Vec<Ask>) -> String {
        let mut events = Vec::new();
        for ask in asks {
            let request = self.request(ask, None);
            events.extend(self.fold(|play, ctx| operators::decide(&play.state, &play.soft, &request, ctx)));
        }
        events.extend(self.go_on());
        events.iter().filter_map(|e| self.words(e)).collect::<Vec<_>>().join(", ")
    }

    fn request(&mut self, ask: Ask, key: Option<&str>) -> Input {
        self.keys += 1;
        let key = key.map_or_else(|| format!("k{}", self.keys), str::to_owned);
        let (pool, key) = (pool(), Key::new(&key).unwrap());
        let (who, reason) = ("ann".to_owned(), String::new());
        Input::Request(Request { pool, key, who, at: self.now, reason, ask })
    }

    /// Decides an input, then what is due, then dispatches, as a leader does.
    pub fn input(&mut self, input: Input) -> Vec<Event> {
        let mut events = self.fold(|play, ctx| operators::prepare(&play.state, &input, ctx));
        events.extend(self.fold(|play, ctx| operators::decide(&play.state, &play.soft, &input, ctx)));
        events.extend(self.go_on());
        events
    }

    fn go_on(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        self.soft.caught_up = true;
        for step in 0.. {
            assert!(step < 100_000, "what is due comes to an end: {:?}", &all[all.len() - 6..]);
            let mut events = self.fold(|play, ctx| operators::due(&play.state, &play.soft, ctx));
            if events.is_empty() {
                events = self.fold(|play, ctx| operators::watch(&play.state, &play.soft, ctx));
            }
            if events.is_empty() {
                break;
            }
            all.extend(events);
        }
        self.soft.settle(&self.state);
        loop {
            let events = self.fold(|play, ctx| operators::schedule(&play.state, &mut play.soft, ctx));
            if events.is_empty() {
                break;
            }
            all.extend(events);
        }
        all
    }

    fn fold(&mut self, decide: impl FnOnce(&mut Self, &Context<'_>) -> Vec<Event>) -> Vec<Event> {
        let config = self.config.clone();
        let first_announced = Timestamp(0);
        let (now, seq) = (self.now, self.seq);
        let journal = JournalId(5);
        let ctx = Context {
            now,
            journal,
            partition: 0,
            epoch: 1,
            seq,
            index: 0,
            position: 0,
            first_announced,
            config: &config,
        };
        let events = decide(self, &ctx);
        assert!(events.len() <= model::event::MAX_EVENTS, "a decision is bounded");
        for event in &events {
            operators::fold(&mut self.state, event, When { now, seq });
            operators::soft_events::observe(&self.state, &mut self.soft, event, now);
            if let Some(command) = operators::commands::of(&self.state, event, &ctx)
                && let Order::Start(start) = command.order
            {
                assert_eq!(
                    start.boot.as_str(),
                    self.nodes[command.node.as_str()].boot,
                    "a start is for the present boot"
                );
            }
        }
        self.seq += 1;
        events
    }

    /// An execution of the flow by its number.
    pub fn execution(&self, number: u32) -> &operators::state::Execution {
        self.state.pools[&pool()].execution(number).unwrap()
    }

    fn name(&self, at: model::event::TaskRef) -> String {
        self.execution(at.execution).tasks[at.task as usize].spec.id.to_string()
    }

    /// An event in a few words; none for those that only keep books.
    fn words(&self, event: &Event) -> Option<String> {
        let name = |at: &model::event::TaskRef| self.name(*at);
        Some(match &event.event {
            Body::AttemptDispatched(d) if d.resumes => format!("{}@{} to {} resumes", name(&d.at), d.attempt, d.node),
            Body::AttemptDispatched(d) => format!("{}@{} to {}", name(&d.at), d.attempt, d.node),
            Body::AttemptTakenBack { at, why, .. } => match why {
                TakeBack::Refused(_) => format!("{} refused", name(at)),
                TakeBack::Unseen => format!("{} unseen", name(at)),
                TakeBack::NodeLost => format!("{} not begun", name(at)),
            },
            Body::AttemptCancelRequested { at, .. } => format!("cancel {}", name(at)),
            Body::AttemptEnded(e) if e.outcome == AttemptOutcome::Lost => format!("{} lost", name(&e.at)),
            Body::FailureClassified(c) => format!("{} {}", name(&c.at), c.class.word()),
            Body::RetryDecided(d) if d.delay_ms > Millis(0) => format!("{} in {}", d.rule, d.delay_ms),
            Body::RetryDecided(d) => d.rule.clone(),
            Body::TaskEnded { at, result } => format!("{} {}", name(at), format!("{result:?}").to_lowercase()),
            Body::TaskSkipped { at, because, .. } => {
                let because = self.name(model::event::TaskRef { task: *because, ..*at });
                format!("{} skipped for {because}", name(at))
            }
            Body::TaskParked { at, .. } => format!("{} parked", name(at)),
            Body::NodeJoined(j) => format!("{} joined", j.node),
            Body::NodeSuspected { node, .. } => format!("{node} suspect"),
            Body::NodeReturned { node, .. } => format!("{node} back"),
            Body::NodeLost { node, .. } => format!("{node} lost"),
            Body::NodeLeft { node, .. } => format!("{node} left"),
            Body::ZoneEmergency { on, zone, .. } => format!("zone {zone} {}", if *on { "silent" } else { "heard" }),
            Body::ExecutionEnded { state, .. } => format!("{state:?}").to_lowercase(),
            Body::ExecutionReopened { round, .. } => format!("round {round}"),
            Body::ExecutionPaused { .. } => "paused".to_owned(),
            Body::ExecutionResumed { .. } => "resumed".to_owned(),
            Body::ExecutionCancelRequested { .. } => "cancelling".to_owned(),
            Body::ExecutionForgotten { execution, .. } => format!("{execution} forgotten"),
            Body::ReportStale { .. } => "stale".to_owned(),
            Body::InputRejected { reason, .. } => format!("rejected: {reason}"),
            Body::RequestAnswered { answer: Answer::Refused { message, .. }, .. } => format!("refused: {message}"),
            Body::UploadExpired { .. } => "upload expired".to_owned(),
            Body::PoolSettingsPut { .. }
            | Body::PolicyPut { .. }
            | Body::RequestAnswered { .. }
            | Body::KeysForgotten { .. }
            | Body::FlowPart { .. }
            | Body::ExecutionStarted { .. }
            | Body::ExecutionStopped { .. }
            | Body::WorkDone { .. }
            | Body::TaskReady { .. }
            | Body::TaskReset { .. }
            | Body::TaskNeedsPut { .. }
            | Body::AttemptAccepted { .. }
            | Body::AttemptStarted { .. }
            | Body::AttemptProgressed { .. }
            | Body::AttemptCheckpointed { .. }
            | Body::AttemptEnded(_)
            | Body::TestResults { .. }
            | Body::RecoveryPhase { .. }
            | Body::LockGranted { .. }
            | Body::LockReleased { .. }
            | Body::NotifiedUpTo { .. } => return None,
        })
    }
}

/// The pool of every story.
pub fn pool() -> PoolId {
    PoolId::new("p").unwrap()
}

/// The execution with this number.
pub fn id(number: u32) -> ExecutionId {
    format!("f-{number}").parse().unwrap()
}

/// A node's name.
pub fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

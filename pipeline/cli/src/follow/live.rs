//! Where following is shown: a bar below the lines on a terminal, plain lines elsewhere, nothing for programs.

use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use gateway::view::ExecutionView;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bar;
use super::tale::Line;
use crate::paint::Paint;
use crate::screen;

/// How often counts are printed where there is no bar.
const EACH: Duration = Duration::from_secs(30);
/// How wide the bar is, in characters.
const BAR: &str = "{prefix}{bar:33.cyan/dim} {msg}";

/// A place for lines and counts.
#[derive(Debug)]
pub struct Live {
    kind: Kind,
    began: Instant,
}

#[derive(Debug)]
enum Kind {
    Terminal { bars: MultiProgress, bar: ProgressBar, nodes: ProgressBar, titled: bool },
    Plain { counted: Instant },
    Objects { last: Option<Box<ExecutionView>> },
    Silent,
}

impl Live {
    /// For people: with a bar if standard output is a terminal.
    pub fn new() -> Self {
        let began = Instant::now();
        if !stdout().is_terminal() {
            return Self { kind: Kind::Plain { counted: began }, began };
        }
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(10));
        let style =
            |template: &str| ProgressStyle::with_template(template).expect("the template is our own, and tried");
        let bar = bars.add(ProgressBar::new(0).with_style(style(BAR).progress_chars("━╸━")));
        let nodes = bars.add(ProgressBar::new(0).with_style(style("{msg}")));
        Self { kind: Kind::Terminal { bars, bar, nodes, titled: false }, began }
    }

    /// The same with time and name of the execution before the bar.
    pub fn titled() -> Self {
        let mut live = Self::new();
        if let Kind::Terminal { titled, .. } = &mut live.kind {
            *titled = true;
        }
        live
    }

    /// For programs: nothing is shown.
    pub fn silent() -> Self {
        Self { kind: Kind::Silent, began: Instant::now() }
    }

    /// For programs that want to see it go on: how it stands, an object a line whenever that changes.
    pub fn objects() -> Self {
        Self { kind: Kind::Objects { last: None }, began: Instant::now() }
    }

    /// Whether a line about nodes would be shown.
    pub fn wants_nodes(&self) -> bool {
        match self.kind {
            Kind::Terminal { .. } => true,
            Kind::Plain { .. } | Kind::Objects { .. } | Kind::Silent => false,
        }
    }

    /// Shows what became of tasks.
    pub fn lines(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.text(&line.text(self.paint()));
        }
    }

    /// Shows a word of our own.
    pub fn note(&mut self, words: &str) {
        let text = self.paint().dim(words);
        self.text(&text);
    }

    /// Shows how it stands.
    pub fn progress(&mut self, view: &ExecutionView, below: Option<String>) {
        let began = self.began;
        match &mut self.kind {
            Kind::Terminal { bar, nodes, titled, .. } => {
                let (over, total) = bar::done(view);
                bar.set_length(total);
                bar.set_position(over);
                if *titled {
                    bar.set_prefix(format!("{} {} {} ", clock(began), view.execution, view.state.word()));
                }
                bar.set_message(bar::counts(view));
                nodes.set_message(below.unwrap_or_default());
            }
            Kind::Plain { counted } if counted.elapsed() >= EACH => {
                *counted = Instant::now();
                screen::line(&format!(
                    "{} {} {}  {}",
                    clock(began),
                    view.execution,
                    view.state.word(),
                    bar::counts(view)
                ));
            }
            // The end is for whoever follows to tell.
            Kind::Objects { last } if view.ended.is_none() && last.as_ref().is_none_or(|last| differ(last, view)) => {
                screen::json(view);
                *last = Some(Box::new(view.clone()));
            }
            Kind::Plain { .. } | Kind::Objects { .. } | Kind::Silent => {}
        }
    }

    /// Takes the bar away; lines stay.
    pub fn finish(&mut self) {
        if let Kind::Terminal { bars, bar, nodes, .. } = &self.kind {
            bar.finish_and_clear();
            nodes.finish_and_clear();
            // Nobody is left to tell that the terminal is gone.
            let _ = bars.clear();
        }
    }

    fn paint(&self) -> Paint {
        match self.kind {
            Kind::Terminal { .. } | Kind::Plain { .. } => Paint::stdout(),
            Kind::Objects { .. } | Kind::Silent => Paint::PLAIN,
        }
    }

    fn text(&self, text: &str) {
        match &self.kind {
            Kind::Terminal { bars, .. } => {
                // A terminal that is gone is no reason to stop: the execution's outcome is still told by the exit code.
                let _ = bars.println(screen::clean(text));
            }
            Kind::Plain { .. } => screen::line(text),
            Kind::Objects { .. } | Kind::Silent => {}
        }
    }
}

/// Whether anything has happened between two views; that time goes by is nothing.
fn differ(before: &ExecutionView, now: &ExecutionView) -> bool {
    let ExecutionView { took_ms, eta_ms, position, .. } = *now;
    ExecutionView { took_ms, eta_ms, position, ..before.clone() } != *now
}

/// `[00:24]` since the beginning.
fn clock(began: Instant) -> String {
    let seconds = began.elapsed().as_secs();
    format!("[{:02}:{:02}]", seconds / 60, seconds % 60)
}

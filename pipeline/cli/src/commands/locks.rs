//! `locks`: who holds which lock, and who waits for it.

use clap::Args;
use gateway::view::{Holder, LockView};
use model::LockId;

use crate::api::{Api, encoded};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::table::{Lean, Table};
use crate::words::{locks_granted_from, some_of};

/// Lists locks, or shows one.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise locks\n  reprise locks staging-db")]
pub struct Locks {
    /// One lock, with its holders and waiters
    lock: Option<LockId>,
}

impl Locks {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        if let Some(lock) = self.lock {
            let lock: LockView = api.read(&format!("/v1/locks/{}", encoded(lock.as_str())), &[]).await?;
            super::show(output, &lock, one);
            return Ok(Exit::Done);
        }
        let list = api.list("/v1/locks", &[]).await?;
        match output {
            Output::Json => screen::json(&list),
            Output::Text => screen::show(&table(&list.read()?)),
        }
        Ok(Exit::Done)
    }
}

fn table(locks: &[LockView]) -> String {
    if locks.is_empty() {
        return "no locks: a flow declares them under `locks`\n".to_owned();
    }
    let mut table = Table::new([
        ("LOCK", Lean::Left),
        ("HELD", Lean::Right),
        ("WAITING", Lean::Right),
        ("HOLDERS", Lean::Left),
        ("NEXT", Lean::Left),
    ]);
    for lock in locks {
        let holders: Vec<String> = lock.holders.iter().map(holder).collect();
        table.row([
            lock.lock.to_string(),
            format!("{}/{}", lock.held, lock.size),
            lock.waiting.to_string(),
            some_of(&holders, 2),
            lock.waiters.first().cloned().unwrap_or_default(),
        ]);
    }
    let new = locks.iter().find_map(|lock| lock.granted_from).map(|from| format!("{}\n", locks_granted_from(from)));
    format!("{}{}", table.text(), new.unwrap_or_default())
}

fn one(lock: &LockView) -> String {
    let kind = if lock.size == 1 { "a mutex" } else { "a semaphore" };
    let mut text = format!("{}  {kind}, {} of {} held, {} waiting\n", lock.lock, lock.held, lock.size, lock.waiting);
    if let Some(from) = lock.granted_from {
        text.push_str(&format!("{}\n", locks_granted_from(from)));
    }
    for by in &lock.holders {
        text.push_str(&format!("held by   {}, lease {}\n", holder(by), by.lease));
    }
    for waiter in &lock.waiters {
        text.push_str(&format!("waits     {waiter}\n"));
    }
    text
}

fn holder(holder: &Holder) -> String {
    let name = if holder.attempt.is_empty() { "an attempt that is not known any more" } else { &holder.attempt };
    let node = holder.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    let permits = if holder.permits == 1 { String::new() } else { format!(" ({} permits)", holder.permits) };
    format!("{name}{node}{permits}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn locks_are_a_table_and_one_tells_who_holds_and_who_waits() {
        insta::assert_snapshot!(table(&[examples::lock()]), @r"
        LOCK          HELD  WAITING  HOLDERS                                                                                        NEXT
        browserstack   4/4        1  nightly-web-118/browser:chrome:1@1 on n1, nightly-web-118/browser:chrome:2@1 on n1 and 1 more  nightly-web-118/browser:webkit:5
        ");
        insta::assert_snapshot!(one(&examples::lock()), @r"
        browserstack  a semaphore, 4 of 4 held, 1 waiting
        held by   nightly-web-118/browser:chrome:1@1 on n1, lease j5.0.4.8121.0
        held by   nightly-web-118/browser:chrome:2@1 on n1, lease j5.0.4.8122.0
        held by   nightly-web-118/browser:chrome:3@1 on n1 (2 permits), lease j5.0.4.8123.0
        waits     nightly-web-118/browser:webkit:5
        ");
        let new = LockView { held: 0, holders: Vec::new(), granted_from: Some(examples::at(90)), ..examples::lock() };
        for text in [table(std::slice::from_ref(&new)), one(&new)] {
            assert!(text.contains("\nlocks are granted from 02:15:30 on: this journal is new\n"), "{text}");
        }
        assert!(table(&[]).starts_with("no locks"));
    }
}

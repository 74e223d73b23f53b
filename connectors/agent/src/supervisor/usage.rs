//! What the processes of an attempt use together, and whether that is more memory than they may.
//!
//! The kernel keeps the resident size of each process for free, but it counts shared pages once for each process
//! that has them: eight workers forked from one of 2 GiB would look like 18 GiB. What counts is the proportional size
//! (PSS and swapped-out pages), which costs a walk through the page tables. So the cheap sum, which is never smaller
//! but for the kernel's rounding, says when the dear one is worth asking for, and only the dear one condemns.

use std::cmp::Reverse;
use std::fs;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{Pid, SysconfVar, sysconf};

use super::kill::{own_pid, reap};
use super::tree::{self, Process};

/// How often to look: when more than half of the memory that is allowed is held, when less is, and without a limit.
const EACH_MS: [u64; 3] = [100, 250, 500];
/// Most processes that are asked dearly: when memory is near its limit, and when only a new peak is to be told. In a
/// storm of processes each costs time that the supervisor does not have.
const MAX_ASKED: (usize, usize) = (1_000, 32);
/// Looking may take one part in so many of the time.
const SHARE: u32 = 20;
const MIB: u64 = 1024 * 1024;

/// Watches what the descendants of this process use.
#[derive(Debug)]
pub struct Usage {
    /// 0: no limit.
    limit_bytes: u64,
    peak_bytes: u64,
    cpu_ms: u64,
    due: Instant,
    page_bytes: u64,
    tick_ms: u64,
}

impl Usage {
    /// Watches from now on, with this limit in MiB; 0 is none.
    pub fn new(limit_mb: u64, now: Instant) -> Self {
        let constant = |name, usual| sysconf(name).ok().flatten().and_then(|n| u64::try_from(n).ok()).unwrap_or(usual);
        Self {
            limit_bytes: limit_mb.saturating_mul(MIB),
            peak_bytes: 0,
            cpu_ms: 0,
            due: now,
            page_bytes: constant(SysconfVar::PAGE_SIZE, 4096),
            tick_ms: 1000 / constant(SysconfVar::CLK_TCK, 100).clamp(1, 1000),
        }
    }

    /// When to look next.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Looks, and reaps orphans that have ended. Returns how many MiB they hold if that is more than they may.
    pub fn look(&mut self, main: Pid) -> Option<u64> {
        let began = Instant::now();
        let tree = tree::descendants(own_pid());
        reap(&tree, Some(main));
        let cpu = reaped_cpu_ms() + tree.iter().map(|p| p.cpu_ticks).sum::<u64>() * self.tick_ms;
        self.cpu_ms = self.cpu_ms.max(cpu);

        let resident = tree.iter().map(|p| p.resident_pages).sum::<u64>() * self.page_bytes;
        let near = self.limit_bytes > 0 && resident > self.limit_bytes / 8 * 7;
        let higher = resident > self.peak_bytes + self.peak_bytes / 16 + MIB;
        let held = match (near, higher) {
            (true, _) => self.proportional(tree, MAX_ASKED.0),
            (false, true) => self.proportional(tree, MAX_ASKED.1),
            (false, false) => 0,
        };
        self.peak_bytes = self.peak_bytes.max(held);

        let each = match self.limit_bytes {
            0 => EACH_MS[2],
            limit if resident > limit / 2 => EACH_MS[0],
            _ => EACH_MS[1],
        };
        let ended = Instant::now();
        self.due = ended + Duration::from_millis(each).max(ended.duration_since(began) * SHARE);
        (self.limit_bytes > 0 && held > self.limit_bytes).then_some(held / MIB)
    }

    /// The processor time of all, in ms, and the most memory held together, in MiB, rounded up. When all are reaped.
    pub fn finish(&self) -> (u64, u64) {
        let largest = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| usage.max_rss());
        let peak = self.peak_bytes.max(u64::try_from(largest).unwrap_or(0) * 1024);
        (self.cpu_ms.max(reaped_cpu_ms()), peak.div_ceil(MIB))
    }

    /// What the largest hold, so many at most: a sum that errs to the low side.
    fn proportional(&self, mut tree: Vec<Process>, at_most: usize) -> u64 {
        tree.sort_by_key(|p| Reverse(p.resident_pages));
        let of = |p: &Process| {
            let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", p.pid)).unwrap_or_default();
            // Of a process that is not ours to look into, its resident size is all there is.
            proportional_bytes(&rollup).unwrap_or(p.resident_pages * self.page_bytes)
        };
        tree.iter().filter(|p| !p.ended).take(at_most).map(of).sum()
    }
}

/// `Pss:` and `SwapPss:` together; nothing without the first.
fn proportional_bytes(rollup: &str) -> Option<u64> {
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some((field("Pss:")? + field("SwapPss:").unwrap_or(0)) * 1024)
}

fn reaped_cpu_ms() -> u64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| {
        let time = usage.user_time() + usage.system_time();
        u64::try_from(time.tv_sec() * 1000 + time.tv_usec() / 1000).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportional_size_counts_swapped_pages_too() {
        let rollup = "5581-7ffd ---p 00000000 00:00 0 [rollup]\nRss:  884 kB\nPss:  385 kB\nPss_Dirty: 69 kB\nSwap: 9 kB\nSwapPss: 4 kB\n";
        assert_eq!(proportional_bytes(rollup), Some(389 * 1024));
        assert_eq!(proportional_bytes("Rss: 884 kB\n"), None);
    }
}

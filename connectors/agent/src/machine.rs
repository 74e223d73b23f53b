//! What the node's machine says of itself: its clocks, load, memory and name.

use std::fs;
use std::time::SystemTime;

use model::{Millis, NodeId};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_gettime};

/// The node's own clock: since the machine's start, suspend included. Limits and beats go by it.
pub fn up_ms() -> Millis {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("Linux has had CLOCK_BOOTTIME since 2.6.39");
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec() / 1_000_000).unwrap_or(0);
    Millis(seconds.saturating_mul(1_000).saturating_add(rest))
}

/// The wall clock in milliseconds since 1970. It informs people, and decides nothing.
pub fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The load of the last minute by processor; 0 if the machine does not say.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    (load / f64::from(processors()) * 100.0).round() / 100.0
}

/// How many processors this process may use.
pub fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1))
}

/// All memory, in MiB; 0 if the machine does not say.
pub fn memory_mb() -> u64 {
    meminfo("MemTotal:").unwrap_or(0)
}

/// What new processes may take, in MiB.
pub fn memory_free_mb() -> Option<u64> {
    meminfo("MemAvailable:")
}

fn meminfo(field: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

/// Lets this process have as many files open as the machine lets it: each attempt takes three, and the usual limit is
/// one of programs that use `select`. Returns the limit before, which is the one for commands.
pub fn raise_open_files() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok().map(|()| soft)
}

/// Gives this process, and what it starts, a lower limit of open files than it may have.
pub fn lower_open_files(soft: u64) -> std::io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, soft.min(hard), hard)?)
}

/// The host's name, in the characters that a node's name may have.
pub fn host_name() -> NodeId {
    let text = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' };
    let name: String = text.trim().chars().map(plain).take(80).collect();
    NodeId::new(&name).unwrap_or_else(|_| NodeId::new("node").expect("a plain word is a name"))
}

/// So many random bytes, in hexadecimal digits.
pub fn random_hex(bytes: usize) -> std::io::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_tells_its_memory_and_clock() {
        assert!(memory_mb() > 0);
        assert!(memory_free_mb().is_some_and(|free| free <= memory_mb()));
        let before = up_ms();
        assert!(before > Millis(0) && before <= up_ms());
        assert_ne!(random_hex(8).unwrap(), random_hex(8).unwrap());
    }
}

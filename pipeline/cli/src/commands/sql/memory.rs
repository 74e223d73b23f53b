//! The memory of the whole process. Statements account for what they sort, group and join, but not for what an expression makes,
//! or a plan: so the process looks at itself, and ends before the machine has to end something.

use std::time::Duration;
use std::{fs, process, thread};

use ::sql::Mistake;

use super::failure;
use crate::paint::Paint;
use crate::screen;

/// Room beside what statements account for: the program itself, files that are read, rows on their way to the screen. The
/// program alone holds 60 MiB, and 150 MiB in all while it sorts 320 MB with `--memory 64MiB`.
const ROOM_BYTES: u64 = 512 << 20;
/// How often it looks: memory is taken at a gigabyte a second or so.
const PAUSE: Duration = Duration::from_millis(20);

/// What is said at the prompt, beside what is said anywhere.
const PROMPT: &str = "the prompt has ended with it";

/// Ends the process once it holds more than what statements may take and the room beside it. Where a system does not say what
/// a process holds, nothing ends.
pub fn watch(memory_bytes: usize, at_prompt: bool) {
    let bound = memory_bytes as u64 + ROOM_BYTES;
    thread::spawn(move || {
        while let Some(holds) = held_bytes() {
            if holds > bound {
                let mut mistake = Mistake::of_process(holds);
                if at_prompt {
                    mistake.hint = format!("{}; {PROMPT}", mistake.hint);
                }
                let failure = failure(&mistake, None);
                screen::warn(&format!("{} {failure}", Paint::stderr().red("error:")));
                process::exit(i32::from(failure.exit.code()));
            }
            thread::sleep(PAUSE);
        }
    });
}

/// What this process holds in memory just now.
fn held_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    held.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::held_bytes;

    #[test]
    fn what_the_process_holds_grows_with_what_it_takes() {
        let before = held_bytes().unwrap();
        let taken = vec![1_u8; 64 << 20];
        assert!(held_bytes().unwrap() >= before + (60 << 20), "{}", taken.len());
    }
}

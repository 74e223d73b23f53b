//! How long the n-th retry waits. Every curve is capped before it can overflow; jitter is a hash, so that a replay of
//! the journal and a second look give the same wait.

use model::Millis;
use model::policy::{Backoff, Jitter, Shape};

/// The wait before the n-th retry by one rule, n from 1.
pub fn delay(backoff: &Backoff, n: u32, seed: u64) -> Millis {
    let n = n.max(1);
    let wait = match backoff.first_ms {
        Some(first) if n == 1 => return first,
        // The curve begins with the retry after the first one.
        Some(_) => curve(backoff, n - 1),
        None => curve(backoff, n),
    };
    let wait = wait.min(backoff.max_ms.0);
    match backoff.jitter {
        Jitter::None => Millis(wait),
        Jitter::Full => Millis(seed % (wait + 1)),
    }
}

fn curve(backoff: &Backoff, n: u32) -> u64 {
    let (unit, max) = (backoff.delay_ms.0, backoff.max_ms.0);
    match backoff.shape {
        Shape::Constant => unit,
        Shape::Linear => unit.saturating_mul(u64::from(n)),
        Shape::Exponential => grow(unit, max, n, |wait| wait.saturating_mul(u64::from(backoff.factor.max(1)))),
        Shape::Fibonacci => {
            let mut before = 0;
            grow(unit, max, n, |wait| wait.saturating_add(std::mem::replace(&mut before, wait)))
        }
        Shape::List => {
            let last = backoff.list_ms.len().saturating_sub(1);
            backoff.list_ms.get(last.min(n as usize - 1)).map_or(0, |wait| wait.0)
        }
    }
}

/// Takes n - 1 steps from the unit, and stops at the cap or when a step changes nothing.
fn grow(unit: u64, max: u64, n: u32, mut step: impl FnMut(u64) -> u64) -> u64 {
    let mut wait = unit;
    for i in 1..n {
        let next = step(wait);
        if wait >= max || (next == wait && i > 1) {
            break;
        }
        wait = next;
    }
    wait
}

/// The seed of the jitter: FNV-1a over execution, task and attempt.
pub fn seed(execution: &str, task: &str, attempt: u32) -> u64 {
    let bytes = execution.bytes().chain([b'/']).chain(task.bytes()).chain(attempt.to_le_bytes());
    let hash = model::hash::fnv1a(bytes);
    // FNV's low bits are weak: fold the high ones in.
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_grows_as_it_is_drawn_and_stops_at_its_cap() {
        use Shape::*;
        for (shape, want) in [
            (Constant, [10, 10, 10, 10, 10, 10]),
            (Linear, [10, 20, 30, 40, 50, 50]),
            (Exponential, [10, 20, 40, 50, 50, 50]),
            (Fibonacci, [10, 10, 20, 30, 50, 50]),
            (List, [7, 3, 9, 9, 9, 9]),
        ] {
            let backoff = backoff(shape);
            let waits: Vec<u64> = (1..=6).map(|n| delay(&backoff, n, 0).0).collect();
            assert_eq!(waits, want, "{shape:?}");
        }
    }

    #[test]
    fn nothing_overflows_and_full_jitter_stays_below_the_curve() {
        for shape in [Shape::Constant, Shape::Linear, Shape::Exponential, Shape::Fibonacci] {
            for unit in [0, 1, u64::MAX / 2, u64::MAX] {
                let huge = Backoff { delay_ms: Millis(unit), max_ms: Millis(86_400_000), ..backoff(shape) };
                assert!(delay(&huge, u32::MAX, 0) <= Millis(86_400_000), "{shape:?}");
                let spread = Backoff { jitter: Jitter::Full, ..huge.clone() };
                assert!((0..50).all(|s| delay(&spread, 9, seed("e", "t", s)) <= delay(&huge, 9, 0)));
            }
        }
    }

    #[test]
    fn the_first_wait_may_differ_and_the_curve_starts_after_it() {
        let backoff = Backoff { first_ms: Some(Millis(0)), ..backoff(Shape::Exponential) };
        let waits: Vec<u64> = (1..=4).map(|n| delay(&backoff, n, 0).0).collect();
        assert_eq!(waits, [0, 10, 20, 40]);
    }

    fn backoff(shape: Shape) -> Backoff {
        let list_ms = vec![Millis(7), Millis(3), Millis(9)];
        Backoff {
            shape,
            delay_ms: Millis(10),
            factor: 2,
            max_ms: Millis(50),
            first_ms: None,
            list_ms,
            jitter: Jitter::None,
        }
    }
}

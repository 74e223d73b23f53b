//! What the operators decide, as pictures: a line of what happens, a line of what that caused.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails its test")]

mod play;

mod fleet;
mod flows;
mod intake;
mod locks;
mod retries;
mod strangers;
mod verbs;

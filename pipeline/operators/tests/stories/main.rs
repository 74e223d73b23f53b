//! What the operators decide, as pictures: a line of what happens, a line of what that caused.

mod play;

mod fleet;
mod flows;
mod intake;
mod locks;
mod retries;
mod verbs;

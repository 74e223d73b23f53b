//! The log on bad disks: power fails, writes are torn, the disk is full or broken, files are damaged.
//!
//! Whatever happens, what was acknowledged is there, in its order; what was not is there as a whole call or not at
//! all; what was refused as "full" is not there; and the log either goes on or says what is wrong.

mod chance;
mod damage;
mod disk;
mod failing;
mod full;
mod history;
mod play;
mod power;

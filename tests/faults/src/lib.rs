//! Faults in real time: a real broker, three engines and fifty model nodes in processes of their own, which are killed,
//! stopped and cut off while a thousand executions go through them; afterwards the simulator's checker reads the topics.

pub mod clock;
pub mod scene;

pub mod engines;
pub mod process;

pub mod fleet;
pub mod home;
pub mod ledger;

pub mod flows;
pub mod people;

pub mod faults;
pub mod watch;

pub mod read;
pub mod recording;

pub mod judge;
pub mod plant;
pub mod summary;

pub mod run;

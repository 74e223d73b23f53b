//! Flow and policy files as people write them, right and wrong: what is read of them, and every mistake as it is printed.

mod printed;

mod dependencies;
mod policies;
mod structure;
mod values;

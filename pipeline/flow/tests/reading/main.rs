//! Flow and policy files as people write them, right and wrong: what is read of them, and every mistake as it is printed.

mod printed;

mod flows;
mod parts;

mod dependencies;
mod policies;
mod structure;
mod values;

mod bounds;
mod hostile;
mod random;

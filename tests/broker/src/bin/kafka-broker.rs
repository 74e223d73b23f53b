//! A real Kafka broker on this machine for as long as somebody holds our input open: its address is the one line that
//! is printed. `./dev demo --kafka` starts it.

use std::io::{Read, Write};

use broker::{Broker, Options};

/// Kafka's own, on which a broker stays in charge however slow a busy machine makes it.
const SESSION_MS: &str = "18000";

fn main() -> std::io::Result<()> {
    let broker = Broker::start(Options::plain().with("broker.session.timeout.ms", SESSION_MS));
    let mut out = std::io::stdout();
    writeln!(out, "{}", broker.address())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

//! A real Kafka broker on this machine for as long as somebody holds our input open: its address is the one line that
//! is printed. `./dev demo --kafka` starts it.

use std::io::{Read, Write};

use broker::{Broker, Options};

fn main() -> std::io::Result<()> {
    let broker = Broker::start(Options::plain());
    let mut out = std::io::stdout();
    writeln!(out, "{}", broker.address())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

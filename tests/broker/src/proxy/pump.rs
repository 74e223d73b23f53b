//! One connection through the proxy: two directions, each a reader, a line of pieces that wait for their time, a writer.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{sleep, spawn};
use std::time::Instant;

use super::{Connection, Shared, State};

/// Most pieces that wait in one direction; then its sender waits.
const PIECES: usize = 256;
/// Most bytes of a piece.
const PIECE: usize = 16 * 1024;

/// What came in, and when it may go out.
type Piece = (Instant, Vec<u8>);

/// Begins to carry what each of the two says to the other.
pub fn connect(shared: &Arc<Shared>, state: &mut State, client: TcpStream, server: TcpStream) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ways = [(client.try_clone()?, server.try_clone()?), (server.try_clone()?, client.try_clone()?)];
    let number = state.accepted;
    state.accepted += 1;
    state.connections.insert(number, Connection { ends: [client, server], ways: 2 });
    for (from, to) in ways {
        let (line, pieces) = sync_channel(PIECES);
        let (reader, writer) = (Arc::clone(shared), Arc::clone(shared));
        spawn(move || read(&reader, from, &line));
        spawn(move || {
            let well = write(&writer, &pieces, to).is_ok();
            writer.change(|state| state.close(number, well));
        });
    }
    Ok(())
}

fn read(shared: &Shared, mut from: TcpStream, line: &SyncSender<Piece>) {
    let mut piece = vec![0; PIECE];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let due = Instant::now() + shared.state().delay;
        if line.send((due, piece[..length].to_vec())).is_err() {
            return; // the writer has nobody to write to
        }
    }
}

fn write(shared: &Shared, pieces: &Receiver<Piece>, mut to: TcpStream) -> io::Result<()> {
    for (due, piece) in pieces {
        sleep(due.saturating_duration_since(Instant::now()));
        shared.go();
        to.write_all(&piece)?;
    }
    shared.go();
    to.shutdown(Shutdown::Write)
}

impl Shared {
    /// Waits while the proxy hangs.
    fn go(&self) {
        let state = self.state();
        let went = self.changed.wait_while(state, |state| state.hangs);
        drop(went.expect("no thread of the proxy panics with its state"));
    }
}

impl State {
    /// One direction has ended: well, or with an error, which ends the other too.
    fn close(&mut self, number: u64, well: bool) {
        let Some(connection) = self.connections.get_mut(&number) else { return }; // cut
        connection.ways -= 1;
        if !well {
            connection.cut();
        }
        if connection.ways == 0 {
            self.connections.remove(&number);
        }
    }
}

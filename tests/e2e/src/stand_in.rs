//! A stand-in for the engine: it answers as a test wants, so that commands meet what the real one never says, or says
//! only in a moment that no test can hit.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Answers at a port of this machine, on a thread of its own, until the test process ends: status and body for each
/// request line, as in `GET /v1/pool?pool=default`.
pub fn answer(port: u16, answers: impl Fn(&str) -> (u16, String) + Send + 'static) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away in the middle has its reasons.
            let _ = serve(stream, &answers);
        }
    });
    Ok(())
}

/// Reads one request, answers it, and closes the connection.
fn serve(mut stream: TcpStream, answers: &impl Fn(&str) -> (u16, String)) -> io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let (mut first, mut length) = (String::new(), 0);
    request.read_line(&mut first)?;
    loop {
        let mut header = String::new();
        request.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    io::copy(&mut request.take(length), &mut io::sink())?;
    let (status, body) = answers(first.trim_end().trim_end_matches(" HTTP/1.1"));
    let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes())
}

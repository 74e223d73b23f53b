//! The proxy delays without narrowing, holds back what it must not lose, and cuts at once.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::spawn;
use std::time::{Duration, Instant};

use broker::Proxy;

#[test]
fn a_delay_is_of_time_and_not_of_throughput() {
    let proxy = Proxy::to(&echo());
    let mut client = connect(&proxy);
    assert_eq!(round(&mut client, b"one"), b"one");
    proxy.delay(Duration::from_millis(100));
    let begun = Instant::now();
    for _ in 0..50 {
        client.write_all(&[7; 8192]).expect("there is room");
    }
    let mut back = vec![0; 50 * 8192];
    client.read_exact(&mut back).expect("all of it comes back");
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(200), "both directions are delayed: {took:?}");
    assert!(took < Duration::from_secs(2), "piece after piece, not all at once: {took:?}");
}

#[test]
fn what_is_held_back_goes_on_when_the_proxy_is_healed() {
    let proxy = Proxy::to(&echo());
    let mut client = connect(&proxy);
    proxy.hang();
    client.write_all(b"one").expect("there is room");
    client.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout can be set");
    let error = client.read(&mut [0; 3]).expect_err("nothing comes back");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let mut second = connect(&proxy);
    proxy.heal();
    client.set_read_timeout(None).expect("a timeout can be set");
    let mut back = [0; 3];
    client.read_exact(&mut back).expect("it comes back");
    assert_eq!(&back, b"one");
    assert_eq!(round(&mut second, b"two"), b"two");
}

#[test]
fn a_cut_ends_all_connections_and_refuses_new_ones_until_it_is_healed() {
    let proxy = Proxy::to(&echo());
    let mut client = connect(&proxy);
    assert_eq!(round(&mut client, b"one"), b"one");
    assert_eq!(proxy.connections(), 1);
    proxy.cut();
    assert!(matches!(client.read(&mut [0; 3]), Ok(0) | Err(_)), "the connection is gone");
    assert_eq!(TcpStream::connect(proxy.address()).expect_err("refused").kind(), ErrorKind::ConnectionRefused);
    assert_eq!(proxy.connections(), 0);
    proxy.heal();
    assert_eq!(round(&mut connect(&proxy), b"two"), b"two");
}

#[test]
fn who_ends_a_connection_ends_it_on_the_other_side_too() {
    let proxy = Proxy::to(&echo());
    let mut client = connect(&proxy);
    client.write_all(b"one").expect("there is room");
    client.shutdown(std::net::Shutdown::Write).expect("it is open");
    let mut back = Vec::new();
    client.read_to_end(&mut back).expect("it ends");
    assert_eq!(back, b"one");
    let begun = Instant::now();
    while proxy.connections() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the proxy forgets it");
        std::thread::yield_now();
    }
}

/// A server that says what it hears, at a free port, for as long as the test runs.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("a listener has an address").to_string();
    spawn(move || {
        for stream in listener.incoming() {
            let mut from = stream.expect("a connection is accepted");
            spawn(move || std::io::copy(&mut from.try_clone().expect("a stream can be shared"), &mut from));
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).expect("the proxy accepts")
}

fn round(stream: &mut TcpStream, text: &[u8]) -> Vec<u8> {
    stream.write_all(text).expect("there is room");
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).expect("it comes back");
    back
}

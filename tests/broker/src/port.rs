//! Free ports for one broker.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// The ports of one broker. Those that its options do not ask for stay unused.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The plain listener.
    pub plain: u16,
    /// The controller, which only the broker itself talks to.
    pub controller: u16,
    /// Passwords in the clear.
    pub secured: u16,
    /// Passwords over TLS.
    pub tls: u16,
    /// Where the broker listens for what comes through the proxy.
    pub behind_proxy: u16,
    /// Where the proxy listens.
    pub proxy: u16,
}

impl Ports {
    /// Ports that nobody listens at. Somebody may before the broker does: then it does not start, and others are chosen.
    pub fn choose() -> Self {
        let [plain, controller, secured, tls, behind_proxy, proxy] = std::array::from_fn(|_| free());
        Self { plain, controller, secured, tls, behind_proxy, proxy }
    }
}

/// A port below those that the kernel gives to outgoing connections, and that no broker of this process has.
fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that begin at different places seldom meet.
    let start = u16::try_from(std::process::id() * 7 % 10_000).expect("less than 10,000");
    loop {
        let port = 12_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 18_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

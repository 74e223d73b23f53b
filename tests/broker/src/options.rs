//! What kind of broker a test wants.

/// What kind of broker a test wants: plain, or with users, certificate and rights; and what else it should know.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub(crate) secured: bool,
    pub(crate) users: Vec<(String, String)>,
    pub(crate) proxied: bool,
    pub(crate) settings: Vec<(String, String)>,
}

impl Options {
    /// A broker that lets anybody do anything.
    pub fn plain() -> Self {
        Self::default()
    }

    /// A broker with users (name, password) who may do what [`Broker::allow`](crate::Broker::allow) says, and nothing
    /// else. It listens at two places more, with passwords in the clear and over TLS; whoever comes in at the plain
    /// one, and a user `admin`, may do anything.
    pub fn secured(users: &[(&str, &str)]) -> Self {
        let users = users.iter().map(|(name, password)| ((*name).to_owned(), (*password).to_owned())).collect();
        Self { secured: true, users, ..Self::default() }
    }

    /// It also listens at a place that it advertises as the port of [`Broker::proxy`](crate::Broker::proxy): clients
    /// that come in through the proxy stay on it.
    #[must_use]
    pub fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// With this setting of the broker's too; the last of a name counts.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }
}

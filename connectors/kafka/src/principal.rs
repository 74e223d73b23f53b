//! Who we are to the cluster, as far as our own settings tell: what a right is granted to.
//!
//! Only a broker knows for sure. Where the name comes out of a certificate or a ticket it is left to people to fill in:
//! a guess could open a topic to everybody.

use std::fmt;

use crate::settings::Settings;

/// What people put the name in place of.
const BLANK: &str = "User:...";
/// librdkafka's keys that give a certificate of the client's own.
const CERTIFICATES: [&str; 4] =
    ["ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location", "ssl.engine.location"];

/// Who we are, as access lists write it, or in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// By this name.
    Named(String),
    /// By one that something else gives: in words, what.
    Given(&'static str),
}

impl Principal {
    /// Who these settings make us.
    pub fn of(settings: &Settings) -> Self {
        let key = |name: &str| settings.keys.get(name).map(String::as_str);
        let protocol = key("security.protocol").unwrap_or("plaintext").to_ascii_lowercase();
        if protocol.starts_with("sasl") {
            // The two are one key; without it librdkafka takes Kerberos.
            let mechanism = key("sasl.mechanisms").or(key("sasl.mechanism")).unwrap_or("GSSAPI").to_ascii_uppercase();
            return match (mechanism.as_str(), key("sasl.username")) {
                ("GSSAPI", _) => Self::Given("the Kerberos principal of this client"),
                ("OAUTHBEARER", _) => Self::Given("the principal in this client's OAuth token"),
                (_, Some(name)) => Self::Named(format!("User:{name}")),
                (_, None) => Self::Given("the SASL user of this client"),
            };
        }
        match protocol == "ssl" && CERTIFICATES.iter().any(|name| key(name).is_some()) {
            true => Self::Given("the subject of this client's certificate"),
            false => Self::Named("User:ANONYMOUS".to_owned()),
        }
    }

    /// What to do for it to get a right on something, as `--topic reports`.
    pub fn grant(&self, settings: &Settings, operation: &str, on: &str) -> String {
        let (whom, name) = match self {
            Self::Named(name) => ("grant it", name.as_str()),
            Self::Given(_) => ("grant it, with that name in place of the dots", BLANK),
        };
        let brokers = &settings.brokers;
        format!(
            "{whom}: kafka-acls.sh --bootstrap-server {brokers} --add --allow-principal {name} --operation {operation} {on}"
        )
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "`{name}`"),
            Self::Given(words) => f.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_let_everybody_in_who_is_somebody() {
        let who = |keys: &[(&str, &str)]| {
            let mut settings = Settings::new("kafka:9092");
            settings.keys = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let principal = Principal::of(&settings);
            let grant = principal.grant(&settings, "Read", "--topic reports");
            let anonymous = principal == Principal::Named("User:ANONYMOUS".to_owned());
            assert_eq!(grant.contains("ANONYMOUS"), anonymous, "{grant}");
            (principal.to_string(), grant)
        };
        let (ssl, sasl) = (("security.protocol", "SSL"), ("security.protocol", "SASL_SSL"));
        let certificate = ("ssl.certificate.location", "/c.pem");
        assert_eq!(who(&[]).0, "`User:ANONYMOUS`");
        assert_eq!(who(&[ssl]).0, "`User:ANONYMOUS`");
        assert_eq!(who(&[ssl, certificate]).0, "the subject of this client's certificate");
        assert_eq!(who(&[ssl, ("ssl.keystore.location", "/k.p12")]).0, "the subject of this client's certificate");
        assert_eq!(who(&[sasl, certificate]).0, "the Kerberos principal of this client");
        let oauth = who(&[sasl, ("sasl.mechanism", "OAUTHBEARER"), ("sasl.username", "x")]);
        assert_eq!(oauth.0, "the principal in this client's OAuth token");
        assert_eq!(
            oauth.1,
            "grant it, with that name in place of the dots: kafka-acls.sh --bootstrap-server kafka:9092 --add \
             --allow-principal User:... --operation Read --topic reports"
        );
        let (name, grant) = who(&[sasl, ("sasl.mechanisms", "SCRAM-SHA-512"), ("sasl.username", "ci")]);
        assert_eq!(name, "`User:ci`");
        assert!(
            grant.starts_with("grant it: kafka-acls.sh ") && grant.contains("--allow-principal User:ci "),
            "{grant}"
        );
    }
}

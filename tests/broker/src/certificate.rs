//! A certificate that the broker signs itself, made with Java's own tool.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::java;

/// What locks the store: it lives as long as a test, and keeps no secret.
pub const PASSWORD: &str = "of-a-test";

/// A self-signed certificate for 127.0.0.1 and localhost.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate with its key, as the broker reads it.
    pub store: PathBuf,
    /// The certificate as PEM, for clients to trust.
    pub pem: PathBuf,
}

impl Certificate {
    /// Makes one in a folder.
    pub fn make(folder: &Path) -> Self {
        let (store, pem) = (folder.join("key.p12"), folder.join("certificate.pem"));
        let keytool = |arguments: &[&str]| {
            let mut command = Command::new("keytool");
            command.args(arguments).args(["-alias", "broker", "-storepass", PASSWORD, "-keystore"]).arg(&store);
            command
        };
        let make = ["-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-validity", "3650", "-storetype", "PKCS12"];
        let whom = ["-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1,dns:localhost", "-ext", "bc:c"];
        java::finish(&mut keytool(&[&make[..], &whom[..]].concat()), "");
        java::finish(keytool(&["-exportcert", "-rfc"]).arg("-file").arg(&pem), "");
        Self { store, pem }
    }
}

//! Further handshakes, one after the other and each on a connection of its own: which versions of TLS the server
//! accepts, and whether it does without a certificate. They need OpenSSL, and a build without it learns nothing.

use std::net::SocketAddr;

use watchkeep_model::Verdict;
#[cfg(feature = "legacy-tls")]
use {
    crate::net::{
        deadline::Deadline,
        trial::{Outcome, Trial},
    },
    watchkeep_catalogue::certificate,
    watchkeep_model::certificate::SeenVersion,
};

use super::{Trace, contact::Contact};

#[cfg(feature = "legacy-tls")]
impl Contact<'_> {
    /// Tries each version by itself and tells what became of it.
    pub(super) async fn scan(&self, address: SocketAddr, trace: &mut Trace) {
        let tried = [
            ("TLSv1.0", Trial::Tls10),
            ("TLSv1.1", Trial::Tls11),
            ("TLSv1.2", Trial::Tls12),
            ("TLSv1.3", Trial::Tls13),
        ];
        let mut versions = Vec::with_capacity(tried.len());
        for (version, trial) in tried {
            let (accepted, cipher) = match self.attempt(trial, address).await {
                Outcome::Accepted(cipher) => (Some(true), Some(cipher)),
                Outcome::Refused => (Some(false), None),
                Outcome::Unknown => (None, None),
            };
            versions.push(SeenVersion { version, accepted, cipher });
        }
        let old: Vec<_> = versions[..2].iter().filter(|seen| seen.accepted == Some(true)).collect();
        if !old.is_empty() {
            let old: Vec<_> = old.iter().map(|seen| seen.version).collect();
            trace.remark(format!("The server still accepts {}, which browsers have given up.", old.join(" and ")));
        }
        if let Some(tls) = &mut trace.observed.tls {
            tls.versions = versions;
        }
    }

    /// The verdict on a server that has nothing in common with browsers: it may have no certificate to show.
    pub(super) async fn without_certificate(&self, address: SocketAddr, verdict: Verdict) -> Verdict {
        if verdict.code != certificate::CERTIFICATE_TLS_NO_COMMON_CIPHER {
            return verdict;
        }
        match self.attempt(Trial::Anonymous, address).await {
            Outcome::Accepted(cipher) => {
                let detail = format!("the server offers only cipher suites without a certificate ({cipher})");
                Verdict::new(certificate::CERTIFICATE_ABSENT, detail)
            }
            Outcome::Refused | Outcome::Unknown => verdict,
        }
    }

    async fn attempt(&self, trial: Trial, address: SocketAddr) -> Outcome {
        // The phases are those of the test itself.
        let mut aside = Trace::default();
        let (Some(name), Ok(stream)) = (self.name(), self.again(address, &mut aside).await) else {
            return Outcome::Unknown;
        };
        let deadline = Deadline::after(self.test.limits.connect).earlier(self.total);
        deadline.bound(trial.attempt(stream, &name)).await.unwrap_or(Outcome::Unknown)
    }
}

#[cfg(not(feature = "legacy-tls"))]
#[expect(clippy::unused_async, reason = "the same signatures with and without the feature")]
impl Contact<'_> {
    pub(super) async fn scan(&self, _: SocketAddr, trace: &mut Trace) {
        trace.remark("This robot was built without OpenSSL and cannot try old versions of TLS.");
    }

    pub(super) async fn without_certificate(&self, _: SocketAddr, verdict: Verdict) -> Verdict {
        verdict
    }
}

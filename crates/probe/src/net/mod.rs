//! Ways through the network, shared by the test types: names, connections, TLS, deadlines.
//! Nothing here knows status codes; each test type says what a failure means for it.

pub(crate) mod admission;
pub(crate) mod connect;
pub(crate) mod deadline;
pub(crate) mod distrust;
pub(crate) mod http1;
pub(crate) mod icmp;
#[cfg(feature = "legacy-tls")]
pub(crate) mod legacy_tls;
pub(crate) mod pem;
pub(crate) mod reach;
pub(crate) mod resolve;
pub(crate) mod revocation;
pub(crate) mod secure;
pub(crate) mod stream;
pub(crate) mod tls;
#[cfg(feature = "legacy-tls")]
pub(crate) mod trial;
pub(crate) mod trust;
pub(crate) mod witness;

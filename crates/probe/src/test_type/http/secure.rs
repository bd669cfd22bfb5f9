//! TLS on the way to the server, and its codes. The handshake itself is that of every test type.

use std::net::SocketAddr;

use url::Url;
use watchkeep_catalogue::service;
use watchkeep_model::{Verdict, http::HttpVersion};

use super::{
    Trace, add,
    connection::{Route, Way, Wire},
};
use crate::{
    Step,
    net::{
        deadline::Deadline,
        secure::{Cause, Fault, Insecure, Securing, TlsNotes, server_name},
        stream::Tcp,
        tls::{Alpn, TlsParameters},
    },
};

impl Way<'_> {
    /// Makes the TLS handshake, within the same limit as the connection.
    pub(super) async fn secure(
        &self,
        stream: Tcp,
        address: SocketAddr,
        url: &Url,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Step<Wire> {
        let name = url
            .host()
            .and_then(|host| server_name(&host))
            .ok_or_else(|| Verdict::new(service::HTTP_CERTIFICATE_INVALID, "no certificate can name this host"))?;
        let alpn = match self.options.http_version {
            None => Alpn::Http2OrHttp1,
            Some(HttpVersion::Http2) => Alpn::Http2,
            Some(HttpVersion::Http10 | HttpVersion::Http11) => Alpn::Http1,
        };
        let parameters = TlsParameters { alpn, settings: &self.options.tls };
        let securing = Securing { prober: self.prober, parameters, name, address, deadline };
        let mut notes = TlsNotes::default();
        let noted = &mut *trace;
        let again = move || async move {
            let (stream, _) = self.dial(&[address.ip()], url, deadline, noted).await?;
            Ok::<_, Verdict>(stream)
        };
        let secured = securing.secure(stream, &mut notes, again).await;
        add(&mut trace.phases.tls, notes.spent.unwrap_or_default());
        trace.observed.certificate = notes.certificate;
        trace.observed.tls = notes.session;
        trace.observed.remarks.extend(notes.remark);
        let secured = secured.map_err(|fault| match fault {
            Fault::Insecure(insecure) => verdict(insecure),
            Fault::Redial(verdict) => verdict,
        })?;
        let route = match (secured.agreed, self.options.http_version) {
            (Some("h2"), _) => Route::Http2,
            (None, Some(HttpVersion::Http2)) => {
                return Err(Verdict::new(
                    service::HTTP_PROTOCOL_NOT_SUPPORTED,
                    "the server did not agree to HTTP/2 (ALPN)",
                ));
            }
            _ => Route::Direct,
        };
        Ok(Wire { meter: secured.meter, wire_meter: secured.wire_meter, stream: secured.stream, route })
    }
}

fn verdict(Insecure { cause, detail }: Insecure) -> Verdict {
    let code = match cause {
        Cause::Silent => service::HTTP_CONNECT_TIMEOUT,
        Cause::Invalid => service::HTTP_CERTIFICATE_INVALID,
        Cause::Untrusted => service::HTTP_CERTIFICATE_UNTRUSTED,
        Cause::NoCommonCipher => service::HTTP_TLS_NO_COMMON_CIPHER,
        Cause::Protocol => service::HTTP_PROTOCOL_NOT_SUPPORTED,
        Cause::Unreached => service::HTTP_CONNECT_FAILED,
        Cause::Failed => service::HTTP_TLS_FAILED,
    };
    Verdict::new(code, detail)
}

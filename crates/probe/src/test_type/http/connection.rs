//! The way to the server: name, connection, proxy, each with its phase and its codes.
//! What TLS adds stands in `secure`.

use std::{
    mem,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use url::{Host, Url};
use watchkeep_catalogue::service;
use watchkeep_model::{
    Test, Verdict,
    http::{HttpVersion, Observed, Options},
};

use super::{Trace, add, proxy};
use crate::{
    Prober, Step,
    net::{
        deadline::{Deadline, Passed},
        reach::{Cause, Unreached},
        stream::{BoxedStream, Meter, Tcp},
    },
};

/// How a request must be addressed on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// HTTP/1 to the server itself (or through a tunnel).
    Direct,
    /// HTTP/1 to a proxy, which needs the whole URL.
    Proxied,
    /// HTTP/2.
    Http2,
}

/// A connection that is ready for a request.
pub(super) struct Wire {
    pub(super) stream: BoxedStream,
    pub(super) route: Route,
    /// What the reply amounts to so far.
    pub(super) meter: Arc<Meter>,
    /// What came over the network, TLS records included.
    pub(super) wire_meter: Arc<Meter>,
}

/// What every step of the way needs.
pub(super) struct Way<'a> {
    pub(super) prober: &'a Prober,
    pub(super) test: &'a Test,
    pub(super) options: &'a Options,
    /// The end of the whole test.
    pub(super) total: Deadline,
}

impl Way<'_> {
    /// Opens a connection for `url`, through the proxy if there is one.
    pub(super) async fn open(&self, url: &Url, trace: &mut Trace) -> Step<Wire> {
        // What is observed of a connection and its reply is of the last one.
        trace.observed = Observed {
            redirects: mem::take(&mut trace.observed.redirects),
            remarks: mem::take(&mut trace.observed.remarks),
            ..Observed::default()
        };
        let through = self.options.proxy.as_ref().map_or(url, |proxy| &proxy.url);
        let addresses = self.resolve(through, trace).await?;
        let deadline = Deadline::after(self.test.limits.connect).earlier(self.total);
        let (stream, address) = self.dial(&addresses, url, deadline, trace).await?;
        if url.scheme() == "https" {
            // Boxed, so that tests in clear text do not hold room for a handshake.
            return Box::pin(self.secure(stream, address, url, deadline, trace)).await;
        }
        let route = match (self.options.http_version, &self.options.proxy) {
            (Some(HttpVersion::Http2), _) => Route::Http2,
            (_, Some(_)) => Route::Proxied,
            (_, None) => Route::Direct,
        };
        let meter = stream.meter();
        Ok(Wire { wire_meter: Arc::clone(&meter), meter, stream: Box::new(stream), route })
    }

    /// Whether this URL is asked of the proxy by a tunnel: a proxy passes on HTTP/1 in clear text and nothing else.
    fn needs_tunnel(&self, url: &Url) -> bool {
        url.scheme() == "https" || self.options.http_version == Some(HttpVersion::Http2)
    }

    async fn resolve(&self, url: &Url, trace: &mut Trace) -> Step<Arc<[IpAddr]>> {
        let Some(host) = url.host() else {
            return Err(Verdict::new(service::HTTP_NAME_RESOLUTION_FAILED, "the URL has no host"));
        };
        let start = Instant::now();
        let resolved = self.prober.resolve(host, &self.test.network, self.total).await;
        add(&mut trace.phases.dns, start.elapsed());
        resolved.map_err(|unreached| self.unreached(unreached))
    }

    /// A TCP connection to one of `addresses`, and through the proxy to `url`'s host where that needs a tunnel.
    pub(super) async fn dial(
        &self,
        addresses: &[IpAddr],
        url: &Url,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Step<(Tcp, SocketAddr)> {
        let start = Instant::now();
        let dialled = self.dial_in_time(addresses, url, deadline, trace).await;
        add(&mut trace.phases.connect, start.elapsed());
        dialled
    }

    async fn dial_in_time(
        &self,
        addresses: &[IpAddr],
        url: &Url,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Step<(Tcp, SocketAddr)> {
        self.permits_behind_proxy(url)?;
        let through = self.options.proxy.as_ref().map_or(url, |proxy| &proxy.url);
        let port = through.port_or_known_default().unwrap_or_default();
        let dialled = self.prober.dial(addresses, port, deadline).await;
        let (stream, address) = dialled.map_err(|unreached| {
            trace.observed.ip = unreached.ip;
            self.unreached(unreached)
        })?;
        trace.observed.ip = Some(address.ip());
        let stream = match &self.options.proxy {
            Some(proxy) if self.needs_tunnel(url) => {
                let tunnelled = deadline.bound(Box::pin(proxy::tunnel(stream, proxy, url))).await;
                tunnelled.map_err(|Passed(limit)| {
                    let detail = self.about_proxy(format!("no tunnel to the server within {limit}"));
                    Verdict::new(service::HTTP_CONNECT_TIMEOUT, detail)
                })??
            }
            _ => stream,
        };
        Ok((stream, address))
    }

    /// Behind a proxy only an address in the URL itself can be asked of the egress policy.
    fn permits_behind_proxy(&self, url: &Url) -> Step<()> {
        let literal = match url.host().filter(|_| self.options.proxy.is_some()) {
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address),
            _ => return Ok(()),
        };
        let permitted = self.prober.egress.permits(literal);
        permitted.map_err(|reason| Verdict::new(service::HTTP_CONNECT_FAILED, reason.to_string()))
    }

    /// Whom a detail is about: it names the proxy where there is one.
    pub(super) fn about_proxy(&self, detail: String) -> String {
        match &self.options.proxy {
            Some(proxy) => format!("the proxy {}: {detail}", proxy.url.authority()),
            None => detail,
        }
    }

    fn unreached(&self, Unreached { cause, detail, .. }: Unreached) -> Verdict {
        let code = match cause {
            Cause::Name => service::HTTP_NAME_RESOLUTION_FAILED,
            Cause::Silent => service::HTTP_CONNECT_TIMEOUT,
            Cause::Forbidden | Cause::Refused | Cause::Unreachable => service::HTTP_CONNECT_FAILED,
            Cause::Robot => service::HTTP_CLIENT_ERROR,
        };
        Verdict::new(code, self.about_proxy(detail))
    }
}

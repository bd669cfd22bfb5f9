//! Puts the routes on a listener: bounded connections, patience with slow clients bounded too, and an end
//! that lets requests under way finish.

mod opening;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt;

use self::opening::Opening;
use crate::{App, router};

/// A connection's first bytes, and then a request's headers, must be complete within this time (slow-loris).
const HEADERS: Duration = Duration::from_secs(15);
/// How long requests under way may take once the server closes.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// Serves an [`App`] on one listener.
pub struct Server {
    listener: TcpListener,
    routes: Router,
    most_connections: usize,
}

impl Server {
    /// Connections at the same time, unless told otherwise; further ones wait in the listener's queue.
    pub const MOST_CONNECTIONS: usize = 20_000;

    /// A server that is not running yet.
    #[must_use]
    pub fn new(listener: TcpListener, app: Arc<App>) -> Self {
        Self { listener, routes: router(app), most_connections: Self::MOST_CONNECTIONS }
    }

    /// The same with another bound, for systems that allow fewer descriptors.
    #[must_use]
    pub fn with_most_connections(self, most_connections: usize) -> Self {
        Self { most_connections, ..self }
    }

    /// Serves until `closing` turns true; then no new connection is taken, and requests under way get some
    /// seconds to finish. Use the receiver that is [`App::closing`]'s sibling, so that streams end too.
    pub async fn run(self, mut closing: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(self.most_connections));
        let graceful = GracefulShutdown::new();
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (self.listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                next = next => next,
                _ = closing.wait_for(|closing| *closing) => break,
            };
            // The places are never closed.
            let Ok(place) = place else { break };
            match accepted {
                Ok((stream, peer)) => connection(stream, peer, &self.routes, &graceful, place),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of descriptors, most likely: trying again at once would only burn the processor.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(self.listener);
        if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: &Router,
    graceful: &GracefulShutdown,
    place: OwnedSemaphorePermit,
) {
    // Small answers should leave at once; without the option they only leave later.
    let _ = stream.set_nodelay(true);
    let routes = routes.clone().map_request(move |mut request: axum::http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(axum::body::Body::new)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(Duration::from_secs(60)))
        .max_concurrent_streams(100);
    let stream = TokioIo::new(Opening::within(HEADERS, stream));
    let served = builder.serve_connection(stream, TowerToHyperService::new(routes)).into_owned();
    let served = graceful.watch(served);
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::debug!(%error, %peer, "a connection ended early");
        }
        drop(place);
    });
}

//! Puts the routes on a listener: bounded connections, patience with slow clients bounded too, and an end
//! that lets requests under way finish.

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

use crate::{App, router};

/// Connections at the same time; further ones wait in the listener's queue.
const MOST_CONNECTIONS: usize = 20_000;
/// A request's headers must be complete within this time (slow-loris).
const HEADERS: Duration = Duration::from_secs(15);
/// How long requests under way may take once the server closes.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// Serves an [`App`] on one listener.
pub struct Server {
    listener: TcpListener,
    routes: Router,
}

impl Server {
    /// A server that is not running yet.
    #[must_use]
    pub fn new(listener: TcpListener, app: Arc<App>) -> Self {
        Self { listener, routes: router(app) }
    }

    /// Serves until `closing` turns true; then no new connection is taken, and requests under way get some
    /// seconds to finish. Use the receiver that is [`App::closing`]'s sibling, so that streams end too.
    pub async fn run(self, mut closing: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = closing.wait_for(|closing| *closing) => break,
            };
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
    let served = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)).into_owned();
    let served = graceful.watch(served);
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::debug!(%error, %peer, "a connection ended early");
        }
        drop(place);
    });
}

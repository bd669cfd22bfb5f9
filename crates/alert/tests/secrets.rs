//! Keys and tokens stand in no log line, at any level, and in no `Debug` text, whatever becomes of a message.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use support::{House, SECRET, SOON, TOKEN, told};
use tracing_subscriber::fmt::MakeWriter;
use watchkeep_lab::receiver::{Mood, Receiver};

/// Keeps all that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn secrets_are_never_logged() {
    let log = Log::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    let receiver = Receiver::start().await;
    receiver.set_script([Mood::Status(500), Mood::Status(410)], Mood::Status(204));
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut shop = house.monitor(&contact).await;
    house.change(&mut shop, 451).await;
    let last = house.change(&mut shop, 0).await;
    let worker = house.worker();
    receiver.wait_for(SOON, |request| told(request) == last.as_str()).await;
    worker.stop(SOON).await;
    tracing::info!("the end of the test");
    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("the end of the test"), "the log is kept");
    let outcomes: String = house.deliveries().await.into_iter().filter_map(|delivery| delivery.last_outcome).collect();
    let shown = format!("{written}{outcomes}{contact:?}{contact:#?}");
    for secret in [SECRET, SECRET.trim_start_matches("whsec_"), TOKEN] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

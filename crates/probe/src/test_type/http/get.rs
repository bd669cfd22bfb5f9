//! Asks a service that another type of test needs, by the way that pages are fetched: any status is an answer.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Url;
use watchkeep_catalogue::service;
use watchkeep_model::{ByteSize, Pattern, Test, http::Options};

use super::{Trace, connection::Way, fetch};
use crate::{Prober, net::deadline::Deadline};

/// Redirects that are followed.
const MOST_REDIRECTS: u8 = 3;

/// A request for a document.
pub(crate) struct Get {
    pub(crate) url: Url,
    /// What kind of document is wanted.
    pub(crate) accept: HeaderValue,
    /// A larger one is no use.
    pub(crate) largest: ByteSize,
}

/// What came.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came that could be used.
#[derive(Debug)]
pub(crate) struct NotGot {
    /// The status of an answer that came and broke; none where it was late, or nothing came.
    pub(crate) status: Option<u16>,
    pub(crate) detail: String,
}

impl Get {
    /// The answer, redirects followed.
    pub(crate) async fn send(self, prober: &Prober, test: &Test, deadline: Deadline) -> Result<Got, NotGot> {
        let options = self.options();
        let way = Way { prober, test, options: &options, total: deadline };
        let mut trace = Trace::default();
        match fetch(&way, &mut trace).await {
            Ok(reply) => Ok(Got { status: reply.status, headers: reply.headers, body: reply.body }),
            Err(verdict) => Err(NotGot {
                status: trace.observed.http_status.filter(|_| verdict.code != service::HTTP_OPERATION_TIMEOUT),
                detail: verdict.detail.unwrap_or_default().into_owned(),
            }),
        }
    }

    fn options(self) -> Options {
        Options {
            headers: HeaderMap::from_iter([(header::ACCEPT, self.accept)]),
            // The body is kept where a condition looks into it.
            require: "/^/".parse::<Pattern>().into_iter().collect(),
            max_redirects: MOST_REDIRECTS,
            max_body: self.largest,
            ..Options::get(self.url)
        }
    }
}

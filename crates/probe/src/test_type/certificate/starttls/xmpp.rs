//! XMPP (RFC 6120, 5): the stream's header, its features, the request for TLS. Only what the dialogue needs is looked
//! for in the text; everything is bounded, and nothing of it is kept.

use std::borrow::Cow;

use watchkeep_model::HostName;

use super::{Next, Script, Unanswered};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:xmpp-tls";

pub(super) struct Xmpp {
    header: Vec<u8>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Features,
    GoAhead,
}

impl Xmpp {
    /// A host name has no character that would need an escape in XML.
    pub(super) fn new(name: &HostName) -> Self {
        let header = format!(
            "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>",
            name.bare()
        );
        Self { header: header.into_bytes(), stage: Stage::Features }
    }
}

impl Script for Xmpp {
    fn opening(&mut self) -> Option<Cow<'static, [u8]>> {
        Some(Cow::Owned(std::mem::take(&mut self.header)))
    }

    fn read(&mut self, heard: &[u8]) -> Next {
        let heard_text = match std::str::from_utf8(heard) {
            Ok(text) => text,
            // A character may be cut where the piece ends.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&heard[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return Next::Stranger,
        };
        let text = heard_text.trim_ascii_start();
        let skipped = heard_text.len() - text.len();
        if text.starts_with(|first| first != '<') {
            return Next::Stranger;
        }
        match self.stage {
            Stage::Features => self.read_features(text, skipped),
            Stage::GoAhead => read_go_ahead(text, skipped),
        }
    }

    fn waiting_for(&self) -> &'static str {
        match self.stage {
            Stage::Features => "no complete features of the stream came",
            Stage::GoAhead => "no complete answer to the request for TLS came",
        }
    }
}

impl Xmpp {
    fn read_features(&mut self, text: &str, skipped: usize) -> Next {
        if text.contains("<stream:error") {
            return Next::End(Unanswered::broken("the server refuses the stream"));
        }
        let Some(begin) = text.find("<stream:features") else { return Next::More };
        let features = &text[begin..];
        let Some(tag_end) = features.find('>') else { return Next::More };
        if features[..tag_end].ends_with('/') {
            return Next::End(Unanswered::no_tls("the server does not offer STARTTLS"));
        }
        const END: &str = "</stream:features>";
        let Some(end) = features.find(END) else { return Next::More };
        if !features[..end].contains("<starttls") {
            return Next::End(Unanswered::no_tls("the server does not offer STARTTLS"));
        }
        self.stage = Stage::GoAhead;
        let request = format!("<starttls xmlns='{NAMESPACE}'/>");
        Next::Say(skipped + begin + end + END.len(), Cow::Owned(request.into_bytes()))
    }
}

fn read_go_ahead(text: &str, skipped: usize) -> Next {
    let Some(tag_end) = text.find('>') else { return Next::More };
    let tag = &text[..tag_end];
    let is = |name: &str| {
        let rest = tag.strip_prefix('<').and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '/'))
    };
    if is("failure") {
        return Next::End(Unanswered::no_tls("the server refuses STARTTLS"));
    }
    if !is("proceed") {
        return Next::End(Unanswered::broken("the answer to the request for TLS is none of XMPP"));
    }
    if tag.ends_with('/') {
        return Next::Begin(skipped + tag_end + 1);
    }
    const END: &str = "</proceed>";
    match text.find(END) {
        Some(end) => Next::Begin(skipped + end + END.len()),
        None => Next::More,
    }
}

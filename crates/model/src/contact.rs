//! Contacts and their channels: who is told, and by which way.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::json;
use url::Url;

use crate::{ChannelId, ContactId, Exposure, Invalid, Name, Object, OrgId, Reader, Secret};

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its identifier.
    pub id: ContactId,
    /// Its owner.
    pub org: OrgId,
    /// What people call it.
    pub name: Name,
    /// The ways to reach it.
    pub channels: Vec<Channel>,
    /// The fixed token that its webhooks carry in a header.
    pub webhook_token: Secret,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts the changes; the API's `ETag`.
    pub version: u64,
}

/// One way to reach a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its identifier.
    pub id: ChannelId,
    /// Where messages go.
    pub target: ChannelTarget,
}

/// Where messages go. A closed set: a new kind of channel is a new variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelTarget {
    /// An HTTP(S) receiver after the Standard Webhooks specification.
    Webhook {
        /// The receiver.
        url: Url,
        /// Signs every message.
        secret: WebhookSecret,
        /// The secret before it, which signs too while receivers change over.
        older_secret: Option<WebhookSecret>,
    },
}

/// What a user decides about a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactSettings {
    /// What people call it.
    pub name: Name,
    /// The ways to reach it, in order.
    pub channels: Vec<ChannelSettings>,
}

/// A channel as a user gives it: the secrets may be left to the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelSettings {
    /// An HTTP(S) receiver.
    Webhook {
        /// The receiver.
        url: Url,
        /// The secrets, newest first, two at most; none to keep those that there are, or to have one made.
        secrets: Vec<GivenSecret>,
    },
}

/// A secret as a user gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenSecret {
    /// The mask: the one that is kept at the same place.
    Kept,
    /// Another one.
    New(WebhookSecret),
}

impl ContactSettings {
    /// Reads a contact from an object that holds nothing else.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse(object: Object) -> Result<Self, Invalid> {
        let mut reader = Reader::new(object);
        let name = reader.parse::<Name>("name");
        if name.is_none() && reader.problem_count() == 0 {
            reader.problem("name", "is missing; say what people call this contact");
        }
        let channels = reader.objects("channels", 20, ChannelSettings::read).unwrap_or_default();
        Invalid::check(reader.into_problems())?;
        let name = name.ok_or_else(|| Invalid::one("name", "is missing"))?;
        Ok(Self { name, channels })
    }
}

impl ChannelSettings {
    fn read(reader: &mut Reader) -> Option<Self> {
        match reader.text("type").as_deref() {
            Some("webhook") => {}
            Some(_) => {
                reader.problem("type", "is not a known type of channel; it may be webhook");
                return None;
            }
            None => {
                reader.problem("type", "is missing; it may be webhook");
                return None;
            }
        }
        let url = reader.parse::<WebhookUrl>("url");
        if url.is_none() && reader.problem_count() == 0 {
            reader.problem("url", "is missing; give the receiver's http:// or https:// address");
        }
        let secret = reader.parse::<GivenSecret>("secret");
        let secrets = reader.list::<GivenSecret>("secrets", 2);
        if secret.is_some() && secrets.is_some() {
            reader.problem("secrets", "cannot stand beside secret; give both secrets here, the newest first");
        }
        if secrets.as_ref().is_some_and(Vec::is_empty) {
            reader.problem("secrets", "must have one or two entries");
        }
        let alone = secret.filter(|secret| *secret != GivenSecret::Kept);
        Some(Self::Webhook { url: url?.0, secrets: secrets.unwrap_or_else(|| alone.into_iter().collect()) })
    }
}

impl Channel {
    /// The channel as the API shows it.
    #[must_use]
    pub fn write(&self, exposure: Exposure) -> Object {
        let ChannelTarget::Webhook { url, secret, older_secret } = &self.target;
        let mut object = Object::new();
        object.insert("id".to_owned(), json!(self.id));
        object.insert("type".to_owned(), json!("webhook"));
        object.insert("url".to_owned(), json!(url));
        let secret = exposure.of(&secret.0);
        match older_secret {
            None => object.insert("secret".to_owned(), json!(secret)),
            Some(older) => object.insert("secrets".to_owned(), json!([secret, exposure.of(&older.0)])),
        };
        object
    }
}

struct WebhookUrl(Url);

impl FromStr for WebhookUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be the http:// or https:// address of the receiver";
        let url = Url::parse(text).map_err(|_| FORM)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(FORM);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user or password; receivers verify the signature instead");
        }
        Ok(Self(url))
    }
}

/// The key that signs webhooks: `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks).
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Secret);

impl WebhookSecret {
    const PREFIX: &'static str = "whsec_";

    /// A secret of 32 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(&format!("{}{}", Self::PREFIX, BASE64_STANDARD.encode(bytes))))
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let encoded = self.0.expose().trim_start_matches(Self::PREFIX);
        // Only texts that decode become secrets.
        BASE64_STANDARD.decode(encoded).unwrap_or_default()
    }

    /// The text with its prefix: to the store and, once, to the user.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for WebhookSecret {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be whsec_ followed by 24 to 64 bytes in base64";
        let encoded = text.strip_prefix(Self::PREFIX).ok_or(FORM)?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| FORM)?;
        if (24..=64).contains(&key.len()) { Ok(Self(Secret::new(text))) } else { Err(FORM) }
    }
}

impl FromStr for GivenSecret {
    type Err = <WebhookSecret as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Secret::MASK { Ok(Self::Kept) } else { text.parse().map(Self::New) }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

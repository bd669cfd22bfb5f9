//! Certificates of every kind, good and bad, made with OpenSSL.
//! An [`Authority`] issues what a [`Profile`] says; nobody trusts it until a test is given its file.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use openssl::{
    asn1::{Asn1Object, Asn1OctetString, Asn1Time},
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509Builder, X509Extension, X509Name,
        extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName},
    },
};
use tempfile::TempDir;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Which kind of key a certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// EC on P-256.
    Ec,
    /// RSA of this many bits.
    Rsa(u32),
    /// RSA of 8192 bits, always the same key.
    LargeRsa,
}

impl KeyKind {
    fn make(self) -> PKey<Private> {
        match self {
            Self::Ec => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
                PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
            }
            Self::LargeRsa => PKey::private_key_from_pem(include_bytes!("../keys/rsa-8192.pem")).unwrap(),
            Self::Rsa(bits) => PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(),
        }
    }
}

/// What a certificate says. Start from [`Profile::good`] and change what the test is about.
#[derive(Clone)]
pub struct Profile {
    /// The subject's common name; an empty one leaves the subject empty.
    pub common_name: &'static str,
    /// DNS names and IP addresses; none at all leaves the extension out.
    pub names: Vec<String>,
    /// First moment of validity, seconds from now.
    pub begins: i64,
    /// Last moment of validity, seconds from now.
    pub ends: i64,
    /// The key.
    pub key: KeyKind,
    /// The hash of the signature.
    pub digest: MessageDigest,
    /// Whether it calls itself an authority.
    pub is_authority: bool,
    /// Whether its extended key usage is for clients only.
    pub for_clients_only: bool,
    /// What else it says.
    pub extras: Vec<Extra>,
}

/// A rare extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// A critical one that nobody knows.
    UnknownCritical,
    /// Of an authority: it may only vouch for this domain and what is below it (RFC 5280, 4.2.1.10).
    OnlyForDomain(&'static str),
    /// Its key may sign certificates and nothing else.
    KeyForCertificatesOnly,
    /// Its issuer's OCSP responder is at this URL.
    Responder(&'static str),
    /// Its issuer's list of revoked certificates is at this URL.
    List(&'static str),
    /// The server must bring an OCSP answer along (RFC 7633).
    MustStaple,
    /// It is a responder's, which may sign OCSP answers.
    ForOcspSigning,
}

impl Extra {
    fn extension(self) -> X509Extension {
        match self {
            Self::UnknownCritical => {
                let oid = Asn1Object::from_str("1.3.6.1.4.1.55555.1").unwrap();
                X509Extension::new_from_der(&oid, true, &octets(&[5, 0])).unwrap()
            }
            Self::OnlyForDomain(domain) => {
                // SEQUENCE { [0] permitted { SEQUENCE { [2] dNSName } } }
                let name = tagged(0x82, domain.as_bytes());
                let permitted = tagged(0x30, &tagged(0xa0, &tagged(0x30, &name)));
                let oid = Asn1Object::from_str("2.5.29.30").unwrap();
                X509Extension::new_from_der(&oid, true, &octets(&permitted)).unwrap()
            }
            Self::Responder(url) => {
                // SEQUENCE { SEQUENCE { id-ad-ocsp, [6] URI } }
                let method = tagged(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1]);
                let access = tagged(0x30, &[method, tagged(0x86, url.as_bytes())].concat());
                let oid = Asn1Object::from_str("1.3.6.1.5.5.7.1.1").unwrap();
                X509Extension::new_from_der(&oid, false, &octets(&tagged(0x30, &access))).unwrap()
            }
            Self::List(url) => {
                // SEQUENCE { SEQUENCE { [0] { [0] { [6] URI } } } }
                let name = tagged(0xa0, &tagged(0xa0, &tagged(0x86, url.as_bytes())));
                let oid = Asn1Object::from_str("2.5.29.31").unwrap();
                X509Extension::new_from_der(&oid, false, &octets(&tagged(0x30, &tagged(0x30, &name)))).unwrap()
            }
            Self::MustStaple => {
                let oid = Asn1Object::from_str("1.3.6.1.5.5.7.1.24").unwrap();
                X509Extension::new_from_der(&oid, false, &octets(&[0x30, 3, 2, 1, 5])).unwrap()
            }
            Self::ForOcspSigning => ExtendedKeyUsage::new().other("OCSPSigning").build().unwrap(),
            Self::KeyForCertificatesOnly => KeyUsage::new().critical().key_cert_sign().build().unwrap(),
        }
    }
}

/// A short DER value.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).ok().filter(|length| *length < 128).unwrap();
    [&[tag, length], content].concat()
}

fn octets(content: &[u8]) -> Asn1OctetString {
    Asn1OctetString::new_from_bytes(content).unwrap()
}

impl Profile {
    /// What a browser accepts for `localhost` and the loopback addresses, if the issuer is trusted.
    #[must_use]
    pub fn good() -> Self {
        Self {
            common_name: "localhost",
            names: ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into(),
            begins: -DAY,
            ends: 90 * DAY,
            key: KeyKind::Ec,
            digest: MessageDigest::sha256(),
            is_authority: false,
            for_clients_only: false,
            extras: Vec::new(),
        }
    }
}

impl Profile {
    /// An authority below the root.
    #[must_use]
    pub fn intermediate() -> Self {
        Self { common_name: "Watchkeep Lab Intermediate", names: Vec::new(), is_authority: true, ..Self::good() }
    }
}

/// A chain with the key of its leaf.
#[derive(Clone)]
pub struct Identity {
    /// Leaf first.
    pub chain: Vec<X509>,
    /// The leaf's key.
    pub key: PKey<Private>,
}

impl Identity {
    /// The same with the last bit of the leaf's signature turned.
    #[must_use]
    pub fn with_broken_signature(mut self) -> Self {
        let mut der = self.chain[0].to_der().unwrap();
        *der.last_mut().unwrap() ^= 1;
        self.chain[0] = X509::from_der(&der).unwrap();
        self
    }

    /// Chain and key in one PEM file.
    #[must_use]
    pub fn pem(&self) -> Vec<u8> {
        let mut pem: Vec<u8> = self.chain.iter().flat_map(|certificate| certificate.to_pem().unwrap()).collect();
        pem.extend(self.key.private_key_to_pem_pkcs8().unwrap());
        pem
    }
}

/// An authority of a test's own.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
    folder: TempDir,
}

static SERIAL: AtomicU32 = AtomicU32::new(1);

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new authority that nobody trusts yet.
    #[must_use]
    pub fn new() -> Self {
        let profile =
            Profile { common_name: "Watchkeep Lab CA", names: Vec::new(), is_authority: true, ..Profile::good() };
        let key = profile.key.make();
        let certificate = build(&profile, &key, None);
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.to_pem().unwrap()).unwrap();
        Self { certificate, key, folder }
    }

    /// A PEM file with its certificate, to be trusted by a test.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &X509 {
        &self.certificate
    }

    /// Its certificate with its key.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { chain: vec![self.certificate.clone()], key: self.key.clone() }
    }

    /// A leaf issued directly.
    #[must_use]
    pub fn issue(&self, profile: &Profile) -> Identity {
        let key = profile.key.make();
        let certificate = build(profile, &key, Some((&self.certificate, &self.key)));
        Identity { chain: vec![certificate], key }
    }

    /// A leaf issued by an intermediate; the whole chain without the root.
    #[must_use]
    pub fn issue_through_intermediate(&self, profile: &Profile) -> Identity {
        self.issue_through(&[Profile::intermediate()], profile)
    }

    /// A leaf issued by the last of these authorities, each issued by the one before; the whole chain without the root.
    #[must_use]
    pub fn issue_through(&self, authorities: &[Profile], profile: &Profile) -> Identity {
        let mut chain: Vec<X509> = Vec::new();
        let mut issuer_key = self.key.clone();
        for link in authorities.iter().chain([profile]) {
            let key = link.key.make();
            let issuer = chain.first().unwrap_or(&self.certificate);
            chain.insert(0, build(link, &key, Some((issuer, &issuer_key))));
            issuer_key = key;
        }
        Identity { chain, key: issuer_key }
    }
}

/// A certificate signed with its own key.
#[must_use]
pub fn self_signed(profile: &Profile) -> Identity {
    let key = profile.key.make();
    Identity { chain: vec![build(profile, &key, None)], key }
}

fn time(seconds: i64) -> Asn1Time {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Asn1Time::from_unix(i64::try_from(now).unwrap() + seconds).unwrap()
}

fn build(profile: &Profile, key: &PKey<Private>, issuer: Option<(&X509, &PKey<Private>)>) -> X509 {
    let mut name = X509Name::builder().unwrap();
    if !profile.common_name.is_empty() {
        name.append_entry_by_nid(Nid::COMMONNAME, profile.common_name).unwrap();
    }
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(SERIAL.fetch_add(1, Relaxed)).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(issuer.map_or(&*name, |(certificate, _)| certificate.subject_name())).unwrap();
    builder.set_not_before(&time(profile.begins)).unwrap();
    builder.set_not_after(&time(profile.ends)).unwrap();
    builder.set_pubkey(key).unwrap();
    if profile.is_authority {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    }
    if !profile.names.is_empty() {
        let mut names = SubjectAlternativeName::new();
        for text in &profile.names {
            if text.parse::<IpAddr>().is_ok() {
                names.ip(text)
            } else {
                names.dns(text)
            };
        }
        let extension = names.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(extension).unwrap();
    }
    if profile.for_clients_only {
        builder.append_extension(ExtendedKeyUsage::new().client_auth().build().unwrap()).unwrap();
    }
    for extra in &profile.extras {
        builder.append_extension(extra.extension()).unwrap();
    }
    builder.sign(issuer.map_or(key, |(_, key)| key), profile.digest).unwrap();
    builder.build()
}

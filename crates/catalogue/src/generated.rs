//! The table of all status codes.
//! Written by `cargo xtask gen` from the catalogue's sections; do not edit.

use crate::{Entry, Family, Severity, StatusCode};

/// The parts of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// Codes that every monitor of a family can have, whatever its type.
    General,
    /// Echo requests to a host: whether it answers, how fast, and how many packets are lost on the way.
    Icmp,
    /// Websites and HTTP interfaces. When several things are wrong, the earliest phase decides the code: name resolution, connection, TLS, time limits, status, required words, forbidden words, response time.
    Http,
    /// Connections to any TCP port, in clear text or over TLS, with an optional exchange.
    Tcp,
    /// FTP servers, with TLS where asked for: greeting, login, an optional look at a directory or file, and the farewell.
    Ftp,
    /// A datagram sent to any UDP port, and the answer to it.
    Udp,
    /// WebSocket servers (RFC 6455), in clear text and over TLS. Of the two technical errors, 521 stands for the robot's side and 522 for the server's.
    Websocket,
    /// What an agent reports of a machine. When several thresholds are exceeded, the first of 106, 103, 102, 101, 100, 104, 105 is the code, and the result lists them all.
    Server,
    /// What the certificate test sees. The codes that it shares with the HTTP test have the same numbers. A certificate that is about to expire or has changed raises an event and leaves the code at 0.
    Certificate,
    /// What the registry and blocklists say of a domain name. When several things are wrong, the first of 513, 510, 514, 512, 511 is the code. Upcoming expiry and changes of registry data raise events and leave the code at 0.
    Domain,
}

impl Section {
    /// All sections, in the order in which people read them.
    pub const ALL: &'static [Self] = &[
        Self::General,
        Self::Icmp,
        Self::Http,
        Self::Tcp,
        Self::Ftp,
        Self::Udp,
        Self::Websocket,
        Self::Server,
        Self::Certificate,
        Self::Domain,
    ];

    /// The word that names it; also the name of its test type, where it has one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Icmp => "icmp",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Ftp => "ftp",
            Self::Udp => "udp",
            Self::Websocket => "websocket",
            Self::Server => "server",
            Self::Certificate => "certificate",
            Self::Domain => "domain",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Icmp => "ICMP (ping)",
            Self::Http => "HTTP(S)",
            Self::Tcp => "TCP",
            Self::Ftp => "FTP",
            Self::Udp => "UDP",
            Self::Websocket => "WebSocket",
            Self::Server => "Server",
            Self::Certificate => "SSL certificate",
            Self::Domain => "Domain name",
        }
    }

    /// What it covers.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::General => "Codes that every monitor of a family can have, whatever its type.",
            Self::Icmp => {
                "Echo requests to a host: whether it answers, how fast, and how many packets are lost on the way."
            }
            Self::Http => {
                "Websites and HTTP interfaces. When several things are wrong, the earliest phase decides the code: name resolution, connection, TLS, time limits, status, required words, forbidden words, response time."
            }
            Self::Tcp => "Connections to any TCP port, in clear text or over TLS, with an optional exchange.",
            Self::Ftp => {
                "FTP servers, with TLS where asked for: greeting, login, an optional look at a directory or file, and the farewell."
            }
            Self::Udp => "A datagram sent to any UDP port, and the answer to it.",
            Self::Websocket => {
                "WebSocket servers (RFC 6455), in clear text and over TLS. Of the two technical errors, 521 stands for the robot's side and 522 for the server's."
            }
            Self::Server => {
                "What an agent reports of a machine. When several thresholds are exceeded, the first of 106, 103, 102, 101, 100, 104, 105 is the code, and the result lists them all."
            }
            Self::Certificate => {
                "What the certificate test sees. The codes that it shares with the HTTP test have the same numbers. A certificate that is about to expire or has changed raises an event and leaves the code at 0."
            }
            Self::Domain => {
                "What the registry and blocklists say of a domain name. When several things are wrong, the first of 513, 510, 514, 512, 511 is the code. Upcoming expiry and changes of registry data raise events and leave the code at 0."
            }
        }
    }

    /// The section that a word names, if any.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|section| section.as_str() == word)
    }
}

/// Every entry, ordered by family and code.
pub(crate) static ENTRIES: &[Entry] = &[
    Entry {
        family: Family::Service,
        code: StatusCode::new(-3),
        section: Section::General,
        name: "pending",
        summary: "Activated, waiting for the first result.",
        severity: Severity::Pending,
        explanation: "The monitor is active, and no test or report has come in since its activation. Shortly after activation this is normal.",
        remedy: "Wait for one interval. If nothing has come by then, check that the robot or agent that should report is running and reaches the server.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(-2),
        section: Section::General,
        name: "paused",
        summary: "Monitoring is paused.",
        severity: Severity::Inactive,
        explanation: "A user paused this monitor. Its history is kept; no test runs and nobody is told until it is activated again.",
        remedy: "Activate the monitor when it should be watched again.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(-1),
        section: Section::General,
        name: "created",
        summary: "Created and not yet activated.",
        severity: Severity::Inactive,
        explanation: "The monitor has been set up, and nobody has activated it so far. It is not tested, and nobody is told about it.",
        remedy: "Activate the monitor when it should be watched.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(0),
        section: Section::General,
        name: "operational",
        summary: "Everything is as it should be.",
        severity: Severity::Operational,
        explanation: "The last test or report met every condition that was set.",
        remedy: "Nothing needs to be done.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(100),
        section: Section::General,
        name: "unknown_test_type",
        summary: "The robot does not know this type of test.",
        severity: Severity::Misconfigured,
        explanation: "The stored test names a type that this robot does not have, so nothing was tested. Most often the robot is older than the server that gave it the test. This says nothing about the target.",
        remedy: "Bring the robot to the server's version, or correct the type of the monitor.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(101),
        section: Section::General,
        name: "not_enough_parameters",
        summary: "The test lacks something that its type needs.",
        severity: Severity::Misconfigured,
        explanation: "A setting without which this type of test cannot run is missing or cannot be used; the detail names it. Nothing was tested, so this says nothing about the target.",
        remedy: "Complete the setting that the detail names.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(102),
        section: Section::General,
        name: "response_too_slow",
        summary: "The answer is right and took longer than allowed.",
        severity: Severity::Degraded,
        explanation: "Every other condition was met, and the whole test took longer than the response time allowed for this service. Load on the server, a slow database, a slow name server or a congested network are the usual causes; the phases show where the time went.",
        remedy: "Compare the phases with those of earlier results: the one that grew points to the cause. If this duration is normal for the service, raise the allowed response time.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(400),
        section: Section::Icmp,
        name: "icmp_not_executed",
        summary: "The ping could not be executed.",
        severity: Severity::Misconfigured,
        explanation: "No echo left the robot: it may not open the socket, sending failed, or it has no route to the host or network. The detail says which. The fault is on the robot's side, so this says nothing about the target.",
        remedy: "If permission is missing, give the robot the capability CAP_NET_RAW or include its group in net.ipv4.ping_group_range. Otherwise check the robot's network and its default route.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(401),
        section: Section::Icmp,
        name: "icmp_reply_not_analysable",
        summary: "Replies came, and none is a valid echo of what was sent.",
        severity: Severity::Down,
        explanation: "What came back has a wrong checksum, is cut short or carries another payload than was sent, and no valid reply came beside it. A faulty network card, a tunnel with a wrong packet size, or a device on the way that alters packets are the likely causes.",
        remedy: "Ping the host from another network with the same packet size. If the replies are damaged there too, look at the host; if not, look at the devices between the robot and the host.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(402),
        section: Section::Icmp,
        name: "icmp_no_reply",
        summary: "The host does not answer.",
        severity: Severity::Down,
        explanation: "None of the echoes was answered in time, or only ICMP errors such as unreachable or TTL exceeded came back; the detail carries the error. The host is off, its network is down, or a firewall drops pings.",
        remedy: "Check that the host is running and try another of its services. If those answer, a firewall is dropping ICMP: let echo requests through. If not, trace the route to see where it ends.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(403),
        section: Section::Icmp,
        name: "icmp_packets_lost",
        summary: "Some packets were lost.",
        severity: Severity::Degraded,
        explanation: "The host answered at least one echo, and more of the others were lost than this service tolerates. A congested or faulty link, an overloaded host, or a rate limit on ICMP are the usual causes.",
        remedy: "Trace the route several times to find the hop at which losses begin. If this loss is normal for the link, raise the tolerated loss.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(404),
        section: Section::Icmp,
        name: "icmp_name_resolution_failed",
        summary: "The host name could not be resolved.",
        severity: Severity::Down,
        explanation: "DNS has no address for the name, or no name server gave an answer; the detail says which. A missing record, an expired domain or a broken name server are the usual causes.",
        remedy: "Check the A and AAAA records of the name and its name servers. If many monitors report this at the same time, check the robot's own DNS first.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(410),
        section: Section::Http,
        name: "http_parameter_missing",
        summary: "A parameter of the HTTP test is missing.",
        severity: Severity::Misconfigured,
        explanation: "The URL is missing or incomplete, a body is declared and not given, or a user stands without a password; the detail names the field. Nothing was tested, so this says nothing about the site.",
        remedy: "Complete the field that the detail names.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(411),
        section: Section::Http,
        name: "http_unknown_protocol",
        summary: "The protocol asked for is not one that the HTTP test speaks.",
        severity: Severity::Misconfigured,
        explanation: "The URL begins with something other than http:// or https://, or the test asks for an HTTP version that the robot does not have. Nothing was tested, so this says nothing about the site.",
        remedy: "Begin the URL with http:// or https://, or choose an HTTP version that the detail lists. For another protocol choose another type of test.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(412),
        section: Section::Http,
        name: "http_required_words_missing",
        summary: "Something that must be on the page is missing.",
        severity: Severity::Down,
        explanation: "The page arrived with an accepted status, and at least one required word, pattern or JSON condition is not met; the detail lists which. An error page with a good status, an empty list from a failed query, a page shown by a protection service, or a text changed on purpose are the usual causes.",
        remedy: "Open the page and look for what the detail lists. If the site is at fault, look into the application's log; if the text was changed on purpose, correct the condition.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(413),
        section: Section::Http,
        name: "http_forbidden_words_present",
        summary: "Something that must not be on the page is there.",
        severity: Severity::Down,
        explanation: "The page arrived with an accepted status, and at least one forbidden word or pattern stands in it; the detail lists which. Often it is an error message that the application prints into the page, or content put there by a stranger.",
        remedy: "Open the page, find the words, and look for their cause in the application's log. If nobody on your side wrote them, treat the site as broken into.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(414),
        section: Section::Http,
        name: "http_status_forbidden",
        summary: "The server answered with a status that is not accepted.",
        severity: Severity::Down,
        explanation: "After all redirects the HTTP status lies outside the accepted set; the detail names it. 500 is a fault in the application, 502 to 504 mean that the web server cannot reach what stands behind it, 404 that the page is gone, 401 and 403 that access is refused, 429 that the robot asks too often.",
        remedy: "For 5xx look into the error log of the server and check that the application behind it is running. For 4xx check the URL and the credentials of the test. If the status is expected, add it to the accepted ones.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(415),
        section: Section::Http,
        name: "http_tls_failed",
        summary: "The TLS connection could not be established.",
        severity: Severity::Down,
        explanation: "The handshake broke off for a reason that has no code of its own: the port does not speak TLS, the server closed the connection during the handshake, it wants a client certificate, or it reported an error of its own. The detail has the reason or the alert.",
        remedy: "Check that this port serves HTTPS for this host name, and look for TLS errors in the server's log. The command openssl s_client -connect HOST:443 -servername HOST shows the same handshake.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(416),
        section: Section::Http,
        name: "http_certificate_invalid",
        summary: "The certificate of the server is invalid.",
        severity: Severity::Down,
        explanation: "Visitors see a warning instead of the site. The certificate has expired, is not valid yet, is made for another name, is malformed, may not be used for servers, was revoked according to the OCSP answer that the server brings along, or has a key or signature that is no longer accepted; the detail says which. Only the subject alternative names count, not the common name.",
        remedy: "Renew or replace the certificate, then reload the web server so that it presents the new one. If it was renewed already, a server or load balancer still holds the old one.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(417),
        section: Section::Http,
        name: "http_tls_no_common_cipher",
        summary: "There is no TLS version or cipher suite in common.",
        severity: Severity::Down,
        explanation: "The server offers only TLS versions or cipher suites that current browsers refuse, typically TLS 1.0 or 1.1, or ones below the minimum that this test asks for. If the test sets no minimum of its own, visitors with a current browser cannot open the site either.",
        remedy: "Enable TLS 1.2 and 1.3 with ECDHE suites on the server. If only the minimum of the test is too high, lower it.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(418),
        section: Section::Http,
        name: "http_certificate_untrusted",
        summary: "The certificate does not lead to a trusted authority.",
        severity: Severity::Down,
        explanation: "The server does not send the intermediate certificate, the certificate is signed by itself, or its issuer is unknown; it can also be that the file of authorities set for this test cannot be read. Some browsers find a missing intermediate by themselves, so the site may open for you and fail for others.",
        remedy: "Install the full chain on the server: its certificate followed by the intermediates. For an authority of your own give its certificate to the test.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(419),
        section: Section::Http,
        name: "http_connect_timeout",
        summary: "The connection was not established in time.",
        severity: Severity::Down,
        explanation: "Connecting or the TLS handshake was not done within the connect limit; the phases show which. The host is off, a firewall drops packets without an answer, the server is overloaded, or the way to it is broken.",
        remedy: "Check that the host is running and that firewalls let the robot through. If other sites on the same network fail too, look at the network. If the way is merely long, raise the connect limit.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(420),
        section: Section::Http,
        name: "http_operation_timeout",
        summary: "The answer was not complete in time.",
        severity: Severity::Down,
        explanation: "The connection stood, and headers or body were not complete within the limit of the whole test. The application hangs, waits for something else such as its database, or the server is overloaded and sends very slowly.",
        remedy: "Look at what the application is waiting for, its database and other services first, and at the load of the server. If this page is slow by nature, raise the limit.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(450),
        section: Section::Http,
        name: "http_client_error",
        summary: "The exchange failed in a way that has no code of its own.",
        severity: Severity::Down,
        explanation: "The detail says what happened. Typical are a malformed reply, a connection closed in the middle of a reply, too many redirects, a body larger than the limit, and a body that cannot be decompressed.",
        remedy: "Begin with the detail. For a cut or malformed reply look into the logs of the web server and of every proxy before it, for redirects follow them one by one, for a large body raise the limit if its size is right.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(451),
        section: Section::Http,
        name: "http_connect_failed",
        summary: "Cannot connect to the web server.",
        severity: Severity::Down,
        explanation: "The connection was refused, reset before anything was exchanged, or there is no route to the address; the detail says which and names the address. Most often the web server is not running; it may also listen on another address or port, or a firewall rejects the robot.",
        remedy: "Check that the web server is running and listens on the address and port in the detail, then that no firewall rejects the robot.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(452),
        section: Section::Http,
        name: "http_name_resolution_failed",
        summary: "The host name could not be resolved.",
        severity: Severity::Down,
        explanation: "DNS has no address for the name, or no name server gave an answer; the detail says which. A missing record, an expired domain or a broken name server are the usual causes.",
        remedy: "Check the A and AAAA records of the name, its name servers, and that the domain is still registered. If many monitors report this at the same time, check the robot's own DNS first.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(453),
        section: Section::Http,
        name: "http_protocol_not_supported",
        summary: "The server leads to a protocol that the HTTP test cannot speak.",
        severity: Severity::Down,
        explanation: "A redirect points to something other than http:// or https://, or the server insists on a protocol that the robot does not have; the detail names it.",
        remedy: "Correct the redirect, or the protocols that the server offers. If the redirect is meant, set the number of redirects to follow to 0 and accept its status.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(454),
        section: Section::Http,
        name: "http_time_limit_not_computable",
        summary: "The time limits of the test cannot be used.",
        severity: Severity::Misconfigured,
        explanation: "A limit is zero, too large, or above the limit that encloses it, or the robot's clock does not advance; the detail says which. Nothing was tested, so this says nothing about the site.",
        remedy: "Set a connect limit that is not above the limit of the whole test, both within the range that the detail gives. If the limits are right, check the robot's clock.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(460),
        section: Section::Tcp,
        name: "tcp_parameter_missing",
        summary: "A parameter of the TCP test is missing or cannot be used.",
        severity: Severity::Misconfigured,
        explanation: "Without a host and a port the robot does not know where to connect, and with a time limit of zero or above the one that encloses it no test can be made; the detail says which. Nothing was tested, so this says nothing about the target.",
        remedy: "Write the target as HOST:PORT, and correct the limit if the detail names one.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(461),
        section: Section::Tcp,
        name: "tcp_port_closed",
        summary: "The port is closed.",
        severity: Severity::Down,
        explanation: "The connection was refused or actively rejected; the detail names the address. Most often the service is not running; it may also listen on another address or port, or a firewall rejects the robot.",
        remedy: "Check that the service is running and listens on the address and port in the detail, then that no firewall rejects the robot.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(462),
        section: Section::Tcp,
        name: "tcp_name_resolution_failed",
        summary: "The host name could not be resolved.",
        severity: Severity::Down,
        explanation: "DNS has no address for the name, or no name server gave an answer; the detail says which. A missing record, an expired domain or a broken name server are the usual causes.",
        remedy: "Check the A and AAAA records of the name and its name servers. If many monitors report this at the same time, check the robot's own DNS first.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(463),
        section: Section::Tcp,
        name: "tcp_no_response",
        summary: "No response in time.",
        severity: Severity::Down,
        explanation: "The connection or its TLS handshake was not done within the limit, or no reply came although one is expected; the detail says which. In the first case the host is off or a firewall drops packets; in the second the service accepts connections and hangs.",
        remedy: "If connecting failed, check the host and the firewalls on the way. If the reply is missing, look at the service, its load and what it waits for.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(464),
        section: Section::Tcp,
        name: "tcp_exchange_failed",
        summary: "The exchange failed.",
        severity: Severity::Down,
        explanation: "The connection was reset, or closed before anything was said, sending failed, TLS failed on a port that is wrapped in it, its certificate among the reasons, there is no route to the address, or another error occurred that has no code of its own; the detail says which. A service that crashes, refuses the robot's address or is full looks like this.",
        remedy: "Begin with the detail. For a connection that breaks look into the log of the service at the time of the test, and check its limits on connections and its list of allowed addresses; for TLS check the certificate and that the port speaks TLS from the first byte.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(465),
        section: Section::Tcp,
        name: "tcp_unexpected_response",
        summary: "The reply is not the expected one.",
        severity: Severity::Down,
        explanation: "A reply came, and it does not match what validates the test: until the time limit, until the server closed the connection, or until more came than is read. A reply that is not in the declared encoding counts too. The detail shows its beginning. The service reports an error, was replaced or updated, or another program has taken the port.",
        remedy: "Read the reply in the detail and compare it with the expectation. Correct the service, or the expectation if the new reply is right.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(480),
        section: Section::Ftp,
        name: "ftp_unknown_error",
        summary: "The FTP test failed in a way that has no code of its own.",
        severity: Severity::Down,
        explanation: "A name that cannot be resolved, a time limit that ran out, a failed TLS handshake, a connection that was closed in the middle and a data connection that could not be made are among these; the detail says what happened.",
        remedy: "Begin with the detail: for a name check DNS, for a time limit check the host and the firewalls, for TLS check the server's certificate and log, for data check the passive ports that the firewall lets through.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(481),
        section: Section::Ftp,
        name: "ftp_protocol_error",
        summary: "What the server sends is not FTP.",
        severity: Severity::Down,
        explanation: "A reply has no three-digit code, a reply of several lines never ends, or the greeting is that of another program (RFC 959). Another service listens on this port, or a proxy answers in place of the server.",
        remedy: "Connect to the port by hand and read the greeting. Check that an FTP server listens there, and whether it expects TLS from the first byte.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(482),
        section: Section::Ftp,
        name: "ftp_command_failed",
        summary: "The server refused a command, or answered it out of order.",
        severity: Severity::Down,
        explanation: "A well-formed reply to one command is an error or does not belong to it; the detail names the command and the reply. A path that does not exist, missing rights, too many connections (a greeting of 421) or a server without TLS are the usual causes.",
        remedy: "Read the reply in the detail, then check the path, the rights of the user and the server's limits.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(483),
        section: Section::Ftp,
        name: "ftp_port_closed",
        summary: "The FTP port is closed.",
        severity: Severity::Down,
        explanation: "The connection was refused. Most often the FTP server is not running; it may also listen on another address or port, or a firewall rejects the robot.",
        remedy: "Check that the FTP server is running and listens on the address and port in the detail, then that no firewall rejects the robot.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(484),
        section: Section::Ftp,
        name: "ftp_login_refused",
        summary: "Wrong user or password.",
        severity: Severity::Down,
        explanation: "The server refused the credentials of the test (reply 530). The password was changed or has expired, the account is locked, or the server allows logins over TLS only.",
        remedy: "Log in with the same credentials by hand. Correct them in the test, or unlock the account.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(485),
        section: Section::Ftp,
        name: "ftp_login_required",
        summary: "A command needs a login.",
        severity: Severity::Down,
        explanation: "The server refused a command (reply 530 or 532) because the login was left out, or the login is incomplete because the server asks for an account beside user and password (332).",
        remedy: "Give the test a user and a password, or leave out the directory or file that it looks at.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(486),
        section: Section::Ftp,
        name: "ftp_anonymous_disabled",
        summary: "Anonymous login is not allowed.",
        severity: Severity::Down,
        explanation: "The server refused the user anonymous or ftp.",
        remedy: "If the public should have access, allow anonymous login on the server. If not, give the test a user and a password.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(490),
        section: Section::Udp,
        name: "udp_unknown_error",
        summary: "The UDP test failed in a way that has no code of its own.",
        severity: Severity::Down,
        explanation: "A name that cannot be resolved, an address that may not be tested or to which there is no route, and an error of the robot's own socket are among these; the detail says what happened.",
        remedy: "Begin with the detail: for a name check DNS, for a socket error check the robot's network.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(491),
        section: Section::Udp,
        name: "udp_no_response",
        summary: "No response.",
        severity: Severity::Down,
        explanation: "No datagram came back within the limit, or the host answered that the port is unreachable; the detail tells the two apart. In the second case the host is up and the service is not running. In the first the host is off, a firewall drops datagrams, or the service ignores the request.",
        remedy: "If the port is unreachable, start the service. Otherwise check the host, the firewalls in both directions, and that the service answers to this request.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(492),
        section: Section::Udp,
        name: "udp_unexpected_response",
        summary: "The reply is not the expected one.",
        severity: Severity::Down,
        explanation: "A reply came, and it does not match what validates the test; the detail shows its beginning or says what it is. The service reports an error, or was replaced or updated. To a ready-made request only an answer to that very request counts; others are waited over, and reported when the right one does not come.",
        remedy: "Read the reply in the detail and compare it with the expectation. Correct the service, or the expectation if the new reply is right.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(493),
        section: Section::Udp,
        name: "udp_invalid_response",
        summary: "The reply cannot be decoded.",
        severity: Severity::Down,
        explanation: "A reply came that is not valid in the declared encoding, or not a message of the protocol that a ready-made request speaks, or that is cut short. The service sends something else than declared, or its datagrams are larger than the network carries.",
        remedy: "Compare the declared encoding with what the service sends, and check the size of its datagrams.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(520),
        section: Section::Websocket,
        name: "websocket_unknown_error",
        summary: "The test failed before the exchange, in a way that has no code of its own.",
        severity: Severity::Down,
        explanation: "Something happened between the connection and the first message that no other code names, such as TLS that breaks after its handshake; the detail says what.",
        remedy: "Begin with the detail, then look into the log of the server at the time of the test.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(521),
        section: Section::Websocket,
        name: "websocket_request_failed",
        summary: "The robot could not build or send the request.",
        severity: Severity::Misconfigured,
        explanation: "The URL, a header, the sub-protocol, a time limit or a file that the TLS settings name cannot be used, or the robot itself could not open a connection; the detail says which. The fault is on the robot's side, so this says nothing about the server.",
        remedy: "Correct the setting that the detail names; for a fault of the robot look at its machine.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(522),
        section: Section::Websocket,
        name: "websocket_handshake_refused",
        summary: "The opening handshake was refused or wrong.",
        severity: Severity::Down,
        explanation: "The server answered with a status other than 101, with a wrong Sec-WebSocket-Accept, with an extension or a sub-protocol that was not offered or with none of those that were, it closed the connection without an answer, or TLS failed, its certificate among the reasons; the detail says which. A wrong path, a proxy that does not pass the upgrade on, or a missing login are the usual causes.",
        remedy: "Check the path and the headers of the test, and that every proxy before the server passes Upgrade and Connection on. For TLS check the certificate of the server.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(523),
        section: Section::Websocket,
        name: "websocket_inaccessible",
        summary: "The server cannot be reached.",
        severity: Severity::Down,
        explanation: "The name could not be resolved, the connection was refused, there is no route, the egress policy of this installation forbids the address, or connecting or the TLS handshake took too long; the detail says which.",
        remedy: "For a name check DNS. If the connection was refused, check that the server is running and listens on this port. Otherwise check the host and the firewalls on the way.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(524),
        section: Section::Websocket,
        name: "websocket_exchange_failed",
        summary: "The connection broke during the exchange.",
        severity: Severity::Down,
        explanation: "After the opening handshake the connection was lost without a close frame, or a message could not be sent. The application behind the server crashed, or a proxy closed the connection.",
        remedy: "Look into the logs of the application and of every proxy before it at the time of the test.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(525),
        section: Section::Websocket,
        name: "websocket_no_response",
        summary: "No response in time.",
        severity: Severity::Down,
        explanation: "The connection was made, and then the opening handshake was not answered within the limit, or nothing came of what was waited for: a message, or the pong to a ping where the test expects no message. The application hangs or is overloaded, or it does not answer to what the test sends.",
        remedy: "Look at the application behind the server, its load and what it waits for. If it never answers to this message, correct the test.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(526),
        section: Section::Websocket,
        name: "websocket_unexpected_response",
        summary: "What came is not what was expected.",
        severity: Severity::Down,
        explanation: "Messages came, and none matched what validates the test: until the time limit, until the server closed the WebSocket with a close frame, or until more came than is read; the detail shows how the last one begins. A close frame alone counts too. The application reports an error, or was updated.",
        remedy: "Read the message, or the code of the close frame, in the detail and compare it with the expectation. Correct the application, or the expectation if the new message is right.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Service,
        code: StatusCode::new(527),
        section: Section::Websocket,
        name: "websocket_invalid_response",
        summary: "The server breaks the WebSocket protocol.",
        severity: Severity::Down,
        explanation: "A frame violates RFC 6455 (reserved bits set, masked by the server, unknown opcode, fragments out of order, text that is not UTF-8, oversized control frame), or a message cannot be decoded as declared; the detail says which.",
        remedy: "Update or correct the server's WebSocket implementation. If only the decoding failed, compare the declared encoding with what the application sends.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(-3),
        section: Section::General,
        name: "pending",
        summary: "Activated, waiting for the first result.",
        severity: Severity::Pending,
        explanation: "The monitor is active, and no test or report has come in since its activation. Shortly after activation this is normal.",
        remedy: "Wait for one interval. If nothing has come by then, check that the robot or agent that should report is running and reaches the server.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(-2),
        section: Section::General,
        name: "paused",
        summary: "Monitoring is paused.",
        severity: Severity::Inactive,
        explanation: "A user paused this monitor. Its history is kept; no test runs and nobody is told until it is activated again.",
        remedy: "Activate the monitor when it should be watched again.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(-1),
        section: Section::General,
        name: "created",
        summary: "Created and not yet activated.",
        severity: Severity::Inactive,
        explanation: "The monitor has been set up, and nobody has activated it so far. It is not tested, and nobody is told about it.",
        remedy: "Activate the monitor when it should be watched.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(0),
        section: Section::General,
        name: "operational",
        summary: "Everything is as it should be.",
        severity: Severity::Operational,
        explanation: "The last test or report met every condition that was set.",
        remedy: "Nothing needs to be done.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(100),
        section: Section::Server,
        name: "load_high",
        summary: "The load average is over its threshold.",
        severity: Severity::Degraded,
        explanation: "For the whole hold time more tasks were running or waiting than the threshold allows. Busy processors are one cause; many tasks that wait for a slow disk or network share are another.",
        remedy: "If CPU usage is high as well, find the processes that use it. If not, look for tasks that wait for disks or network shares. If the load is regular, add capacity or raise the threshold.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(101),
        section: Section::Server,
        name: "cpu_high",
        summary: "CPU usage is over its threshold.",
        severity: Severity::Degraded,
        explanation: "For the whole hold time the processors were busier than the threshold allows. A runaway process, a scheduled task, or more visitors than usual are the common causes.",
        remedy: "Find the processes that use the CPU, for instance with top. If the usage is regular, add capacity or raise the threshold.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(102),
        section: Section::Server,
        name: "ram_high",
        summary: "RAM usage is over its threshold.",
        severity: Severity::Degraded,
        explanation: "For the whole hold time programs used more memory than the threshold allows. If it fills up, the machine begins to swap and becomes slow, or the system ends programs to free memory.",
        remedy: "Find the processes that use the memory, and restart one that leaks. If the usage is regular, add memory or raise the threshold.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(103),
        section: Section::Server,
        name: "storage_high",
        summary: "Storage usage is over its threshold.",
        severity: Severity::Degraded,
        explanation: "At least one file system is fuller than the threshold allows; the detail names the fullest. A full file system stops databases, mail and logs.",
        remedy: "Free space before it is full: old logs, packages and backups are usually the largest. Then enlarge the file system, or exclude it if it is meant to be full.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(104),
        section: Section::Server,
        name: "sending_high",
        summary: "Sending bandwidth is over its threshold.",
        severity: Severity::Degraded,
        explanation: "For the whole hold time the machine sent more than the threshold allows. A backup, a popular download, or an abused service are the common causes.",
        remedy: "Find the program and the destination of the traffic. If you cannot explain it, treat the machine as possibly broken into.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(105),
        section: Section::Server,
        name: "receiving_high",
        summary: "Receiving bandwidth is over its threshold.",
        severity: Severity::Degraded,
        explanation: "For the whole hold time the machine received more than the threshold allows. A transfer or backup to this machine, more visitors than usual, or a flood of requests are the common causes.",
        remedy: "Find out where the traffic comes from and which port it goes to. If it is a flood, limit it at the firewall or ask the provider to filter it.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(106),
        section: Section::Server,
        name: "report_missing",
        summary: "No report within the expected interval.",
        severity: Severity::Down,
        explanation: "The agent has been silent for longer than its interval and grace time. The machine is off, its network is down, or the agent is not running or cannot reach this server.",
        remedy: "Check that the machine is up. If it is, check that the agent is running and look into its log for refused or failed reports.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Server,
        code: StatusCode::new(600),
        section: Section::General,
        name: "settings_unusable",
        summary: "The settings of this monitor cannot be used.",
        severity: Severity::Misconfigured,
        explanation: "Something that is needed is missing or wrong in a way that has no code of its own, or the settings are those of a newer version; the detail names the field. Nothing was tested, so this says nothing about what is watched. For services 100 and 101 say the same.",
        remedy: "Correct the field that the detail names, or bring the robot to the server's version.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(-3),
        section: Section::General,
        name: "pending",
        summary: "Activated, waiting for the first result.",
        severity: Severity::Pending,
        explanation: "The monitor is active, and no test or report has come in since its activation. Shortly after activation this is normal.",
        remedy: "Wait for one interval. If nothing has come by then, check that the robot or agent that should report is running and reaches the server.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(-2),
        section: Section::General,
        name: "paused",
        summary: "Monitoring is paused.",
        severity: Severity::Inactive,
        explanation: "A user paused this monitor. Its history is kept; no test runs and nobody is told until it is activated again.",
        remedy: "Activate the monitor when it should be watched again.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(-1),
        section: Section::General,
        name: "created",
        summary: "Created and not yet activated.",
        severity: Severity::Inactive,
        explanation: "The monitor has been set up, and nobody has activated it so far. It is not tested, and nobody is told about it.",
        remedy: "Activate the monitor when it should be watched.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(0),
        section: Section::General,
        name: "operational",
        summary: "Everything is as it should be.",
        severity: Severity::Operational,
        explanation: "The last test or report met every condition that was set.",
        remedy: "Nothing needs to be done.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(410),
        section: Section::Certificate,
        name: "certificate_parameter_missing",
        summary: "A parameter of the certificate test is missing.",
        severity: Severity::Misconfigured,
        explanation: "The host or URL is missing or incomplete, or another setting that the test needs; the detail names the field. Nothing was tested, so this says nothing about the certificate.",
        remedy: "Complete the field that the detail names.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(411),
        section: Section::Certificate,
        name: "certificate_unknown_protocol",
        summary: "The protocol asked for is not one that the certificate test speaks.",
        severity: Severity::Misconfigured,
        explanation: "The target begins with a scheme that the test does not know, or the STARTTLS protocol is none that it speaks. Nothing was tested, so this says nothing about the certificate.",
        remedy: "Write the target as HOST:PORT or as an https:// URL, and choose one of the STARTTLS protocols that the detail lists.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(414),
        section: Section::Certificate,
        name: "certificate_status_forbidden",
        summary: "The server answered with a status that is not accepted.",
        severity: Severity::Down,
        explanation: "The certificate was presented, and the HTTP status that followed lies outside the accepted set; the detail names it.",
        remedy: "For 5xx look into the error log of the server, for 4xx check the URL. If the status is expected, add it to the accepted ones, or test HOST:PORT without HTTP.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(415),
        section: Section::Certificate,
        name: "certificate_tls_failed",
        summary: "The TLS connection could not be established.",
        severity: Severity::Down,
        explanation: "The handshake broke off for a reason that has no code of its own, so the certificate could not be examined: the server closed the connection, wants a client certificate, or reported an error of its own. The detail has the reason or the alert.",
        remedy: "Look for TLS errors in the server's log. The command openssl s_client -connect HOST:PORT -servername HOST shows the same handshake.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(416),
        section: Section::Certificate,
        name: "certificate_invalid",
        summary: "The certificate is invalid.",
        severity: Severity::Down,
        explanation: "Clients refuse it: it has expired, is not valid yet, is made for another name, was revoked, is malformed, may not be used for servers, or has a key or signature that is no longer accepted; the detail says which. Only the subject alternative names count, not the common name.",
        remedy: "Renew or replace the certificate, then reload the server so that it presents the new one. If it was renewed already, a server or load balancer still holds the old one.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(417),
        section: Section::Certificate,
        name: "certificate_tls_no_common_cipher",
        summary: "There is no TLS version or cipher suite in common.",
        severity: Severity::Down,
        explanation: "The server offers only TLS versions or cipher suites that current browsers refuse, typically TLS 1.0 or 1.1, or ones below the minimum that this test asks for. The certificate could not be examined.",
        remedy: "Enable TLS 1.2 and 1.3 with ECDHE suites on the server. If only the minimum of the test is too high, lower it.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(418),
        section: Section::Certificate,
        name: "certificate_untrusted",
        summary: "The certificate does not lead to a trusted authority.",
        severity: Severity::Down,
        explanation: "The server does not send the intermediate certificate, the certificate is signed by itself, or its issuer is unknown; it can also be that the file of authorities set for this test cannot be read.",
        remedy: "Install the full chain on the server: its certificate followed by the intermediates. For an authority of your own give its certificate to the test.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(419),
        section: Section::Certificate,
        name: "certificate_connect_timeout",
        summary: "The connection was not established in time.",
        severity: Severity::Down,
        explanation: "Connecting or the TLS handshake was not done within the connect limit. The host is off, a firewall drops packets without an answer, or the server is overloaded.",
        remedy: "Check that the host is running and that firewalls let the robot through. If the way is merely long, raise the connect limit.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(420),
        section: Section::Certificate,
        name: "certificate_operation_timeout",
        summary: "The test was not complete in time.",
        severity: Severity::Down,
        explanation: "The connection stood, and what the test waits for did not arrive within its whole limit. The server hangs, is overloaded, or sends very slowly.",
        remedy: "Look at the load of the server and at what it waits for. If it is slow by nature, raise the limit.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(450),
        section: Section::Certificate,
        name: "certificate_client_error",
        summary: "The exchange failed in a way that has no code of its own.",
        severity: Severity::Down,
        explanation: "The detail says what happened. Typical are a malformed reply, a connection closed in the middle of a reply or of the dialogue before TLS, and too many redirects.",
        remedy: "Begin with the detail, then look into the logs of the server and of every proxy before it.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(451),
        section: Section::Certificate,
        name: "certificate_connect_failed",
        summary: "Cannot connect to the server.",
        severity: Severity::Down,
        explanation: "The connection was refused, reset before anything was exchanged, or there is no route to the address; the detail says which and names the address. Most often the service is not running, or it listens on another address or port.",
        remedy: "Check that the service is running and listens on the address and port in the detail, then that no firewall rejects the robot.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(452),
        section: Section::Certificate,
        name: "certificate_name_resolution_failed",
        summary: "The host name could not be resolved.",
        severity: Severity::Down,
        explanation: "DNS has no address for the name, or no name server gave an answer; the detail says which. A missing record, an expired domain or a broken name server are the usual causes.",
        remedy: "Check the A and AAAA records of the name, its name servers, and that the domain is still registered. If many monitors report this at the same time, check the robot's own DNS first.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(453),
        section: Section::Certificate,
        name: "certificate_protocol_not_supported",
        summary: "The server leads to a protocol that the test cannot speak.",
        severity: Severity::Down,
        explanation: "A redirect points to something other than http:// or https://, or the server speaks another protocol than the one in which TLS was to begin; the detail names it.",
        remedy: "Correct the redirect or the protocols that the server offers, or test HOST:PORT without HTTP.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(454),
        section: Section::Certificate,
        name: "certificate_time_limit_not_computable",
        summary: "The time limits of the test cannot be used.",
        severity: Severity::Misconfigured,
        explanation: "A limit is zero, too large, or above the limit that encloses it, or the robot's clock does not advance; the detail says which. Nothing was tested, so this says nothing about the certificate.",
        remedy: "Set a connect limit that is not above the limit of the whole test, both within the range that the detail gives. If the limits are right, check the robot's clock.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(470),
        section: Section::Certificate,
        name: "certificate_absent",
        summary: "There is no certificate at this address.",
        severity: Severity::Down,
        explanation: "The address answers in clear text, offers no certificate in the TLS handshake, or does not offer STARTTLS. TLS was switched off, or the port belongs to another service.",
        remedy: "Configure TLS with a certificate on this port, or correct the host and port of the test.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Certificate,
        code: StatusCode::new(600),
        section: Section::General,
        name: "settings_unusable",
        summary: "The settings of this monitor cannot be used.",
        severity: Severity::Misconfigured,
        explanation: "Something that is needed is missing or wrong in a way that has no code of its own, or the settings are those of a newer version; the detail names the field. Nothing was tested, so this says nothing about what is watched. For services 100 and 101 say the same.",
        remedy: "Correct the field that the detail names, or bring the robot to the server's version.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(-3),
        section: Section::General,
        name: "pending",
        summary: "Activated, waiting for the first result.",
        severity: Severity::Pending,
        explanation: "The monitor is active, and no test or report has come in since its activation. Shortly after activation this is normal.",
        remedy: "Wait for one interval. If nothing has come by then, check that the robot or agent that should report is running and reaches the server.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(-2),
        section: Section::General,
        name: "paused",
        summary: "Monitoring is paused.",
        severity: Severity::Inactive,
        explanation: "A user paused this monitor. Its history is kept; no test runs and nobody is told until it is activated again.",
        remedy: "Activate the monitor when it should be watched again.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(-1),
        section: Section::General,
        name: "created",
        summary: "Created and not yet activated.",
        severity: Severity::Inactive,
        explanation: "The monitor has been set up, and nobody has activated it so far. It is not tested, and nobody is told about it.",
        remedy: "Activate the monitor when it should be watched.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(0),
        section: Section::General,
        name: "operational",
        summary: "Everything is as it should be.",
        severity: Severity::Operational,
        explanation: "The last test or report met every condition that was set.",
        remedy: "Nothing needs to be done.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(500),
        section: Section::Domain,
        name: "registry_unavailable",
        summary: "The registry's data is unavailable.",
        severity: Severity::Misconfigured,
        explanation: "Neither RDAP nor WHOIS gave an answer, the registry limits how often it may be asked, or no server is known for this suffix; the detail says which. This says nothing about the domain itself.",
        remedy: "Wait for the next test: limits and outages of registries pass. If it lasts, test less often, or give the test an RDAP or WHOIS server of your choice.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(501),
        section: Section::Domain,
        name: "registry_data_not_understood",
        summary: "The registry's answer cannot be understood.",
        severity: Severity::Misconfigured,
        explanation: "An answer came in a form that this version does not know; the detail shows its beginning. This says nothing about the domain itself.",
        remedy: "Look the domain up at the registry by hand. Update Watchkeep, and report the answer to its developers if a new version does not understand it either.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(510),
        section: Section::Domain,
        name: "domain_expired",
        summary: "The domain name has expired.",
        severity: Severity::Down,
        explanation: "Its expiry date has passed, or the registry lists it as redemptionPeriod or pendingDelete. Website and mail stop working, and later anybody can register the name.",
        remedy: "Renew the domain with the registrar at once. In the redemption period the registrar can still restore it, for a fee.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(511),
        section: Section::Domain,
        name: "domain_transfer_unprotected",
        summary: "The domain name is not protected against transfers.",
        severity: Severity::Degraded,
        explanation: "Neither clientTransferProhibited nor serverTransferProhibited is set, so a stolen transfer code is enough to take the domain away. The lock is often switched off for a move and forgotten.",
        remedy: "Switch on the transfer lock at the registrar, unless you are moving the domain at this moment.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(512),
        section: Section::Domain,
        name: "domain_blacklisted",
        summary: "The domain name is on a blocklist.",
        severity: Severity::Down,
        explanation: "At least one of the configured DNS blocklists has the domain; the detail names them and what they returned. Mail that mentions the domain is likely to be refused, and browsers may warn of it.",
        remedy: "Look up the reason on the page of each list. Remove the cause, such as a hacked page or an abused mail account, then ask the list for removal.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(513),
        section: Section::Domain,
        name: "domain_not_registered",
        summary: "The domain name is not registered.",
        severity: Severity::Down,
        explanation: "The registry says that nobody holds this name. It was deleted after it expired, or the name in the test is misspelt.",
        remedy: "Check the spelling. If it is right, register the name before somebody else does.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(514),
        section: Section::Domain,
        name: "domain_suspended",
        summary: "The domain name is suspended.",
        severity: Severity::Down,
        explanation: "The status clientHold or serverHold is set: the name is taken out of DNS, and nothing under it can be reached. An unpaid bill, an unverified contact address or a complaint are the usual reasons.",
        remedy: "Ask the registrar for the reason; for clientHold the registrar lifts it, for serverHold the registry does.",
        since: "0.1.0",
    },
    Entry {
        family: Family::Domain,
        code: StatusCode::new(600),
        section: Section::General,
        name: "settings_unusable",
        summary: "The settings of this monitor cannot be used.",
        severity: Severity::Misconfigured,
        explanation: "Something that is needed is missing or wrong in a way that has no code of its own, or the settings are those of a newer version; the detail names the field. Nothing was tested, so this says nothing about what is watched. For services 100 and 101 say the same.",
        remedy: "Correct the field that the detail names, or bring the robot to the server's version.",
        since: "0.1.0",
    },
];

/// The codes of the service family by name.
pub mod service {
    use crate::StatusCode;

    /// Activated, waiting for the first result.
    pub const PENDING: StatusCode = StatusCode::new(-3);
    /// Monitoring is paused.
    pub const PAUSED: StatusCode = StatusCode::new(-2);
    /// Created and not yet activated.
    pub const CREATED: StatusCode = StatusCode::new(-1);
    /// Everything is as it should be.
    pub const OPERATIONAL: StatusCode = StatusCode::new(0);
    /// The robot does not know this type of test.
    pub const UNKNOWN_TEST_TYPE: StatusCode = StatusCode::new(100);
    /// The test lacks something that its type needs.
    pub const NOT_ENOUGH_PARAMETERS: StatusCode = StatusCode::new(101);
    /// The answer is right and took longer than allowed.
    pub const RESPONSE_TOO_SLOW: StatusCode = StatusCode::new(102);
    /// The ping could not be executed.
    pub const ICMP_NOT_EXECUTED: StatusCode = StatusCode::new(400);
    /// Replies came, and none is a valid echo of what was sent.
    pub const ICMP_REPLY_NOT_ANALYSABLE: StatusCode = StatusCode::new(401);
    /// The host does not answer.
    pub const ICMP_NO_REPLY: StatusCode = StatusCode::new(402);
    /// Some packets were lost.
    pub const ICMP_PACKETS_LOST: StatusCode = StatusCode::new(403);
    /// The host name could not be resolved.
    pub const ICMP_NAME_RESOLUTION_FAILED: StatusCode = StatusCode::new(404);
    /// A parameter of the HTTP test is missing.
    pub const HTTP_PARAMETER_MISSING: StatusCode = StatusCode::new(410);
    /// The protocol asked for is not one that the HTTP test speaks.
    pub const HTTP_UNKNOWN_PROTOCOL: StatusCode = StatusCode::new(411);
    /// Something that must be on the page is missing.
    pub const HTTP_REQUIRED_WORDS_MISSING: StatusCode = StatusCode::new(412);
    /// Something that must not be on the page is there.
    pub const HTTP_FORBIDDEN_WORDS_PRESENT: StatusCode = StatusCode::new(413);
    /// The server answered with a status that is not accepted.
    pub const HTTP_STATUS_FORBIDDEN: StatusCode = StatusCode::new(414);
    /// The TLS connection could not be established.
    pub const HTTP_TLS_FAILED: StatusCode = StatusCode::new(415);
    /// The certificate of the server is invalid.
    pub const HTTP_CERTIFICATE_INVALID: StatusCode = StatusCode::new(416);
    /// There is no TLS version or cipher suite in common.
    pub const HTTP_TLS_NO_COMMON_CIPHER: StatusCode = StatusCode::new(417);
    /// The certificate does not lead to a trusted authority.
    pub const HTTP_CERTIFICATE_UNTRUSTED: StatusCode = StatusCode::new(418);
    /// The connection was not established in time.
    pub const HTTP_CONNECT_TIMEOUT: StatusCode = StatusCode::new(419);
    /// The answer was not complete in time.
    pub const HTTP_OPERATION_TIMEOUT: StatusCode = StatusCode::new(420);
    /// The exchange failed in a way that has no code of its own.
    pub const HTTP_CLIENT_ERROR: StatusCode = StatusCode::new(450);
    /// Cannot connect to the web server.
    pub const HTTP_CONNECT_FAILED: StatusCode = StatusCode::new(451);
    /// The host name could not be resolved.
    pub const HTTP_NAME_RESOLUTION_FAILED: StatusCode = StatusCode::new(452);
    /// The server leads to a protocol that the HTTP test cannot speak.
    pub const HTTP_PROTOCOL_NOT_SUPPORTED: StatusCode = StatusCode::new(453);
    /// The time limits of the test cannot be used.
    pub const HTTP_TIME_LIMIT_NOT_COMPUTABLE: StatusCode = StatusCode::new(454);
    /// A parameter of the TCP test is missing or cannot be used.
    pub const TCP_PARAMETER_MISSING: StatusCode = StatusCode::new(460);
    /// The port is closed.
    pub const TCP_PORT_CLOSED: StatusCode = StatusCode::new(461);
    /// The host name could not be resolved.
    pub const TCP_NAME_RESOLUTION_FAILED: StatusCode = StatusCode::new(462);
    /// No response in time.
    pub const TCP_NO_RESPONSE: StatusCode = StatusCode::new(463);
    /// The exchange failed.
    pub const TCP_EXCHANGE_FAILED: StatusCode = StatusCode::new(464);
    /// The reply is not the expected one.
    pub const TCP_UNEXPECTED_RESPONSE: StatusCode = StatusCode::new(465);
    /// The FTP test failed in a way that has no code of its own.
    pub const FTP_UNKNOWN_ERROR: StatusCode = StatusCode::new(480);
    /// What the server sends is not FTP.
    pub const FTP_PROTOCOL_ERROR: StatusCode = StatusCode::new(481);
    /// The server refused a command, or answered it out of order.
    pub const FTP_COMMAND_FAILED: StatusCode = StatusCode::new(482);
    /// The FTP port is closed.
    pub const FTP_PORT_CLOSED: StatusCode = StatusCode::new(483);
    /// Wrong user or password.
    pub const FTP_LOGIN_REFUSED: StatusCode = StatusCode::new(484);
    /// A command needs a login.
    pub const FTP_LOGIN_REQUIRED: StatusCode = StatusCode::new(485);
    /// Anonymous login is not allowed.
    pub const FTP_ANONYMOUS_DISABLED: StatusCode = StatusCode::new(486);
    /// The UDP test failed in a way that has no code of its own.
    pub const UDP_UNKNOWN_ERROR: StatusCode = StatusCode::new(490);
    /// No response.
    pub const UDP_NO_RESPONSE: StatusCode = StatusCode::new(491);
    /// The reply is not the expected one.
    pub const UDP_UNEXPECTED_RESPONSE: StatusCode = StatusCode::new(492);
    /// The reply cannot be decoded.
    pub const UDP_INVALID_RESPONSE: StatusCode = StatusCode::new(493);
    /// The test failed before the exchange, in a way that has no code of its own.
    pub const WEBSOCKET_UNKNOWN_ERROR: StatusCode = StatusCode::new(520);
    /// The robot could not build or send the request.
    pub const WEBSOCKET_REQUEST_FAILED: StatusCode = StatusCode::new(521);
    /// The opening handshake was refused or wrong.
    pub const WEBSOCKET_HANDSHAKE_REFUSED: StatusCode = StatusCode::new(522);
    /// The server cannot be reached.
    pub const WEBSOCKET_INACCESSIBLE: StatusCode = StatusCode::new(523);
    /// The connection broke during the exchange.
    pub const WEBSOCKET_EXCHANGE_FAILED: StatusCode = StatusCode::new(524);
    /// No response in time.
    pub const WEBSOCKET_NO_RESPONSE: StatusCode = StatusCode::new(525);
    /// What came is not what was expected.
    pub const WEBSOCKET_UNEXPECTED_RESPONSE: StatusCode = StatusCode::new(526);
    /// The server breaks the WebSocket protocol.
    pub const WEBSOCKET_INVALID_RESPONSE: StatusCode = StatusCode::new(527);
}

/// The codes of the server family by name.
pub mod server {
    use crate::StatusCode;

    /// Activated, waiting for the first result.
    pub const PENDING: StatusCode = StatusCode::new(-3);
    /// Monitoring is paused.
    pub const PAUSED: StatusCode = StatusCode::new(-2);
    /// Created and not yet activated.
    pub const CREATED: StatusCode = StatusCode::new(-1);
    /// Everything is as it should be.
    pub const OPERATIONAL: StatusCode = StatusCode::new(0);
    /// The load average is over its threshold.
    pub const LOAD_HIGH: StatusCode = StatusCode::new(100);
    /// CPU usage is over its threshold.
    pub const CPU_HIGH: StatusCode = StatusCode::new(101);
    /// RAM usage is over its threshold.
    pub const RAM_HIGH: StatusCode = StatusCode::new(102);
    /// Storage usage is over its threshold.
    pub const STORAGE_HIGH: StatusCode = StatusCode::new(103);
    /// Sending bandwidth is over its threshold.
    pub const SENDING_HIGH: StatusCode = StatusCode::new(104);
    /// Receiving bandwidth is over its threshold.
    pub const RECEIVING_HIGH: StatusCode = StatusCode::new(105);
    /// No report within the expected interval.
    pub const REPORT_MISSING: StatusCode = StatusCode::new(106);
    /// The settings of this monitor cannot be used.
    pub const SETTINGS_UNUSABLE: StatusCode = StatusCode::new(600);
}

/// The codes of the certificate family by name.
pub mod certificate {
    use crate::StatusCode;

    /// Activated, waiting for the first result.
    pub const PENDING: StatusCode = StatusCode::new(-3);
    /// Monitoring is paused.
    pub const PAUSED: StatusCode = StatusCode::new(-2);
    /// Created and not yet activated.
    pub const CREATED: StatusCode = StatusCode::new(-1);
    /// Everything is as it should be.
    pub const OPERATIONAL: StatusCode = StatusCode::new(0);
    /// A parameter of the certificate test is missing.
    pub const CERTIFICATE_PARAMETER_MISSING: StatusCode = StatusCode::new(410);
    /// The protocol asked for is not one that the certificate test speaks.
    pub const CERTIFICATE_UNKNOWN_PROTOCOL: StatusCode = StatusCode::new(411);
    /// The server answered with a status that is not accepted.
    pub const CERTIFICATE_STATUS_FORBIDDEN: StatusCode = StatusCode::new(414);
    /// The TLS connection could not be established.
    pub const CERTIFICATE_TLS_FAILED: StatusCode = StatusCode::new(415);
    /// The certificate is invalid.
    pub const CERTIFICATE_INVALID: StatusCode = StatusCode::new(416);
    /// There is no TLS version or cipher suite in common.
    pub const CERTIFICATE_TLS_NO_COMMON_CIPHER: StatusCode = StatusCode::new(417);
    /// The certificate does not lead to a trusted authority.
    pub const CERTIFICATE_UNTRUSTED: StatusCode = StatusCode::new(418);
    /// The connection was not established in time.
    pub const CERTIFICATE_CONNECT_TIMEOUT: StatusCode = StatusCode::new(419);
    /// The test was not complete in time.
    pub const CERTIFICATE_OPERATION_TIMEOUT: StatusCode = StatusCode::new(420);
    /// The exchange failed in a way that has no code of its own.
    pub const CERTIFICATE_CLIENT_ERROR: StatusCode = StatusCode::new(450);
    /// Cannot connect to the server.
    pub const CERTIFICATE_CONNECT_FAILED: StatusCode = StatusCode::new(451);
    /// The host name could not be resolved.
    pub const CERTIFICATE_NAME_RESOLUTION_FAILED: StatusCode = StatusCode::new(452);
    /// The server leads to a protocol that the test cannot speak.
    pub const CERTIFICATE_PROTOCOL_NOT_SUPPORTED: StatusCode = StatusCode::new(453);
    /// The time limits of the test cannot be used.
    pub const CERTIFICATE_TIME_LIMIT_NOT_COMPUTABLE: StatusCode = StatusCode::new(454);
    /// There is no certificate at this address.
    pub const CERTIFICATE_ABSENT: StatusCode = StatusCode::new(470);
    /// The settings of this monitor cannot be used.
    pub const SETTINGS_UNUSABLE: StatusCode = StatusCode::new(600);
}

/// The codes of the domain family by name.
pub mod domain {
    use crate::StatusCode;

    /// Activated, waiting for the first result.
    pub const PENDING: StatusCode = StatusCode::new(-3);
    /// Monitoring is paused.
    pub const PAUSED: StatusCode = StatusCode::new(-2);
    /// Created and not yet activated.
    pub const CREATED: StatusCode = StatusCode::new(-1);
    /// Everything is as it should be.
    pub const OPERATIONAL: StatusCode = StatusCode::new(0);
    /// The registry's data is unavailable.
    pub const REGISTRY_UNAVAILABLE: StatusCode = StatusCode::new(500);
    /// The registry's answer cannot be understood.
    pub const REGISTRY_DATA_NOT_UNDERSTOOD: StatusCode = StatusCode::new(501);
    /// The domain name has expired.
    pub const DOMAIN_EXPIRED: StatusCode = StatusCode::new(510);
    /// The domain name is not protected against transfers.
    pub const DOMAIN_TRANSFER_UNPROTECTED: StatusCode = StatusCode::new(511);
    /// The domain name is on a blocklist.
    pub const DOMAIN_BLACKLISTED: StatusCode = StatusCode::new(512);
    /// The domain name is not registered.
    pub const DOMAIN_NOT_REGISTERED: StatusCode = StatusCode::new(513);
    /// The domain name is suspended.
    pub const DOMAIN_SUSPENDED: StatusCode = StatusCode::new(514);
    /// The settings of this monitor cannot be used.
    pub const SETTINGS_UNUSABLE: StatusCode = StatusCode::new(600);
}

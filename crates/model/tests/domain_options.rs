//! The options of a domain test through the public surface: what is accepted, what is refused and in which words.
#![allow(clippy::needless_pass_by_value, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use serde_json::{Value, json};
use watchkeep_catalogue::{Family, domain::SETTINGS_UNUSABLE};
use watchkeep_model::{Exposure, Options, Test, unusable};

fn test(target: &str, options: Value) -> Result<Test, String> {
    let object = json!({"family": "domain", "target": target, "domain": options});
    Test::parse(object.as_object().unwrap().clone()).map_err(|invalid| {
        assert_eq!(unusable(&invalid, Family::Domain).0, SETTINGS_UNUSABLE);
        invalid.to_string()
    })
}

#[test]
fn targets_are_brought_to_what_is_registered() {
    for (target, shown, domain) in [
        ("shop.example", "shop.example", "shop.example"),
        ("domain:Shop.Example.", "shop.example", "shop.example"),
        ("domain://shop.example", "shop.example", "shop.example"),
        (" www.shop.co.uk ", "www.shop.co.uk", "shop.co.uk"),
        ("bücher.de", "xn--bcher-kva.de", "xn--bcher-kva.de"),
    ] {
        let test = test(target, json!({})).unwrap();
        assert_eq!(&*test.subject.target, shown);
        let Options::Domain(options) = test.options else { panic!("not a test of this type") };
        assert_eq!(&*options.domain, domain);
    }
}

#[test]
fn what_is_no_name_is_refused_in_a_sentence() {
    for (target, words) in [
        ("", "is missing"),
        ("domain:", "is missing"),
        ("co.uk", "co.uk is a public suffix"),
        ("com", "com is a public suffix"),
        ("192.0.2.7", "is an IP address"),
        ("::1", "is an IP address"),
        ("https://shop.example/", "must be a domain name alone"),
        ("shop.example:53", "must be a domain name alone"),
        ("a..example", "has a part that is empty"),
    ] {
        let error = test(target, json!({})).unwrap_err();
        assert!(error.contains(words), "{target}: {error}");
    }
}

#[test]
fn wrong_options_are_named() {
    for (options, words) in [
        (json!({"rdap": "ftp://rdap.example/"}), "domain.rdap: must be the URL"),
        (json!({"rdap": "https://u:p@rdap.example/"}), "domain.rdap: must not have a user"),
        (json!({"whois": ":43"}), "domain.whois: must be HOST:PORT"),
        (json!({"whois": "whois.example:0"}), "domain.whois: must have a port"),
        (json!({"blocklists": ["127.0.0.1"]}), "domain.blocklists[0]: must be the zone"),
        (json!({"blocklists": vec!["a.example"; 21]}), "domain.blocklists: must have 20 entries"),
        (json!({"warn_days": [400]}), "domain.warn_days: must be"),
        (json!({"blacklists": []}), "domain.blacklists: is not a known field"),
    ] {
        let error = test("shop.example", options).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn options_are_read_back_as_they_were_written() {
    for (target, options) in [
        ("shop.example", json!({"rdap": null, "whois": null})),
        (
            "www.shop.example",
            json!({"rdap": "http://127.0.0.1:8000/rdap#x", "whois": "Whois.Example", "blocklists": ["DBL.example", "dbl.example."],
                   "warn_days": [1, 30]}),
        ),
    ] {
        let test = test(target, options).unwrap();
        assert_eq!(Test::parse(test.write(Exposure::Stored)).unwrap(), test);
        let Options::Domain(options) = test.options else { panic!("not a test of this type") };
        assert!(options.blocklists.len() < 2, "a list is asked once");
        assert!(options.rdap.is_none_or(|url| url.as_str() == "http://127.0.0.1:8000/rdap/"));
        assert!(options.whois.is_none_or(|server| server.to_string() == "whois.example:43"));
    }
}

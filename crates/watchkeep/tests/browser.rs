//! The dashboard in a real browser: the first sign-in, adding a website, and its colours without reloading.
//! Pages are looked at on a desk and on a phone: nothing sticks out, and the browser finds nothing wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;
#[path = "support/browser.rs"]
mod window;

use serde_json::json;
use support::Serving;
use watchkeep_lab::nginx::Nginx;
use window::{Browser, DESK, PHONE};

const PASSWORD: &str = "correct horse battery";

/// The one-time link that the server printed.
fn setup_link(server: &Serving) -> String {
    let printed = server.greeting();
    let link = printed.lines().map(str::trim).find(|line| line.contains("/setup/"));
    link.unwrap_or_else(|| panic!("no link: {printed}")).to_owned()
}

async fn fill_in_and_send(browser: &Browser, fields: &[(&str, &str)]) {
    for (name, text) in fields {
        browser.fill(name, text).await;
    }
    browser.press("main form button.primary").await;
}

#[tokio::test]
async fn a_person_adds_a_website_and_sees_it_turn_red_and_green() {
    let Some(mut nginx) = Nginx::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start_with(folder.path(), |command| {
        command.env_remove("WATCHKEEP_BOOTSTRAP_TOKEN");
    })
    .await;
    let Some(browser) = Browser::start(format!("http://{}", server.address())).await else { return };

    // The link of the first start makes the first user, once.
    let link = setup_link(&server);
    browser.open(&link).await;
    browser.look("setup", PHONE).await;
    fill_in_and_send(&browser, &[("name", "ada"), ("password", PASSWORD), ("repeated", "something else")]).await;
    assert!(browser.text(".problems").await.contains("differ"));
    fill_in_and_send(&browser, &[("password", PASSWORD), ("repeated", PASSWORD)]).await;
    assert_eq!(browser.text("#summary h1").await, "Nothing is watched yet.");
    browser.look("overview-empty", DESK).await;
    browser.complaints().await;

    // Signing out and in again leads back to where it was asked for.
    browser.press(".leave button").await;
    browser.text("input[name=password]").await;
    browser.open("/incidents").await;
    fill_in_and_send(&browser, &[("name", "ada"), ("password", "wrong password")]).await;
    assert!(browser.text(".problems").await.contains("do not belong together"));
    fill_in_and_send(&browser, &[("name", "ada"), ("password", PASSWORD)]).await;
    browser.text("#incidents").await;
    assert_eq!(browser.path().await, "/incidents");
    browser.complaints().await;

    // What is wrong stands at its field, and what was typed stays.
    browser.open("/monitors/new").await;
    browser.look("form", DESK).await;
    browser.look("form", PHONE).await;
    fill_in_and_send(&browser, &[("target", "gopher://shop.example/"), ("name", "shop"), ("interval", "1s")]).await;
    assert!(browser.text(".field.wrong .error").await.contains("http"));
    browser.complaints().await;
    browser.press("details.more > summary").await;
    browser.fill("confirm.retries", "0").await;
    fill_in_and_send(&browser, &[("target", &nginx.url())]).await;
    browser.text("#now.operational").await;
    assert_eq!(browser.text("h1").await, "shop");
    let monitor = browser.path().await;

    // Its page follows without being loaded again.
    browser.value("window.stillHere = true").await;
    nginx.kill();
    // A test that nginx has just taken may end in another code; the next one cannot.
    browser.text("#now.down a.code[href$='/451']").await;
    let now = browser.text("#now.down").await;
    assert!(now.contains("Down 451") && now.contains("refused") && now.contains("What to do"), "{now}");
    browser.text("#incidents .row.down").await;
    browser.look("monitor-down", DESK).await;
    browser.look("monitor-down", PHONE).await;
    nginx.restart();
    browser.text("#now.operational").await;
    assert_eq!(browser.value("window.stillHere").await, json!(true), "nothing was loaded again");

    // So does the overview.
    browser.open("/").await;
    assert_eq!(browser.text("#summary h1").await, "The monitor is operational.");
    browser.value("window.stillHere = true").await;
    nginx.kill();
    browser.text("#monitors .row.down a.code[href$='/451']").await;
    let row = browser.text("#monitors .row.down").await;
    assert!(row.contains("451") && row.contains("refused"), "{row}");
    browser.text("#summary h1.down").await;
    browser.look("overview-down", DESK).await;
    browser.look("overview-down", PHONE).await;
    nginx.restart();
    browser.text("#monitors .row.operational").await;
    browser.text("#summary h1.operational").await;
    assert_eq!(browser.value("window.stillHere").await, json!(true), "nothing was loaded again");

    // Deleting asks by naming the thing.
    browser.open(&format!("{monitor}/delete")).await;
    assert!(browser.text("h1").await.contains("shop"));
    browser.press("main button.danger").await;
    browser.text(".empty").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

//! A headless Chromium that looks at the pages of one server: at chosen widths, with its log of errors.
//! Pictures of what it saw are left in the folder for temporary files of the build.

#![allow(unreachable_pub, reason = "a part of a test's support")]

use std::{fs, path::Path, time::Duration};

use fantoccini::{
    Client, ClientBuilder, Locator,
    wd::{TimeoutConfiguration, WebDriverCompatibleCommand},
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};
use watchkeep_lab::chromium::Chromium;

use crate::support::PATIENCE;

/// A browser and the address of the server whose pages it looks at.
pub struct Browser {
    client: Client,
    base: String,
    // Ends the browser when it is dropped.
    _chromium: Chromium,
}

/// The width and height of a screen.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    pub name: &'static str,
    pub width: u32,
    pub height: u32,
}

pub const DESK: Screen = Screen { name: "desk", width: 1280, height: 900 };
pub const PHONE: Screen = Screen { name: "phone", width: 390, height: 844 };

impl Browser {
    /// `None` when Chromium is known to be missing.
    pub async fn start(base: String) -> Option<Self> {
        let chromium = Chromium::start()?;
        let capabilities = json!({
            "goog:chromeOptions": {"args": chromium.arguments(), "binary": "/usr/bin/chromium"},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&chromium.url())
            .await
            .unwrap();
        client.update_timeouts(TimeoutConfiguration::new(Some(PATIENCE), Some(PATIENCE), None)).await.unwrap();
        Some(Self { client, base, _chromium: chromium })
    }

    /// Opens a path of the server, or a whole URL.
    pub async fn open(&self, path: &str) {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        self.client.goto(&url).await.unwrap();
    }

    /// Where it is.
    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Waits for an element and gives its text.
    pub async fn text(&self, selector: &str) -> String {
        self.element(selector).await.text().await.unwrap()
    }

    async fn element(&self, selector: &str) -> fantoccini::elements::Element {
        let wait = self.client.wait().at_most(PATIENCE).every(Duration::from_millis(20));
        let found = wait.for_element(Locator::Css(selector)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {selector}: {error}; the page is {}", self.client.source().await.unwrap()),
        }
    }

    /// Writes into a field, in place of what stands there.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.element(&format!("[name='{name}']")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Scrolls to what the selector finds and presses it.
    pub async fn press(&self, selector: &str) {
        let element = self.element(selector).await;
        let found = serde_json::to_value(&element).unwrap();
        self.client.execute("arguments[0].scrollIntoView({block: 'center'})", vec![found]).await.unwrap();
        element.click().await.unwrap();
    }

    /// The value of a script's expression.
    pub async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression}"), Vec::new()).await.unwrap()
    }

    /// Looks at the present page on a screen and leaves a picture of it. Nothing may be wider than the screen.
    pub async fn look(&self, page: &str, screen: Screen) {
        let Screen { name, width, height } = screen;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.command("goog/cdp/execute", json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})).await;
        let widest = self.value("document.documentElement.scrollWidth").await;
        assert!(widest.as_u64().is_some_and(|widest| widest <= width.into()), "{page} is {widest} wide on a {name}");
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{page}-{name}.png"));
        fs::write(picture, self.client.screenshot().await.unwrap()).unwrap();
    }

    /// What the browser found wrong since the last time: scripts that failed, content that its policy refused.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.command("se/log", json!({"type": "browser"})).await;
        let lines = log.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE");
        lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(ChromeCommand { path, body }).await.unwrap()
    }

    pub async fn close(self) {
        self.client.close().await.unwrap();
    }
}

/// A command that only Chromium's driver knows.
#[derive(Debug)]
struct ChromeCommand {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for ChromeCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

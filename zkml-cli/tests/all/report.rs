//! Pages in a real browser.

use crate::{data, json};
use std::path::Path;
use std::process::Command;

/// The browser, where there is one.
fn chromium() -> Option<&'static str> {
    let works = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(works)
}

/// The page's document after it was loaded; no message of its console is tolerated.
fn loaded(browser: &str, page: &Path, profile: &Path) -> String {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let console: Vec<&str> = said.lines().filter(|l| l.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The text of the element with this id.
fn figure<'a>(dom: &'a str, id: &str) -> &'a str {
    let at = dom.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no `{id}`"));
    let text = &dom[at..];
    let start = text.find('>').expect("a tag ends") + 1;
    &text[start..start + text[start..].find('<').expect("a text ends")]
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn figures_are_read_off_the_pages() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    let (model, samples) = (data("bert.onnx"), data("bert.samples.npz"));
    let cost = json(&["cost", &model, "--html", &text("cost.html")]);
    let proven = json(&[
        "prove",
        &model,
        "--samples",
        &samples,
        "--out",
        &text("p"),
        "--report",
        &text("report.html"),
    ]);
    for page in ["cost.html", "report.html"] {
        let html = std::fs::read_to_string(at(page)).unwrap();
        for outside in ["http://", "https://", "src=", "@import"] {
            // The namespace of SVG is a name, not an address that is asked.
            let html = html.replace("http://www.w3.org", "");
            assert!(!html.contains(outside), "{page} reads from outside: {outside}");
        }
    }
    // Of a folder the accuracy is what setup measured.
    json(&["setup", &model, "--samples", &samples, "--out", &text("m")]);
    json(&["prove", &text("m"), "--input", &samples, "--out", &text("q"), "--report", &text("folder.html")]);
    let folders = std::fs::read_to_string(at("folder.html")).unwrap();
    let lost = |html: &str| figure(html, "error-output").to_owned();
    assert_eq!(lost(&folders), lost(&std::fs::read_to_string(at("report.html")).unwrap()));
    assert!(folders.contains("What layers hand on"));
    let Some(browser) = chromium() else {
        eprintln!("note: there is no Chromium here, pages were not loaded");
        return;
    };
    let dom = loaded(browser, &at("cost.html"), &at("profile"));
    assert_eq!(digits(figure(&dom, "cells")), cost["committed_cells"].to_string());
    assert_eq!(digits(figure(&dom, "lookups")), cost["lookups"].to_string());
    assert_eq!(digits(figure(&dom, "multiply-adds")), cost["multiply_adds"].to_string());
    let dom = loaded(browser, &at("report.html"), &at("profile"));
    let kilobytes = proven["proof_bytes"].as_f64().unwrap() / 1e3;
    assert_eq!(figure(&dom, "proof-bytes"), format!("{kilobytes:.1} kB"));
    assert_eq!(
        figure(&dom, "security-bits"),
        format!("{:.1} bits", proven["security_bits"].as_f64().unwrap())
    );
    assert_eq!(figure(&dom, "prove-ms"), format!("{:.0} ms", proven["prove_ms"].as_f64().unwrap()));
    assert!(figure(&dom, "error-output").ends_with(" %"));
    // The graph, the timeline, bars for the proof's parts, the security's terms, cells, lookups, multiply-adds, errors.
    assert!(dom.matches("<svg").count() >= 8, "{}", dom.matches("<svg").count());
    for phase in ["commit", "gkr", "sumcheck", "stark"] {
        assert!(dom.contains(&format!(">{phase}</text>")), "{phase}");
    }
}

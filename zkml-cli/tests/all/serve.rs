//! The service under its clients, and killed.

use crate::{code, data, set_up};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

struct Server {
    child: Child,
    address: String,
}

const TOKEN: &str = "a token for tests";

impl Server {
    fn start(model: &str, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_zkml"))
            .args(["serve", "--json", "--model", model, "--listen", "127.0.0.1:0"])
            .args(args)
            .env("ZKML_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The object that says where it listens.
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            text += &line.unwrap();
            if let Ok(said) = serde_json::from_str::<Value>(&text) {
                let address = format!("http://{}", said["listening"].as_str().unwrap());
                return Self { child, address };
            }
        }
        let _ = child.wait();
        panic!("the server said: {text}");
    }

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        json_of(Self::agent().post(self.url(path)).header("Authorization", &bearer()).send(body))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        json_of(Self::agent().get(self.url(path)).header("Authorization", &bearer()).call())
    }

    fn delete(&self, path: &str) -> (u16, String) {
        text_of(Self::agent().delete(self.url(path)).header("Authorization", &bearer()).call())
    }

    /// The job, once it is done.
    fn done(&self, id: &str) -> Value {
        let start = Instant::now();
        loop {
            let (status, job) = self.get(&format!("/v1/proofs/{id}"));
            assert_eq!(status, 200, "{job}");
            if job["state"] == "proven" || job["state"] == "failed" {
                return job;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "{job}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(mut self) -> i32 {
        // A request to terminate.
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

type Sent = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

fn text_of(sent: Sent) -> (u16, String) {
    let mut response = sent.unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn json_of(sent: Sent) -> (u16, Value) {
    let (status, text) = text_of(sent);
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn request(seed: usize) -> String {
    let x: Vec<f64> = (0..64).map(|i| ((i * 37 + seed * 101) % 97) as f64 / 48.0 - 1.0).collect();
    json!({ "inputs": { "x": x } }).to_string()
}

#[test]
fn a_job_its_proof_and_its_verification() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "mlp");
    let server = Server::start(&model, &[]);
    let (status, health) = server.get("/healthz");
    assert_eq!((status, &health["model"]), (200, &json!("mlp")));

    let (status, job) = server.post("/v1/prove", &request(1));
    assert_eq!(status, 202, "{job}");
    let id = job["id"].as_str().unwrap();
    let done = server.done(id);
    assert_eq!(done["state"], "proven");
    let (statement, proof) = (done["statement"].as_str().unwrap(), done["proof"].as_str().unwrap());
    let (status, verified) =
        server.post("/v1/verify", &json!({ "statement": statement, "proof": proof }).to_string());
    assert_eq!((status, &verified["verified"]), (200, &json!(true)));
    // Another's statement.
    let (_, other) = server.post("/v1/prove", &request(2));
    let other = server.done(other["id"].as_str().unwrap());
    let body = json!({ "statement": other["statement"], "proof": proof }).to_string();
    assert_eq!(server.post("/v1/verify", &body).1["verified"], false);
    // The program verifies it too.
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("p")).unwrap();
    std::fs::write(at("p/proof"), hex::decode(proof).unwrap()).unwrap();
    std::fs::write(at("p/statement"), hex::decode(statement).unwrap()).unwrap();
    assert_eq!(code(&["verify", &at("p"), "--model", &model]).0, 0);
    // The same request is the same job: nothing is proven twice.
    let (status, again) = server.post("/v1/prove", &request(1));
    assert_eq!((status, &again["id"], &again["prove_ms"]), (200, &done["id"], &done["prove_ms"]));
    assert_eq!(server.stop(), 0);
}

#[test]
fn requests_that_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "mlp");
    let server = Server::start(&model, &["--max-body", "4096"]);
    let agent = Server::agent();
    for token in [None, Some("Bearer wrong"), Some("Bearer "), Some(TOKEN)] {
        let mut request = agent.post(format!("{}/v1/prove", server.address));
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        assert_eq!(request.send("{}").unwrap().status().as_u16(), 401, "{token:?}");
    }
    assert_eq!(agent.get(format!("{}/healthz", server.address)).call().unwrap().status().as_u16(), 200);
    let big = json!({ "inputs": { "x": vec![0.5; 4000] } }).to_string();
    assert_eq!(server.post("/v1/prove", &big).0, 413);
    for (body, says) in [
        ("not json", "expected"),
        ("{}", "missing field"),
        (r#"{"inputs": {"z": [1.0]}}"#, "there is no input `z`; there are x"),
        (r#"{"inputs": {}}"#, "input `x` is missing"),
        (r#"{"inputs": {"x": [1.0, 2.0]}}"#, "64"),
        (r#"{"inputs": {"x": [1e400]}}"#, ""),
        (r#"{"inputs": {}, "more": 1}"#, "unknown field"),
    ] {
        let (status, answer) = server.post("/v1/prove", body);
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{body}: {answer}");
    }
    for body in [r#"{"statement": "00", "proof": "zz"}"#, r#"{"statement": "00", "proof": "00"}"#] {
        assert_eq!(server.post("/v1/verify", body).0, 400, "{body}");
    }
    assert_eq!(server.get("/v1/proofs/none").0, 404);
    // And it still works.
    let (_, job) = server.post("/v1/prove", &request(3));
    assert_eq!(server.done(job["id"].as_str().unwrap())["state"], "proven");
}

/// Clients at once, more than the queue takes: some are told to come again, and of those that were accepted none is lost.
#[test]
fn a_full_queue_pushes_back() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "lenet");
    let server = Server::start(&model, &["--queue", "3"]);
    let (accepted, told) = (Mutex::new(vec![]), Mutex::new(0));
    std::thread::scope(|s| {
        for client in 0..6 {
            let (server, accepted, told) = (&server, &accepted, &told);
            s.spawn(move || {
                for k in 0..3 {
                    let x: Vec<f64> = (0..1024)
                        .map(|i| ((i * 31 + client * 7 + k * 13) % 89) as f64 / 44.0 - 1.0)
                        .collect();
                    let (status, answer) =
                        server.post("/v1/prove", &json!({ "inputs": { "image": x } }).to_string());
                    match status {
                        202 => accepted.lock().unwrap().push(answer["id"].as_str().unwrap().to_owned()),
                        429 => *told.lock().unwrap() += 1,
                        _ => panic!("{status}: {answer}"),
                    }
                }
            });
        }
    });
    let (accepted, told) = (accepted.into_inner().unwrap(), told.into_inner().unwrap());
    assert_eq!(accepted.len() + told, 18);
    assert!(accepted.len() >= 3 && told > 0, "{} accepted, {told} told to wait", accepted.len());
    assert_eq!(accepted.iter().collect::<BTreeSet<_>>().len(), accepted.len());
    for id in &accepted {
        assert_eq!(server.done(id)["state"], "proven");
    }
}

/// A client whose body does not come has a place, for a while: others are told, and then served.
#[test]
fn slow_clients_are_few_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "mlp");
    let server = Server::start(&model, &["--at-once", "1", "--patience", "3"]);
    let stalled = || {
        let mut stream = TcpStream::connect(server.address.strip_prefix("http://").unwrap()).unwrap();
        let head = format!("POST /v1/verify HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n{{");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut slow = stalled();
    let start = Instant::now();
    while server.post("/v1/prove", "{}").0 != 429 {
        assert!(start.elapsed() < Duration::from_secs(2), "the place is taken");
    }
    assert_eq!(server.get("/healthz").0, 200);
    assert_eq!(server.get("/v1/proofs/none").0, 404);
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    let (status, job) = server.post("/v1/prove", &request(4));
    assert_eq!(status, 202, "{job}");
    assert_eq!(server.done(job["id"].as_str().unwrap())["state"], "proven");
    // Nor does one keep the service from stopping.
    let _slow = stalled();
    assert_eq!(server.stop(), 0);
}

/// A job that is done or waits can be forgotten, and then asked for anew; one under way cannot.
#[test]
fn jobs_are_forgotten_when_clients_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "lenet");
    let server = Server::start(&model, &[]);
    let body = |k: usize| {
        let x: Vec<f64> = (0..1024).map(|i| ((i * 23 + k * 19) % 79) as f64 / 39.0 - 1.0).collect();
        json!({ "inputs": { "image": x } }).to_string()
    };
    let paths: Vec<String> = (0..6)
        .map(|k| format!("/v1/proofs/{}", server.post("/v1/prove", &body(k)).1["id"].as_str().unwrap()))
        .collect();
    // The last has not begun: four are before it.
    assert_eq!(server.delete(&paths[5]).0, 204);
    assert_eq!(server.get(&paths[5]).0, 404);
    let seen_under_way = paths[..5].iter().any(|path| {
        while server.get(path).1["state"] == "queued" {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (status, said) = server.delete(path);
        match status {
            409 => assert!(said.contains("is under way"), "{said}"),
            _ => assert_eq!(status, 204, "{said}"),
        }
        status == 409
    });
    assert!(seen_under_way);
    for path in &paths {
        if server.get(path).0 == 404 {
            assert_eq!(server.delete(path).0, 404);
            continue;
        }
        assert_eq!(server.done(path.rsplit('/').next().unwrap())["state"], "proven");
        assert_eq!(server.delete(path).0, 204);
    }
    assert_eq!(server.get("/healthz").1["waiting"], 0);
    assert_eq!(server.post("/v1/prove", &body(0)).0, 202);
    assert_eq!(server.stop(), 0);
}

/// Killed while it proves, and started again: what was accepted is proven, what was proven is not proven again.
#[test]
fn a_kill_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "lenet");
    let body = |k: usize| {
        let x: Vec<f64> = (0..1024).map(|i| ((i * 29 + k * 17) % 83) as f64 / 41.0 - 1.0).collect();
        json!({ "inputs": { "image": x } }).to_string()
    };
    let mut server = Server::start(&model, &[]);
    let ids: Vec<String> =
        (0..5).map(|k| server.post("/v1/prove", &body(k)).1["id"].as_str().unwrap().to_owned()).collect();
    let first = server.done(&ids[0]);
    // At once, without a word: SIGKILL. The second is under way.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    drop(server);
    assert!(Path::new(&format!("{model}/jobs.redb")).exists());

    let server = Server::start(&model, &[]);
    for id in &ids {
        assert_eq!(server.done(id)["state"], "proven");
    }
    assert_eq!(server.done(&ids[0])["prove_ms"], first["prove_ms"]);
    assert_eq!(server.get("/healthz").1["waiting"], 0);
    assert_eq!(server.stop(), 0);
}

#[test]
fn only_a_models_folder_is_served() {
    assert_eq!(code(&["serve", "--model", &data("mlp.onnx")]).0, 2);
}

//! `zkml serve`: proofs over HTTP.
//!
//! ```text
//! POST /v1/prove          {"inputs": {name: [numbers]}}            202 {"id", "state", ..}, 429 when the queue is full
//! GET  /v1/proofs/{id}    200 {"id", "state": "queued" | "proving" | "proven" | "failed", ..}, with proof and statement once there
//! DELETE /v1/proofs/{id}  204 once it is forgotten, 409 while its proof is under way
//! POST /v1/verify         {"statement": base-16, "proof": base-16}  200 {"verified": true | false, ..}
//! GET  /healthz           200
//! ```
//!
//! A job is in the store before it is answered, and its proof before it is said to be proven. Jobs that a stop left undone are taken up
//! again; the id of a job is the hash of the key's digest and the inputs, so the same request is the same job: nothing is proven
//! twice.
//!
//! Memory is bounded: by `--at-once` requests of `--max-body` bytes. Time is too: a request that does not come within `--patience` is
//! answered 408.
//!
//! * `store`: jobs on disk; `worker`: the one thread that proves; `routes`: requests.

mod routes;
mod store;
mod worker;

use crate::args::{Serve, Source};
use crate::failure::{Code, Failure, Outcome};
use crate::model::Model;
use crate::output::Output;
use serde_json::json;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::sync::{watch, Notify, Semaphore};
use zkml_dsl::engine::AcceptedLevel;
use zkml_dsl::DynamicModel;
use zkml_runtime::artifact::Verifier;

/// What requests and the worker share.
pub struct Service {
    pub model: DynamicModel,
    pub verifier: Verifier,
    pub store: Store,
    /// Jobs that may wait.
    pub queue: usize,
    /// Requests with a body that may be under way: what they hold in memory is bounded.
    pub at_once: Semaphore,
    /// For one request.
    pub patience: Duration,
    pub token: Option<String>,
    /// Wakes the worker.
    pub work: std::sync::Condvar,
    pub stopping: std::sync::Mutex<bool>,
}

pub fn run(a: &Serve, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &Source::default())?;
    if !matches!(model, Model::Folder { .. }) {
        return Err(Failure::usage("serve takes the folder of a model: `zkml setup` writes one"));
    }
    let token = match &a.token {
        Some(path) => {
            Some(std::fs::read_to_string(path).map_err(|e| Failure::file(path, e))?.trim().to_owned())
        }
        None => std::env::var("ZKML_TOKEN").ok(),
    };
    if token.as_deref() == Some("") {
        return Err(Failure::input("the token is empty"));
    }
    let (ready, _) = model.set_up(None, None, &a.place)?;
    let key = ready.verifier_key();
    // Whoever started the service chose the level.
    let accepted = AcceptedLevel::from(key.data().level);
    let verifier = key.portable(ready.graph())?.verifier(key.certificate(), accepted)?;
    let path = a.store.clone().unwrap_or_else(|| a.model.join("jobs.redb"));
    let store = Store::open(&path).map_err(|e| Failure::file(&path, e))?;
    let service = Arc::new(Service {
        model: ready,
        verifier,
        store,
        queue: a.queue.get(),
        at_once: Semaphore::new(a.at_once.get()),
        patience: Duration::from_secs(a.patience.get()),
        token,
        work: std::sync::Condvar::new(),
        stopping: std::sync::Mutex::new(false),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let worker = {
        let service = service.clone();
        std::thread::Builder::new().name("prover".into()).spawn(move || worker::run(&service))?
    };
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(a.listen)
            .await
            .map_err(|e| Failure::new(Code::Resources, format_args!("cannot listen on {}: {e}", a.listen)))?;
        let address = listener.local_addr()?;
        output.result(
            &json!({ "listening": address.to_string(), "model": service.model.graph().name }),
            || format!("{} on http://{address}\n", service.model.graph().name),
        );
        let app = routes::app(service.clone(), a.max_body);
        let (stop, mut stopping) = watch::channel(false);
        tokio::spawn(async move {
            stopped().await;
            let _ = stop.send(true);
        });
        let mut late = stopping.clone();
        let begun = async move { drop(stopping.wait_for(|stop| *stop).await) };
        tokio::select! {
            served = axum::serve(listener, app).with_graceful_shutdown(begun).into_future() => served?,
            // A client that never finishes its request does not keep the service.
            () = async { drop(late.wait_for(|stop| *stop).await); tokio::time::sleep(service.patience).await } => {}
        }
        Ok::<_, Failure>(())
    });
    runtime.shutdown_timeout(service.patience);
    // The proof under way is finished, what waits stays in the store.
    *service.stopping.lock().unwrap_or_else(|e| e.into_inner()) = true;
    service.work.notify_all();
    let _ = worker.join();
    served
}

/// An interrupt or a request to terminate.
async fn stopped() {
    let stop = Arc::new(Notify::new());
    let interrupt = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => stop.notified().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = stop.notified();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

//! Requests and answers.

use super::store::{Added, Job, Removed, State as JobState};
use super::Service;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{header, HeaderValue, Method, StatusCode};
use axum::middleware::{from_fn_with_state, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use blake2::{Blake2s256, Digest};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use zkml_dsl::engine::{Proof, StatementFile};
use zkml_ir::tensor::IntTensor;

type Shared = Arc<Service>;

pub fn app(service: Shared, max_body: usize) -> Router {
    let guarded = Router::new()
        .route("/v1/prove", post(prove))
        .route("/v1/proofs/{id}", get(proof).delete(forget))
        .route("/v1/verify", post(verify))
        .layer(from_fn_with_state(service.clone(), admitted))
        .layer(from_fn_with_state(service.clone(), authorised))
        .layer(DefaultBodyLimit::max(max_body));
    Router::new().route("/healthz", get(health)).merge(guarded).with_state(service)
}

/// An answer that is no success: a status, and what was expected.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(json!({ "error": self.1 }))).into_response();
        if self.0 == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn bad(message: impl std::fmt::Display) -> Refused {
    Refused(StatusCode::BAD_REQUEST, message.to_string())
}

impl From<super::store::StoreError> for Refused {
    fn from(e: super::store::StoreError) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, e.to_string())
    }
}

/// The token, if there is one. It is compared in a time that does not say how much of it was right.
async fn authorised(State(service): State<Shared>, request: Request, next: Next) -> Response {
    let Some(token) = &service.token else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let given = given.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default().as_bytes();
    let token = token.as_bytes();
    let differ = token
        .iter()
        .enumerate()
        .fold(given.len() ^ token.len(), |d, (i, b)| d | usize::from(b ^ given.get(i).copied().unwrap_or(0)));
    match differ {
        0 => next.run(request).await,
        _ => {
            let mut refused =
                Refused(StatusCode::UNAUTHORIZED, "expected `Authorization: Bearer TOKEN`".into())
                    .into_response();
            refused.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            refused
        }
    }
}

/// One of the requests that are read at once, for as long as it may take. Those without a body always are.
async fn admitted(State(service): State<Shared>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let Ok(_permit) = service.at_once.try_acquire() else {
        return Refused(StatusCode::TOO_MANY_REQUESTS, "too many requests at once; try again later".into())
            .into_response();
    };
    match tokio::time::timeout(service.patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = service.patience.as_secs();
            Refused(StatusCode::REQUEST_TIMEOUT, format!("the request took longer than {seconds} s"))
                .into_response()
        }
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    model: String,
    digest: String,
    waiting: usize,
}

async fn health(State(service): State<Shared>) -> Result<Json<Health>, Refused> {
    Ok(Json(Health {
        status: "ok",
        model: service.model.graph().name.clone(),
        digest: hex::encode(service.model.verifier_key().data().key.digest),
        waiting: service.store.waiting()?,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProveRequest {
    /// Row-major real numbers by the names of the model's inputs.
    inputs: BTreeMap<String, Vec<f32>>,
}

async fn prove(State(service): State<Shared>, body: Bytes) -> Result<Response, Refused> {
    let request: ProveRequest = serde_json::from_slice(&body).map_err(bad)?;
    let inputs = integers(&service, &request.inputs)?;
    let id = id_of(&service, &inputs);
    let job = Job {
        state: JobState::Queued,
        inputs: inputs.iter().map(IntTensor::to_vec).collect(),
        outputs: None,
        statement: None,
        proof: None,
        error: None,
        prove_ms: None,
        attempts: 0,
    };
    let blocking = service.clone();
    let at = id.clone();
    let added = tokio::task::spawn_blocking(move || blocking.store.add(&at, &job, blocking.queue)).await;
    let added = added.map_err(|e| Refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))??;
    Ok(match added {
        Added::Full => Refused(StatusCode::TOO_MANY_REQUESTS, "the queue is full; try again later".into())
            .into_response(),
        Added::There(job) => (StatusCode::OK, Json(said(&id, &job))).into_response(),
        Added::New => {
            service.work.notify_all();
            (StatusCode::ACCEPTED, Json(json!({ "id": id, "state": "queued" }))).into_response()
        }
    })
}

/// The model's inputs in its units.
fn integers(service: &Service, given: &BTreeMap<String, Vec<f32>>) -> Result<Vec<IntTensor>, Refused> {
    let ports = &service.model.graph().inputs;
    if let Some(name) = given.keys().find(|n| !ports.iter().any(|p| p.name == **n)) {
        let there: Vec<&str> = ports.iter().map(|p| p.name.as_str()).collect();
        return Err(bad(format_args!("there is no input `{name}`; there are {}", there.join(", "))));
    }
    let port = |p: &zkml_ir::graph::Port| {
        let values = given.get(&p.name).ok_or_else(|| bad(format_args!("input `{}` is missing", p.name)))?;
        service.model.to_units(&p.name, values).map_err(bad)
    };
    ports.iter().map(port).collect()
}

/// The same inputs of the same model are the same job.
fn id_of(service: &Service, inputs: &[IntTensor]) -> String {
    let mut bytes = service.model.verifier_key().data().key.digest.to_vec();
    for x in inputs {
        bytes.extend((x.len() as u64).to_le_bytes());
        bytes.extend(x.to_vec().iter().flat_map(|v| v.to_le_bytes()));
    }
    hex::encode(Blake2s256::digest(&bytes))
}

/// A job as it is answered.
fn said(id: &str, job: &Job) -> Value {
    let state = match (job.state, job.attempts) {
        (JobState::Queued, 0) => "queued",
        (JobState::Queued, _) => "proving",
        (JobState::Proven, _) => "proven",
        (JobState::Failed, _) => "failed",
    };
    json!({
        "id": id, "state": state, "error": job.error, "prove_ms": job.prove_ms, "outputs": job.outputs,
        "statement": job.statement, "proof": job.proof,
    })
}

async fn proof(State(service): State<Shared>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    match service.store.get(&id)? {
        Some(job) => Ok(Json(said(&id, &job))),
        None => Err(unknown(&id)),
    }
}

/// For a client who has its proof, or does not want it any more.
async fn forget(State(service): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    let at = id.clone();
    let removed = tokio::task::spawn_blocking(move || service.store.remove(&at)).await;
    match removed.map_err(|e| Refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?? {
        Removed::Gone => Ok(StatusCode::NO_CONTENT),
        Removed::UnderWay => {
            Err(Refused(StatusCode::CONFLICT, format!("the proof of job `{id}` is under way")))
        }
        Removed::Unknown => Err(unknown(&id)),
    }
}

fn unknown(id: &str) -> Refused {
    Refused(StatusCode::NOT_FOUND, format!("there is no job `{id}`"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    /// Files in base 16.
    statement: String,
    proof: String,
}

async fn verify(State(service): State<Shared>, body: Bytes) -> Result<Json<Value>, Refused> {
    let request: VerifyRequest = serde_json::from_slice(&body).map_err(bad)?;
    let decode = |what: &str, text: &str| hex::decode(text).map_err(|e| bad(format_args!("{what}: {e}")));
    let statement = StatementFile::from_bytes(&decode("statement", &request.statement)?).map_err(bad)?;
    let proof = Proof::from_bytes(&decode("proof", &request.proof)?).map_err(bad)?;
    let verified = tokio::task::spawn_blocking(move || {
        service.verifier.verify(&statement.statement, &proof).map_err(|e| e.to_string())
    })
    .await;
    let verified = verified.map_err(|e| Refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
    Ok(Json(match verified {
        Ok(()) => json!({ "verified": true }),
        Err(e) => json!({ "verified": false, "error": e }),
    }))
}

//! Leases a key, calls the provider with it, and tells keylease what the provider answered.

use std::error::Error;
use std::time::{Duration, SystemTime};

use contract::keylease::v1::key_lease_service_client::KeyLeaseServiceClient;
use contract::keylease::v1::{AcquireKeyRequest, Credential, ReportHeadersRequest};
use serde_json::json;
use tonic::Request;
use ureq::http::Response;

mod contract {
    tonic::include_proto!("contract");
}

const MODEL: &str = "claude-sonnet-5";
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [server, url] = arguments()?;
    let mut keylease = KeyLeaseServiceClient::connect(format!("http://{server}")).await?;

    let granted = keylease
        .acquire_key(within_deadline(AcquireKeyRequest {
            model: MODEL.into(),
            estimated_input_tokens: Some(10),
            estimated_output_tokens: Some(64),
            ..Default::default()
        }))
        .await?
        .into_inner();
    let lease = granted.lease.ok_or("no lease")?;
    let credential = granted.credential.ok_or("no credential")?;
    println!("leased key {} of pool {}", lease.key_id, lease.pool);

    // Settled whatever happens: a call without a response is reported as status 0.
    let mut report = ReportHeadersRequest {
        lease_id: lease.lease_id,
        request_time: Some(SystemTime::now().into()),
        ..Default::default()
    };
    match call(&url, &credential) {
        Ok(mut response) => {
            report.response_time = Some(SystemTime::now().into());
            report.status_code = response.status().as_u16().into();
            report.headers = response
                .headers()
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.to_string(), value.to_str().ok()?.to_string()))
                })
                .collect();
            if response.status().is_client_error() || response.status().is_server_error() {
                report.error_body = response.body_mut().read_to_string()?;
            }
            println!("the provider answered {}", report.status_code);
        }
        Err(error) => println!("the provider did not answer: {error}"),
    }
    let told = keylease
        .report_headers(within_deadline(report))
        .await?
        .into_inner();
    let state = told
        .lease
        .as_ref()
        .map(|lease| lease.state().as_str_name())
        .unwrap_or_default();
    let verdict = told.verdict().as_str_name();
    println!(
        "the lease is {}, the verdict {}",
        state.trim_start_matches("LEASE_STATE_"),
        verdict.trim_start_matches("VERDICT_")
    );
    Ok(())
}

/// One request with the leased credential, which goes nowhere else: redirects are not followed.
fn call(url: &str, credential: &Credential) -> Result<Response<ureq::Body>, ureq::Error> {
    let mut request = ureq::post(url)
        .config()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .header(&credential.header_name, &credential.header_value);
    for (name, value) in &credential.headers {
        request = request.header(name, value);
    }
    let message = json!({ "role": "user", "content": "Say hello." });
    request.send_json(json!({ "model": MODEL, "max_tokens": 64, "messages": [message] }))
}

fn within_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

fn arguments() -> Result<[String; 2], Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    given
        .try_into()
        .map_err(|_| "usage: keylease-example HOST:PORT PROVIDER_URL".into())
}

//! Who receives OTLP in a test, whatever is exported: over HTTP as protobuf, or over gRPC.

use axum::body::Bytes;
use axum::routing::{MethodRouter, post};
use prost::Message;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use crate::loopback::Loopback;

/// Answers exports over HTTP by what this says of each.
pub(crate) fn http<Q, A>(take: impl Fn(Q) -> A + Clone + Send + Sync + 'static) -> MethodRouter
where
    Q: Message + Default + 'static,
    A: Message + 'static,
{
    post(async move |body: Bytes| {
        let request = Q::decode(body).expect("an exporter sends what OTLP defines");
        ([("content-type", "application/x-protobuf")], take(request).encode_to_vec())
    })
}

/// Serves these services over gRPC on a free loopback port.
pub(crate) fn grpc(services: Routes) -> Loopback {
    Loopback::run(async move |listener| {
        let server = tonic::transport::Server::builder().add_routes(services);
        server.serve_with_incoming(TcpIncoming::from(listener)).await.expect("it serves until it is dropped");
    })
}

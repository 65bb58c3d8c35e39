//! Asks a listener, as a probe does.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::tls::{TlsError, certificates, provider};

/// How long an answer may take: one that takes longer than the root of the tree may is none.
const ANSWER: Duration = Duration::from_secs(5);

/// How much of an answer is read, in bytes: states are one word behind some headers.
const BYTES_MAX: u64 = 16 << 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers there.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Nothing came in time.
    #[error("no answer within {} s", ANSWER.as_secs())]
    Silent,
    /// What came is no HTTP.
    #[error("what answers does not speak HTTP")]
    NoHttp,
    /// The certificate that is expected cannot be read.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Rustls(#[from] Error),
}

/// The status and the body of the answer to `GET path`. With a file of a certificate it speaks TLS, with who shows that
/// certificate and no other.
///
/// # Errors
/// When there is no answer.
pub async fn ask(address: SocketAddr, path: &str, certificate: Option<&Path>) -> Result<(u16, String), AskError> {
    let answer = async {
        let stream = TcpStream::connect(address).await?;
        match certificate {
            None => converse(stream, address, path).await,
            Some(certificate) => {
                let name = ServerName::from(address.ip());
                let stream = connector(certificate)?.connect(name, stream).await?;
                converse(stream, address, path).await
            }
        }
    };
    timeout(ANSWER, answer).await.unwrap_or(Err(AskError::Silent))
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    path: &str,
) -> Result<(u16, String), AskError> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(BYTES_MAX).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(AskError::NoHttp)?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    Ok((status.ok_or(AskError::NoHttp)?, body.to_owned()))
}

fn connector(certificate: &Path) -> Result<TlsConnector, AskError> {
    let expected = certificates(certificate)?.swap_remove(0);
    let verifier = Arc::new(Same { expected, provider: provider() });
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Takes one certificate, which is known, whoever vouches for it and until when.
#[derive(Debug)]
struct Same {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Same {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let is_same = self.expected.as_ref() == shown.as_ref();
        is_same.then(ServerCertVerified::assertion).ok_or(CertificateError::UnknownIssuer.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

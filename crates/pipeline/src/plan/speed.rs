//! How fast texts are embedded: measured on some of them, by as many calls at once as the Embedder makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio_util::sync::CancellationToken;
use warmer_embedding::{EmbedError, Embedding, Provider, ask};

/// Texts that are embedded at least, as far as there are so many.
const TEXTS_LEAST: usize = 8;

/// After this time, and so many texts, it is enough.
const TIME_MOST: Duration = Duration::from_secs(3);

/// What a look at the speed gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Tokens that are embedded in a second.
    pub tokens_per_second: f64,
    /// Texts that were embedded for it.
    pub texts: usize,
}

/// Embeds some of these texts, `workers` at a time, for a few seconds. Nothing of it is kept; what the provider has to
/// open before its first text is not measured.
///
/// # Errors
/// When the provider cannot embed, or not within `deadline`.
pub async fn measure_speed(
    provider: &Arc<dyn Provider>,
    texts: &[String],
    workers: usize,
    deadline: Duration,
) -> Result<Speed, EmbedError> {
    let measured = async {
        for opened in join_all(texts.iter().take(workers).map(|text| embed(provider, text))).await {
            usable(opened)?;
        }
        let (next, began) = (AtomicUsize::new(0), Instant::now());
        let worker = async || {
            let (mut tokens, mut made) = (0, 0);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(text) = texts.get(number).filter(|_| number < TEXTS_LEAST || began.elapsed() < TIME_MOST)
                else {
                    return Ok((tokens, made));
                };
                tokens += usable(embed(provider, text).await)?;
                made += 1;
            }
        };
        let done = join_all((0..workers.max(1)).map(|_| worker())).await;
        let done = done.into_iter().collect::<Result<Vec<(u64, usize)>, EmbedError>>()?;
        let (tokens, texts) = done.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Ok(Speed { tokens_per_second: tokens as f64 / began.elapsed().as_secs_f64(), texts })
    };
    let late =
        || EmbedError::Retry { why: format!("no answer within {}", warmer_settings::duration(deadline)), after: None };
    tokio::time::timeout(deadline, measured).await.unwrap_or_else(|_| Err(late()))
}

async fn embed(provider: &Arc<dyn Provider>, text: &str) -> Result<Embedding, EmbedError> {
    let mut made = ask(provider.as_ref(), vec![text.to_owned()], CancellationToken::new()).await;
    made.pop().unwrap_or(Err(EmbedError::Stopped))
}

/// Its tokens. A text that cannot be embedded says nothing about the others.
fn usable(made: Result<Embedding, EmbedError>) -> Result<u64, EmbedError> {
    match made {
        Ok(made) => Ok(made.tokens),
        Err(EmbedError::Text(_)) => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use warmer_content::{Digest, EmbeddingId, Vector};
    use warmer_embedding::CallLimits;

    use super::*;

    /// Embeds what says how many tokens it has; what it is told to say of anything else.
    struct Told(EmbedError);

    #[async_trait]
    impl Provider for Told {
        fn embedding_id(&self) -> EmbeddingId {
            EmbeddingId(Digest::of(b"told"))
        }

        fn dimensions(&self) -> Option<usize> {
            None
        }

        fn limits(&self) -> CallLimits {
            CallLimits { texts: 1, size: u64::MAX }
        }

        fn uploads(&self) -> bool {
            false
        }

        async fn embed(&self, texts: Vec<String>, _: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
            let made = |text: &String| match text.parse() {
                Ok(tokens) => Ok(Embedding { vector: Vector::normalized(&[1.0]), tokens }),
                Err(_) => Err(self.0.clone()),
            };
            texts.iter().map(made).collect()
        }
    }

    async fn measured(says: EmbedError, texts: &[&str]) -> Result<Speed, EmbedError> {
        let (provider, texts): (Arc<dyn Provider>, Vec<_>) =
            (Arc::new(Told(says)), texts.iter().map(ToString::to_string).collect());
        measure_speed(&provider, &texts, 2, Duration::from_secs(60)).await
    }

    #[tokio::test]
    async fn every_text_of_a_small_sample_is_measured_once_and_one_that_fails_counts_nothing() {
        let bad = EmbedError::Text("odd".to_owned());
        let speed = measured(bad.clone(), &["3", "odd", "4"]).await.unwrap();
        assert!(speed.texts == 3 && speed.tokens_per_second > 0.0, "{speed:?}");
        let nothing = measured(bad, &["odd"]).await.unwrap();
        assert!(nothing.texts == 1 && nothing.tokens_per_second == 0.0, "{nothing:?}");
    }

    #[tokio::test]
    async fn a_provider_that_cannot_embed_is_no_speed() {
        let unfit = EmbedError::Unfit("no runtime".to_owned());
        assert_eq!(measured(unfit.clone(), &["3", "odd"]).await, Err(unfit));
    }
}
